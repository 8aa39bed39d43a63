from __future__ import annotations

import asyncio

import pytest

from evalhub import AsyncEvalHubClient, EvalHubClient
from evalhub.adapter.examples import ExampleAdapter
from evalhub.client.samples import read_samples
from evalhub.errors import ArtifactError
from evalhub.testing import AdapterHarness, FakeEvalHub, FakeModel, job_spec


@pytest.fixture(scope="module")
def hub():
    with FakeModel("4") as model:
        hub = FakeEvalHub()
        spec = job_spec(
            model={"name": "m", "url": model.url},
            benchmark_id="arithmetic",
            num_examples=3,
            primary_score={"metric": "accuracy"},
        )
        AdapterHarness(ExampleAdapter, hub=hub).run(spec)
        yield hub


@pytest.fixture(scope="module")
def job_id():
    return job_spec().job_id


def test_every_answer_comes_back_from_the_artifact(hub, job_id):
    with EvalHubClient(transport=hub.transport) as client:
        samples = client.jobs.samples(job_id)
        assert samples == client.jobs.samples(client.jobs.get(job_id), "arithmetic")

    assert len(samples) == 3
    assert {sample.benchmark_id for sample in samples} == {"arithmetic"}
    assert {sample.metric for sample in samples} == {"accuracy"}


def test_the_asynchronous_client_reads_the_same(hub, job_id):
    async def read():
        async with AsyncEvalHubClient(transport=hub.transport) as client:
            return await client.jobs.samples(job_id)

    assert len(asyncio.run(read())) == 3


def test_a_benchmark_that_has_not_ended_has_none():
    hub = FakeEvalHub()
    hub.add_job(job_spec())
    with (
        EvalHubClient(transport=hub.transport) as client,
        pytest.raises(ArtifactError, match="has no result: the job is"),
    ):
        client.jobs.samples(job_spec().job_id)


def test_a_benchmark_without_an_artifact_says_so(hub, job_id):
    with EvalHubClient(transport=hub.transport) as client:
        job = client.jobs.get(job_id)
    job.results.benchmarks[0].artifacts.clear()
    from evalhub.client.samples import reference_of

    with pytest.raises(ArtifactError, match="has stored no artifact, and so no samples"):
        reference_of(job)


def test_a_reference_and_a_path_are_told_apart(tmp_path):
    (tmp_path / "samples.jsonl").write_text('{"sample_id": "a", "prediction": 1}\n')

    assert [sample.sample_id for sample in read_samples(str(tmp_path))] == ["a"]
    with pytest.raises(ArtifactError, match="cannot pull oci:"):
        read_samples(f"oci:{tmp_path / 'no'}:tag")


def test_a_comparison_reads_what_both_jobs_have_stored(hub, job_id):
    with EvalHubClient(transport=hub.transport) as client:
        comparison = client.jobs.compare(job_id, job_id, paired="require")

    [benchmark] = comparison.benchmarks
    assert benchmark.paired
    assert benchmark.samples == (3, 3)
