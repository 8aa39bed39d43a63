"""Post-processing: confidence intervals that the service computes (service 1.0.3)."""

from __future__ import annotations

import logging
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from evalhub.client._changes import request_body
from evalhub.client._endpoint import API, D, EndpointGroup, endpoint
from evalhub.client._job import job_call, job_id_of
from evalhub.client._pace import poll_after
from evalhub.errors import (
    ConfigurationError,
    JobNotFoundError,
    NotFoundError,
    RateLimitError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from evalhub.models.job import EvaluationJob
from evalhub.models.post_processing import (
    ConfidenceIntervalConfig,
    PostProcessing,
    PostProcessingOperations,
    PostProcessingRequest,
)
from evalhub.wire.flow import Call, Pause, Since, segment
from evalhub.wire.send import fetch, may_pass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalhub.wire.flow import Flow

__all__ = ["PostProcessings"]

logger = logging.getLogger(__name__)

_SINCE = Since("1.0.3", "post-processing")


class PostProcessings(EndpointGroup[D]):
    """Compute confidence intervals of scores; needs a service of version 1.0.3 or newer."""

    @endpoint
    def create(
        self,
        request: PostProcessingRequest | ConfidenceIntervalConfig | Mapping[str, Any],
        *,
        job: str | EvaluationJob | None = None,
        tenant: str | None = None,
    ) -> Flow[PostProcessing]:
        """Start a computation and return it.

        Args:
            request: What to compute. Without a job it names the results in `results_data_ref`.
            job: The job whose scores get intervals, or its id. A job has one computation: if
                it has been started before, that one is returned.
            tenant: Tenant of the computation, in place of the client's.

        Raises:
            ConfigurationError: A field is invalid, missing, or not for this kind of computation.
            JobNotFoundError: No such job.
            ConflictError: The job has not ended.
            ServiceTooOldError: The service is older than 1.0.3.
        """
        if isinstance(request, ConfidenceIntervalConfig):
            operations = PostProcessingOperations(confidence_interval=request)
            request = PostProcessingRequest(operations=operations)
        body = request_body(PostProcessingRequest, request, "post-processing")
        _check_results(body, for_job=job is not None)
        if job is None:
            call = Call("POST", _path(), json=body, tenant=tenant, since=_SINCE)
            return (yield from self._fetch(PostProcessing, call))
        errors = {404: JobNotFoundError}
        # The service answers a second one with the existing computation.
        call = Call("POST", _path(job), json=body, tenant=tenant, errors=errors, since=_SINCE)
        call = replace(call, repeatable=True)
        made = yield from self._fetch(EvaluationJob, call)
        return (yield from self._get(made, None, tenant))

    @endpoint
    def get(
        self,
        processing: str | PostProcessing | EvaluationJob,
        *,
        job: str | EvaluationJob | None = None,
        tenant: str | None = None,
    ) -> Flow[PostProcessing]:
        """Return the current state of a computation.

        Args:
            processing: The computation, its id, or the job that it belongs to.
            job: The job that an id belongs to.
            tenant: Tenant of the computation, in place of the client's.

        Raises:
            NotFoundError: No such computation, or the job has none.
            ServiceTooOldError: The service is older than 1.0.3.
        """
        return (yield from self._get(processing, job, tenant))

    @endpoint
    def wait(
        self,
        processing: str | PostProcessing | EvaluationJob,
        timeout: float | None = 86_400.0,
        poll: float | None = None,
        *,
        job: str | EvaluationJob | None = None,
        tenant: str | None = None,
    ) -> Flow[PostProcessing]:
        """Wait until a computation has ended, and return it: completed, failed or cancelled.

        Args:
            processing: The computation, its id, or the job that it belongs to.
            timeout: Seconds to wait, by default a day; `None` means no limit.
            poll: Seconds between two requests; `None` starts with 0.5 s and slows down to 15 s.
            job: The job that an id belongs to.
            tenant: Tenant of the computation, in place of the client's.

        Raises:
            WaitTimeoutError: The computation is still running.
            NotFoundError: No such computation, or the job has none.
        """
        started = self._policy.clock()
        ends = inf if timeout is None else started + timeout
        seen: PostProcessing | None = None
        while True:
            seen = (yield from self._look(seen or processing, job, tenant, ends)) or seen
            if seen is not None and seen.is_terminal:
                return seen
            now = self._policy.clock()
            if now >= ends:
                state = seen.state.value if seen else "unknown: the service does not respond"
                raise WaitTimeoutError(
                    f"the post-processing is still {state} after {timeout:g} s; wait again"
                )
            pause = poll_after(now - started) if poll is None else poll
            yield Pause(min(pause, ends - now))

    @endpoint
    def delete(
        self,
        processing: str | PostProcessing | EvaluationJob,
        *,
        job: str | EvaluationJob | None = None,
        tenant: str | None = None,
    ) -> Flow[None]:
        """Delete a computation and its results; the scores of a job stay.

        Args:
            processing: The computation, its id, or the job that it belongs to.
            job: The job that an id belongs to.
            tenant: Tenant of the computation, in place of the client's.

        Raises:
            NotFoundError: No such computation, or the job has none.
        """
        path, _ = yield from self._found(processing, job, tenant)
        yield from self._remove(Call("DELETE", path, tenant=tenant, since=_SINCE))

    def _look(
        self,
        processing: str | PostProcessing | EvaluationJob,
        job: str | EvaluationJob | None,
        tenant: str | None,
        ends: float,
    ) -> Flow[PostProcessing | None]:
        """Return a computation, or `None` while the service does not respond."""
        try:
            return (yield from self._get(processing, job, tenant, until=ends))
        except (TransportError, ServerError, RateLimitError) as error:
            if not may_pass(error):
                raise
            logger.warning("the service does not respond; still waiting: %s", error)
            return None

    def _get(
        self,
        processing: str | PostProcessing | EvaluationJob,
        job: str | EvaluationJob | None,
        tenant: str | None,
        *,
        until: float = inf,
    ) -> Flow[PostProcessing]:
        path, job_id = yield from self._found(processing, job, tenant)
        call = Call("GET", path, tenant=tenant, since=_SINCE)
        policy = replace(self._policy, until=until)
        found = yield from fetch(PostProcessing, call, policy)
        found.job_id = job_id
        return found

    def _found(
        self,
        processing: str | PostProcessing | EvaluationJob,
        job: str | EvaluationJob | None,
        tenant: str | None,
    ) -> Flow[tuple[str, str | None]]:
        """Return the path of a computation, and the id of its job."""
        if isinstance(processing, EvaluationJob):
            job = processing
            ref = job.results.post_processing_ref
            if ref is None:  # the job may have been read before the computation was started
                call = job_call("GET", job, tenant=tenant)
                ref = (yield from self._fetch(EvaluationJob, call)).results.post_processing_ref
            if ref is None:
                raise NotFoundError(
                    f"job {job.id} has no post-processing: start it with"
                    " client.post_processing.create(..., job=job); services before 1.0.3 have none",
                    status=404,
                )
            ident = ref.id
        elif isinstance(processing, PostProcessing):
            ident, job = processing.id, job or processing.job_id
        else:
            ident = processing
        path = f"{_path(job)}/{segment(ident, 'processing')}"
        return path, None if job is None else job_id_of(job)


def _path(job: str | EvaluationJob | None = None) -> str:
    if job is None:
        return f"{API}/post-processing"
    return f"{API}/jobs/{segment(job_id_of(job), 'job')}/post-processing"


def _check_results(body: Mapping[str, Any], *, for_job: bool) -> None:
    config = body["operations"].get("confidence_interval")
    if config is None:
        return  # an operation of a newer service
    if for_job and {"results_data_ref", "primary_score"} & config.keys():
        raise ConfigurationError(
            "results_data_ref and primary_score are for results that are not those of a job:"
            " leave them out, or leave out job="
        )
    if not for_job and "results_data_ref" not in config:
        raise ConfigurationError("set results_data_ref, or pass job= for the scores of a job")
    if not for_job and ("primary_score" in config) == ("eval_job" in config["results_data_ref"]):
        raise ConfigurationError(
            "set primary_score for results that are not those of a job, and only for them"
        )
