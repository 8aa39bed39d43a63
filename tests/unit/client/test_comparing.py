from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.jobs import benchmark, job, rows
from unit.client.conftest import SUMS

from evalhub.analysis import save_baseline
from evalhub.client.jobs import Jobs
from evalhub.errors import ArtifactError, ConfigurationError, JobNotFoundError
from evalhub.models.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalhub.models import EvaluationJob


def finished(world, right: int, *, name="nightly", n=1000, **fields) -> str:
    """Submit a job and report its accuracy."""
    submitted: EvaluationJob = world.run(
        lambda c: c.jobs.submit(
            name=name,
            model={"name": "m", "url": "http://model/v1"},
            benchmarks=[{"id": "sums", "provider_id": "alpha"}],
            **fields,
        )
    )
    world.report(
        submitted.id,
        "completed",
        metrics={"accuracy": right / n},
        additional_info={"metric_details": {"accuracy": {"num_samples": n}}},
    )
    return submitted.id


def compared(world, *arguments, **options):
    return world.run(lambda c: c.jobs.compare(*arguments, **options))


def test_jobs_are_compared_by_their_ids(world):
    before, after = finished(world, 750), finished(world, 650)
    comparison = compared(world, before, after)

    assert comparison.verdict == "regressed"
    assert comparison.benchmarks[0].threshold == 0.5
    assert comparison.baseline == f"nightly ({before})"


def test_jobs_are_compared_by_their_names(world):
    finished(world, 750, name="last-week")
    finished(world, 650, name="tonight")

    assert compared(world, "last-week", "tonight").verdict == "regressed"


def test_the_newest_job_with_a_tag_is_the_baseline(world):
    finished(world, 750, tags=["baseline:release"])
    after = finished(world, 650)

    assert compared(world, "baseline:release", after).verdict == "regressed"


def test_several_runs_count_by_their_mean(world):
    before = [finished(world, 740), finished(world, 760)]

    assert compared(world, before, finished(world, 750)).benchmarks[0].baseline == 0.75


def test_jobs_files_and_baselines_are_taken(world, tmp_path):
    job_id = finished(world, 650)
    after = world.run(lambda c: c.jobs.get(job_id))
    saved = save_baseline("b", job(benchmark(id="sums", provider="alpha")), folder=tmp_path)

    for source in (saved, saved.path, str(saved.path), saved.job):
        assert compared(world, source, after).verdict == "regressed"


def test_rows_may_be_given(world):
    before = finished(world, 750)
    comparison = compared(world, before, before, rows=(rows([1.0] * 50), rows([0.0] * 50)))

    assert comparison.benchmarks[0].paired


def test_without_samples_pairs_cannot_be_required(world):
    before = finished(world, 750)
    with pytest.raises(ConfigurationError, match="pairs are required"):
        compared(world, before, before, paired="require")
    assert compared(world, before, before, paired="off").benchmarks[0].paired is False


class JobsWithSamples(Jobs[Any]):
    """Jobs that have stored samples, as their artifacts would hold them."""

    by_job: Mapping[str, list[float]]

    def _samples(self, job, result, tenant):
        yield from ()
        if job.id not in self.by_job:
            raise ArtifactError("gone")
        return [Sample.model_validate(row) for row in rows(self.by_job[job.id])]


def compared_with(world, by_job, *arguments, **options):
    resources = world.resources()
    jobs = JobsWithSamples(resources.jobs._driver, resources.jobs._policy)
    jobs.by_job = by_job
    return world.run(lambda _: jobs.compare(*arguments, **options), resources)


def test_stored_samples_are_compared_in_pairs(world):
    before, after = finished(world, 750), finished(world, 750)
    stored = {before: [1.0] * 50, after: [1.0] * 30 + [0.0] * 20}
    one = compared_with(world, stored, before, after).benchmarks[0]

    assert one.paired
    assert len(one.lost) == 20
    assert compared_with(world, stored, before, after, paired="off").benchmarks[0].paired is False


def test_samples_that_cannot_be_had_are_told(world):
    before, after = finished(world, 750), finished(world, 650)
    comparison = compared_with(world, {}, before, after)

    assert comparison.verdict == "regressed"
    assert comparison.warnings == [
        f"the samples of sums in {job_id} cannot be had: gone" for job_id in (before, after)
    ]


def test_pairs_of_several_runs_need_the_samples_of_all(world):
    runs = [finished(world, 750), finished(world, 750)]
    after = finished(world, 750)
    stored = {runs[0]: [1.0] * 50, after: [1.0] * 50}

    assert compared_with(world, stored, runs, after).benchmarks[0].paired is False
    stored[runs[1]] = [0.0] * 50
    assert compared_with(world, stored, runs, after).benchmarks[0].baseline == 0.5


def test_benchmarks_of_one_id_are_compared_by_their_scores(world):
    def twice(value):
        job_id = world.submit(SUMS, SUMS)
        for index in (0, 1):
            world.report(job_id, "completed", index=index, metrics={"accuracy": value})
        return job_id

    before, after = twice(0.75), twice(0.5)
    stored = {before: [1.0] * 50, after: [1.0] * 50}
    comparison = compared_with(world, stored, before, after)

    assert [one.paired for one in comparison.benchmarks] == [False, False]


def test_a_policy_is_checked_before_anything_is_fetched(world):
    with pytest.raises(ConfigurationError, match="the policy cannot be used"):
        compared(world, "a", "b", policy={"requier": {}})
    assert world.requests == []


def test_a_job_that_is_not_there(world):
    with pytest.raises(JobNotFoundError):
        compared(world, "none", "none")
    with pytest.raises(ConfigurationError, match="no job has the tag 'baseline:none'"):
        compared(world, "baseline:none", "none")


def test_history_is_of_the_jobs_of_one_name(world):
    for right in (700, 710, 720):
        finished(world, right)
    finished(world, 100, name="other")
    found = world.run(lambda c: c.jobs.history(name="nightly", benchmark="sums"))

    assert sorted(point.value for point in found.points) == [0.7, 0.71, 0.72]
    assert len(world.run(lambda c: c.jobs.history(benchmark="sums", last=2)).points) == 2


def test_no_history(world):
    with pytest.raises(ConfigurationError, match="no job has results of benchmark 'sums'"):
        world.run(lambda c: c.jobs.history(benchmark="sums"))
