"""Perform a flow beside another: in a thread, or as a task of the event loop."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

from evalhub.errors import EvalHubError

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Coroutine

    from evalhub.wire.flow import Begun, Flow

__all__ = ["AsyncBeside", "Beside"]

T = TypeVar("T")


class Beside:
    """Flows that run in threads of their own.

    A flow that nobody finishes ends by itself, at the latest when its request times out. Its
    thread is a daemon, so that it never keeps a program from ending.
    """

    def begin(self, run: Callable[[Flow[T]], T], flow: Flow[T]) -> Begun:
        """Start a flow."""
        thread = _FlowThread(run, flow)
        thread.start()
        return thread

    def finish(self, begun: Begun) -> object:
        """Return what a flow returned, or its error, to be thrown in."""
        thread = cast("_FlowThread", begun)
        thread.join()
        if isinstance(thread.error, EvalHubError) or thread.error is None:
            return thread.error or thread.result
        raise thread.error


class _FlowThread(Thread):
    def __init__(self, run: Callable[[Flow[T]], T], flow: Flow[T]) -> None:
        super().__init__(name="evalhub-beside", daemon=True)
        self._do: Callable[[], object] = lambda: run(flow)
        self.result: object = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._do()
        except BaseException as error:  # noqa: BLE001 - it is raised where the flow is finished
            self.error = error


class AsyncBeside:
    """Flows that run as tasks; those that nobody finished are cancelled."""

    def __init__(self) -> None:
        self._tasks: set[Task[Any]] = set()

    def begin(self, flow: Coroutine[Any, Any, object]) -> Begun:
        """Start a flow."""
        import asyncio

        task = asyncio.create_task(flow)
        self._tasks.add(task)
        return task

    async def finish(self, begun: Begun) -> object:
        """Return what a flow returned, or its error, to be thrown in."""
        task = cast("Task[object]", begun)
        try:
            return await task
        except EvalHubError as error:
            return error
        finally:
            if task.done():
                self._tasks.discard(task)

    async def aclose(self) -> None:
        """Cancel what was not finished."""
        if self._tasks:
            import asyncio

            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
