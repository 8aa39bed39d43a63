"""Submit a job exactly once, over a network that loses responses.

The service has no idempotency keys, so the client marks the job with an id of its own in `custom`,
which the service stores and returns unread (wire contract 1.4). If the outcome of an attempt is
unknown, the job is looked up by that id before it is sent again.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalhub.client._endpoint import API
from evalhub.client._job import job_call
from evalhub.client._paging import Cursor, all_items
from evalhub.errors import (
    APIError,
    EvalHubError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
)
from evalhub.models.job import EvaluationJob, JobsList
from evalhub.wire.flow import Call, Pause
from evalhub.wire.send import fetch, may_pass, send

if TYPE_CHECKING:
    from evalhub.models.request import JobSubmissionRequest
    from evalhub.wire.flow import Flow
    from evalhub.wire.send import Policy

__all__ = ["SUBMISSION_ID", "submit", "submit_once"]

logger = logging.getLogger(__name__)

SUBMISSION_ID = "evalhub_submission_id"
"""Key in a job's `custom` that holds the id of its submission."""

_UNCLEAR = (TransportError, ServerError, RateLimitError, ResponseError)
_COMBINING = frozenset(",|!")
"""Characters with which a filter combines values; a name that has one cannot be filtered for."""


def submit(
    request: JobSubmissionRequest, policy: Policy, tenant: str | None
) -> Flow[EvaluationJob]:
    """Send a job; again only if no connection was made.

    Raises:
        EvalHubError: With a note if the job may exist all the same.
    """
    try:
        return (yield from fetch(EvaluationJob, _call(request.to_wire(), tenant), policy))
    except (TransportError, ServerError, ResponseError) as error:
        if not isinstance(error, TransportError) or error.sent:
            _note_unknown(error, request.name)
        raise


def submit_once(
    request: JobSubmissionRequest, submission_id: str, policy: Policy, tenant: str | None
) -> Flow[EvaluationJob]:
    """Send a job until the service has stored it, and only once.

    Args:
        request: The job.
        submission_id: The mark of this submission.
        policy: How often and how long to try.
        tenant: Tenant of the job.

    Raises:
        EvalHubError: With a note that there is no such job, or that the service could not be
            asked whether there is.
    """
    body = request.to_wire()
    body["custom"] = {**(request.custom or {}), SUBMISSION_ID: submission_id}
    once = replace(policy, retries=0)
    find = _Find(request.name, submission_id, policy, tenant)
    ends = policy.clock() + policy.budget
    retry, was_unclear = 0, False
    while True:
        try:
            job = yield from fetch(EvaluationJob, _call(body, tenant), once)
        except _UNCLEAR as error:
            failure: EvalHubError = error
        else:
            return (yield from find.only(job)) if was_unclear else job
        if not may_pass(failure):
            raise failure
        pause = policy.pause(retry, _asked(failure))
        is_last = retry >= policy.retries or policy.clock() + pause > ends
        if not isinstance(failure, TransportError) or failure.sent:
            was_unclear = True
            # The service may still be at work on it: look after the pause.
            yield Pause(min(pause, max(0.0, ends - policy.clock())))
            if (found := (yield from find.after(failure))) is not None:
                return found
        elif not is_last:
            yield Pause(pause)
        if is_last:
            failure.add_note("no job was created")
            raise failure
        logger.info("the job was not submitted, trying again: %s", failure)
        retry += 1


class _Find:
    """Look up a job by the id of its submission."""

    def __init__(self, name: str, submission_id: str, policy: Policy, tenant: str | None) -> None:
        self._name = name
        self._submission_id = submission_id
        self._policy = policy
        self._tenant = tenant

    def after(self, failure: EvalHubError) -> Flow[EvaluationJob | None]:
        """Return the job, if the failed attempt created it after all.

        Raises:
            EvalHubError: The failure, if the service cannot be asked.
        """
        try:
            jobs = yield from self._jobs()
        except EvalHubError as error:
            logger.warning("cannot tell whether the job was created: %s", error)
            _note_unknown(failure, self._name)
            raise failure from error
        return (yield from self._keep_first(jobs))

    def only(self, job: EvaluationJob) -> Flow[EvaluationJob]:
        """Return the job of several attempts, and delete the others if two arrived."""
        try:
            jobs = yield from self._jobs()
        except EvalHubError as error:
            logger.warning("cannot tell whether the job was created twice: %s", error)
            return job
        return (yield from self._keep_first(jobs)) or job

    def _jobs(self) -> Flow[list[EvaluationJob]]:
        name = None if _COMBINING.intersection(self._name) else self._name
        cursor = Cursor(f"{API}/jobs", None, {"name": name}, self._tenant)
        jobs = yield from all_items(JobsList, cursor, self._policy)
        return [job for job in jobs if (job.custom or {}).get(SUBMISSION_ID) == self._submission_id]

    def _keep_first(self, jobs: list[EvaluationJob]) -> Flow[EvaluationJob | None]:
        if not jobs:
            return None
        first, *others = sorted(jobs, key=lambda job: (job.resource.created_at, job.id))
        for job in others:
            call = job_call("DELETE", job, params={"hard_delete": True}, tenant=self._tenant)
            try:
                yield from send(call, self._policy)
            except EvalHubError as error:
                logger.warning("job %s is a copy of %s, delete it: %s", job.id, first.id, error)
        return first


def _call(body: dict[str, Any], tenant: str | None) -> Call:
    return Call("POST", f"{API}/jobs", json=body, tenant=tenant)


def _asked(error: EvalHubError) -> float | None:
    return error.retry_after if isinstance(error, APIError) else None


def _note_unknown(error: EvalHubError, name: str) -> None:
    error.add_note(f"the job may exist; look for it with jobs.list(name={name!r})")
