"""Report the phases of an evaluation and how far it is, without a loop full of reports."""

from __future__ import annotations

import io
import logging
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager, nullcontext, redirect_stderr
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from evalhub.models.event import JobStatusUpdate
from evalhub.models.state import JobPhase, JobStatus, MessageInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from typing import TextIO

    from evalhub.adapter.callbacks import JobCallbacks

__all__ = ["TQDM", "Progress", "phase"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

TQDM = re.compile(r"(\d+)/(\d+) \[")
"""Finds the steps done, and how many there are, in a bar of tqdm's."""

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
        # Reentrant: a report may log to the very output that is followed.
        self._lock = RLock()
        self._reported = -1
        self._has_failed = False
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

    def read(self, text: str, pattern: re.Pattern[str] = TQDM) -> None:
        """Say where the loop is, if a framework's output tells.

        Args:
            text: A line of output.
            pattern: Finds the steps done, its first group, and their total, its second one if
                the output says it.
        """
        found = None if self._has_failed else pattern.search(text)
        if found is None:
            return
        try:
            self.at(int(found[1]), int(found[2]) if pattern.groups > 1 else None)
        except Exception:
            logger.exception("progress cannot be reported; the evaluation goes on without it")
            self._has_failed = True

    @contextmanager
    def follow_stderr(self, pattern: str | re.Pattern[str] = TQDM) -> Generator[None]:
        """Read how far a framework in this process is from the bars that it draws.

            with callbacks.progress(unit="requests").follow_stderr():
                results = simple_evaluate(...)

        Args:
            pattern: As of `read`. A framework that draws several kinds of bars needs one that
                finds only the bar that counts.
        """
        compiled = re.compile(pattern)
        with redirect_stderr(_Followed(sys.stderr, lambda text: self.read(text, compiled))):
            yield

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


class _Followed(io.TextIOBase):
    """A stream whose texts are read on their way."""

    def __init__(self, stream: TextIO, read: Callable[[str], None]) -> None:
        self._stream = stream
        self._read = read

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        self._read(text)
        return written

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only here
        return self._stream.encoding
