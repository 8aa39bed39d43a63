"""Scripts written as those in the field are: one for each family of client calls."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

import evalhub
from compat.test_adapters import JOB  # the shape of a job file in the field
from evalhub import AsyncEvalHubClient, EvalHubClient, SyncEvalHubClient
from evalhub.client import ClientError, JobCanNotBeCancelledError, JobLogOptions, JobNotFoundError
from evalhub.client.job_logs import log_delta
from evalhub.models.api import (
    BenchmarkConfig,
    Collection,
    CollectionCreateRequest,
    CollectionRef,
    EvaluationExports,
    EvaluationExportsOCI,
    ExperimentConfig,
    ExperimentTag,
    GitTestDataRef,
    JobStatus,
    JobSubmissionRequest,
    ModelAuth,
    ModelConfig,
    OCIConnectionConfig,
    OCICoordinates,
    PassCriteria,
    PrimaryScore,
    ProviderCreateRequest,
    S3TestDataRef,
    TestDataRef,
)
from evalhub.testing import FakeEvalHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROVIDER = {
    "id": "lm_eval",
    "name": "lm_eval",
    "title": "LM Eval",
    "benchmarks": [
        {"id": "mmlu", "name": "MMLU", "category": "knowledge", "tags": ["core"]},
        {"id": "gsm8k", "name": "GSM8K", "category": "math"},
    ],
}
MODEL = ModelConfig(url="http://model:8000/v1", name="granite", auth=ModelAuth(secret_ref="key"))


@pytest.fixture
def hub() -> Iterator[FakeEvalHub]:
    with FakeEvalHub(providers=[PROVIDER], mlflow=True) as service:
        yield service


@pytest.fixture
def client(hub: FakeEvalHub) -> Iterator[EvalHubClient]:
    with SyncEvalHubClient(
        base_url=hub.url, auth_token="token", timeout=30.0, max_retries=3, tenant="team"
    ) as connected:
        yield connected


def report(client: EvalHubClient, job: Any, index: int, status: str, **event: Any) -> None:
    """Report as an adapter does."""
    benchmark = job.benchmarks[index]
    body = {"provider_id": benchmark.provider_id, "id": benchmark.id, "benchmark_index": index}
    import httpx

    answer = httpx.post(
        f"{client.api_base}/evaluations/jobs/{job.id}/events",
        json={"benchmark_status_event": {**body, "status": status, **event}},
        headers={"X-Tenant": "team"},
    )
    assert answer.status_code == 204, answer.text


def request(**fields: Any) -> JobSubmissionRequest:
    return JobSubmissionRequest(
        name="nightly",
        description="as every night",
        tags=["nightly"],
        model=MODEL,
        benchmarks=[
            BenchmarkConfig(
                id="mmlu",
                provider_id="lm_eval",
                parameters={"num_fewshot": 5, "limit": 10},
                primary_score=PrimaryScore(metric="acc", lower_is_better=False),
                pass_criteria=PassCriteria(threshold=0.5),
                weight=2,
            ),
            BenchmarkConfig(id="gsm8k", provider_id="lm_eval"),
        ],
        **fields,
    )


def test_submit_wait_and_read_results(client: EvalHubClient) -> None:
    job = client.jobs.submit(
        request(
            experiment=ExperimentConfig(
                name="nightly", tags=[ExperimentTag(key="team", value="ml")]
            ),
            exports=EvaluationExports(
                oci=EvaluationExportsOCI(
                    coordinates=OCICoordinates(oci_host="quay.io", oci_repository="a/b"),
                    k8s=OCIConnectionConfig(connection="quay"),
                )
            ),
        )
    )
    assert job.status.state == JobStatus.PENDING
    report(client, job, 0, "completed", metrics={"acc": 0.75})
    assert client.jobs.get(job.id).status.state == JobStatus.RUNNING
    report(client, job, 1, "completed", metrics={"exact_match": 0.5})

    job = client.jobs.wait_for_completion(job.id, timeout=60, poll_interval=0.01)

    assert job.effective_state == "completed"
    scores = {b.id: b.metrics for b in job.results.benchmarks}
    assert scores == {"mmlu": {"acc": 0.75}, "gsm8k": {"exact_match": 0.5}}
    assert job.results.test is not None
    assert job.results.test.passed


def test_list_and_cancel(client: EvalHubClient) -> None:
    jobs = [client.jobs.submit(request()) for _ in range(3)]
    assert client.jobs.cancel(jobs[0].id) is True
    assert client.jobs.cancel(jobs[1].id, hard_delete=True) is True

    assert {job.id for job in client.jobs.list(status=JobStatus.PENDING)} == {jobs[2].id}
    assert client.jobs.list(tenant="other") == []
    with pytest.raises(JobNotFoundError) as missing:
        client.jobs.get(jobs[1].id)
    assert missing.value.job_id == jobs[1].id
    for index in (0, 1):
        report(client, jobs[2], index, "completed", metrics={"acc": 1.0})
    with pytest.raises(ClientError) as ended:
        client.jobs.cancel(jobs[2].id)
    assert isinstance(ended.value, JobCanNotBeCancelledError)
    assert ended.value.job_id == jobs[2].id


def test_logs(client: EvalHubClient, hub: FakeEvalHub) -> None:
    job = client.jobs.submit(request())
    hub.write_log(job.id, "one\ntwo\n")
    seen = client.jobs.get_logs(job.id, benchmark_index=0, options=JobLogOptions(tail_lines=100))
    hub.write_log(job.id, "three\n")
    now = client.jobs.get_logs(job.id, benchmark_index=0)
    assert log_delta(seen, now).strip() == "three"

    for index in (0, 1):
        report(client, job, index, "completed", metrics={"acc": 1.0})
    followed = client.jobs.watch_logs(job.id, benchmark_index=0, poll_interval=0.01)
    assert "".join(update.logs for update in followed) == "one\ntwo\nthree\n"


def test_providers_and_benchmarks(client: EvalHubClient) -> None:
    created = client.providers.create(
        ProviderCreateRequest(name="mine", title="Mine", benchmarks=[])
    )
    assert {provider.name for provider in client.providers.list()} == {"lm_eval", "mine"}
    changed = client.providers.patch(
        created.id, [{"op": "replace", "path": "/title", "value": "M"}]
    )
    assert (changed.resource.id, changed.title) == (created.resource.id, "M")
    full = client.providers.get(created.id)
    full.description = "of our own"
    assert client.providers.update(created.id, full).description == "of our own"
    client.providers.delete(created.id)

    found = client.benchmarks.list(provider_id="lm_eval", category="math")
    assert [benchmark.id for benchmark in found] == ["gsm8k"]


def test_collections(client: EvalHubClient) -> None:
    made = client.collections.create(
        CollectionCreateRequest(
            name="gate",
            category="knowledge",
            benchmarks=[{"id": "mmlu", "provider_id": "lm_eval", "weight": 1.0}],
        )
    )
    assert isinstance(made, Collection)
    job = client.jobs.submit(
        JobSubmissionRequest(name="c", model=MODEL, collection=CollectionRef(id=made.id))
    )
    assert job.collection is not None
    assert not job.benchmarks
    assert client.collections.get(made.id).name == "gate"
    assert [one.id for one in client.collections.list()] == [made.id]
    client.collections.delete(made.id)


def test_job_is_submitted_again_with_its_own_benchmarks(client: EvalHubClient) -> None:
    data = TestDataRef(
        git=GitTestDataRef(url="https://github.com/a/b", ref="main"), resolved_sha="abc123"
    )
    read = [BenchmarkConfig(id="mmlu", provider_id="lm_eval", test_data_ref=data)]

    first = client.jobs.submit(JobSubmissionRequest(name="a", model=MODEL, benchmarks=read))
    copied = [benchmark.model_dump() for benchmark in first.benchmarks]
    again = client.jobs.submit(JobSubmissionRequest(name="b", model=MODEL, benchmarks=copied))

    assert again.benchmarks == first.benchmarks
    assert data.resolved_sha == "abc123"
    s3 = TestDataRef(s3=S3TestDataRef(bucket="b", key="k", secret_ref="s"), type="data_set")
    assert s3.model_dump(exclude_none=True)["s3"]["bucket"] == "b"


def test_overrides_of_a_collection_lose_what_is_read_only() -> None:
    read = {"hf": {"repo_id": "a/b"}, "resolved_sha": "abc"}
    ref = CollectionRef(id="c", benchmarks=[{"id": "x", "provider_id": "p", "test_data_ref": read}])
    wire = JobSubmissionRequest(name="n", model=MODEL, collection=ref).to_wire()

    assert wire["collection"]["benchmarks"][0]["test_data_ref"] == {"hf": {"repo_id": "a/b"}}


def test_everything_awaited(hub: FakeEvalHub) -> None:
    async def script() -> list[str]:
        async with AsyncEvalHubClient(base_url=hub.url, verify_ssl=False) as client:
            health = await client.health()
            jobs = await asyncio.gather(*(client.jobs.submit(request()) for _ in range(3)))
            await asyncio.gather(*(client.jobs.cancel(job.id) for job in jobs))
            listed = await client.jobs.list(status="cancelled")
            return [health["status"], *(job.name for job in listed)]

    assert asyncio.run(script()) == ["healthy", "nightly", "nightly", "nightly"]


def test_token_from_a_file_and_settings_of_the_environment(
    hub: FakeEvalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("secret")
    monkeypatch.setenv("EVALHUB_BASE_URL", hub.url)
    with EvalHubClient(
        base_url=os.environ["EVALHUB_BASE_URL"], auth_token_path=token, insecure=True
    ) as client:
        assert client.health().status == "healthy"
        assert client.auth_token == "secret"
    with evalhub.EvalHubClient.from_env() as client:
        assert client.base_url == hub.url


def test_jobs_of_adapters_are_those_of_the_service() -> None:
    # One vocabulary: a job file of the field is what `JobSpec` reads.
    from evalhub.adapter import JobSpec

    spec = JobSpec.model_validate(JOB)
    assert (spec.id, spec.benchmark_id, spec.parameters["limit"]) == ("job-1", "arc", 7)
