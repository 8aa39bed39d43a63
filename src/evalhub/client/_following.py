"""Follow a log of which the API returns only the tail.

The service returns the last lines of a log, or all of it. To avoid reading it all in every round,
a short tail is read and matched with the lines already emitted. If the match fails (the log grew
by more than the tail) or is ambiguous (the log repeats itself), the whole log is streamed and the
lines already emitted are skipped. Not detected: a log that repeats, between two rounds, a passage
longer than the tail.
"""

from __future__ import annotations

import logging
from codecs import getincrementaldecoder
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from evalhub.client._endpoint import API
from evalhub.client.logs import (
    ALL,
    LONGEST_TAIL,
    SERVICE_LIMIT,
    JobLogOptions,
    JobLogUpdate,
    is_truncated,
    logs_call,
)
from evalhub.errors import ServerError, TransportError, TransportTimeoutError
from evalhub.wire.flow import Call, Emit, Pause, Read, segment
from evalhub.wire.send import fetch, may_pass, send

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalhub.client._waiting import Waiting
    from evalhub.models.job import EvaluationJob
    from evalhub.wire.flow import Flow, Reply, Stream
    from evalhub.wire.send import Policy

__all__ = ["Follower", "SeenLines", "follow"]

logger = logging.getLogger(__name__)

_SHORTEST_WINDOW = 500
_REMEMBERED = 50
_DRAIN_DELAY = 1.0
"""Seconds until a last round: adapters go on logging after their final report."""


def follow(
    waiting: Waiting,
    policy: Policy,
    *,
    benchmark_index: int | None,
    options: JobLogOptions,
    tenant: str | None,
    size_limit: int = SERVICE_LIMIT,
) -> Stream[JobLogUpdate]:
    """Emit new lines of a job's logs until it has ended.

    Args:
        waiting: Polls the job, and sets the pace.
        policy: Retries of the requests.
        benchmark_index: Index of one benchmark; `None` follows all of them.
        options: Where to start.
        tenant: Tenant of the job.
        size_limit: Size in bytes at which the service truncates logs.
    """
    policy = replace(policy, until=waiting.ends)
    followers: list[Follower] = []
    while waiting.unfinished:
        for changed in (yield from waiting.changes()):
            yield Emit(JobLogUpdate("", changed))
        for job in waiting.jobs:
            if not followers:
                indexes = yield from _indexes(job, benchmark_index, policy, tenant)
                followers = [
                    Follower(job.id, i, options, policy, tenant, size_limit=size_limit)
                    for i in indexes
                ]
            yield from _round(followers, job)
    yield Pause(_DRAIN_DELAY)
    yield from _round(followers, waiting.jobs[0])


def _round(followers: Iterable[Follower], job: EvaluationJob) -> Stream[JobLogUpdate]:
    for follower in followers:
        try:
            yield from follower.round(job)
        except (TransportError, ServerError) as error:
            if job.is_terminal or not may_pass(error):
                raise
            logger.info(
                "cannot read a log of job %s, trying again in the next round: %s", job.id, error
            )


def _indexes(
    job: EvaluationJob, index: int | None, policy: Policy, tenant: str | None
) -> Flow[Iterable[int]]:
    from evalhub.models.collection import Collection

    if index is not None:
        return [index]
    if job.collection is None:
        return range(len(job.benchmarks))
    # A job does not list the benchmarks of its collection (wire contract 1.5).
    path = f"{API}/collections/{segment(job.collection.id)}"
    collection = yield from fetch(Collection, Call("GET", path, tenant=tenant), policy)
    return range(len(collection.benchmarks))


