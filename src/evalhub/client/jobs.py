"""Jobs: submit, list, wait, read results and logs, cancel."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack
from uuid import uuid4

from evalhub.client._comparing import Comparing
from evalhub.client._endpoint import API, D, endpoint, stream
from evalhub.client._following import follow
from evalhub.client._job import job_call, job_id_of
from evalhub.client._pace import Pace
from evalhub.client._paging import (
    Cursor,
    all_items,
    iter_items,
    join_values,
    refuse_unknown,
)
from evalhub.client._submission import job_request
from evalhub.client._submitting import submit, submit_once
from evalhub.client._waiting import Waiting, note_still_running
from evalhub.client.logs import ALL, JobLogOptions, JobLogs, JobLogUpdate, logs_call, text_of
from evalhub.errors import ConfigurationError
from evalhub.models._problems import refuse_non_finite
from evalhub.models.job import EvaluationJob, EvaluationJobResults, JobsList
from evalhub.models.state import JobStatus
from evalhub.wire.flow import Emit, Since, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from evalhub.models.benchmark import BenchmarkConfig, HardwareConfig, PassCriteria
    from evalhub.models.request import (
        CollectionRef,
        EvaluationExports,
        EvaluationRequest,
        ExperimentConfig,
        JobSubmissionRequest,
    )
    from evalhub.models.sample import Sample
    from evalhub.models.spec import ModelConfig
    from evalhub.wire.flow import Flow, Stream
    from evalhub.wire.send import Policy

__all__ = ["JobFields", "JobFilters", "Jobs"]


_Jobs: TypeAlias = list[EvaluationJob]
"""`list` inside the class `Jobs` is its method."""


class JobFields(TypedDict, total=False):
    """The fields of a job, as keyword arguments of `submit`."""

    name: str
    description: str
    tags: list[str]
    model: ModelConfig | Mapping[str, Any]
    benchmarks: Sequence[BenchmarkConfig | Mapping[str, Any] | str]
    collection: CollectionRef | Mapping[str, Any] | str
    pass_criteria: PassCriteria | Mapping[str, Any]
    experiment: ExperimentConfig | Mapping[str, Any]
    exports: EvaluationExports | Mapping[str, Any]
    hardware_config: HardwareConfig | Mapping[str, Any]
    custom: dict[str, Any]


class JobFilters(TypedDict, total=False):
    """Filters for jobs.

    Values match exactly. A string may combine values in the service's syntax: `a,b` means both,
    `a|b` either, `!a` not (for owner, status and experiment).
    """

    name: str
    tags: str | Sequence[str]
    """With several tags: jobs that have all of them."""

    owner: str
    experiment_id: str
    collection_id: str
    """Needs a service of version 1.0.3 or newer."""


class Jobs(Comparing[D]):
    """Submit jobs, wait for them, read their results and logs."""

    def __init__(self, driver: D, policy: Policy) -> None:
        super().__init__(driver, policy)
        self._pace = Pace()

    @endpoint
    def submit(
        self,
        request: JobSubmissionRequest | EvaluationRequest | Mapping[str, Any] | None = None,
        *,
        repeat: bool = True,
        tenant: str | None = None,
        **fields: Unpack[JobFields],
    ) -> Flow[EvaluationJob]:
        """Submit a job and return it; its state is pending.

        The job is submitted exactly once, even if responses are lost: it is marked with an id in
        `custom["evalhub_submission_id"]`, and looked up by that before the request is sent again.
        If an attempt failed at its start, the job is returned as failed. A note on the error
        tells whether there is no job, or the service could not be asked.

        Args:
            request: The job, or a model and the benchmarks to evaluate it with.
            repeat: Whether to mark the job and try again. Without, the request is sent again
                only if no connection was made, and the outcome may stay unknown.
            tenant: Tenant of the job, in place of the client's.
            fields: The job's fields, in place of a request. For a benchmark given as an id, the
                provider is looked up.

        Raises:
            ConfigurationError: A field is invalid, or a benchmark is offered by no provider or
                by several. Nothing was submitted.
            BadRequestError: The service refused the job. It may have stored it as failed if the
                problem showed only at its start (wire contract 1.4).
            NotFoundError: No such provider or collection.
        """
        job = yield from job_request(request, fields, self._policy, tenant)
        refuse_non_finite("job", job.model_dump(by_alias=True))
        if not repeat:
            return (yield from submit(job, self._policy, tenant))
        return (yield from submit_once(job, uuid4().hex, self._policy, tenant))

    @endpoint
    def get(self, job_id: str | EvaluationJob, *, tenant: str | None = None) -> Flow[EvaluationJob]:
        """Return the current state of a job.

        Raises:
            JobNotFoundError: No such job, or it belongs to another tenant.
        """
        return (yield from self._fetch(EvaluationJob, job_call("GET", job_id, tenant=tenant)))

    @endpoint
    def results(
        self, job_id: str | EvaluationJob, *, tenant: str | None = None
    ) -> Flow[EvaluationJobResults]:
        """Return the results that a job has reported so far."""
        call = job_call("GET", job_id, tenant=tenant)
        job = yield from self._fetch(EvaluationJob, call)
        return job.results

    @endpoint
    def cancel(
        self,
        job_id: str | EvaluationJob,
        hard_delete: bool = False,
        *,
        tenant: str | None = None,
    ) -> Flow[bool]:
        """Cancel a job and return `True`; cancelling it again has no effect.

        The service removes the job's logs, even if the job has already ended: read them first.

        Args:
            job_id: The job, or its id.
            hard_delete: Whether to delete the job as well, in any state.
            tenant: Tenant of the job, in place of the client's.

        Raises:
            JobCanNotBeCancelledError: The job has already ended.
            JobNotFoundError: No such job.
        """
        if hard_delete:
            yield from self._delete(job_id, tenant)
        else:
            yield from self._send(job_call("DELETE", job_id, tenant=tenant))
        return True

    @endpoint
    def delete(self, job_id: str | EvaluationJob, *, tenant: str | None = None) -> Flow[None]:
        """Delete a job with its results and logs; a running job is cancelled first."""
        yield from self._delete(job_id, tenant)

    @endpoint
    def wait(
        self,
        job: str | EvaluationJob,
        timeout: float | None = 86_400.0,
        poll: float | None = None,
        *,
        on_update: Callable[[EvaluationJob], object] | None = None,
        tenant: str | None = None,
    ) -> Flow[EvaluationJob]:
        """Wait until a job has ended, and return it: completed, failed or cancelled.

        Outages and restarts of the service are waited out. An interruption leaves the job running.

        Args:
            job: The job, or its id.
            timeout: Seconds to wait, by default a day; `None` means no limit. The service does
                not detect a dead adapter, so a job may stay running for ever.
            poll: Seconds between two requests; `None` starts with 0.5 s and slows down to 15 s.
            on_update: Called with the job whenever its status has changed.
            tenant: Tenant of the job, in place of the client's.

        Raises:
            WaitTimeoutError: The job is still running; the error holds it as last seen.
            JobNotFoundError: The job does not exist, or not any more.
        """
        jobs = yield from self._wait([job], timeout, poll, on_update, tenant)
        return jobs[0]

    @endpoint
    def wait_for_completion(
        self,
        job_id: str | EvaluationJob,
        timeout: float | None = 86_400.0,
        poll_interval: float = 5.0,
        *,
        on_update: Callable[[EvaluationJob], object] | None = None,
        tenant: str | None = None,
    ) -> Flow[EvaluationJob]:
        """Wait as `wait` does, with a request every `poll_interval` seconds."""
        jobs = yield from self._wait([job_id], timeout, poll_interval, on_update, tenant)
        return jobs[0]

    @endpoint
    def wait_all(
        self,
        jobs: Iterable[str | EvaluationJob],
        timeout: float | None = 86_400.0,
        poll: float | None = None,
        *,
        on_update: Callable[[EvaluationJob], object] | None = None,
        tenant: str | None = None,
    ) -> Flow[list[EvaluationJob]]:
        """Wait until all jobs have ended, and return them in the order given."""
        return (yield from self._wait(jobs, timeout, poll, on_update, tenant))

    @stream
    def watch(
        self,
        job: str | EvaluationJob,
        timeout: float | None = 86_400.0,
        poll: float | None = None,
        *,
        tenant: str | None = None,
    ) -> Stream[EvaluationJob]:
        """Yield a job now and whenever its status has changed, until it has ended."""
        waiting = self._waiting([job], timeout, poll, tenant)
        with note_still_running(f"job {job_id_of(job)}"):
            while waiting.unfinished:
                for changed in (yield from waiting.changes()):
                    yield Emit(changed)

    @endpoint
    def logs(
        self,
        job: str | EvaluationJob,
        *,
        benchmark: int | None = None,
        tail: int = 1000,
        timestamps: bool = False,
        since_seconds: int | None = None,
        tenant: str | None = None,
    ) -> Flow[JobLogs]:
        """Return the log of a job: one section for each benchmark, each below a header line.

        The log is empty if the benchmark has not started, the job has no benchmark of this
        index, or the job was cancelled.

        Args:
            job: The job, or its id.
            benchmark: Index of one benchmark, whose log has no header line.
            tail: Number of last lines of each benchmark, 1 to 10000; -1 means all.
            timestamps: Whether to put a timestamp before each line; ignored in local mode.
            since_seconds: Return only the lines of the last seconds; ignored in local mode.
            tenant: Tenant of the job, in place of the client's.
        """
        options = JobLogOptions(tail, timestamps, since_seconds)
        return text_of((yield from self._send(logs_call(job, benchmark, options, tenant))))

    @endpoint
    def samples(
        self,
        job: str | EvaluationJob,
        benchmark_id: str | None = None,
        *,
        provider_id: str | None = None,
        index: int | None = None,
        tenant: str | None = None,
        registry: Mapping[str, Any] | None = None,
    ) -> Flow[list[Sample]]:
        """Return every answer behind the scores of a benchmark, out of the artifact it stored.

        Args:
            job: The job.
            benchmark_id: The benchmark, where the job has several.
            provider_id: Its provider, where several offer one of that id.
            index: Its position in the job, where it is in it more than once.
            tenant: Tenant of the job, in place of the client's.
            registry: What `evalhub.oci.pull` takes to reach the registry.

        Raises:
            ArtifactError: There is no artifact, it cannot be had, or it holds no samples.
            ValueError: Several benchmarks match.
        """
        from evalhub.client.samples import pull_samples, reference_of

        job = yield from self._fetch(EvaluationJob, job_call("GET", job, tenant=tenant))
        reference = reference_of(job, benchmark_id, provider_id=provider_id, index=index)
        found: list[Sample] = yield Work(partial(pull_samples, reference, **(registry or {})))
        return found

    @endpoint
    def get_logs(
        self,
        job_id: str | EvaluationJob,
        *,
        benchmark_index: int | None = None,
        options: JobLogOptions | None = None,
        tenant: str | None = None,
    ) -> Flow[JobLogs]:
        """Return the log of a job as `logs` does, with the options in one object."""
        call = logs_call(job_id, benchmark_index, options or JobLogOptions(), tenant)
        return text_of((yield from self._send(call)))

    @stream
    def watch_logs(
        self,
        job_id: str | EvaluationJob,
        *,
        benchmark_index: int | None = None,
        options: JobLogOptions | None = None,
        poll_interval: float = 2.0,
        timeout: float | None = 86_400.0,
        tenant: str | None = None,
    ) -> Stream[JobLogUpdate]:
        """Yield new lines of the logs, each once, until the job has ended.

        Args:
            job_id: The job, or its id.
            benchmark_index: Index of one benchmark; `None` follows all of them.
            options: Where to start, `tail_lines` before the end; `None` starts at the beginning.
            poll_interval: Seconds between two requests.
            timeout: Seconds to wait, by default a day; `None` means no limit.
            tenant: Tenant of the job, in place of the client's.

        Raises:
            WaitTimeoutError: The job is still running.
            JobNotFoundError: The job does not exist, or not any more.
        """
        waiting = self._waiting([job_id], timeout, poll_interval, tenant)
        with note_still_running(f"job {job_id_of(job_id)}"):
            yield from follow(
                waiting,
                self._policy,
                benchmark_index=benchmark_index,
                options=options or JobLogOptions(ALL),
                tenant=tenant,
            )

    @endpoint
    def list(
        self,
        status: JobStatus | str | Sequence[JobStatus | str] | None = None,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[JobFilters],
    ) -> Flow[list[EvaluationJob]]:
        """Return the jobs that match the filters, newest first.

        Args:
            status: One status, or several to match any of them.
            limit: Maximum number to return. The service picks them by id, not by age.
            tenant: Tenant of the jobs, in place of the client's.
            filters: Further filters.

        Raises:
            ConfigurationError: A filter or a status does not exist.
            ServiceTooOldError: The service does not know the filter `collection_id`.
        """
        cursor = _cursor(limit, _filters(status, filters), tenant)
        jobs = yield from all_items(JobsList, cursor, self._policy)
        return sorted(jobs, key=lambda job: job.resource.created_at, reverse=True)

    @stream
    def iter(
        self,
        status: JobStatus | str | Sequence[JobStatus | str] | None = None,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[JobFilters],
    ) -> Stream[EvaluationJob]:
        """Yield jobs as `list` selects them, page by page, in the order of their ids."""
        cursor = _cursor(limit, _filters(status, filters), tenant)
        yield from iter_items(JobsList, cursor, self._policy)

    def _delete(self, job: str | EvaluationJob, tenant: str | None) -> Flow[None]:
        return self._remove(job_call("DELETE", job, params={"hard_delete": True}, tenant=tenant))

    def _wait(
        self,
        jobs: Iterable[str | EvaluationJob],
        timeout: float | None,
        poll: float | None,
        on_update: Callable[[EvaluationJob], object] | None,
        tenant: str | None,
    ) -> Flow[_Jobs]:
        waiting = self._waiting(jobs, timeout, poll, tenant)
        while waiting.unfinished:
            with note_still_running(f"job {', '.join(waiting.unfinished)}"):
                for job in (yield from waiting.changes()):
                    if on_update is not None:
                        on_update(job)
        return waiting.jobs

    def _waiting(
        self,
        jobs: Iterable[str | EvaluationJob],
        timeout: float | None,
        poll: float | None,
        tenant: str | None,
    ) -> Waiting:
        return Waiting(
            jobs, self._policy, timeout=timeout, poll=poll, tenant=tenant, pace=self._pace
        )


def _filters(
    status: JobStatus | str | Sequence[JobStatus | str] | None, filters: JobFilters
) -> dict[str, str | None]:
    refuse_unknown(filters, JobFilters)
    return {
        "status": _checked_status(join_values("status", status, "|")),
        "name": filters.get("name"),
        "tags": join_values("tags", filters.get("tags")),
        "owner": filters.get("owner"),
        "experiment_id": filters.get("experiment_id"),
        "collection_id": filters.get("collection_id"),
    }


def _cursor(limit: int | None, filters: dict[str, str | None], tenant: str | None) -> Cursor:
    name = "collection_id"
    since = Since("1.0.3", f"filter {name}", code="query_bad_parameter", word=name)
    return Cursor(f"{API}/jobs", limit, filters, tenant, since=since if filters[name] else None)


def _checked_status(status: str | None) -> str | None:
    # For an unknown status the service returns an empty list, not an error.
    for name in re.split(r"[,|]", status or ""):
        if name and name.removeprefix("!") not in set(JobStatus):
            raise ConfigurationError(
                f"unknown status {name!r}; expected one of {', '.join(JobStatus)}"
            )
    return status
