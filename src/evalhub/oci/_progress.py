"""How far a push is, told now and then."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Progress"]

logger = logging.getLogger(__name__)

INTERVAL = 5.0
_MIB = 1 << 20


class Progress:
    """Count the bytes stored; every few seconds write a log line and tell a listener.

    Several threads may count at once. A push shorter than the interval tells nothing.

    Args:
        total: Bytes there are to store.
        listener: Called with the bytes done and the total.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        total: int,
        *,
        listener: Callable[[int, int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.done = 0
        self._listener = listener
        self._clock = clock
        self._told = clock()
        self._lock = Lock()

    @contextmanager
    def attempt(self) -> Generator[Callable[[int], None]]:
        """Yield a counter whose bytes are taken back if the attempt fails."""
        counted = 0

        def add(size: int) -> None:
            nonlocal counted
            counted += size
            self.add(size)

        try:
            yield add
        except BaseException:
            self.add(-counted)
            raise

    def add(self, size: int) -> None:
        """Count some bytes; a negative size takes back what has to be sent again."""
        with self._lock:
            self.done += size
            now = self._clock()
            if now - self._told < INTERVAL:
                return
            self._told = now
            done = min(max(self.done, 0), self.total)
        logger.info("stored %d of %d MiB", done // _MIB, self.total // _MIB)
        if self._listener is not None:
            self._listener(done, self.total)
