"""Publish one flow as a blocking method and as a coroutine.

`@endpoint` turns `def get(self, job_id: str) -> Flow[EvaluationJob]` into
`get(job_id) -> EvaluationJob` on a synchronous client and `await get(job_id)` on an asynchronous
one; `@stream` does the same for iteration. The driver of the resource decides which.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from functools import update_wrapper
from inspect import iscoroutine
from types import MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    NoReturn,
    ParamSpec,
    Self,
    TypeVar,
    overload,
)

from evalhub.wire.answer import failure
from evalhub.wire.send import exchange, fetch, send

if TYPE_CHECKING:
    from types import CoroutineType

    from evalhub.wire.answer import Answer
    from evalhub.wire.drive import AsyncDriver, Driver
    from evalhub.wire.flow import Call, Flow, Reply, Stream
    from evalhub.wire.send import Policy

__all__ = ["API", "Resource", "endpoint", "stream"]

API = "/api/v1/evaluations"

_NOT_FOUND = 404

D = TypeVar("D", bound="Driver | AsyncDriver")
M = TypeVar("M", bound="Answer")
P = ParamSpec("P")
R = TypeVar("R", bound="Resource[Any]")
T = TypeVar("T")


class Resource(Generic[D]):
    """A noun of the API: its endpoints, and the driver that performs them."""

    def __init__(self, driver: D, policy: Policy) -> None:
        self.driver = driver
        self._policy = policy

    def _send(self, call: Call) -> Flow[Reply]:
        return send(call, self._policy)

    def _fetch(self, model: type[M], call: Call) -> Flow[M]:
        return fetch(model, call, self._policy)

    def _remove(self, call: Call) -> Flow[None]:
        """Send a DELETE that leaves nothing behind.

        If the answer to a first attempt was lost, a second one that finds nothing says that the
        first has done its work.
        """
        reply = yield from exchange(call, self._policy)
        if not reply.is_success and not (reply.repeated and reply.status == _NOT_FOUND):
            raise failure(call, reply, self._policy.wall())


class endpoint(Generic[R, P, T]):  # noqa: N801 - a decorator
    """Publish a flow as a method that returns its result."""

    def __init__(self, flow: Callable[Concatenate[R, P], Flow[T]]) -> None:
        self.flow = flow

        def published(self: R, *args: P.args, **kwargs: P.kwargs) -> Any:
            result: Any = self.driver.run(flow(self, *args, **kwargs))
            return _Awaited(result, flow.__qualname__) if iscoroutine(result) else result

        self._published = update_wrapper(published, flow)

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(self, instance: Resource[Driver], owner: object) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, instance: Resource[AsyncDriver], owner: object
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: object) -> Any:
        return self if instance is None else MethodType(self._published, instance)


class stream(Generic[R, P, T]):  # noqa: N801 - a decorator
    """Publish a stream as a method to iterate over."""

    def __init__(self, flow: Callable[Concatenate[R, P], Stream[T]]) -> None:
        self.flow = flow

        def published(self: R, *args: P.args, **kwargs: P.kwargs) -> Any:
            return self.driver.stream(flow(self, *args, **kwargs))

        self._published = update_wrapper(published, flow)

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(self, instance: Resource[Driver], owner: object) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, instance: Resource[AsyncDriver], owner: object
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, instance: Resource[Any] | None, owner: object) -> Any:
        return self if instance is None else MethodType(self._published, instance)


class _Awaited(Coroutine[Any, Any, T]):
    """A coroutine that tells whoever uses it as its result that it must be awaited."""

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: CoroutineType[Any, Any, T], name: str) -> None:
        # Python's own warning about a coroutine that nobody awaits shows this name.
        coroutine.__qualname__ = name
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        return self._coroutine.throw(*error)

    def close(self) -> None:
        self._coroutine.close()

    def __iter__(self) -> NoReturn:
        raise TypeError(self._advice())

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self._advice()}, then ask for .{name}")

    def _advice(self) -> str:
        return f"{self._coroutine.__qualname__} is asynchronous here: put `await` before the call"
