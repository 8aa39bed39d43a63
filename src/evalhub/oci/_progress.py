"""Progress of a push."""

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
    """Count the bytes stored; log them and call a listener every few seconds.

    Safe for threads. A push shorter than the interval reports nothing.

    Args:
        total: Bytes to store.
        listener: Called with the bytes stored and the total.
        clock: Monotonic seconds.
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
        self._reported_at = clock()
        self._lock = Lock()

    @contextmanager
    def attempt(self) -> Generator[Callable[[int], None]]:
        """Yield a counter whose bytes are subtracted again if the attempt fails."""
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
        """Count bytes; a negative size is for bytes that are to be sent again."""
        with self._lock:
            self.done += size
            now = self._clock()
            if now - self._reported_at < INTERVAL:
                return
            self._reported_at = now
            done = min(max(self.done, 0), self.total)
        logger.info("stored %d of %d MiB", done // _MIB, self.total // _MIB)
        if self._listener is not None:
            self._listener(done, self.total)
