"""Deliver what an evaluation reports: progress with best effort, the end for certain.

Progress goes through a background thread (`progress`). The terminal event of a benchmark is sent
synchronously; the call returns once the service has recorded it (`final`). If it cannot be
delivered it is saved to a file (`spool`) and `ReportError` is raised.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from enum import Enum, auto
from threading import Lock, RLock
from typing import TYPE_CHECKING

from evalhub.adapter._report import will
from evalhub.adapter._report.connection import until_healthy
from evalhub.adapter._report.event import Report, failure_event, listed, status_event
from evalhub.adapter._report.final import REFUSALS, post, record
from evalhub.adapter._report.progress import DEFAULT_INTERVAL, Progress
from evalhub.adapter._report.size import fit
from evalhub.adapter._report.spool import Undelivered, keep
from evalhub.errors import APIError, EvalHubError, ReportError
from evalhub.models.state import JobStatus, MessageOrigin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from evalhub.adapter._report.connection import Connection
    from evalhub.models.event import BenchmarkStatusEvent, JobStatusUpdate
    from evalhub.models.spec import BenchmarkRef

__all__ = ["ADAPTER_DIED", "DEFAULT_BUDGET", "Delivery", "State"]

logger = logging.getLogger(__name__)

DEFAULT_BUDGET = 600.0
"""How long a terminal event is tried, in seconds."""

ADAPTER_DIED = "adapter_died"
"""Code of the failure that a supervisor completes with how the adapter ended."""

_PROGRESS_TIMEOUT = 10.0


class State(Enum):
    """How far a benchmark's terminal event has come."""

    OPEN = auto()
    """There is none yet."""

    HELD = auto()
    """It waits: a success for its results, a failure for another attempt."""

    SENDING = auto()
    """It is on its way."""

    KEPT = auto()
    """The service did not record it; it is in a file, or in the log where no file could be."""

    RECORDED = auto()
    """The service recorded it."""


