# oras has no types.
# pyright: reportMissingTypeStubs=false
"""HTTP requests to one registry: authenticated, with timeouts, one attempt each."""

from __future__ import annotations

import functools
import logging
import ssl
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from oras.container import Container
from oras.provider import Registry
from requests import PreparedRequest, RequestException
from requests import Response as Response  # noqa: PLC0414 - for modules that use its type
from requests.adapters import HTTPAdapter

from evalhub.errors import ArtifactError
from evalhub.oci._reference import split_scheme
from evalhub.oci._registry.auth import Auth
from evalhub.oci._registry.credentials import DOCKER_HUB, find_credentials
from evalhub.oci._registry.errors import (
    error_detail,
    is_untrusted,
    raise_if_transient,
    request_error,
)
from evalhub.oci._registry.threads import call_interruptibly
from evalhub.wire.identity import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evalhub.oci._reference import Reference
    from evalhub.oci._registry.access import Access

__all__ = ["Response", "Transport"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
_PROBE_TIMEOUT = 5.0
"""Long enough for a handshake; a plain HTTP server may wait for more after a TLS hello."""

_STORE_RATE = 10 << 20
"""Bytes per second that a registry needs at least to verify and store what it has received."""

_AUTH_ATTEMPTS = 2
"""The first token may be another thread's, whose scope is too narrow."""

_CONNECTIONS = 8
_HINTS = {413: "; it does not accept files of this size", 507: "; its disk is full"}
_HEADERS = {"User-Agent": "eval-hub-sdk", "Accept-Encoding": "identity"}


class Transport(Registry):  # type: ignore[misc] # oras has no types
    """The registry of oras, with timeouts, one attempt for each request, and its own credentials.

    Args:
        reference: The repository.
        access: How its registry is reached, and with which credentials.
    """

    def __init__(self, reference: Reference, access: Access) -> None:
        target = access.proxy_host or reference.host
        scheme, host = split_scheme(target)
        self.host = _api_host(host)
        super().__init__(hostname=self.host, tls_verify=not access.insecure)
        self.reference = reference
        self._access = access
        self._credentials = find_credentials(access, reference)
        self.container = _container(reference, self.host)
        self._prepare_session(access.ca_bundle_path)
        self.prefix = scheme or reference.scheme or ("http" if access.proxy_host else self._probe())
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
        """Return the URL of a blob."""
        return f"{self.prefix}://{self.container.get_blob_url(digest)}"

    def uploads_url(self) -> str:
        """Return the URL that starts an upload session."""
        return f"{self.prefix}://{self.container.upload_blob_url()}"

    def manifest_url(self, reference: str) -> str:
        """Return the URL of the manifest with a tag or digest."""
        return f"{self.prefix}://{self.container.manifest_url(reference)}"

    def location(self, response: Response) -> str:
        """Return the URL in the `Location` header of a response.

        Raises:
            ArtifactError: The header is missing.
        """
        location = response.headers.get("Location")
        if not location:
            raise ArtifactError("the registry gave no Location for the upload")
        url = urlsplit(urljoin(response.request.url or self.origin, location))
        ours = urlsplit(self.origin)
        if url.hostname == ours.hostname:
            # A registry behind a proxy often gives the scheme or port behind the proxy.
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
        """Send a request once, and again only to answer an authentication challenge.

        Raises:
            TransientError: There was no response, but another attempt may get one.
            ArtifactError: There was no response, and another attempt would get none.
        """
        send = functools.partial(
            self._send, method, url, data=data, json=json, stream=stream, params=params
        )
        timeout = READ_TIMEOUT + _length(data) / _STORE_RATE
        if not url.startswith(f"{self.origin}/"):
            # The registry's credentials must not go to storage on another host.
            return send(headers=headers or {}, timeout=timeout)
        response = send(headers={**(headers or {}), **self.auth.get_auth_header()}, timeout=timeout)
        for _ in range(_AUTH_ATTEMPTS):
            if response.status_code != HTTPStatus.UNAUTHORIZED:
                break
            renewed, changed = self.auth.authenticate_request(response, headers or {})
            if not changed:
                break
            response.close()
            response = send(headers=renewed, timeout=timeout)
        return response

    def refusal(self, response: Response, action: str) -> ArtifactError:
        """Return the error for a response that refuses a request.

        Raises:
            TransientError: Another attempt may succeed.
        """
        status = raise_if_transient(response, action).status_code
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return ArtifactError(f"{action}: {self._permission_detail(response)}")
        detail = f"{error_detail(response)}{_HINTS.get(status, '')}"
        return ArtifactError(f"{action}: the registry answered {status}{detail}")

    def _permission_detail(self, response: Response) -> str:
        status, detail = response.status_code, error_detail(response)
        credentials, host = self._credentials, self.reference.host
        if self._access.proxy_host:
            return f"the registry refused the sidecar ({status}{detail})"
        # Some registries answer 401 to a valid token with too narrow a scope.
        scope = "insufficient_scope" in response.headers.get("WWW-Authenticate", "")
        if credentials and (status == HTTPStatus.FORBIDDEN or scope):
            repository = self.reference.repository
            return f"{credentials.name} lacks permission in {repository} ({status}{detail})"
        return f"{credentials.refused_by(host)} ({status}{detail})"

    def _prepare_session(self, ca_bundle: Path | None) -> None:
        adapter = _Adapter(None if self._access.insecure else _trust(ca_bundle))
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.session.trust_env = not _is_loopback(self.host)
        self._environment: dict[str, Any] = self.session.merge_environment_settings(
            f"https://{self.host}", {}, None, self._tls_verify, None
        )
        if isinstance(verify := self._environment["verify"], str):
            # REQUESTS_CA_BUNDLE: requests raises a bare OSError for a missing file.
            _trust(Path(verify))

    def _probe(self) -> str:
        """Return the scheme of a registry; only local and insecure ones may speak plain HTTP."""
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
            _warn_once(self.host, "is accessed without encryption")
        elif self._access.insecure:
            _warn_once(self.host, "is accessed without verifying its certificate")

    def _send(self, method: str, url: str, **options: Any) -> Response:
        try:
            return self._request(method, url, **options)
        except RequestException as error:
            raise request_error(error, urlsplit(url).netloc) from None

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
        # `Session.request` would read the environment for each request, and prefer the
        # credentials of ~/.netrc.
        request = PreparedRequest()
        request.prepare(method=method, url=url, headers={**_HEADERS, **headers}, **content)
        send: Callable[[], Response] = functools.partial(
            self.session.send,
            request,
            timeout=(connect, timeout),
            stream=stream,
            # A body that is read from a file cannot be sent twice.
            allow_redirects=method in {"GET", "HEAD"},
            proxies=self._environment["proxies"],
            verify=self._environment["verify"],
        )
        return call_interruptibly(send)


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
        if ca_bundle.is_dir():
            context.load_verify_locations(capath=ca_bundle)
        else:
            context.load_verify_locations(cafile=ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise ArtifactError(f"cannot load the certificates in {ca_bundle}: {error}") from None
    return context


def _container(reference: Reference, host: str) -> Container:
    container = Container(f"{host}/{reference.repository}", registry=host)
    # oras parses a first segment without a dot as part of the repository.
    container.registry, container.namespace = host, None
    container.repository = reference.repository
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
