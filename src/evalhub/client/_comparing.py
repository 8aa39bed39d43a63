"""Jobs side by side, and one benchmark over jobs."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from evalhub.client._endpoint import API, D, EndpointGroup, endpoint
from evalhub.client._job import job_call
from evalhub.client._paging import Cursor, all_items
from evalhub.errors import (
    ArtifactError,
    BadRequestError,
    ConfigurationError,
    JobNotFoundError,
)
from evalhub.models.job import EvaluationJob, JobsList
from evalhub.wire.flow import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from evalhub.analysis import Comparison, History
    from evalhub.analysis._comparing import Pairing
    from evalhub.analysis._pairing import Rows
    from evalhub.analysis.baseline import Baseline
    from evalhub.analysis.policy import PolicySource
    from evalhub.models.job import BenchmarkResult
    from evalhub.models.sample import Sample
    from evalhub.wire.flow import Flow
    from evalhub.wire.send import Policy as SendPolicy

__all__ = ["Comparing", "JobSource"]

JobSource: TypeAlias = "EvaluationJob | Baseline | Mapping[str, Any] | str | PathLike[str]"
"""A job, its id or name, `baseline:NAME` for the newest job tagged so, a file or a baseline."""

_TAG = "baseline:"
_FILES = (".json", ".json.gz")


class Comparing(EndpointGroup[D]):
    """Compare jobs with each other."""

    @endpoint
    def compare(
        self,
        baseline: JobSource | Sequence[JobSource],
        candidate: JobSource | Sequence[JobSource],
        *,
        policy: PolicySource = None,
        paired: Pairing = "auto",
        rows: tuple[Rows | None, Rows | None] | None = None,
        tenant: str | None = None,
    ) -> Flow[Comparison]:
        """Say of each benchmark whether the candidate is better, worse or the same.

        Samples that the jobs have stored are compared in pairs; see `evalhub.analysis.compare`.

        Args:
            baseline: A job, its id or name, `baseline:NAME` for the newest job tagged so, a file,
                a baseline that was saved, or several runs of the same.
            candidate: What is compared with it, given likewise.
            policy: What to require and to allow: a `Policy`, its content, or `gate.yaml`.
            paired: Whether to compare samples in pairs: where both sides have some, always, or
                never.
            rows: The samples of the baseline and of the candidate, in place of the stored ones.
            tenant: Tenant of the jobs, in place of the client's.

        Raises:
            ConfigurationError: The policy or a side cannot be used.
            JobNotFoundError: There is no job of that id or name.
            MissingExtraError: The extra `analysis` is not installed.
        """
        from evalhub.analysis import Policy, compare

        rules = Policy.read(policy)
        before = yield from self._sources(baseline, tenant)
        after = yield from self._sources(candidate, tenant)
        problems: list[str] = []
        old, new = rows or (None, None)
        if paired != "off" and old is None:
            old = yield from self._rows(before, problems)
        if paired != "off" and new is None:
            new = yield from self._rows(after, problems)
        one = before[0] if len(before) == 1 else before
        comparison = compare(one, after, policy=rules, rows=(old, new), paired=paired)
        comparison.warnings += problems
        return comparison

    @endpoint
    def history(
        self,
        *,
        benchmark: str,
        name: str | None = None,
        provider: str | None = None,
        metric: str | None = None,
        last: int = 20,
        tenant: str | None = None,
    ) -> Flow[History]:
        """Return the primary score of a benchmark over the last jobs, oldest first.

        Args:
            benchmark: Id of the benchmark.
            name: Name of the jobs; `None` takes jobs of any name.
            provider: Id of the provider, where several have a benchmark of this id.
            metric: Metric, in place of the primary one.
            last: How many jobs to look back.
            tenant: Tenant of the jobs, in place of the client's.

        Raises:
            ConfigurationError: No job has a number for the benchmark.
            MissingExtraError: The extra `analysis` is not installed.
        """
        from evalhub.analysis import history

        jobs = yield from _listed(self._policy, tenant, name=name)
        return history(jobs, benchmark, provider=provider, metric=metric, last=last)

    def _sources(
        self, source: JobSource | Sequence[JobSource], tenant: str | None
    ) -> Flow[list[Any]]:
        parts = cast("Sequence[Any]", source if isinstance(source, list | tuple) else [source])
        found: list[Any] = []
        for part in parts:
            if isinstance(part, str) and not part.endswith(_FILES):
                found.append((yield from self._job(part, tenant)))
            else:
                found.append(part)
        return found

    def _job(self, name: str, tenant: str | None) -> Flow[EvaluationJob]:
        if name.startswith(_TAG):
            tagged = yield from _listed(self._policy, tenant, tags=name)
            if not tagged:
                raise ConfigurationError(f"no job has the tag {name!r}: submit one with tags=[...]")
            return tagged[0]
        try:
            return (yield from self._fetch(EvaluationJob, job_call("GET", name, tenant=tenant)))
        except (JobNotFoundError, BadRequestError):
            named = yield from _listed(self._policy, tenant, name=name)
            if not named:
                raise
            return named[0]

    def _rows(self, sources: list[Any], problems: list[str]) -> Flow[list[dict[str, Any]] | None]:
        """Return the samples that jobs have stored; `None` where one of them has none."""
        rows: list[dict[str, Any]] = []
        for job in sources:
            found = (
                (yield from self._rows_of_job(job, problems))
                if (isinstance(job, EvaluationJob))
                else []
            )
            if not found:
                return None
            rows += found
        return rows

    def _rows_of_job(self, job: EvaluationJob, problems: list[str]) -> Flow[list[dict[str, Any]]]:
        rows: list[dict[str, Any]] = []
        places = Counter((result.provider_id, result.id) for result in job.results.benchmarks)
        for result in job.results.benchmarks:
            if places[result.provider_id, result.id] > 1:
                continue  # rows do not say which of several benchmarks of one id they are of
            try:
                samples = yield from self._samples(job, result)
            except ArtifactError as error:
                problems.append(f"the samples of {result.id} in {job.id} cannot be had: {error}")
                continue
            rows += (_row(sample, result) for sample in samples)
        return rows

    def _samples(self, job: EvaluationJob, result: BenchmarkResult) -> Flow[list[Sample]]:
        """Return the samples that one benchmark has stored; none where it has stored none."""
        from evalhub.client.samples import pull_samples

        del job  # the artifact comes from its registry, not from the service
        reference = result.artifacts.get("oci_reference")
        if not isinstance(reference, str):
            return []
        samples: list[Sample] = yield Work(partial(pull_samples, reference))
        return samples


def _row(sample: Sample, result: BenchmarkResult) -> dict[str, Any]:
    """Return what is compared of a sample, without its texts."""
    return {
        "sample_id": sample.sample_id,
        "prediction": sample.prediction,
        "metric": sample.metric,
        "group": sample.group,
        "provider_id": result.provider_id,
        "benchmark_id": result.id,
    }


def _listed(
    policy: SendPolicy, tenant: str | None, **filters: str | None
) -> Flow[list[EvaluationJob]]:
    cursor = Cursor(f"{API}/jobs", None, filters, tenant)
    jobs = yield from all_items(JobsList, cursor, policy)
    return sorted(jobs, key=lambda job: job.resource.created_at, reverse=True)
