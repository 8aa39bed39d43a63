"""Every answer of an adapter on the real service, pulled back through both clients."""

from __future__ import annotations

import asyncio
import shlex
import sys

import pytest

from evalhub import AsyncEvalHubClient, EvalHubClient
from evalhub.oci import pull
from evalhub.testing import FakeModel, RealEvalHub

pytestmark = pytest.mark.e2e

COMMAND = [sys.executable, "-m", "evalhub.adapter", "evalhub.adapter.examples:ExampleAdapter"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    provider = {
        "id": "example",
        "name": "example",
        "benchmarks": [{"id": "arithmetic", "name": "Arithmetic", "category": "math"}],
        "runtime": {
            "local": {
                "command": shlex.join(COMMAND),
                "env": [
                    {"name": "REGISTRY_URL", "value": f"oci:{tmp_path_factory.mktemp('layout')}"}
                ],
            }
        },
    }
    with (
        FakeModel("42") as model,
        RealEvalHub(providers=[provider]) as service,
        EvalHubClient(service.url) as client,
    ):
        job = client.jobs.submit(
            name="samples",
            model={"name": model.name, "url": model.url},
            benchmarks=[{"id": "arithmetic", "provider_id": "example"}],
        )
        yield service, client.jobs.wait(job, timeout=120)


def test_they_are_equal_in_number_and_mean(finished):
    service, job = finished
    with EvalHubClient(service.url) as client:
        samples = client.jobs.samples(job, "arithmetic")

    [result] = job.results.benchmarks
    mean = sum(sample.prediction for sample in samples) / len(samples)
    assert len(samples) == len({sample.key for sample in samples}) == 24
    assert mean == pytest.approx(result.metrics["accuracy"], abs=1e-9)
    assert {(sample.provider_id, sample.benchmark_id) for sample in samples} == {
        ("example", "arithmetic")
    }


def test_the_asynchronous_client_reads_the_same(finished):
    service, job = finished

    async def read():
        async with AsyncEvalHubClient(service.url) as client:
            return await client.jobs.samples(job.id)

    assert len(asyncio.run(read())) == 24


def test_the_artifact_holds_them_with_a_manifest(finished, tmp_path):
    _, job = finished
    pull(job.results.benchmarks[0].artifacts["oci_reference"], tmp_path)

    assert {"samples.jsonl", "manifest.json", "results.jsonl"} <= {
        file.name for file in tmp_path.iterdir()
    }
