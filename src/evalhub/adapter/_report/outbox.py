"""Which of the progress events that wait are worth sending. Nothing here does I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from evalhub.models.event import BenchmarkStatusEvent
    from evalhub.models.state import JobPhase, JobStatus

__all__ = ["Outbox"]

_Stage: TypeAlias = "tuple[JobStatus, JobPhase | None]"


class Outbox:
    """Holds events until they are sent: newer replaces older, but no stage is skipped.

    A stage is a state and a phase. The first event of each stage waits for its turn; every other
    event gives way to the next one. So no more wait than there are stages, however many are put.
    """

    def __init__(self) -> None:
        self._waiting: list[BenchmarkStatusEvent] = []
        self._seen: set[_Stage] = set()
        self._last_may_give_way = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: BenchmarkStatusEvent) -> None:
        """Add the newest event."""
        stage = _stage(event)
        is_first_of_stage = stage not in self._seen
        if self._waiting and self._last_may_give_way:
            self._waiting.pop()
        elif self._waiting and _stage(self._waiting[-1]) == stage:
            self._waiting.pop()
            is_first_of_stage = True  # it takes the place of the first one
        self._seen.add(stage)
        self._waiting.append(event)
        self._last_may_give_way = not is_first_of_stage

    def take(self) -> BenchmarkStatusEvent:
        """Remove and return the event whose turn it is."""
        return self._waiting.pop(0)

    def put_back(self, event: BenchmarkStatusEvent) -> None:
        """Return an event that could not be sent to the head, unless a newer one makes it idle."""
        if not self._waiting:
            self._waiting.append(event)
            self._last_may_give_way = False
        elif _stage(self._waiting[0]) != _stage(event):
            self._waiting.insert(0, event)


def _stage(event: BenchmarkStatusEvent) -> _Stage:
    return event.status, event.phase
