"""Follow a log that the service gives out by its end alone.

The service returns the last lines of a log, or all of it. To follow one without reading it again
and again, a short window at its end is read and matched with the lines passed on before. Where
the match fails (the log grew by more than the window) or is not unique (the log repeats itself),
the log is read from its start, streamed, and the lines that are known are skipped. What this
cannot see is a log that repeats, between two looks, a passage longer than the window word by word.
"""

from __future__ import annotations

import logging
from codecs import getincrementaldecoder
from collections import deque
from typing import TYPE_CHECKING

from evalhub.client._endpoint import API
from evalhub.client.logs import ALL, LONGEST_TAIL, JobLogOptions, JobLogUpdate, is_cut, logs_call
from evalhub.errors import ServerError, TransportError
from evalhub.models.collection import Collection
from evalhub.wire.flow import Call, Emit, Pause, Read, segment
from evalhub.wire.send import fetch, may_pass, send

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalhub.client._waiting import Waiting
    from evalhub.models.job import EvaluationJob
    from evalhub.wire.flow import Flow, Reply, Stream
    from evalhub.wire.send import Policy

__all__ = ["Follower", "Known", "follow"]

logger = logging.getLogger(__name__)

_SHORTEST_WINDOW = 500
_REMEMBERED = 50
_LAST_WORDS = 1.0


def follow(
    waiting: Waiting,
    policy: Policy,
    *,
    benchmark_index: int | None,
    options: JobLogOptions,
    tenant: str | None,
) -> Stream[JobLogUpdate]:
    """Emit what the logs of a job gain, until it has ended.

    Args:
        waiting: Looks at the one job, and sets the pace.
        policy: How calls are repeated.
        benchmark_index: One benchmark; `None` follows all of them.
        options: Where to begin.
        tenant: Tenant of the job.
    """
    followers: list[Follower] = []
    while waiting.unfinished:
        for changed in (yield from waiting.changes()):
            yield Emit(JobLogUpdate("", changed))
        for job in waiting.jobs:
            if not followers:
                indexes = yield from _indexes(job, benchmark_index, policy, tenant)
                followers = [Follower(job.id, i, options, policy, tenant) for i in indexes]
            yield from _round(followers, job)
    # Adapters write on after their last report.
    yield Pause(_LAST_WORDS)
    yield from _round(followers, waiting.jobs[0])


def _round(followers: Iterable[Follower], job: EvaluationJob) -> Stream[JobLogUpdate]:
    for follower in followers:
        try:
            yield from follower.round(job)
        except (TransportError, ServerError) as error:
            if job.is_terminal or not may_pass(error):
                raise
            logger.info("a log of job %s cannot be read now: %s", job.id, error)


def _indexes(
    job: EvaluationJob, index: int | None, policy: Policy, tenant: str | None
) -> Flow[Iterable[int]]:
    if index is not None:
        return [index]
    if job.collection is None:
        return range(len(job.benchmarks))
    # A job does not list the benchmarks of the collection that it runs (wire contract 1.5).
    path = f"{API}/collections/{segment(job.collection.id)}"
    collection = yield from fetch(Collection, Call("GET", path, tenant=tenant), policy)
    return range(len(collection.benchmarks))


class Known:
    """The lines of a log that were passed on: how many, and the last ones.

    A last line may still be growing. It is held back until it is followed by another, until two
    rounds have seen it alike, or until the log is closed; if it grows after all, its rest is
    passed on as a line of its own.
    """

    def __init__(self) -> None:
        self.count = 0
        self._recent: deque[str] = deque(maxlen=_REMEMBERED)
        self._held: tuple[int, str] | None = None
        self._may_grow = False

    def place(self, tail: Sequence[str]) -> int | None:
        """Return the number of the tail's first line; `None` where none or several would fit."""
        known = list(self._recent)
        ends = [
            end
            for end in range(len(known), len(tail) + 1)
            if known
            and self._is_last(tail[end - 1])
            and tail[end - len(known) : end - 1] == known[:-1]
        ]
        return self.count - ends[0] if len(ends) == 1 else None

    def take(self, first: int, lines: Sequence[str], *, closed: bool) -> list[str]:
        """Return what is new, and know it from now on.

        Args:
            first: Number of the first of the lines, counted from 0.
            lines: Consecutive lines of the log.
            closed: Whether the last of them is complete.
        """
        rest = self._rest_of_last(first, lines)
        fresh = list(lines[max(0, self.count - first) :])
        if not fresh:
            return rest
        self._may_grow = False
        if not closed:
            last = (first + len(lines), fresh[-1])
            self._may_grow = last == self._held
            self._held = last
            if not self._may_grow:
                fresh.pop()
        self.count += len(fresh)
        self._recent.extend(fresh)
        return [*rest, *fresh]

    def _is_last(self, line: str) -> bool:
        last = self._recent[-1]
        return line == last or (self._may_grow and line.startswith(last))

    def _rest_of_last(self, first: int, lines: Sequence[str]) -> list[str]:
        at = self.count - 1 - first
        if not self._may_grow or not 0 <= at < len(lines):
            return []
        rest = lines[at][len(self._recent[-1]) :]
        self._recent[-1] = lines[at]
        return [rest] if rest else []


