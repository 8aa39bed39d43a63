"""Several small connection pools in place of one large one.

For every request httpx looks at every connection and every other request of its pool: 500 calls at
once spend nine tenths of their time there. In lanes of ten they do not.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

__all__ = ["LANE", "Lanes"]

LANE = 10
"""Calls at once in one lane."""


class Lane(Protocol):
    """What is handed out: a client with a pool of its own."""

    async def aclose(self) -> None:
        """Close the connections."""


L = TypeVar("L", bound=Lane)


class Lanes(Generic[L]):
    """Hand out lanes, opened as they are needed.

    Args:
        open_lane: Opens one.
        calls: How many calls may be under way in all; the others wait, in order.
    """

    def __init__(self, open_lane: Callable[[], L], calls: int) -> None:
        import asyncio

        self._open_lane = open_lane
        self._free = asyncio.Semaphore(calls)
        self._busy: dict[L, int] = {}

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[L, None]:
        """Wait for one's turn, and have a lane."""
        async with self._free:
            # The first with room, so that few calls share few warm connections.
            lane = next((lane for lane, busy in self._busy.items() if busy < LANE), None)
            if lane is None:
                lane = self._open_lane()
            self._busy[lane] = self._busy.get(lane, 0) + 1
            try:
                yield lane
            finally:
                self._busy[lane] -= 1

    async def aclose(self) -> None:
        """Close every lane."""
        for lane in self._busy:
            await lane.aclose()
