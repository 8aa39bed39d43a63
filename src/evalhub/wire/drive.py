"""Perform flows over HTTP: `Driver` synchronously, `AsyncDriver` on an event loop.

The only module that imports httpx. Its exceptions do not leave this module.
"""

from __future__ import annotations

import ssl
import time
from contextlib import aclosing, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from weakref import finalize

import httpx

from evalhub.errors import (
    ConfigurationError,
    MissingExtraError,
    TransportError,
    TransportTimeoutError,
)
from evalhub.wire.flow import Call, Emit, Flow, Pause, Read, Renew, Reply, Step, Stream, Work
from evalhub.wire.lanes import LANE, Lanes

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Generator,
        Iterator,
        Mapping,
    )

    from evalhub.wire.identity import Identity

__all__ = [
    "AsyncDriver",
    "AsyncTransport",
    "Driver",
    "FunctionTransport",
    "Transport",
    "transport_of",
]

C = TypeVar("C", httpx.Client, httpx.AsyncClient)
E = TypeVar("E", bound=BaseException)
S = TypeVar("S")
T = TypeVar("T")

Transport: TypeAlias = httpx.BaseTransport
AsyncTransport: TypeAlias = httpx.AsyncBaseTransport
FunctionTransport: TypeAlias = httpx.MockTransport

_CHUNK = 1 << 18
_LONGEST_CONNECT = 10.0
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""How versions of OpenSSL word an answer in plain HTTP."""

# Below the minute after which the service closes idle connections (wire contract 1.1).
_KEEPALIVE = 30.0


class Driver:
    """Perform flows synchronously.

    Args:
        identity: Base URL, token, tenant and certificates.
        timeout: Seconds to wait for each phase of a request: connecting, sending, reading.
        connections: Maximum number of open connections.
        transport: An httpx transport in place of the network, for tests.
        pause: Waits for a number of seconds.
        clock: Monotonic clock, in seconds.

    Raises:
        ConfigurationError: The proxy in the environment is invalid.
        MissingExtraError: It is a SOCKS proxy, which needs a package.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        timeout: float = 30.0,
        connections: int = 100,
        transport: Transport | None = None,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self._pause = pause
        self._clock = clock
        self._timeout = timeout
        options = _options(identity, timeout, limit=connections, keep=connections)
        self._http = _behind_proxy(partial(httpx.Client, transport=transport, **options))
        # A client that is garbage-collected closes its connections. At interpreter exit they
        # stay open: an adapter's final report may still be sent.
        finalize(self, self._http.close).atexit = False

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow and return its result."""
        with closing(flow), closing(_Body()) as body:
            step = _resume(flow, None)
            while not isinstance(step, _End):
                step = _resume(flow, self._perform(step, body))
            return step.result

    def stream(self, flow: Stream[T]) -> Generator[T, None, None]:
        """Perform a flow and yield the values it emits; closing the iterator ends the flow."""
        with closing(flow), closing(_Body()) as body:
            step = _resume(flow, None)
            while not isinstance(step, _End):
                if isinstance(step, Emit):
                    yield step.value
                    step = _resume(flow, None)
                else:
                    step = _resume(flow, self._perform(step, body))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _perform(self, step: Step, body: _Body) -> object:
        try:
            match step:
                case Call():
                    return self._call(step, body)
                case Read():
                    return body.read()
                case Renew():
                    return self.identity.token.renew()
                case Pause():
                    return self._pause(step.seconds)
                case Work():  # pragma: no branch
                    return step.do()
        except _HTTPX_ERRORS as error:
            return _translated(error)
        except KeyboardInterrupt as interrupt:
            return interrupt

    def _call(self, call: Call, body: _Body) -> Reply:
        body.close()
        if self._http.is_closed:
            raise _closed()
        timeout = _shorter(call.timeout, self._timeout)
        until = self._clock() + timeout
        if isinstance(call.content, Path):
            with call.content.open("rb") as file:
                request = _request(self._http, self.identity, call, file, timeout)
                response = self._http.send(request, stream=True)
        else:
            request = _request(self._http, self.identity, call, call.content, timeout)
            response = self._http.send(request, stream=True)
        body.open(response)
        if call.stream and response.is_success:
            return _reply(response, b"")
        pieces: list[bytes] = []
        while piece := body.read():
            pieces.append(piece)
            if call.timeout is not None and self._clock() > until:
                raise httpx.ReadTimeout("the response takes too long", request=request)
        return _reply(response, b"".join(pieces))


class AsyncDriver:
    """Perform flows on an event loop; the arguments are those of `Driver`."""

    def __init__(
        self,
        identity: Identity,
        *,
        timeout: float = 30.0,
        connections: int = 100,
        transport: AsyncTransport | None = None,
        pause: Callable[[float], Awaitable[object]] | None = None,
    ) -> None:
        import asyncio  # not needed by the synchronous driver

        self.identity = identity
        self._timeout = timeout
        self._within = asyncio.timeout
        self._is_closed = False
        self._pause = pause or asyncio.sleep
        self._cancelled = asyncio.CancelledError
        # The lanes limit the calls; a limit of the pool would make calls wait for open streams.
        options = _options(identity, timeout, limit=None, keep=LANE)
        client = partial(httpx.AsyncClient, transport=transport, **options)
        self._lanes = Lanes(partial(_behind_proxy, client), connections)

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow and return its result."""
        with closing(flow):
            async with aclosing(_AsyncBody()) as body:
                step = _resume(flow, None)
                while not isinstance(step, _End):
                    step = _resume(flow, await self._perform(step, body))
                return step.result

    async def stream(self, flow: Stream[T]) -> AsyncGenerator[T, None]:
        """Perform a flow and yield the values it emits; closing the iterator ends the flow."""
        with closing(flow):
            async with aclosing(_AsyncBody()) as body:
                step = _resume(flow, None)
                while not isinstance(step, _End):
                    if isinstance(step, Emit):
                        yield step.value
                        step = _resume(flow, None)
                    else:
                        step = _resume(flow, await self._perform(step, body))

    async def aclose(self) -> None:
        """Close the connections."""
        self._is_closed = True
        await self._lanes.aclose()

    async def _perform(self, step: Step, body: _AsyncBody) -> object:
        try:
            match step:
                case Call():
                    return await self._call(step, body)
                case Read():
                    return await body.read()
                case Renew():
                    return self.identity.token.renew()
                case Pause():
                    return await self._pause(step.seconds)
                case Work():  # pragma: no branch
                    import asyncio

                    return await asyncio.to_thread(step.do)
        except _HTTPX_ERRORS as error:
            return _translated(error)
        except self._cancelled as cancellation:
            return cancellation

    async def _call(self, call: Call, body: _AsyncBody) -> Reply:
        await body.aclose()
        if self._is_closed:
            raise _closed()
        content = _chunks(call.content) if isinstance(call.content, Path) else call.content
        timeout = _shorter(call.timeout, self._timeout)
        request: httpx.Request | None = None
        try:
            async with self._within(call.timeout), self._lanes.one() as http:
                request = _request(http, self.identity, call, content, timeout)
                response = await http.send(request, stream=call.stream)
                if call.stream and response.is_success:
                    body.open(response)
                    return _reply(response, b"")
                return _reply(response, await response.aread())
        except TimeoutError:
            if request is None:
                raise httpx.PoolTimeout("no connection was free") from None
            raise httpx.ReadTimeout("the response takes too long", request=request) from None


