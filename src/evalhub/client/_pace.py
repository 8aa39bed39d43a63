"""How often all waits of a client ask the service, together."""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Pace", "poll_after"]

_SHORTEST_POLL = 0.5
_LONGEST_POLL = 15.0

_PER_SECOND = 100.0
"""Requests of all waits together, in the mean. The service answers some hundred."""


def poll_after(elapsed: float) -> float:
    """Return the seconds until the next look: a tenth of the time elapsed, 0.5 s to 15 s."""
    return min(_LONGEST_POLL, max(_SHORTEST_POLL, elapsed / 10))


class Pace:
    """Share the requests a second among the waits of one client.

    A few waits are not slowed down. A thousand ask every ten seconds each, at random moments,
    and when the service asks one of them to wait, all do.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests = 0
        self.silent_until = -inf

    @contextmanager
    def pausing(self, requests: int) -> Generator[None]:
        """Count a wait that pauses before it sends a number of requests."""
        with self._lock:
            self._requests += requests
        try:
            yield
        finally:
            with self._lock:
                self._requests -= requests

    def shortest(self, now: float, random: float) -> float:
        """Return the shortest pause in seconds.

        Args:
            now: Time of the clock.
            random: A number from 0 to 1.
        """
        share = self._requests / _PER_SECOND * (0.5 + random)
        return max(share, self.silent_until - now + share)

    def hold(self, until: float) -> None:
        """Let no wait ask before a time of the clock."""
        self.silent_until = max(self.silent_until, until)
