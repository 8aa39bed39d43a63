"""Perform flows over HTTP: `Driver` blocks, `AsyncDriver` runs on an event loop.

The only module that imports httpx; none of its exceptions leaves it.
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

from evalhub.errors import TransportError, TransportTimeoutError
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

S = TypeVar("S")
T = TypeVar("T")

Transport: TypeAlias = httpx.BaseTransport
AsyncTransport: TypeAlias = httpx.AsyncBaseTransport
FunctionTransport: TypeAlias = httpx.MockTransport

_CHUNK = 1 << 18
_LONGEST_CONNECT = 10.0
# Below the minute after which the service closes idle connections (wire contract 1.1).
_KEEPALIVE = 30.0


class Driver:
    """Perform flows, blocking.

    Args:
        identity: Who we are and where the service is.
        timeout: Seconds to wait for each part of an exchange.
        connections: How many connections may be open at once.
        transport: An httpx transport in place of the network, for tests.
        pause: Lets seconds pass.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        timeout: float = 30.0,
        connections: int = 100,
        transport: Transport | None = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.identity = identity
        self._pause = pause
        self._http = httpx.Client(
            transport=transport, **_options(identity, timeout, limit=connections, keep=connections)
        )
        # Scripts drop their clients; the connections go with them. At exit they stay open,
        # because an adapter's last report may be sent then.
        finalize(self, self._http.close).atexit = False

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow and return its result."""
        with closing(flow), closing(_Body()) as body:
            step = _resume(flow, None)
            while not isinstance(step, _End):
                step = _resume(flow, self._perform(step, body))
            return step.result

    def stream(self, flow: Stream[T]) -> Generator[T, None, None]:
        """Perform a flow and yield what it emits; leaving early ends it."""
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
        if isinstance(call.content, Path):
            with call.content.open("rb") as file:
                response = self._http.send(_request(self._http, self.identity, call, file))
        else:
            request = _request(self._http, self.identity, call, call.content)
            response = self._http.send(request, stream=call.stream)
        if call.stream and response.is_success:
            body.open(response)
            return _reply(response, b"")
        return _reply(response, response.read())


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
        import asyncio  # the synchronous side does without

        self.identity = identity
        self._pause = pause or asyncio.sleep
        self._cancelled = asyncio.CancelledError
        # The lanes count; a pool of its own limit would make calls wait for streams being read.
        options = _options(identity, timeout, limit=None, keep=LANE)
        self._lanes = Lanes(partial(httpx.AsyncClient, transport=transport, **options), connections)

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow and return its result."""
        with closing(flow):
            async with aclosing(_AsyncBody()) as body:
                step = _resume(flow, None)
                while not isinstance(step, _End):
                    step = _resume(flow, await self._perform(step, body))
                return step.result

    async def stream(self, flow: Stream[T]) -> AsyncGenerator[T, None]:
        """Perform a flow and yield what it emits; leaving early ends it."""
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
        content = _chunks(call.content) if isinstance(call.content, Path) else call.content
        async with self._lanes.one() as http:
            request = _request(http, self.identity, call, content)
            response = await http.send(request, stream=call.stream)
            if call.stream and response.is_success:
                body.open(response)
                return _reply(response, b"")
            return _reply(response, await response.aread())


class _Body:
    """A success that is read piece by piece: closed by the next call or the end of the flow."""

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
    """Tell a flow what happened; return its next step."""
    try:
        if isinstance(outcome, BaseException):
            return flow.throw(outcome)
        return flow.send(outcome)
    except StopIteration as end:
        return _End(end.value)


def _options(identity: Identity, timeout: float, *, limit: int | None, keep: int) -> dict[str, Any]:
    """Return the arguments both kinds of httpx client take."""
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


def _request(
    http: httpx.Client | httpx.AsyncClient, identity: Identity, call: Call, content: Any
) -> httpx.Request:
    return http.build_request(
        call.method,
        identity.base_url + call.path,
        params=call.params or None,
        content=content,
        headers={**identity.headers(call.tenant), **call.headers},
        timeout=httpx.USE_CLIENT_DEFAULT if call.timeout is None else _timeout(call.timeout),
    )


def _reply(response: httpx.Response, content: bytes) -> Reply:
    return Reply(response.status_code, response.headers, content, _shown(response.request.url))


def _shown(url: httpx.URL) -> str:
    # It goes into logs and errors, and some endpoints take their keys in the query.
    return str(url.copy_with(query=None))


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    import asyncio

    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


def transport_of(
    answer: Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]],
) -> FunctionTransport:
    """Return a transport for either driver that asks a function instead of the network.

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
    """What an httpx exception means to us."""

    words: str
    sent: bool = True
    kind: type[TransportError] = TransportError


_FAULTS: dict[type[Exception], _Fault] = {
    httpx.ConnectTimeout: _Fault("no connection in time", sent=False, kind=TransportTimeoutError),
    httpx.PoolTimeout: _Fault("no free connection in time", sent=False, kind=TransportTimeoutError),
    httpx.ReadTimeout: _Fault("no answer in time", kind=TransportTimeoutError),
    httpx.WriteTimeout: _Fault("the request was not taken in time", kind=TransportTimeoutError),
    httpx.TimeoutException: _Fault("out of time", kind=TransportTimeoutError),
    httpx.ConnectError: _Fault("no connection", sent=False),
    httpx.ProxyError: _Fault("the proxy did not connect us", sent=False),
    httpx.UnsupportedProtocol: _Fault("not an HTTP URL", sent=False),
    httpx.InvalidURL: _Fault("not a valid URL", sent=False),
    httpx.LocalProtocolError: _Fault("a request that HTTP does not allow"),
    httpx.RemoteProtocolError: _Fault("the connection ended before the answer did"),
    httpx.ReadError: _Fault("the connection broke while reading the answer"),
    httpx.WriteError: _Fault("the connection broke while sending the request"),
    httpx.DecodingError: _Fault("the answer is not encoded as it says"),
    httpx.HTTPError: _Fault("the exchange failed"),
    httpx.StreamError: _Fault("the answer cannot be read any more"),
    httpx.CookieConflict: _Fault("the answer's cookies contradict each other"),
}
"""Every exception of httpx, by itself or by its base."""

_HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)


def _translated(error: Exception) -> TransportError:
    """Return what an httpx exception means, caused by what is beneath httpx."""
    fault = next(_FAULTS[kind] for kind in type(error).__mro__ if kind in _FAULTS)
    request = getattr(error, "_request", None)
    where = f"{request.method} {_shown(request.url)}: " if request is not None else ""
    reason = f" ({error})" if str(error) else ""
    translated = fault.kind(f"{where}{fault.words}{reason}", sent=fault.sent)
    translated.__cause__ = _certificate_problem(error) or error
    return translated


def _certificate_problem(error: BaseException) -> ssl.SSLCertVerificationError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause
