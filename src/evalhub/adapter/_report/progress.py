"""Send progress from a background thread: in order, best effort, without blocking."""

from __future__ import annotations

import logging
import time
from threading import Condition, Thread, current_thread
from typing import TYPE_CHECKING, TypeAlias

from evalhub.errors import (
    APIError,
    AuthenticationError,
    EvalHubError,
    RateLimitError,
    ServerError,
    TransportError,
)
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.adapter._report.event import Report
    from evalhub.models.state import JobPhase, JobStatus

__all__ = ["DEFAULT_INTERVAL", "TRANSIENT_ERRORS", "Progress", "Queue"]

logger = logging.getLogger(__name__)

_Stage: TypeAlias = "tuple[JobStatus, JobPhase | None]"

DEFAULT_INTERVAL = 0.5
"""Shortest time between two progress events, in seconds."""

TRANSIENT_ERRORS = (TransportError, ServerError, RateLimitError, AuthenticationError)
"""Errors after which another attempt may succeed; a token counts, because it is rotated."""

_BACKOFF = Policy(first_delay=0.5, max_delay=30.0, jitter=False)


class Progress:
    """A queue of progress reports and the thread that sends them.

    The thread starts with the first report: a process that reports nothing has none.

    Args:
        post: Sends one report; raises `EvalHubError`.
        interval: Shortest time between two reports, in seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        post: Callable[[Report], None],
        *,
        interval: float = DEFAULT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._interval = interval
        self._clock = clock
        self._queue = Queue()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._closing = False
        self._not_before = 0.0
        self._failures_in_a_row = 0
        self._failed = 0
        self._sent = 0

    def put(self, report: Report) -> None:
        """Queue the newest report and return at once; after `close()` it is discarded."""
        with self._changed:
            if self._closing:
                logger.debug("status %s came after the end and is not sent", report.event.status)
                return
            self._queue.put(report)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="evalhub-progress", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, *, timeout: float) -> None:
        """Send what is queued, once and without pauses, and end the thread.

        Args:
            timeout: Longest wait for that, in seconds.
        """
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join(timeout)
        if self._failed:
            logger.warning(
                "%d of %d progress reports did not reach the service",
                self._failed,
                self._failed + self._sent,
            )

    def send_next(self) -> float | None:
        """Send one report if it is due; return the seconds until the next one is.

        `None` means that the queue is empty.
        """
        with self._changed:
            if not len(self._queue):
                return None
            wait = self._not_before - self._clock()
            if wait > 0 and not self._closing:
                return wait
            report = self._queue.take()
        self._send(report)
        return 0.0

    def _work(self) -> None:
        while True:
            wait = self.send_next()
            with self._changed:
                if self._closing and (not len(self._queue) or self._failures_in_a_row):
                    return
                is_news = wait is None and len(self._queue)  # it came after the call above
                if wait != 0.0 and not is_news and not self._closing:
                    self._changed.wait(wait)

    def _send(self, report: Report) -> None:
        try:
            self._post(report)
        except TRANSIENT_ERRORS as error:
            self._count_failure(error)
            with self._changed:
                self._queue.put_back(report)
                self._not_before = self._clock() + self._delay_after(error)
        except EvalHubError as error:
            self._count_failure(error)
        else:
            self._sent += 1
            self._failures_in_a_row = 0
            self._not_before = self._clock() + self._interval

    def _count_failure(self, error: EvalHubError) -> None:
        level = logging.DEBUG if self._failed else logging.WARNING
        logger.log(level, "progress did not reach the service, the evaluation goes on: %s", error)
        self._failed += 1
        self._failures_in_a_row += 1

    def _delay_after(self, error: EvalHubError) -> float:
        asked = error.retry_after if isinstance(error, APIError) else None
        return max(self._interval, _BACKOFF.pause(self._failures_in_a_row - 1, asked))


class Queue:
    """Holds reports until they are sent: a newer one replaces an older one of the same stage.

    A stage is a state and a phase. The first report of each stage is always sent; every other
    one is replaced by the next. So the queue is never longer than there are stages.
    """

    def __init__(self) -> None:
        self._waiting: list[Report] = []
        self._seen: set[_Stage] = set()
        self._last_is_replaceable = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, report: Report) -> None:
        """Add the newest report."""
        stage = _stage(report)
        is_first_of_stage = stage not in self._seen
        if self._waiting and self._last_is_replaceable:
            self._waiting.pop()
        elif self._waiting and _stage(self._waiting[-1]) == stage:
            self._waiting.pop()
            is_first_of_stage = True  # it takes the place of the first one
        self._seen.add(stage)
        self._waiting.append(report)
        self._last_is_replaceable = not is_first_of_stage

    def take(self) -> Report:
        """Remove and return the oldest report."""
        return self._waiting.pop(0)

    def put_back(self, report: Report) -> None:
        """Return a report that was not sent to the head, unless a newer one supersedes it."""
        if not self._waiting:
            self._waiting.append(report)
            self._last_is_replaceable = False
        elif _stage(self._waiting[0]) != _stage(report):
            self._waiting.insert(0, report)


def _stage(report: Report) -> _Stage:
    return report.event.status, report.event.phase
