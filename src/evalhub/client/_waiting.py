"""Wait for jobs: the service's own verdict that a job has ended, through outages and restarts."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from evalhub.client._job import job_call, job_id_of
from evalhub.errors import (
    EvalHubError,
    RateLimitError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from evalhub.models.job import EvaluationJob
from evalhub.wire.flow import Pause
from evalhub.wire.send import fetch, may_pass

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from evalhub.wire.flow import Flow
    from evalhub.wire.send import Policy

__all__ = ["DEFAULT_WAIT", "Waiting", "note_interruption"]

logger = logging.getLogger(__name__)

DEFAULT_WAIT = 24 * 3600.0
"""How long to wait where nothing is said, in seconds. The service does not notice that an adapter
died (wire contract 4.1): a wait without an end may never end."""

_SHORTEST_POLL = 0.5
_LONGEST_POLL = 15.0


class Waiting:
    """Watch jobs until each has ended.

    Args:
        jobs: Ids, or jobs.
        policy: Its clock is used; its retries are not, since every round is one.
        timeout: Seconds to wait in all.
        poll: Seconds between two rounds; `None` starts with half a second and slows down to
            fifteen, so that the end is noticed within a tenth of the time it took.
        tenant: Tenant of the jobs.
    """

    def __init__(
        self,
        jobs: Iterable[str | EvaluationJob],
        policy: Policy,
        *,
        timeout: float | None,
        poll: float | None,
        tenant: str | None,
    ) -> None:
        self._asked = [job_id_of(job) for job in jobs]
        self._seen: dict[str, EvaluationJob | None] = dict.fromkeys(self._asked)
        self._policy = replace(policy, retries=0)
        self._timeout = DEFAULT_WAIT if timeout is None else timeout
        self._poll = poll
        self._tenant = tenant
        self._started: float | None = None
        self._told_down = False
        self._at_least = 0.0

    @property
    def unfinished(self) -> list[str]:
        """Ids of the jobs that are not known to have ended."""
        return [key for key, job in self._seen.items() if job is None or not job.is_terminal]

    @property
    def jobs(self) -> list[EvaluationJob]:
        """The jobs as last seen, in the order given; one given twice is there twice."""
        return [job for key in self._asked if (job := self._seen[key]) is not None]

    def changes(self) -> Flow[list[EvaluationJob]]:
        """Let time pass, ask for every job that has not ended, and return those that changed.

        Raises:
            WaitTimeoutError: Time is up.
            JobNotFoundError: A job is gone: deleted, or lost with the service's memory.
        """
        if self._started is None:
            self._started = self._policy.clock()
        else:
            yield Pause(self._pause())
        self._at_least = 0.0
        changed: list[EvaluationJob] = []
        for job_id in self.unfinished:
            job = yield from self._look(job_id)
            before = self._seen[job_id]
            if job is not None and (before is None or job.status != before.status):
                changed.append(job)
            self._seen[job_id] = job or before
        return changed

    def _pause(self) -> float:
        elapsed = self._policy.clock() - (self._started or 0.0)
        left = self._timeout - elapsed
        if left <= 0:
            raise self._time_is_up()
        adaptive = min(_LONGEST_POLL, max(_SHORTEST_POLL, elapsed / 10))
        poll = adaptive if self._poll is None else self._poll
        return min(left, max(poll, self._at_least))

    def _look(self, job_id: str) -> Flow[EvaluationJob | None]:
        try:
            job = yield from fetch(
                EvaluationJob, job_call("GET", job_id, tenant=self._tenant), self._policy
            )
        except (TransportError, ServerError, RateLimitError) as error:
            if not may_pass(error):
                raise
            self._at_least = getattr(error, "retry_after", None) or 0.0
            if not self._told_down:
                logger.warning("the service does not answer, waiting on: %s", error)
            self._told_down = True
            return None
        if self._told_down:
            logger.warning("the service answers again")
        self._told_down = False
        return job

    def _time_is_up(self) -> WaitTimeoutError:
        first = self.unfinished[0]
        job = self._seen[first]
        state = "never seen" if job is None else job.state.value
        others = len(self.unfinished) - 1
        more = f" and {others} more" if others else ""
        return WaitTimeoutError(
            f"job {first} ({state}){more} did not end within {self._timeout:g} s and goes on;"
            " the service does not notice a dead adapter: look at the logs, cancel it, or wait on",
            job=job,
        )


@contextmanager
def note_interruption(what: str) -> Generator[None]:
    """Say in the traceback of an interruption what goes on without us."""
    try:
        yield
    except (EvalHubError, GeneratorExit):
        raise
    except BaseException as interruption:
        interruption.add_note(f"{what} goes on; client.jobs.cancel() would stop it")
        raise
