"""Make blocking calls in threads for which neither a signal nor the end of the process waits."""

from __future__ import annotations

import time
from collections import deque
from queue import SimpleQueue
from threading import Event, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["call_interruptibly", "map_in_threads"]

T = TypeVar("T")
R = TypeVar("R")

_STOP_TIMEOUT = 1.0


def map_in_threads(
    function: Callable[[T], R], items: Iterable[T], *, threads: int, stop: Event
) -> list[R]:
    """Call a function for each item, several at a time, and return the results in order.

    The first exception is raised: that of a call, or one that a signal handler raises meanwhile.
    The threads are daemons: the interpreter joins those of an executor before it exits, which a
    request to a silent registry would delay by a minute.

    Args:
        function: Called in the threads.
        items: Its arguments.
        threads: Greatest number of threads.
        stop: Set on an exception; calls in progress should end when they see it.
    """
    todo = deque(enumerate(items))
    results: dict[int, R] = {}
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def work() -> None:
        error = None
        try:
            while not stop.is_set():
                try:
                    index, item = todo.popleft()
                except IndexError:
                    break
                results[index] = function(item)
        except BaseException as caught:  # noqa: BLE001 - raised in the thread that waits
            error = caught
        ended.put(error)

    workers = [
        Thread(target=work, name="evalhub-oci", daemon=True) for _ in range(min(threads, len(todo)))
    ]
    try:
        for worker in workers:
            worker.start()
        errors = (ended.get() for _ in workers)
        error = next((error for error in errors if error is not None), None)
    except BaseException:
        stop.set()
        raise
    if error is not None:
        stop.set()
        _join(workers)
        raise error
    return [results[index] for index in range(len(results))]


def call_interruptibly(function: Callable[[], R]) -> R:
    """Call a function so that a signal handler can raise in the main thread before it returns.

    Python runs signal handlers only between its own steps, and resolving a name in C takes as
    long as the name server does.
    """
    if current_thread() is not main_thread():
        return function()
    (result,) = map_in_threads(lambda call: call(), [function], threads=1, stop=Event())
    return result


def _join(threads: Sequence[Thread]) -> None:
    deadline = time.monotonic() + _STOP_TIMEOUT
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
