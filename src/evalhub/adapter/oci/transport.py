# oras has no types.
# pyright: reportMissingTypeStubs=false
"""HTTP to one registry: every request is tried once, authenticated, and ends in time."""

from __future__ import annotations

import functools
import ipaddress
import json as json_module
import logging
import re
import ssl
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from oras.container import Container
from oras.provider import Registry
from requests import PreparedRequest, RequestException
from requests import Response as Response  # noqa: PLC0414 - for those who must not import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as ConnectionFailedError
from requests.exceptions import SSLError, Timeout

from evalhub.adapter.oci.auth import Auth
from evalhub.adapter.oci.credentials import DOCKER_HUB, find_credentials
from evalhub.adapter.oci.files import BLOCK
from evalhub.adapter.oci.reference import split_scheme
from evalhub.adapter.oci.retry import TransientError
from evalhub.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from evalhub.adapter.oci.access import Access
    from evalhub.adapter.oci.reference import Reference

__all__ = ["Response", "Transport", "lasting", "stream"]

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
_PROBE_TIMEOUT = 5.0
_SLOWEST = 10 << 20
"""Bytes a registry is trusted to check and store in a second, after it has received them."""

_RENEWALS = 2
"""A challenge may be answered twice: another thread's token may be for less than is needed."""

_CONNECTIONS = 8
_EXCERPT = 300
_HEADERS = {"User-Agent": "eval-hub-sdk", "Accept-Encoding": "identity"}
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_HINTS = {413: "; it does not take files this large", 507: "; its disk is full"}


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
            if response.status_code != 401:  # noqa: PLR2004 - HTTP's name for a challenge
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
        if status in {401, 403}:
            return ArtifactError(f"{what}: {self._not_allowed(response)}")
        hint = _HINTS.get(status, "")
        return ArtifactError(f"{what}: the registry answered {status}{_said(response)}{hint}")

    def _not_allowed(self, response: Response) -> str:
        status, who = response.status_code, self._credentials
        said = _said(response)
        if self._access.proxy_host:
            return f"the registry does not let the sidecar do that ({status}{said})"
        if not who:
            return (
                f"the registry asks for credentials, and there are none for "
                f"{self.place.host} in {who.source} ({status}{said})"
            )
        name = f"user {who.username!r}" if who.username else "the token"
        challenge = response.headers.get("WWW-Authenticate", "")
        if status == 403 or "insufficient_scope" in challenge:  # noqa: PLR2004 - HTTP's forbidden
            return f"{name} is not allowed to do that in {self.place.repository} ({status}{said})"
        return f"the registry refused the credentials of {name} from {who.source} ({status}{said})"

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
            self._request("GET", f"https://{self.host}/v2/", timeout=_PROBE_TIMEOUT)
        except SSLError as error:
            return "https" if _is_untrusted(error) else "http"
        except RequestException:
            pass
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
            raise _failure(error, urlsplit(url).netloc) from None

    def _request(
        self,
        method: str,
        url: str,
        *,
        timeout: float,
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
            timeout=(CONNECT_TIMEOUT, timeout),
            stream=stream,
            # A body that is streamed from a file is sent once.
            allow_redirects=method in {"GET", "HEAD"},
            proxies=self._surroundings["proxies"],
            verify=self._surroundings["verify"],
        )
        return response


def lasting(response: Response, what: str) -> Response:
    """Return an answer, unless another attempt may get a different one.

    Raises:
        TransientError: It may.
    """
    if response.status_code in _PASSING:
        message = f"{what}: the registry answered {response.status_code}{_said(response)}"
        raise TransientError(message, retry_after=_retry_after(response))
    return response


def stream(response: Response) -> Iterator[bytes]:
    """Yield the body of an answer.

    Raises:
        TransientError: The connection broke.
    """
    try:
        yield from response.iter_content(BLOCK)
    except RequestException as error:
        raise _failure(error, urlsplit(response.url).netloc) from None


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
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


@functools.cache
def _warn_once(host: str, how: str) -> None:
    logger.warning("the registry %s %s", host, how)


def _length(data: Any) -> int:
    return len(data) if hasattr(data, "__len__") else 0


def _failure(error: RequestException, host: str) -> ArtifactError:
    if isinstance(error, SSLError):
        if _is_untrusted(error):
            return ArtifactError(f"the certificate of {host} is not trusted; give ca_bundle_path")
        if "WRONG_VERSION_NUMBER" in str(error):
            return ArtifactError(f"{host} does not speak TLS; allow plain HTTP with insecure")
    if isinstance(error, Timeout):
        return TransientError(f"{host} did not answer in time")
    if isinstance(error, ConnectionFailedError) or error.response is None:
        return TransientError(f"no answer from {host}: {_reason(error)}")
    return ArtifactError(f"{host}: {_reason(error)}")


def _is_untrusted(error: SSLError) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _reason(error: BaseException) -> str:
    """Return what the system said, without the URL that libraries add to it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and not isinstance(seen, RequestException) and seen.strerror:
            return seen.strerror
        causes = [*(arg for arg in seen.args if isinstance(arg, BaseException))]
        reason = getattr(seen, "reason", None)
        seen = next(
            (
                c
                for c in (reason, *causes, seen.__cause__, seen.__context__)
                if isinstance(c, BaseException)
            ),
            None,
        )
    return "the connection broke"


def _said(response: Response) -> str:
    try:
        body = response.content
    except (RequestException, RuntimeError):
        return ""
    try:
        errors = json_module.loads(body)["errors"]
        text = "; ".join(
            " ".join(
                str(part) for part in (e.get("code"), e.get("message"), e.get("detail")) if part
            )
            for e in errors
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        text = body.decode(errors="replace")
    # Queries of upload addresses are signed.
    text = " ".join(re.sub(r"\?\S*", "", text).split())
    return f": {text[:_EXCERPT]}" if text else ""


def _retry_after(response: Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
