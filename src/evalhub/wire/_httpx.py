"""Requests, responses and exceptions of httpx in this package's terms.

This module and `evalhub.wire.drive` alone import httpx.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from evalhub.errors import (
    ConfigurationError,
    MissingExtraError,
    TransportError,
    TransportTimeoutError,
)
from evalhub.wire.flow import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from evalhub.wire.flow import Call
    from evalhub.wire.identity import Identity

__all__ = [
    "HTTPX_ERRORS",
    "behind_proxy",
    "chunks",
    "closed",
    "httpx_options",
    "httpx_reply",
    "httpx_request",
    "shorter",
    "translated",
    "transport_of",
]

C = TypeVar("C", httpx.Client, httpx.AsyncClient)
E = TypeVar("E", bound=BaseException)

_CHUNK = 1 << 18
_LONGEST_CONNECT = 10.0
# Below the minute after which the service closes idle connections (wire contract 1.1).
_KEEPALIVE = 30.0
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""How versions of OpenSSL word an answer in plain HTTP."""


def httpx_options(
    identity: Identity, timeout: float, *, limit: int | None, keep: int
) -> dict[str, Any]:
    """Return the arguments common to both httpx clients."""
    return {
        "verify": identity.verification(),
        "timeout": _timeout(timeout),
        "trust_env": not identity.is_loopback,
        "headers": {"User-Agent": "eval-hub-sdk"},
        "limits": httpx.Limits(
            max_connections=limit,
            max_keepalive_connections=keep,
            keepalive_expiry=_KEEPALIVE,
        ),
    }


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=min(seconds, _LONGEST_CONNECT))


def shorter(asked: float | None, own: float) -> float:
    return own if asked is None else min(asked, own)


def closed() -> ConfigurationError:
    return ConfigurationError("the client is closed; make another one")


def behind_proxy(client: Callable[[], C]) -> C:
    """Make a client; report a proxy of the environment that httpx cannot use."""
    try:
        return client()
    except ImportError as error:
        raise MissingExtraError(
            "the SOCKS proxy in the environment (ALL_PROXY)", install="httpx[socks]"
        ) from error
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(f"the proxy in the environment is invalid: {error}") from error


def httpx_request(
    http: httpx.Client | httpx.AsyncClient,
    identity: Identity,
    call: Call,
    content: Any,
    timeout: float,
) -> httpx.Request:
    return http.build_request(
        call.method,
        identity.base_url + call.path,
        params=call.params or None,
        content=content,
        headers={**identity.headers(call.tenant), **call.headers},
        timeout=_timeout(timeout),
    )


def httpx_reply(response: httpx.Response, content: bytes) -> Reply:
    return Reply(response.status_code, response.headers, content, _shown(response.request.url))


def _shown(url: httpx.URL) -> str:
    # For logs and errors. The query is left out: some model endpoints take API keys in it.
    return str(url.copy_with(query=None))


async def chunks(path: Path) -> AsyncIterator[bytes]:
    import asyncio

    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def transport_of(
    answer: Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]],
) -> httpx.MockTransport:
    """Return a transport for either driver that calls a function instead of the network.

    Args:
        answer: Takes method, path with query, headers and body; returns status, headers and body.
    """

    def respond(request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode("ascii")
        status, headers, body = answer(request.method, target, request.headers, request.content)
        return httpx.Response(status, headers=dict(headers), content=body)

    return httpx.MockTransport(respond)


@dataclass(frozen=True, slots=True)
class _Fault:
    """How an httpx exception is reported."""

    text: str
    sent: bool = True
    kind: type[TransportError] = TransportError


_FAULTS: dict[type[Exception], _Fault] = {
    httpx.ConnectTimeout: _Fault("timed out connecting", sent=False, kind=TransportTimeoutError),
    httpx.PoolTimeout: _Fault(
        "timed out waiting for a free connection", sent=False, kind=TransportTimeoutError
    ),
    httpx.ReadTimeout: _Fault("timed out waiting for the response", kind=TransportTimeoutError),
    httpx.WriteTimeout: _Fault("timed out sending the request", kind=TransportTimeoutError),
    httpx.TimeoutException: _Fault("timed out", kind=TransportTimeoutError),
    httpx.ConnectError: _Fault("cannot connect", sent=False),
    httpx.ProxyError: _Fault("the proxy refused the connection", sent=False),
    httpx.UnsupportedProtocol: _Fault("not an HTTP URL", sent=False),
    httpx.InvalidURL: _Fault("not a valid URL", sent=False),
    httpx.LocalProtocolError: _Fault("the request is not valid HTTP"),
    httpx.RemoteProtocolError: _Fault("the connection closed before the response was complete"),
    httpx.ReadError: _Fault("the connection broke while reading the response"),
    httpx.WriteError: _Fault("the connection broke while sending the request"),
    httpx.DecodingError: _Fault("the body does not match its Content-Encoding"),
    httpx.HTTPError: _Fault("the request failed"),
    httpx.StreamError: _Fault("the response body can no longer be read"),
    httpx.CookieConflict: _Fault("the response has conflicting cookies"),
}
"""Every exception of httpx, directly or through its base class."""

HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)


def translated(error: Exception) -> TransportError:
    """Return the `TransportError` for an httpx exception."""
    fault = next(_FAULTS[kind] for kind in type(error).__mro__ if kind in _FAULTS)
    request = getattr(error, "_request", None)
    where = f"{request.method} {_shown(request.url)}: " if request is not None else ""
    reason = f" ({error})" if str(error) else ""
    if _speaks_no_tls(error):
        reason = "; the port does not speak TLS: use http://"
    translated = fault.kind(f"{where}{fault.text}{reason}", sent=fault.sent)
    translated.__cause__ = _certificate_problem(error) or error
    return translated


def _speaks_no_tls(error: BaseException) -> bool:
    cause = _cause(error, ssl.SSLError)
    return getattr(cause, "reason", None) in _NOT_TLS


def _certificate_problem(error: BaseException) -> ssl.SSLCertVerificationError | None:
    return _cause(error, ssl.SSLCertVerificationError)


def _cause(error: BaseException, kind: type[E]) -> E | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, kind):
        cause = cause.__cause__ or cause.__context__
    return cause
