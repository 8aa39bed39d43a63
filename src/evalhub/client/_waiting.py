"""Wait for jobs to end, through outages and restarts of the service."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, TypeVar

from evalhub.client._endpoint import API
from evalhub.client._job import job_call, job_id_of
from evalhub.client._pace import poll_after
from evalhub.client._paging import Cursor, Pages
from evalhub.errors import (
    AuthenticationError,
    EvalHubError,
    RateLimitError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from evalhub.models.job import EvaluationJob, JobsList
from evalhub.models.state import JobStatus
from evalhub.wire.flow import Pause
from evalhub.wire.send import fetch, may_pass

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from evalhub.client._pace import Pace
    from evalhub.wire.flow import Flow
    from evalhub.wire.send import Policy

T = TypeVar("T")

__all__ = ["Waiting", "note_still_running"]

logger = logging.getLogger(__name__)

_LAST_LOOK = 1.0
"""How long the jobs are requested once more when the timeout has passed, in seconds."""

_WORTH_A_LIST = 10
"""Unfinished jobs from which on a list of all unfinished ones replaces a request for each."""

_LISTED_FOR_ONE = 20
"""Unfinished jobs of everybody, for each of ours, up to which a list costs less: reading a page
of 500 jobs takes as long as some 25 requests."""

_UNFINISHED = "|".join(status for status in JobStatus if not status.is_terminal)

_TOKEN_ROTATION = 60.0
"""How long a token that worked before may be refused: a new one may be on its way to the file."""


class Waiting:
    """Poll jobs until each has ended.

    Of many jobs, those that are unfinished are read from a list, a few requests a round.

    Args:
        jobs: Jobs, or their ids.
        policy: Only its clock is used: every round of polling is a retry.
        timeout: Seconds to wait in all; `None` means no limit. The service does not detect a
            dead adapter (wire contract 4.1), so a wait without a limit may never end.
        poll: Seconds between two rounds; `None` waits a tenth of the time elapsed, at least
            0.5 s and at most 15 s.
        tenant: Tenant of the jobs.
        pace: Shared by all waits of a client.
    """

    def __init__(
        self,
        jobs: Iterable[str | EvaluationJob],
        policy: Policy,
        *,
        timeout: float | None,
        poll: float | None,
        tenant: str | None,
        pace: Pace,
    ) -> None:
        self._ids = [job_id_of(job) for job in jobs]
        self._seen: dict[str, EvaluationJob | None] = dict.fromkeys(self._ids)
        self._timeout = inf if timeout is None else timeout
        self._started = policy.clock()
        self._ends = self._started + self._timeout
        self._policy = replace(policy, retries=0)
        self._poll = poll
        self._tenant = tenant
        self._pace = pace
        self._requests = 1
        self._uses_lists = True
        self._is_first_round = True
        self._has_answered = False
        self._unreachable = False
        self._refused_since: float | None = None

    @property
    def ends(self) -> float:
        """Time of the clock at which the timeout has passed."""
        return self._ends

    @property
    def unfinished(self) -> list[str]:
        """Ids of the jobs that have not ended, as far as is known."""
        return [key for key, job in self._seen.items() if job is None or not job.is_terminal]

    @property
    def jobs(self) -> list[EvaluationJob]:
        """The jobs as last seen, in the order given; a job given twice appears twice."""
        return [job for key in self._ids if (job := self._seen[key]) is not None]

    def changes(self) -> Flow[list[EvaluationJob]]:
        """Pause, request every unfinished job, and return those whose status has changed.

        Raises:
            WaitTimeoutError: The timeout has passed.
            JobNotFoundError: A job was deleted, or lost when the service restarted.
        """
        if not self._is_first_round:
            yield from self._rest()
        self._is_first_round = False
        listed = yield from self._listed()
        if listed is None:
            return []
        changed: list[EvaluationJob] = []
        for job_id in self.unfinished:
            job = listed.get(job_id) or (yield from self._answer(self._get(job_id)))
            before = self._seen[job_id]
            if job is not None and (before is None or job.status != before.status):
                changed.append(job)
            self._seen[job_id] = job or before
        return changed

    def _rest(self) -> Flow[None]:
        with self._pace.pausing(self._requests):
            yield Pause(self._pause())
            # Another wait may have been asked to pause in the meantime.
            while (now := self._policy.clock()) < min(self._pace.silent_until, self._ends):
                pause = self._pace.shortest(now, self._policy.draw())
                yield Pause(min(pause, self._ends - now))

    def _pause(self) -> float:
        now = self._policy.clock()
        left = self._ends - now
        if left <= 0:
            raise self._timed_out()
        poll = poll_after(now - self._started) if self._poll is None else self._poll
        return min(left, max(poll, self._pace.shortest(now, self._policy.draw())))

    def _get(self, job_id: str) -> Flow[EvaluationJob]:
        call = job_call("GET", job_id, tenant=self._tenant)
        return (yield from fetch(EvaluationJob, call, self._in_time()))

    def _listed(self) -> Flow[dict[str, EvaluationJob] | None]:
        """Return unfinished jobs by id, if a list saves requests; `None` if there is no answer.

        A job that is missing from the list has ended, or moved from one page to another.
        """
        self._requests = len(self.unfinished)
        if not self._uses_lists or self._requests < _WORTH_A_LIST:
            return {}
        jobs = yield from self._answer(self._list())
        if jobs is None:
            return None
        self._requests = 1
        return {job.id: job for job in jobs}

    def _list(self) -> Flow[list[EvaluationJob]]:
        cursor = Cursor(f"{API}/jobs", None, {"status": _UNFINISHED}, self._tenant)
        pages = Pages(JobsList, cursor, self._in_time())
        jobs: list[EvaluationJob] = []
        while not cursor.done and self._uses_lists:
            jobs += yield from pages.next()
            self._uses_lists = cursor.total <= _LISTED_FOR_ONE * len(self.unfinished)
        return jobs

    def _in_time(self) -> Policy:
        """Return the policy of a request, which ends with the timeout or soon after it.

        Raises:
            WaitTimeoutError: There was time for a last look, and it has passed.
        """
        now = self._policy.clock()
        if now >= self._ends + _LAST_LOOK:
            raise self._timed_out()
        until = self._ends + _LAST_LOOK if now >= self._ends else self._ends
        return replace(self._policy, until=until)

    def _answer(self, request: Flow[T]) -> Flow[T | None]:
        """Return the outcome of a request; `None` while the service does not respond."""
        try:
            answer = yield from request
        except (TransportError, ServerError, RateLimitError, AuthenticationError) as error:
            if not may_pass(error) or not self._may_be_renewed(error):
                raise
            self._pace.hold(self._policy.clock() + (getattr(error, "retry_after", None) or 0.0))
            if not self._unreachable:
                logger.warning("the service does not respond; still waiting: %s", error)
            self._unreachable = True
            return None
        if self._unreachable:
            logger.warning("the service responds again")
        self._unreachable = False
        self._has_answered = True
        self._refused_since = None
        return answer

    def _may_be_renewed(self, error: EvalHubError) -> bool:
        """Whether a refused token may be replaced in a moment, because it worked before."""
        if not isinstance(error, AuthenticationError):
            return True
        now = self._policy.clock()
        self._refused_since = now if self._refused_since is None else self._refused_since
        return self._has_answered and now - self._refused_since < _TOKEN_ROTATION

    def _timed_out(self) -> WaitTimeoutError:
        first, *others = self.unfinished
        job = self._seen[first]
        more = f" ({len(others)} more unfinished)" if others else ""
        if job is None:
            return WaitTimeoutError(
                f"no response about job {first} within {self._timeout:g} s; check the service"
            )
        return WaitTimeoutError(
            f"job {first} is still {job.state.value} after {self._timeout:g} s{more}. The service"
            " cannot tell whether its adapter died: check the logs, cancel, or wait again",
            job=job,
        )


@contextmanager
def note_still_running(what: str) -> Generator[None]:
    """Add a note to an interruption: the job is still running, and how to cancel it."""
    try:
        yield
    except (EvalHubError, GeneratorExit):
        raise
    except BaseException as interruption:
        interruption.add_note(f"{what} is still running; client.jobs.cancel() stops it")
        raise
