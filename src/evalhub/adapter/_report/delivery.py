"""Bring what an evaluation reports to the service: progress at best effort, the end for certain.

Progress goes through a background thread (`sender`). The last event of a benchmark is sent by
whoever reports it, who gets back when the service holds it (`terminal`); when it cannot be
delivered it is kept in a file (`spool`) and `ReportError` is raised.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from threading import Lock, RLock
from typing import TYPE_CHECKING

from evalhub.adapter._report.event import status_event
from evalhub.adapter._report.final import post, record
from evalhub.adapter._report.progress import DEFAULT_INTERVAL, Sender
from evalhub.adapter._report.sidecar import until_healthy
from evalhub.adapter._report.size import fit, listed
from evalhub.adapter._report.spool import Undelivered, keep
from evalhub.errors import EvalHubError, ReportError
from evalhub.models.state import JobStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from evalhub.adapter._report.connection import Channel
    from evalhub.adapter._report.event import Identity
    from evalhub.models.event import BenchmarkStatusEvent, JobStatusUpdate

__all__ = ["DEFAULT_BUDGET", "Delivery"]

logger = logging.getLogger(__name__)

DEFAULT_BUDGET = 600.0
"""How long a terminal event is tried, in seconds."""

_PROGRESS_TIMEOUT = 10.0


class Delivery:
    """Everything one benchmark reports, in order.

    Args:
        identity: Whose reports they are.
        channel: The connection to the service.
        path: Path of the job's events.
        budget: How long a terminal event is tried, in seconds.
        folders: Where to keep a terminal event that was not delivered.
        interval: Shortest time between two progress events, in seconds.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        identity: Identity,
        channel: Channel,
        path: str,
        *,
        budget: float = DEFAULT_BUDGET,
        folders: Sequence[Path] = (),
        interval: float = DEFAULT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self._channel = channel
        self._path = path
        self._budget = budget
        self._folders = folders
        self._interval = interval
        self._clock = clock
        self._deadline: float | None = None
        self._last: BenchmarkStatusEvent | None = None
        self._held: BenchmarkStatusEvent | None = None
        self._recorded: JobStatus | None = None
        self._was_tried = False
        self.holds_failures = False
        """Whether a reported failure waits like a success, because another attempt may follow."""

        self._start_sending()

    @property
    def has_begun(self) -> bool:
        """Whether anything was reported."""
        return self._last is not None or self._held is not None

    @property
    def is_over(self) -> bool:
        """Whether the end was reported, with or without success."""
        return self._was_tried

    @property
    def holds_success(self) -> bool:
        """Whether a success waits for results that have not come."""
        return self._held is not None and not self._was_tried

    @property
    def last(self) -> BenchmarkStatusEvent | None:
        """The last event, whose lasting parts the next one repeats."""
        return self._last

    def report(self, update: JobStatusUpdate) -> None:
        """Report how the evaluation is getting on; returns at once unless it has ended.

        A success is held back until the results come or the process ends, because the service
        takes no metrics after it.

        Raises:
            ReportError: The update is a failure, and it could not be delivered.
        """
        self._notice_fork()
        with self._order:
            event = status_event(self.identity, update, before=self._last)
            if event.status is JobStatus.COMPLETED or (
                event.status is JobStatus.FAILED and self.holds_failures
            ):
                self._held = event
                return
            self._last = event
            if not event.status.is_terminal:
                self._sender.put(event)
                return
        self.finish(event)

    def finish(self, event: BenchmarkStatusEvent) -> None:
        """Deliver a terminal event.

        The first results stay: neither a failure nor other results replace them.

        Raises:
            ReportError: It was not delivered; `kept` names the file it is in.
        """
        self._notice_fork()
        with self._ending:
            if self._recorded is JobStatus.COMPLETED:
                logger.info("results were reported before; %s is not sent", event.status)
                return
            if self._recorded is event.status:
                return
            event, dropped = fit(event)
            if dropped:
                logger.warning("report too large, left out: %s", listed(dropped))
            self._last = event
            self._deliver(event)

    def settle(self) -> None:
        """Deliver a success that was held back for results that did not come.

        Raises:
            ReportError: It was not delivered.
        """
        if self._held is not None and not self._was_tried:
            self.finish(self._held)

    def hurry(self, seconds: float) -> None:
        """Give up on undelivered events in this many seconds at most, because the process ends."""
        deadline = self._clock() + seconds
        self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)

    def close(self) -> None:
        """Deliver what is held back and close the connection."""
        try:
            self.settle()
        finally:
            self._sender.close(patience=_PROGRESS_TIMEOUT)
            self._channel.close()

    def await_sidecar(self, seconds: float) -> None:
        """Wait until the sidecar answers, this many seconds at most."""
        until = self._clock() + seconds
        self._channel.run(until_healthy(lambda: until - self._clock()))

    def keep_unrecorded(self) -> None:
        """Keep the terminal event that is still on its way, because time is up."""
        event = self._last
        if event is not None and event.status.is_terminal and self._recorded is None:
            self._keep(event)

    def _deliver(self, event: BenchmarkStatusEvent) -> None:
        started = self._clock()
        self._was_tried = True

        def remaining() -> float:
            ends = (started + self._budget, self._deadline)
            return min(end for end in ends if end is not None) - self._clock()

        self._sender.close(patience=min(_PROGRESS_TIMEOUT, max(0.0, remaining())))
        try:
            self._channel.run(record(event, self._path, remaining=remaining))
        except EvalHubError as error:
            raise self._not_delivered(event, error) from error
        self._recorded = event.status
        logger.debug("%s is recorded", event.status)

    def _not_delivered(self, event: BenchmarkStatusEvent, error: EvalHubError) -> ReportError:
        kept = self._keep(event)
        if kept is None:
            return ReportError(f"the {event.status} report was not delivered, nor kept: {error}")
        import shlex

        command = shlex.join([sys.executable, "-m", "evalhub.adapter", "resend", str(kept)])
        return ReportError(
            f"the {event.status} report was not delivered: {error}; send it with: {command}",
            kept=kept,
        )

    def _keep(self, event: BenchmarkStatusEvent) -> Path | None:
        who = self.identity
        name = re.sub(r"[^\w.-]", "_", f"{who.job_id}-{who.benchmark_index}")
        report = Undelivered(self._channel.identity.base_url, self._path, event)
        try:
            return keep(report, name, self._folders)
        except OSError as error:
            logger.error("the report could not be kept: %s; it was: %s", error, report.dump())  # noqa: TRY400 - the traceback of a full disk says nothing
            return None

    def _start_sending(self) -> None:
        def send(event: BenchmarkStatusEvent) -> None:
            self._channel.run(post(event, self._path, timeout=_PROGRESS_TIMEOUT))

        self._pid = os.getpid()
        self._order = Lock()
        self._ending = RLock()
        self._sender = Sender(send, interval=self._interval, clock=self._clock)

    def _notice_fork(self) -> None:
        """Start afresh in a child: threads do not survive a fork, locks may be held for ever."""
        if self._pid != os.getpid():
            self._channel = self._channel.fresh()
            self._start_sending()