class _Body:
    """A body that is read in pieces; the next call or the end of the flow closes it."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())

    def open(self, response: httpx.Response) -> None:
        self._response, self._pieces = response, response.iter_bytes()

    def read(self) -> bytes:
        return next(self._pieces, b"")

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response, self._pieces = None, iter(())


class _AsyncBody:
    """`_Body` on an event loop."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    def open(self, response: httpx.Response) -> None:
        self._response, self._pieces = response, response.aiter_bytes()

    async def read(self) -> bytes:
        return b"" if self._pieces is None else await anext(self._pieces, b"")

    async def aclose(self) -> None:
        if self._response is not None:
            await self._response.aclose()
            self._response = self._pieces = None


@dataclass(frozen=True, slots=True)
class _End(Generic[T]):
    result: T


def _resume(flow: Generator[S, Any, T], outcome: object) -> S | _End[T]:
    """Send the outcome of a step into a flow and return its next step."""
    try:
        if isinstance(outcome, BaseException):
            return flow.throw(outcome)
        return flow.send(outcome)
    except StopIteration as end:
        return _End(end.value)


def _options(identity: Identity, timeout: float, *, limit: int | None, keep: int) -> dict[str, Any]:
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


def _shorter(asked: float | None, own: float) -> float:
    return own if asked is None else min(asked, own)


def _closed() -> ConfigurationError:
    return ConfigurationError("the client is closed; make another one")


def _behind_proxy(client: Callable[[], C]) -> C:
    """Make a client; report a proxy of the environment that httpx cannot use."""
    try:
        return client()
    except ImportError as error:
        raise MissingExtraError(
            "the SOCKS proxy in the environment (ALL_PROXY)", install="httpx[socks]"
        ) from error
    except (ValueError, httpx.InvalidURL) as error:
        raise ConfigurationError(f"the proxy in the environment is invalid: {error}") from error


def _request(
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


def _reply(response: httpx.Response, content: bytes) -> Reply:
    return Reply(response.status_code, response.headers, content, _shown(response.request.url))


def _shown(url: httpx.URL) -> str:
    # For logs and errors. The query is left out: some model endpoints take API keys in it.
    return str(url.copy_with(query=None))


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    import asyncio

    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def transport_of(
    answer: Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]],
) -> FunctionTransport:
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

_HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)


def _translated(error: Exception) -> TransportError:
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
