"""Report the phases of an evaluation and how far it is, without a loop full of reports."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from evalhub.models.event import JobStatusUpdate
from evalhub.models.state import JobPhase, JobStatus, MessageInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from evalhub.adapter.callbacks import JobCallbacks

__all__ = ["Progress", "phase"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_REPORTS = 100
"""Reports of one bar at most: enough to watch, few enough not to matter."""


@contextmanager
def phase(
    callbacks: JobCallbacks,
    name: JobPhase | str,
    message: str | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[None]:
    """Report that a phase has begun, trace it, and log how long it took.

    Args:
        callbacks: What to report with.
        name: The phase.
        message: What is done in it; the phase's name by default.
        clock: Seconds that only grow.
    """
    name = JobPhase(name)
    text = message or name.value.replace("_", " ")
    callbacks.report_status(
        JobStatusUpdate(
            status=JobStatus.RUNNING,
            phase=name,
            message=MessageInfo(message=text, message_code=name),
        )
    )
    started = clock()
    with _span(callbacks, name):
        yield
    logger.info("%s took %.1f s", text, clock() - started)


def _span(callbacks: JobCallbacks, name: JobPhase) -> AbstractContextManager[Any]:
    from evalhub.adapter.telemetry import EvalTracer

    tracer = getattr(callbacks, "tracer", None)
    if not isinstance(tracer, EvalTracer):
        return nullcontext()
    match name:
        case JobPhase.LOADING_DATA:
            return tracer.dataset_load()
        case JobPhase.RUNNING_EVALUATION:
            return tracer.inference_batch()
        case JobPhase.POST_PROCESSING:
            return tracer.scoring()
        case JobPhase.PERSISTING_ARTIFACTS:
            return tracer.result_log()
        case _:
            return nullcontext()


class Progress(Generic[T]):
    """Reports how far a loop is; safe to update from several threads.

        for question in callbacks.progress(questions):
            ...

    Args:
        callbacks: What to report with.
        iterable: What to loop over; without one, call `update` or `at`.
        total: Number of steps; taken from the iterable where it has a length.
        phase: The phase the loop belongs to.
        unit: What is counted, in the plural: it stands in the message.
        start: Progress of the whole job when the loop begins, from 0 to 1.
        end: Progress of the whole job when it has ended.
    """

    def __init__(
        self,
        callbacks: JobCallbacks,
        iterable: Iterable[T] = (),
        *,
        total: int | None = None,
        phase: JobPhase = JobPhase.RUNNING_EVALUATION,
        unit: str = "steps",
        start: float = 0.1,
        end: float = 0.9,
    ) -> None:  # the documented arguments, each with a default
        self._callbacks = callbacks
        self._iterable = iterable
        self._phase = phase
        self._unit = unit
        self._start = start
        self._end = end
        self._lock = Lock()
        self._reported = -1
        self.done = 0
        self.total = len(iterable) if total is None and isinstance(iterable, Sized) else total

    def __iter__(self) -> Iterator[T]:
        self.update(0)
        for item in self._iterable:
            yield item
            self.update()

    def update(self, steps: int = 1) -> None:
        """Count steps that are done."""
        with self._lock:
            self.done += steps
            self._report()

    def at(self, done: int, total: int | None = None) -> None:
        """Say where the loop is, as a command's output does; going backwards is ignored."""
        with self._lock:
            self.total = total or self.total
            self.done = max(self.done, done)
            self._report()

    def _report(self) -> None:
        if not self.total:
            return
        share = min(self.done / self.total, 1.0)
        step = int(share * _REPORTS)
        if step <= self._reported:
            return
        self._reported = step
        text = f"{self.done} of {self.total} {self._unit}"
        self._callbacks.report_status(
            JobStatusUpdate(
                status=JobStatus.RUNNING,
                phase=self._phase,
                progress=self._start + (self._end - self._start) * share,
                message=MessageInfo(message=text, message_code=self._phase),
                completed_steps=min(self.done, self.total),
                total_steps=self.total,
            )
        )