class SeenLines:
    """The lines of a log already emitted: their number, and the last ones.

    The last line of a log may be incomplete. It is held back until another line follows, until
    two rounds have read it unchanged, or until the log is closed. If it grows after that, the
    rest is emitted as a line of its own.
    """

    def __init__(self) -> None:
        self.count = 0
        self._recent: deque[str] = deque(maxlen=_REMEMBERED)
        self._held: tuple[int, str] | None = None
        self._may_grow = False

    def place(self, tail: Sequence[str]) -> int | None:
        """Return the number of the tail's first line; `None` if no position or several match."""
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
        """Return the new lines, and record them as emitted.

        Args:
            first: Number of the first line, counted from 0.
            lines: Consecutive lines of the log.
            closed: Whether the last line is complete.
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
    """Emit each line of one benchmark's log once.

    Args:
        job_id: Id of the job.
        index: Index of the benchmark.
        options: Where to start: `tail_lines` before the end of the log at the first round.
        policy: Retries of the requests.
        tenant: Tenant of the job.
        size_limit: Size in bytes at which the service truncates logs.
    """

    def __init__(
        self,
        job_id: str,
        index: int,
        options: JobLogOptions,
        policy: Policy,
        tenant: str | None,
        *,
        size_limit: int,
    ) -> None:
        self._job_id = job_id
        self._index = index
        self._options = options
        self._policy = policy
        self._tenant = tenant
        self._size_limit = size_limit
        self._lines = SeenLines()
        self._started = False
        self._truncated = False
        self._window = _SHORTEST_WINDOW

    def round(self, job: EvaluationJob) -> Stream[JobLogUpdate]:
        """Emit the lines the log has gained since the last round."""
        if not self._started:
            yield from self._start(job)
            return
        requested = LONGEST_TAIL if self._truncated else self._window
        reply = yield from send(self._call(requested), self._policy)
        tail = _lines(reply)
        whole = len(tail) < requested and not self._truncated
        first = 0 if whole else self._lines.place(tail)
        if first is None and not self._truncated:
            yield from self._read(job, tail_end=tail[-1])
            return
        # A truncated log cannot be read from its start: the lines in between are lost.
        gap = first is None
        fresh = self._lines.take(
            self._lines.count if first is None else first, tail, closed=job.is_terminal
        )
        self._window = min(LONGEST_TAIL, max(_SHORTEST_WINDOW, 4 * len(fresh)))
        if fresh:
            yield self._update(fresh, job, truncated=gap)

    def _start(self, job: EvaluationJob) -> Stream[JobLogUpdate]:
        if self._options.tail_lines == ALL:
            yield from self._read(job)
        else:
            # An earlier attempt may have failed half way: the lines it kept were not emitted.
            self._lines = SeenLines()
            kept: deque[str] = deque(maxlen=self._options.tail_lines)
            yield from self._read(job, kept=kept)
            if kept:
                yield self._update(kept, job)
        self._started = True

    def _read(
        self, job: EvaluationJob, *, tail_end: str = "", kept: deque[str] | None = None
    ) -> Stream[JobLogUpdate]:
        """Read the whole log, and emit or keep its new lines.

        Args:
            job: The job as last seen.
            tail_end: Last line of the log, from its tail.
            kept: Collects the lines instead of emitting them.
        """
        reply: Reply = yield from send(self._call(ALL, stream=True), self._policy)
        decode = getincrementaldecoder("utf-8")("replace").decode
        before, number, size, rest, end = self._lines.count, 0, 0, "", ""
        while chunk := (yield Read()):
            self._check_time()
            size += len(chunk)
            *lines, rest = (rest + decode(chunk)).split("\n")
            end = rest or (lines[-1] if lines else end)
            fresh = self._lines.take(number, lines, closed=True)
            number += len(lines)
            yield from self._pass_on(fresh, job, kept)
        if rest:
            fresh = self._lines.take(number, [rest], closed=job.is_terminal)
            yield from self._pass_on(fresh, job, kept)
        stuck = self._started and self._lines.count == before and end != tail_end
        self._truncated = stuck or is_truncated(reply, size, self._size_limit)

    def _check_time(self) -> None:
        """End the reading of a log that arrives too slowly for the deadline."""
        if self._policy.clock() >= self._policy.until:
            raise TransportTimeoutError(f"the log of job {self._job_id} arrives too slowly")

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
