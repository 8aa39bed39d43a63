# oras has no types.
# pyright: reportMissingTypeStubs=false
"""HTTP to one registry: every request is tried once, authenticated, and ends in time."""

from __future__ import annotations

import functools
import logging
import ssl
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from oras.container import Container
from oras.provider import Registry
from requests import PreparedRequest, RequestException
from requests import Response as Response  # noqa: PLC0414 - for those who must not import requests
from requests.adapters import HTTPAdapter

from evalhub.errors import ArtifactError
from evalhub.oci._reference import split_scheme
from evalhub.oci._registry.answers import failure, is_untrusted, lasting, said
from evalhub.oci._registry.auth import Auth
from evalhub.oci._registry.credentials import DOCKER_HUB, find_credentials
from evalhub.wire.identity import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from evalhub.oci._reference import Reference
    from evalhub.oci._registry.access import Access

__all__ = ["Response", "Transport"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
_PROBE_TIMEOUT = 5.0
"""Long enough for a handshake; some servers wait for the rest of what is not HTTP."""

_SLOWEST = 10 << 20
"""Bytes a registry is trusted to check and store in a second, after it has received them."""

_RENEWALS = 2
"""A challenge may be answered twice: another thread's token may be for less than is needed."""

_CONNECTIONS = 8
_HINTS = {413: "; it does not take files this large", 507: "; its disk is full"}
_HEADERS = {"User-Agent": "eval-hub-sdk", "Accept-Encoding": "identity"}


class Transport(Registry):  # type: ignore[misc] # oras has no types
    """The registry of oras, with timeouts, one attempt for each request, and its own credentials.

    Args:
        place: The repository everything is about.
        access: How its registry is reached, and as whom.
    """

    def __init__(self, place: Reference, access: Access) -> None:
        target = access.proxy_host or place.host
        scheme, host = split_scheme(target)
        self.host = _api_host(host)
        super().__init__(hostname=self.host, tls_verify=not access.insecure)
        self.place = place
        self._access = access
        self._credentials = find_credentials(access, place)
        self.container = _container(place, self.host)
        self._prepare_session(access.ca_bundle_path)
        self.prefix = scheme or place.scheme or ("http" if access.proxy_host else self._probe())
        self._warn()
        self.auth = Auth(
            self._credentials,
            secure=self.prefix == "https" and not access.insecure,
            request=functools.partial(self._send, timeout=READ_TIMEOUT),
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port of the registry."""
        return f"{self.prefix}://{self.host}"

    def blob_url(self, digest: str) -> str:
        """Return where a blob is."""
        return f"{self.prefix}://{self.container.get_blob_url(digest)}"

    def uploads_url(self) -> str:
        """Return where uploads begin."""
        return f"{self.prefix}://{self.container.upload_blob_url()}"

    def manifest_url(self, reference: str) -> str:
        """Return where the manifest with a tag or digest is."""
        return f"{self.prefix}://{self.container.manifest_url(reference)}"

    def location(self, response: Response) -> str:
        """Return the `Location` of an answer.

        Raises:
            ArtifactError: There is none.
        """
        location = response.headers.get("Location")
        if not location:
            raise ArtifactError("the registry did not say where to upload to")
        url = urlsplit(urljoin(response.request.url or self.origin, location))
        ours = urlsplit(self.origin)
        if url.hostname == ours.hostname:
            # A registry behind a proxy often names itself by the proxy's inner scheme or port.
            url = url._replace(scheme=ours.scheme, netloc=ours.netloc)
        return url.geturl()

    def do_request(
        self,
        url: str,
        method: str = "GET",
        data: Any = None,
        headers: dict[str, str] | None = None,
        json: Any = None,
        stream: bool = False,
        *,
        params: dict[str, str] | None = None,
    ) -> Response:
        """Send a request once, and again only to answer a challenge.

        Raises:
            TransientError: There was no answer.
            ArtifactError: There never will be one.
        """
        send = functools.partial(
            self._send, method, url, data=data, json=json, stream=stream, params=params
        )
        timeout = READ_TIMEOUT + _length(data) / _SLOWEST
        if not url.startswith(f"{self.origin}/"):
            # Storage on another host gets no credentials of this one.
            return send(headers=headers or {}, timeout=timeout)
        response = send(headers={**(headers or {}), **self.auth.get_auth_header()}, timeout=timeout)
        for _ in range(_RENEWALS):
            if response.status_code != HTTPStatus.UNAUTHORIZED:
                break
            renewed, changed = self.auth.authenticate_request(response, headers or {})
            if not changed:
                break
            response.close()
            response = send(headers=renewed, timeout=timeout)
        return response

    def refusal(self, response: Response, what: str) -> ArtifactError:
        """Return the error an answer stands for; a transient one is raised.

        Raises:
            TransientError: Another attempt may be answered differently.
        """
        status = lasting(response, what).status_code
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return ArtifactError(f"{what}: {self._not_allowed(response)}")
        hint = _HINTS.get(status, "")
        return ArtifactError(f"{what}: the registry answered {status}{said(response)}{hint}")

    def _not_allowed(self, response: Response) -> str:
        status, details = response.status_code, said(response)
        who, host = self._credentials, self.place.host
        if self._access.proxy_host:
            return f"the registry does not let the sidecar do that ({status}{details})"
        # A valid token that is not for this is answered with 401, too.
        scope = "insufficient_scope" in response.headers.get("WWW-Authenticate", "")
        if who and (status == HTTPStatus.FORBIDDEN or scope):
            what = f"{who.name} is not allowed to do that in {self.place.repository}"
            return f"{what} ({status}{details})"
        return f"{who.refused_by(host)} ({status}{details})"

    def _prepare_session(self, ca_bundle: Path | None) -> None:
        adapter = _Adapter(None if self._access.insecure else _trust(ca_bundle))
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.session.trust_env = not _is_loopback(self.host)
        self._surroundings: dict[str, Any] = self.session.merge_environment_settings(
            f"https://{self.host}", {}, None, self._tls_verify, None
        )

    def _probe(self) -> str:
        """Return the scheme of a registry that may speak plain HTTP: one of ours, or insecure."""
        if not (self._access.insecure or _is_loopback(self.host)):
            return "https"
        try:
            self._request(
                "GET", f"https://{self.host}/v2/", timeout=_PROBE_TIMEOUT, connect=_PROBE_TIMEOUT
            )
        except RequestException as error:
            return "https" if is_untrusted(error) else "http"
        return "https"

    def _warn(self) -> None:
        if _is_loopback(self.host):
            return
        if self.prefix == "http":
            _warn_once(self.host, "is reached without encryption")
        elif self._access.insecure:
            _warn_once(self.host, "is reached without checking its certificate")

    def _send(self, method: str, url: str, **options: Any) -> Response:
        try:
            return self._request(method, url, **options)
        except RequestException as error:
            raise failure(error, urlsplit(url).netloc) from None

    def _request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
        connect: float = CONNECT_TIMEOUT,
        headers: Mapping[str, str] = MappingProxyType({}),
        stream: bool = False,
        **content: Any,
    ) -> Response:
        # `Session.request` would read the environment again for each request, and take
        # credentials from ~/.netrc instead of ours.
        request = PreparedRequest()
        request.prepare(method=method, url=url, headers={**_HEADERS, **headers}, **content)
        response: Response = self.session.send(
            request,
            timeout=(connect, timeout),
            stream=stream,
            # A body that is streamed from a file is sent once.
            allow_redirects=method in {"GET", "HEAD"},
            proxies=self._surroundings["proxies"],
            verify=self._surroundings["verify"],
        )
        return response


class _Adapter(HTTPAdapter):
    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        super().init_poolmanager(*args, **kwargs)


def _trust(ca_bundle: Path | None) -> ssl.SSLContext | None:
    if ca_bundle is None:
        return None
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ArtifactError(f"cannot use the certificates in {ca_bundle}: {error}") from None
    return context


def _container(place: Reference, host: str) -> Container:
    container = Container(f"{host}/{place.repository}", registry=host)
    # oras takes a first segment without a dot for a part of the repository.
    container.registry, container.namespace = host, None
    container.repository = place.repository
    return container


def _api_host(host: str) -> str:
    return f"registry-1.{DOCKER_HUB}" if host in {DOCKER_HUB, f"index.{DOCKER_HUB}"} else host


def _is_loopback(host: str) -> bool:
    return is_loopback(urlsplit(f"//{host}").hostname or "")


@functools.cache
def _warn_once(host: str, how: str) -> None:
    logger.warning("the registry %s %s", host, how)


def _length(data: Any) -> int:
    return len(data) if hasattr(data, "__len__") else 0
