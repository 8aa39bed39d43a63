"""Publish one flow as a blocking method and as a coroutine method.

`@endpoint` turns `def get(self, job_id: str) -> Flow[EvaluationJob]` into
`get(job_id) -> EvaluationJob` on a synchronous client and `await get(job_id)` on an asynchronous
one; `@stream` turns a `Stream` into an `Iterator` or an `AsyncIterator`. The driver of the
resource decides which. `help()` and `inspect.signature` show the published form.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import update_wrapper
from inspect import iscoroutinefunction, signature
from types import GenericAlias, MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from evalhub.wire.answer import exception_for
from evalhub.wire.send import exchange, fetch, send

if TYPE_CHECKING:
    from evalhub.wire.answer import ResponseModel
    from evalhub.wire.drive import AsyncDriver, Driver
    from evalhub.wire.flow import Call, Flow, Reply, Stream
    from evalhub.wire.send import Policy

__all__ = ["API", "D", "EndpointGroup", "endpoint", "stream"]

API = "/api/v1/evaluations"

_NOT_FOUND = 404

D = TypeVar("D", bound="Driver | AsyncDriver")
M = TypeVar("M", bound="ResponseModel")
P = ParamSpec("P")
R = TypeVar("R", bound="EndpointGroup[Any]")
T = TypeVar("T")


class EndpointGroup(Generic[D]):
    """A noun of the API: its endpoints, and the driver that performs them."""

    def __init__(self, driver: D, policy: Policy) -> None:
        self._driver = driver
        self._policy = policy
        self._is_async = iscoroutinefunction(driver.run)

    def __repr__(self) -> str:
        identity = self._driver.identity
        tenant = f", tenant={identity.tenant!r}" if identity.tenant else ""
        return f"{type(self).__name__}({identity.base_url!r}{tenant})"

    def _send(self, call: Call) -> Flow[Reply]:
        return send(call, self._policy)

    def _fetch(self, model: type[M], call: Call) -> Flow[M]:
        return fetch(model, call, self._policy)

    def _remove(self, call: Call) -> Flow[None]:
        """Send a DELETE.

        If the answer to the first attempt was lost, a 404 to the second means that the first
        one succeeded.
        """
        reply = yield from exchange(call, self._policy)
        if not reply.is_success and not (reply.repeated and reply.status == _NOT_FOUND):
            raise exception_for(call, reply, self._policy.wall())


class endpoint(Generic[R, P, T]):  # noqa: N801 - a decorator
    """Publish a flow as a method that returns its result."""

    def __init__(self, flow: Callable[Concatenate[R, P], Flow[T]]) -> None:
        def blocking(self: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
            return self._driver.run(flow(self, *args, **kwargs))

        async def awaited(self: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
            return await self._driver.run(flow(self, *args, **kwargs))

        result = _result(flow)
        self._blocking = _published(blocking, flow, result, result)
        self._awaited = _published(awaited, flow, result, result)

    @overload
    def __get__(self, instance: None, owner: object) -> Callable[Concatenate[R, P], T]: ...
    @overload
    def __get__(self, instance: EndpointGroup[Driver], owner: object) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, instance: EndpointGroup[AsyncDriver], owner: object
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: EndpointGroup[Any] | None, owner: object) -> Any:
        return _bound(self._blocking, self._awaited, instance)


class stream(Generic[R, P, T]):  # noqa: N801 - a decorator
    """Publish a stream as a method to iterate over."""

    def __init__(self, flow: Callable[Concatenate[R, P], Stream[T]]) -> None:
        def blocking(self: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
            return self._driver.stream(flow(self, *args, **kwargs))

        def awaited(self: Any, *args: P.args, **kwargs: P.kwargs) -> Any:
            return self._driver.stream(flow(self, *args, **kwargs))

        item = _result(flow)
        self._blocking = _published(
            blocking, flow, f"Iterator[{item}]", GenericAlias(Iterator, item)
        )
        self._awaited = _published(
            awaited, flow, f"AsyncIterator[{item}]", GenericAlias(AsyncIterator, item)
        )

    @overload
    def __get__(
        self, instance: None, owner: object
    ) -> Callable[Concatenate[R, P], Iterator[T]]: ...
    @overload
    def __get__(
        self, instance: EndpointGroup[Driver], owner: object
    ) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(
        self, instance: EndpointGroup[AsyncDriver], owner: object
    ) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, instance: EndpointGroup[Any] | None, owner: object) -> Any:
        return _bound(self._blocking, self._awaited, instance)


class _Annotation(str):
    """An annotation that signatures show without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _result(flow: Callable[..., object]) -> str:
    """Return the `X` of a flow annotated with `Flow[X]` or `Stream[X]`."""
    return str(flow.__annotations__["return"]).partition("[")[2].removesuffix("]")


def _published(
    method: Callable[..., Any], flow: Callable[..., Any], shown: str, returns: object
) -> Any:
    """Give a method the name, docstring and signature that users see.

    Args:
        method: Runs the flow.
        flow: Where name, docstring and parameters come from.
        shown: The return type, as a signature shows it.
        returns: The return type, as `typing.get_type_hints` resolves it in the flow's module.
    """
    published: Any = update_wrapper(method, flow)
    published.__annotations__ = {**flow.__annotations__, "return": returns}
    given = signature(flow)
    published.__signature__ = given.replace(
        parameters=[
            parameter
            if parameter.annotation is parameter.empty
            else parameter.replace(annotation=_Annotation(parameter.annotation))
            for parameter in given.parameters.values()
        ],
        return_annotation=_Annotation(shown),
    )
    return published


def _bound(
    blocking: Callable[..., Any], awaited: Callable[..., Any], instance: Any
) -> Callable[..., Any]:
    if instance is None:
        return blocking
    is_async: bool = instance._is_async  # noqa: SLF001 - of a class in this module
    return MethodType(awaited if is_async else blocking, instance)