class Follower:
    """Pass on each line of one benchmark's log once.

    Args:
        job_id: The job.
        index: The benchmark.
        options: Where to begin: `tail_lines` before the end, as the log is at first.
        policy: How calls are repeated.
        tenant: Tenant of the job.
    """

    def __init__(
        self, job_id: str, index: int, options: JobLogOptions, policy: Policy, tenant: str | None
    ) -> None:
        self._job_id = job_id
        self._index = index
        self._options = options
        self._policy = policy
        self._tenant = tenant
        self._known = Known()
        self._begun = False
        self._cut = False
        self._window = _SHORTEST_WINDOW

    def round(self, job: EvaluationJob) -> Stream[JobLogUpdate]:
        """Emit what the log has gained since the last round."""
        if not self._begun:
            yield from self._begin(job)
            return
        asked = LONGEST_TAIL if self._cut else self._window
        reply = yield from send(self._call(asked), self._policy)
        tail = _lines(reply)
        whole = len(tail) < asked and not self._cut
        first = 0 if whole else self._known.place(tail)
        if first is None and not self._cut:
            yield from self._read(job, tail_end=tail[-1])
            return
        # A log that the service cuts cannot be read from its start: what is between is lost.
        gap = first is None
        fresh = self._known.take(
            self._known.count if first is None else first, tail, closed=job.is_terminal
        )
        self._window = min(LONGEST_TAIL, max(_SHORTEST_WINDOW, 4 * len(fresh)))
        if fresh:
            yield self._update(fresh, job, truncated=gap)

    def _begin(self, job: EvaluationJob) -> Stream[JobLogUpdate]:
        if self._options.tail_lines == ALL:
            yield from self._read(job)
        else:
            # An earlier attempt may have ended half way: what it kept was not passed on.
            self._known = Known()
            kept: deque[str] = deque(maxlen=self._options.tail_lines)
            yield from self._read(job, kept=kept)
            if kept:
                yield self._update(kept, job)
        self._begun = True

    def _read(
        self, job: EvaluationJob, *, tail_end: str = "", kept: deque[str] | None = None
    ) -> Stream[JobLogUpdate]:
        """Read the whole log and emit, or keep, what is new in it.

        Args:
            job: The job as last seen.
            tail_end: Last line of the log as its tail shows it.
            kept: Takes the lines in place of emitting them.
        """
        reply: Reply = yield from send(self._call(ALL, stream=True), self._policy)
        decode = getincrementaldecoder("utf-8")("replace").decode
        before, number, size, rest, end = self._known.count, 0, 0, "", ""
        while chunk := (yield Read()):
            size += len(chunk)
            *lines, rest = (rest + decode(chunk)).split("\n")
            end = rest or (lines[-1] if lines else end)
            fresh = self._known.take(number, lines, closed=True)
            number += len(lines)
            yield from self._pass_on(fresh, job, kept)
        if rest:
            fresh = self._known.take(number, [rest], closed=job.is_terminal)
            yield from self._pass_on(fresh, job, kept)
        stuck = self._begun and self._known.count == before and end != tail_end
        self._cut = stuck or is_cut(reply, size)

    def _pass_on(
        self, fresh: list[str], job: EvaluationJob, kept: deque[str] | None
    ) -> Stream[JobLogUpdate]:
        if kept is not None:
            kept.extend(fresh)
        elif fresh:
            yield self._update(fresh, job)

    def _update(
        self, lines: Iterable[str], job: EvaluationJob, *, truncated: bool = False
    ) -> Emit[JobLogUpdate]:
        text = "".join(f"{line}\n" for line in lines)
        return Emit(JobLogUpdate(text, job, self._index, truncated))

    def _call(self, tail_lines: int, *, stream: bool = False) -> Call:
        options = JobLogOptions(tail_lines, timestamps=self._options.timestamps)
        return logs_call(self._job_id, self._index, options, self._tenant, stream=stream)


def _lines(reply: Reply) -> list[str]:
    text = reply.content.decode(errors="replace")
    return text.split("\n") if text else []
