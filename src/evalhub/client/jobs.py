"""Jobs: submit, look, wait, read the logs, cancel."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from evalhub.client._endpoint import API, Resource, endpoint, stream
from evalhub.client._following import follow
from evalhub.client._job import job_call, job_id_of
from evalhub.client._paging import Cursor, each, every, refuse_unknown, together
from evalhub.client._submission import job_request
from evalhub.client._waiting import Waiting, note_interruption
from evalhub.client.logs import ALL, JobLogOptions, JobLogUpdate, logs_call, text_of
from evalhub.client.samples import pull_samples, reference_of
from evalhub.errors import ConfigurationError, ResponseError, ServerError, TransportError
from evalhub.models.job import EvaluationJob, EvaluationJobResults, JobsList
from evalhub.models.state import JobStatus
from evalhub.wire.flow import Call, Emit, Work

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
    from evalhub.wire.drive import AsyncDriver, Driver
    from evalhub.wire.flow import Flow, Stream

__all__ = ["JobFields", "JobFilters", "Jobs"]

D = TypeVar("D", bound="Driver | AsyncDriver")


class JobFields(TypedDict, total=False):
    """What a job is made of, as keyword arguments of `submit`."""

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
    """What jobs may be selected by.

    A string may combine values as the service does: `a,b` is both, `a|b` is either, `!a` is not
    (for owner, status and experiment). Values match exactly.
    """

    name: str
    tags: str | Sequence[str]
    """Several: jobs that have all of them."""

    owner: str
    experiment_id: str


class Jobs(Resource[D]):
    """Jobs of the service."""

    @endpoint
    def submit(
        self,
        request: JobSubmissionRequest | EvaluationRequest | Mapping[str, Any] | None = None,
        *,
        tenant: str | None = None,
        **fields: Unpack[JobFields],
    ) -> Flow[EvaluationJob]:
        """Submit a job and return it as the service took it: pending.

        It is sent once. Only a connection that was never made is tried again, so a job is never
        submitted twice; a note on the error says where it may have arrived all the same.

        Args:
            request: The job, or a model and the benchmarks to run it through.
            tenant: Tenant of the job, in place of the client's.
            fields: The job, in place of a request. A benchmark given by its id alone is looked
                up among the providers.

        Raises:
            ConfigurationError: A benchmark is not offered, or by several providers.
            BadRequestError: The service refused the job. It may have kept it as failed, where
                the problem showed late (wire contract 1.4).
            NotFoundError: No such provider or collection.
        """
        job = yield from job_request(request, fields, self._policy, tenant)
        call = Call("POST", f"{API}/jobs", json=job.to_wire(), tenant=tenant)
        try:
            return (yield from self._fetch(EvaluationJob, call))
        except (TransportError, ServerError, ResponseError) as error:
            if not isinstance(error, TransportError) or error.sent:
                error.add_note(f"the job may exist: look for it with jobs.list(name={job.name!r})")
            raise

    @endpoint
    def get(self, job_id: str, *, tenant: str | None = None) -> Flow[EvaluationJob]:
        """Return the job as the service knows it now.

        Raises:
            JobNotFoundError: No such job, or it belongs to another tenant.
        """
        return (yield from self._fetch(EvaluationJob, job_call("GET", job_id, tenant=tenant)))

    @endpoint
    def results(
        self, job_id: str | EvaluationJob, *, tenant: str | None = None
    ) -> Flow[EvaluationJobResults]:
        """Return what the job has measured so far."""
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
        """Stop a job; cancelling it again does nothing.

        The service removes the logs, and does so before it looks whether the job has ended:
        read them first.

        Args:
            job_id: The job.
            hard_delete: Whether to delete the job as well, whatever its state.
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
        """Stop a job and delete it, with its results and logs, whatever its state."""
        yield from self._delete(job_id, tenant)

    @endpoint
    def wait(
        self,
        job: str | EvaluationJob,
        timeout: float | None = None,
        poll: float | None = None,
        *,
        on_update: Callable[[EvaluationJob], object] | None = None,
        tenant: str | None = None,
    ) -> Flow[EvaluationJob]:
        """Wait until the service says that the whole job has ended, in whichever way.

        The service may restart or be away meanwhile. An interruption leaves the job running.

        Args:
            job: The job.
            timeout: Seconds to wait; `None` waits for a day. The service does not notice a dead
                adapter, so a job may stay running for ever.
            poll: Seconds between looks; `None` looks often at first and every 15 s later on.
            on_update: Called with the job whenever its status has changed.
            tenant: Tenant of the job, in place of the client's.

        Raises:
            WaitTimeoutError: The job has not ended in time; the error holds it as last seen.
            JobNotFoundError: The job is gone.
        """
        jobs = yield from self._wait([job], timeout, poll, on_update, tenant)
        return jobs[0]

    @endpoint
    def wait_for_completion(
        self,
        job_id: str | EvaluationJob,
        timeout: float | None = None,
        poll_interval: float = 5.0,
        *,
        on_update: Callable[[EvaluationJob], object] | None = None,
        tenant: str | None = None,
    ) -> Flow[EvaluationJob]:
        """Do what `wait` does, looking every `poll_interval` seconds."""
        jobs = yield from self._wait([job_id], timeout, poll_interval, on_update, tenant)
        return jobs[0]

    @endpoint
    def wait_all(
        self,
        jobs: Iterable[str | EvaluationJob],
        timeout: float | None = None,
        poll: float | None = None,
        *,
        on_update: Callable[[EvaluationJob], object] | None = None,
        tenant: str | None = None,
    ) -> Flow[list[EvaluationJob]]:
        """Wait until all of the jobs have ended; return them in the order given."""
        return list((yield from self._wait(jobs, timeout, poll, on_update, tenant)))

    @stream
    def watch(
        self,
        job: str | EvaluationJob,
        timeout: float | None = None,
        poll: float | None = None,
        *,
        tenant: str | None = None,
    ) -> Stream[EvaluationJob]:
        """Yield the job as it is now and whenever its status has changed, until it has ended."""
        waiting = Waiting([job], self._policy, timeout=timeout, poll=poll, tenant=tenant)
        with note_interruption(f"job {job_id_of(job)}"):
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
    ) -> Flow[str]:
        """Return the log of a job: one section for each benchmark, each below a header line.

        A log that does not exist is empty: of a benchmark that has not started, of an index that
        the job does not have, of a job that was cancelled.

        Args:
            job: The job.
            benchmark: Index of one benchmark, whose log comes without a header.
            tail: Last lines of each benchmark, 1 to 10000; -1 means all.
            timestamps: Put a timestamp before each line; without effect in local mode.
            since_seconds: Lines of the last seconds alone; without effect in local mode.
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
    ) -> Flow[str]:
        """Do what `logs` does, with its options in one object."""
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
        timeout: float | None = None,
        tenant: str | None = None,
    ) -> Stream[JobLogUpdate]:
        """Yield what the logs gain, each line once, until the job has ended.

        Args:
            job_id: The job.
            benchmark_index: One benchmark; `None` follows all of them.
            options: Where to begin, `tail_lines` before the end; `None` begins at the start.
            poll_interval: Seconds between looks.
            timeout: Seconds after which to stop; `None` means a day.
            tenant: Tenant of the job, in place of the client's.

        Raises:
            WaitTimeoutError: The job has not ended in time.
            JobNotFoundError: The job is gone.
        """
        waiting = Waiting(
            [job_id], self._policy, timeout=timeout, poll=poll_interval, tenant=tenant
        )
        with note_interruption(f"job {job_id_of(job_id)}"):
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
        """Return all jobs, or those that the filters select, newest first.

        Args:
            status: State, or several of which a job has one.
            limit: How many to return in all. The service picks them by id, not by age.
            tenant: Tenant of the jobs, in place of the client's.
            filters: What else to select by.
        """
        cursor = Cursor(f"{API}/jobs", limit, _filters(status, filters), tenant)
        jobs = yield from every(JobsList, cursor, self._policy)
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
        """Yield jobs as `list` selects them, page by page, in the service's own order."""
        cursor = Cursor(f"{API}/jobs", limit, _filters(status, filters), tenant)
        yield from each(JobsList, cursor, self._policy)

    def _delete(self, job: str | EvaluationJob, tenant: str | None) -> Flow[None]:
        return self._remove(job_call("DELETE", job, params={"hard_delete": True}, tenant=tenant))

    def _wait(
        self,
        jobs: Iterable[str | EvaluationJob],
        timeout: float | None,
        poll: float | None,
        on_update: Callable[[EvaluationJob], object] | None,
        tenant: str | None,
    ) -> Flow[Sequence[EvaluationJob]]:
        waiting = Waiting(jobs, self._policy, timeout=timeout, poll=poll, tenant=tenant)
        while waiting.unfinished:
            with note_interruption(f"job {', '.join(waiting.unfinished)}"):
                for job in (yield from waiting.changes()):
                    if on_update is not None:
                        on_update(job)
        return waiting.jobs


def _filters(
    status: JobStatus | str | Sequence[JobStatus | str] | None, filters: JobFilters
) -> dict[str, str | None]:
    refuse_unknown(filters, JobFilters)
    return {
        "status": _checked_status(together(status, "|")),
        "name": filters.get("name"),
        "tags": together(filters.get("tags")),
        "owner": filters.get("owner"),
        "experiment_id": filters.get("experiment_id"),
    }


def _checked_status(status: str | None) -> str | None:
    # The service finds nothing for a state that does not exist, and does not say why.
    for state in re.split(r"[,|]", status or ""):
        if state and state.removeprefix("!") not in set(JobStatus):
            raise ConfigurationError(f"no state {state!r}; there are {', '.join(JobStatus)}")
    return status