class Delivery:
    """All reports of one benchmark, in order.

    Only the process that made it reports: in a forked child every report is refused with a line
    in the log, because it could overtake what the parent has queued.

    Args:
        benchmark: The benchmark that the reports are about.
        connection: The connection to the service.
        path: Path of the job's events.
        budget: How long a terminal event is tried, in seconds.
        folders: Where to save a terminal event that was not delivered, the best folder first.
        interval: Shortest time between two progress events, in seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        benchmark: BenchmarkRef,
        connection: Connection,
        path: str,
        *,
        budget: float = DEFAULT_BUDGET,
        folders: Sequence[Path] = (),
        interval: float = DEFAULT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.benchmark = benchmark
        self.state = State.OPEN
        self.holds_failures = False
        """Whether a reported failure waits like a success, because another attempt may follow."""

        self._connection = connection
        self._path = path
        self._budget = budget
        self._folders = folders
        self._clock = clock
        self._deadline: float | None = None
        self._last: BenchmarkStatusEvent | None = None
        self._end: Report | None = None
        self._process = os.getpid()
        self._order = Lock()
        self._ending = RLock()
        self._progress = Progress(self._post, interval=interval, clock=clock)
        self._leave_failure()

    @property
    def last(self) -> BenchmarkStatusEvent | None:
        """The last progress event or the end: the next event repeats its lasting parts."""
        is_final = self._end is not None and self.state is not State.HELD
        return self._end.event if is_final and self._end is not None else self._last

    def report(self, update: JobStatusUpdate) -> None:
        """Report a status; returns at once unless the evaluation has failed.

        A success is held back until the results come or the process ends, because the service
        takes no metrics after it; a failure in a coroutine, because sending it would block the
        event loop. After the end nothing is reported.

        Raises:
            ReportError: The update is a failure, and it could not be delivered.
        """
        if not self._is_own_process():
            return
        with self._order:
            if self.state not in (State.OPEN, State.HELD):
                logger.debug("status %s came after the end and is not sent", update.status)
                return
            report = Report(status_event(self.benchmark, update, before=self._last))
            status = report.event.status
            waits = self.holds_failures or _in_event_loop()
            if status is JobStatus.COMPLETED or (status is JobStatus.FAILED and waits):
                self._end, self.state = report, State.HELD
                return
            if not status.is_terminal:
                is_new_stage = self._stage() != _stage(report.event)
                self._last = report.event
                self._progress.put(report)
                if is_new_stage:
                    self._leave_failure()
                return
        self.finish(report.event)

    def finish(self, event: BenchmarkStatusEvent) -> None:
        """Deliver a terminal event.

        The first results stay: neither a failure nor other results replace them. A failure does
        not replace an end that is kept in a file.

        Raises:
            ReportError: It was not delivered; `kept` names the file it is in.
        """
        if not self._is_own_process():
            return
        with self._ending:
            if self._is_superseded(event):
                logger.info("the end was reported before; %s is not sent", event.status)
                return
            report, dropped = fit(Report(event))
            if dropped:
                logger.warning("report too large, left out: %s", listed(dropped))
            self._deliver(report)

    def settle(self) -> None:
        """Wait for a terminal event that is on its way, and deliver one that is held back.

        Raises:
            ReportError: It was not delivered.
        """
        with self._ending:
            if self.state is State.HELD and self._end is not None:
                self.finish(self._end.event)

    def hurry(self, seconds: float) -> None:
        """Give up on undelivered events in this many seconds at most, because the process ends."""
        deadline = self._clock() + seconds
        self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)

    def close(self) -> None:
        """Deliver what is held back and close the connection."""
        if not self._is_own_process():
            return
        try:
            self.settle()
        finally:
            self._progress.close(timeout=_PROGRESS_TIMEOUT)
            self._connection.close()

    def await_sidecar(self, seconds: float) -> None:
        """Wait until the sidecar is healthy, this many seconds at most."""
        until = self._clock() + seconds
        self._connection.run(until_healthy(lambda: until - self._clock()))

    def keep_unrecorded(self) -> None:
        """Save a terminal event that is still on its way, because time is up."""
        if self._end is not None and self.state in (State.SENDING, State.KEPT):
            self._keep(self._end)

    def _is_own_process(self) -> bool:
        if os.getpid() == self._process:
            return True
        logger.error(
            "a report from child process %d is not sent: report from the process that made the "
            "callbacks, for example with values handed back through a queue",
            os.getpid(),
        )
        return False

    def _is_superseded(self, event: BenchmarkStatusEvent) -> bool:
        if self._end is None or self.state not in (State.KEPT, State.RECORDED):
            return False
        before = self._end.event.status
        if self.state is State.KEPT:
            return event.status is JobStatus.FAILED
        return before is JobStatus.COMPLETED or before is event.status

    def _stage(self) -> object:
        return _stage(self._last) if self._last is not None else None

    def _post(self, report: Report) -> None:
        self._connection.run(post(report, self._path, timeout=_PROGRESS_TIMEOUT))

    def _deliver(self, report: Report) -> None:
        started = self._clock()

        def remaining() -> float:
            ends = (started + self._budget, self._deadline)
            return min(end for end in ends if end is not None) - self._clock()

        with self._order:
            self._end, self.state = report, State.SENDING
        self._leave(report)
        self._progress.close(timeout=min(_PROGRESS_TIMEOUT, max(0.0, remaining())))
        try:
            self._connection.run(record(report, self._path, remaining=remaining))
        except REFUSALS as refusal:
            raise self._refused(report, refusal, remaining) from refusal
        except EvalHubError as error:
            raise self._not_delivered(report, error) from error
        self.state = State.RECORDED
        will.withdraw()
        logger.debug("%s is recorded", report.event.status)

    def _refused(
        self, report: Report, refusal: APIError, remaining: Callable[[], float]
    ) -> ReportError:
        """Keep results that the service will never accept, and end the job as failed."""
        undelivered = self._not_delivered(report, refusal)
        if report.event.status is not JobStatus.COMPLETED:
            return undelivered
        kept = f"; they are kept in {undelivered.kept}" if undelivered.kept else ""
        reason = f"EvalHub refused the results: {refusal.message}{kept}"
        failure = failure_event(
            self.benchmark,
            reason,
            code="results_refused",
            origin=MessageOrigin.SDK,
            before=self._last,
            at=report.event.completed_at,
        )
        try:
            self._connection.run(record(Report(failure), self._path, remaining=remaining))
        except EvalHubError as error:
            logger.error("the job could not be ended as failed either: %s", error)  # noqa: TRY400 - the refusal is raised with its traceback
        return ReportError(reason, kept=undelivered.kept)

    def _not_delivered(self, report: Report, error: EvalHubError) -> ReportError:
        status = report.event.status
        kept = self._keep(report)
        self.state = State.KEPT
        will.withdraw()
        if kept is None:
            return ReportError(
                f"the final report ({status}) could be neither delivered nor saved: {error}"
            )
        import shlex

        command = shlex.join([sys.executable, "-m", "evalhub.adapter", "resend", str(kept)])
        return ReportError(
            f"the final report ({status}) was not delivered: {error}; send it with: {command}",
            kept=kept,
        )

    def _keep(self, report: Report) -> Path | None:
        undelivered = self._undelivered(report)
        try:
            return keep(undelivered, self._folders)
        except OSError as error:
            logger.error(  # noqa: TRY400 - the traceback of a full disk says nothing
                "the final report could not be saved: %s; it was: %s",
                error,
                undelivered.dump().decode(),
            )
            return None

    def _undelivered(self, report: Report) -> Undelivered:
        address = self._connection.identity.base_url
        return Undelivered(address, self._path, self.benchmark.job_id, report)

    def _leave_failure(self) -> None:
        """Leave the report that the supervisor sends should this process die now."""
        event = failure_event(
            self.benchmark,
            "the adapter's process ended without a report",
            code=ADAPTER_DIED,
            origin=MessageOrigin.SDK,
            before=self._last,
        )
        self._leave(Report(event))

    def _leave(self, report: Report) -> None:
        if will.is_supervised():
            will.leave(self._undelivered(report).dump())


def _in_event_loop() -> bool:
    # A process that has not imported asyncio has no event loop.
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - documented, and the only form that does not raise


def _stage(event: BenchmarkStatusEvent) -> object:
    return event.status, event.phase, event.warning_message
