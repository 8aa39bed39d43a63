"""Perform flows over HTTP: `Driver` synchronously, `AsyncDriver` on an event loop.

Exceptions of httpx do not leave this module.
"""

from __future__ import annotations

import time
from contextlib import aclosing, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from weakref import finalize

import httpx

from evalhub.errors import EvalHubError
from evalhub.wire._httpx import (
    HTTPX_ERRORS,
    behind_proxy,
    chunks,
    closed,
    httpx_options,
    httpx_reply,
    httpx_request,
    shorter,
    translated,
    transport_of,
)
from evalhub.wire.beside import AsyncBeside, Beside
from evalhub.wire.flow import (
    Begin,
    Call,
    Emit,
    Finish,
    Flow,
    Pause,
    Read,
    Renew,
    Reply,
    Step,
    Stream,
    Work,
)
from evalhub.wire.lanes import LANE, Lanes

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Generator,
        Iterator,
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
        options = httpx_options(identity, timeout, limit=connections, keep=connections)
        self._http = behind_proxy(partial(httpx.Client, transport=transport, **options))
        # A client that is garbage-collected closes its connections. At interpreter exit they
        # stay open: an adapter's final report may still be sent.
        finalize(self, self._http.close).atexit = False

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow and return its result."""
        with closing(flow), closing(_Open()) as held:
            step = _resume(flow, None)
            while not isinstance(step, _End):
                step = _resume(flow, self._perform(step, held))
            return step.result

    def stream(self, flow: Stream[T]) -> Generator[T, None, None]:
        """Perform a flow and yield the values it emits; closing the iterator ends the flow."""
        with closing(flow), closing(_Open()) as held:
            step = _resume(flow, None)
            while not isinstance(step, _End):
                if isinstance(step, Emit):
                    yield step.value
                    step = _resume(flow, None)
                else:
                    step = _resume(flow, self._perform(step, held))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _perform(self, step: Step, held: _Open) -> object:
        try:
            match step:
                case Call():
                    return self._call(step, held.body)
                case Read():
                    return held.body.read()
                case Renew():
                    return self.identity.token.renew()
                case Pause():
                    return self._pause(step.seconds)
                case Begin():
                    return held.beside.begin(self.run, step.flow)
                case Finish():
                    return held.beside.finish(step.begun)
                case Work():  # pragma: no branch
                    return _done(step)
        except HTTPX_ERRORS as error:
            return translated(error)
        except KeyboardInterrupt as interrupt:
            return interrupt

    def _call(self, call: Call, body: _Body) -> Reply:
        body.close()
        if self._http.is_closed:
            raise closed()
        timeout = shorter(call.timeout, self._timeout)
        until = self._clock() + timeout
        if isinstance(call.content, Path):
            with call.content.open("rb") as file:
                request = httpx_request(self._http, self.identity, call, file, timeout)
                response = self._http.send(request, stream=True)
        else:
            request = httpx_request(self._http, self.identity, call, call.content, timeout)
            response = self._http.send(request, stream=True)
        body.open(response)
        if call.stream and response.is_success:
            return httpx_reply(response, b"")
        pieces: list[bytes] = []
        while piece := body.read():
            pieces.append(piece)
            if call.timeout is not None and self._clock() > until:
                raise httpx.ReadTimeout("the response takes too long", request=request)
        return httpx_reply(response, b"".join(pieces))


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
        options = httpx_options(identity, timeout, limit=None, keep=LANE)
        client = partial(httpx.AsyncClient, transport=transport, **options)
        self._lanes = Lanes(partial(behind_proxy, client), connections)

    async def run(self, flow: Flow[T]) -> T:
        """Perform a flow and return its result."""
        with closing(flow):
            async with aclosing(_AsyncOpen()) as held:
                step = _resume(flow, None)
                while not isinstance(step, _End):
                    step = _resume(flow, await self._perform(step, held))
                return step.result

    async def stream(self, flow: Stream[T]) -> AsyncGenerator[T, None]:
        """Perform a flow and yield the values it emits; closing the iterator ends the flow."""
        with closing(flow):
            async with aclosing(_AsyncOpen()) as held:
                step = _resume(flow, None)
                while not isinstance(step, _End):
                    if isinstance(step, Emit):
                        yield step.value
                        step = _resume(flow, None)
                    else:
                        step = _resume(flow, await self._perform(step, held))

    async def aclose(self) -> None:
        """Close the connections."""
        self._is_closed = True
        await self._lanes.aclose()

    async def _perform(self, step: Step, held: _AsyncOpen) -> object:
        try:
            match step:
                case Call():
                    return await self._call(step, held.body)
                case Read():
                    return await held.body.read()
                case Renew():
                    return self.identity.token.renew()
                case Pause():
                    return await self._pause(step.seconds)
                case Begin():
                    return held.beside.begin(self.run(step.flow))
                case Finish():
                    return await held.beside.finish(step.begun)
                case Work():  # pragma: no branch
                    import asyncio

                    return await asyncio.to_thread(_done, step)
        except HTTPX_ERRORS as error:
            return translated(error)
        except self._cancelled as cancellation:
            return cancellation

    async def _call(self, call: Call, body: _AsyncBody) -> Reply:
        await body.aclose()
        if self._is_closed:
            raise closed()
        content = chunks(call.content) if isinstance(call.content, Path) else call.content
        timeout = shorter(call.timeout, self._timeout)
        request: httpx.Request | None = None
        try:
            async with self._within(call.timeout), self._lanes.one() as http:
                request = httpx_request(http, self.identity, call, content, timeout)
                response = await http.send(request, stream=call.stream)
                if call.stream and response.is_success:
                    body.open(response)
                    return httpx_reply(response, b"")
                return httpx_reply(response, await response.aread())
        except TimeoutError:
            if request is None:
                raise httpx.PoolTimeout("no connection was free") from None
            raise httpx.ReadTimeout("the response takes too long", request=request) from None


class _Open:
    """What a flow holds open: a body that it reads, and flows begun beside it."""

    def __init__(self) -> None:
        self.body = _Body()
        self.beside = Beside()

    def close(self) -> None:
        self.body.close()


class _AsyncOpen:
    """`_Open` on an event loop."""

    def __init__(self) -> None:
        self.body = _AsyncBody()
        self.beside = AsyncBeside()

    async def aclose(self) -> None:
        await self.body.aclose()
        await self.beside.aclose()


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


def _done(work: Work) -> object:
    """Do work; an error of ours is handed to the flow, which may know what to do."""
    try:
        return work.do()
    except EvalHubError as error:
        return error


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
