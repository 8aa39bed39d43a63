"""Send progress from a background thread: in order, best effort, never in the way."""

from __future__ import annotations

import logging
import time
from threading import Condition, Thread, current_thread
from typing import TYPE_CHECKING

from evalhub.adapter._report.outbox import Outbox
from evalhub.errors import (
    APIError,
    AuthenticationError,
    EvalHubError,
    RateLimitError,
    ServerError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.models.event import BenchmarkStatusEvent

__all__ = ["DEFAULT_INTERVAL", "PASSING_ERRORS", "Sender"]

logger = logging.getLogger(__name__)

DEFAULT_INTERVAL = 0.5
"""Shortest time between two progress events, in seconds."""

PASSING_ERRORS = (TransportError, ServerError, RateLimitError, AuthenticationError)
"""Failures that may be over in a moment; a token counts, because it is replaced in time."""

_FIRST_DELAY = 0.5
_MAX_DELAY = 30.0


class Sender:
    """A queue of progress events and the thread that sends them.

    The thread starts with the first event: a process that reports nothing has none.

    Args:
        post: Sends one event; raises `EvalHubError`.
        interval: Shortest time between two events, in seconds.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        post: Callable[[BenchmarkStatusEvent], None],
        *,
        interval: float = DEFAULT_INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._interval = interval
        self._clock = clock
        self._outbox = Outbox()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._closing = False
        self._not_before = 0.0
        self._failures_in_a_row = 0
        self._failed = 0
        self._sent = 0

    def put(self, event: BenchmarkStatusEvent) -> None:
        """Hand over the newest event; returns at once. After `close()` it goes nowhere."""
        with self._changed:
            if self._closing:
                logger.debug("status %s came after the end and is not sent", event.status)
                return
            self._outbox.put(event)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="evalhub-progress", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, *, patience: float) -> None:
        """Send what waits, once and without pauses, and end.

        Args:
            patience: Longest wait for that, in seconds.
        """
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join(patience)
        if self._failed:
            logger.warning(
                "%d of %d progress reports did not reach the service",
                self._failed,
                self._failed + self._sent,
            )

    def turn(self) -> float | None:
        """Send one event if its time has come; return the seconds until the next turn.

        `None` means that there is nothing to wait for but another event.
        """
        with self._changed:
            if not len(self._outbox):
                return None
            wait = self._not_before - self._clock()
            if wait > 0 and not self._closing:
                return wait
            event = self._outbox.take()
        self._send(event)
        return 0.0

    def _work(self) -> None:
        while True:
            wait = self.turn()
            with self._changed:
                if self._closing and (not len(self._outbox) or self._failures_in_a_row):
                    return
                is_news = wait is None and len(self._outbox)  # it came after the turn
                if wait != 0.0 and not is_news and not self._closing:
                    self._changed.wait(wait)

    def _send(self, event: BenchmarkStatusEvent) -> None:
        try:
            self._post(event)
        except PASSING_ERRORS as error:
            self._note(error)
            with self._changed:
                self._outbox.put_back(event)
                self._not_before = self._clock() + self._delay_after(error)
        except EvalHubError as error:
            self._note(error)
        else:
            self._sent += 1
            self._failures_in_a_row = 0
            self._not_before = self._clock() + self._interval

    def _note(self, error: EvalHubError) -> None:
        level = logging.DEBUG if self._failed else logging.WARNING
        logger.log(level, "progress did not reach the service, the evaluation goes on: %s", error)
        self._failed += 1
        self._failures_in_a_row += 1

    def _delay_after(self, error: EvalHubError) -> float:
        asked = error.retry_after if isinstance(error, APIError) else None
        doubled = _FIRST_DELAY * 2.0 ** min(self._failures_in_a_row - 1, 10)
        return max(asked or 0.0, self._interval, min(_MAX_DELAY, doubled))
