"""What both type checkers must accept, with exactly these types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import assert_type

import evalhub
import evalhub.models.api
from evalhub.client import AsyncEvalHubClient, EvalHubClient, JobLogOptions, JobLogs, JobLogUpdate
from evalhub.client.benchmarks import OfferedBenchmark
from evalhub.models import (
    BenchmarkConfig,
    Collection,
    EvaluationJob,
    EvaluationJobResults,
    EvaluationRequest,
    HealthResponse,
    JobStatus,
    JobSubmissionRequest,
    ModelConfig,
    PatchOperation,
    Provider,
    ProviderCreateRequest,
)


def blocking(
    client: EvalHubClient, request: JobSubmissionRequest, changes: list[PatchOperation]
) -> None:
    assert_type(client.health(), HealthResponse)

    job = client.jobs.submit(request, tenant="team")
    assert_type(job, EvaluationJob)
    client.jobs.submit(EvaluationRequest(model=ModelConfig(name="m"), benchmarks=["b"]))
    client.jobs.submit({"name": "x"})
    client.jobs.submit(
        name="x",
        model=ModelConfig(name="m"),
        benchmarks=[BenchmarkConfig(id="b", provider_id="p"), {"id": "c"}, "d"],
        tags=["a"],
        pass_criteria={"threshold": 0.5},
    )
    assert_type(client.jobs.get("id"), EvaluationJob)
    assert_type(client.jobs.get(job), EvaluationJob)
    assert_type(client.jobs.wait(job, timeout=None), EvaluationJob)
    assert_type(client.jobs.list(), list[EvaluationJob])
    assert_type(client.jobs.list("failed", 10, name="x", tags=["a"]), list[EvaluationJob])
    assert_type(client.jobs.list([JobStatus.FAILED, "running"]), list[EvaluationJob])
    assert_type(client.jobs.iter(JobStatus.FAILED, owner="me"), Iterator[EvaluationJob])
    assert_type(client.jobs.cancel(job), bool)
    assert_type(client.jobs.cancel("id", hard_delete=True), bool)
    client.jobs.delete(job)
    assert_type(client.jobs.wait(job, 60.0, on_update=print), EvaluationJob)
    assert_type(client.jobs.wait_for_completion("id", 60, 5), EvaluationJob)
    assert_type(client.jobs.wait_all([job, "id"], timeout=60), list[EvaluationJob])
    assert_type(client.jobs.watch(job), Iterator[EvaluationJob])
    assert_type(client.jobs.results(job), EvaluationJobResults)
    assert_type(client.jobs.logs(job, benchmark=0, tail=-1), JobLogs)
    assert_type(client.jobs.get_logs("id", options=JobLogOptions(10)), JobLogs)
    assert_type(client.jobs.watch_logs(job), Iterator[JobLogUpdate])

    assert_type(client.providers.list(scope="system", benchmarks=False), list[Provider])
    assert_type(client.providers.iter(10), Iterator[Provider])
    provider = client.providers.get_by_name("x")
    assert_type(provider, Provider)
    assert_type(client.providers.create(ProviderCreateRequest(name="x")), Provider)
    assert_type(client.providers.update("id", provider), Provider)
    assert_type(client.providers.patch("id", {"title": None}), Provider)
    assert_type(client.providers.patch("id", changes), Provider)

    collection = client.collections.clone("id", {"name": "y"})
    assert_type(collection, Collection)
    assert_type(client.collections.list(domains=["a"], category="c"), list[Collection])
    assert_type(client.collections.update("id", collection), Collection)
    assert_type(client.collections.iter(), Iterator[Collection])

    assert_type(client.benchmarks.list("p", "math", 3, tag="t"), list[OfferedBenchmark])
    assert_type(client.benchmarks.get("b", "p"), OfferedBenchmark)


async def awaited(client: AsyncEvalHubClient, request: JobSubmissionRequest) -> None:
    assert_type(await client.health(), HealthResponse)
    job = await client.jobs.submit(request)
    assert_type(job, EvaluationJob)
    assert_type(await client.jobs.submit(name="x", benchmarks=["b"]), EvaluationJob)
    assert_type(await client.jobs.list(limit=3), list[EvaluationJob])
    assert_type(client.jobs.iter(), AsyncIterator[EvaluationJob])
    assert_type(await client.jobs.cancel(job), bool)
    assert_type(await client.jobs.wait(job, poll=1.0), EvaluationJob)
    assert_type(await client.jobs.wait_all(["id"]), list[EvaluationJob])
    assert_type(client.jobs.watch(job), AsyncIterator[EvaluationJob])
    assert_type(await client.jobs.logs(job), JobLogs)
    async for update in client.jobs.watch_logs(job, poll_interval=1):
        assert_type(update, JobLogUpdate)
    async for provider in client.providers.iter():
        assert_type(provider, Provider)
    assert_type(await client.collections.get("id"), Collection)
    assert_type(await client.benchmarks.get("b"), OfferedBenchmark)


def submodules_without_import(error: evalhub.NotFoundError) -> None:
    assert_type(error, evalhub.errors.NotFoundError)
    assert_type(evalhub.models.JobStatus.FAILED.is_terminal, bool)
    assert_type(evalhub.models.api.ModelConfig(name="m"), ModelConfig)


def built() -> None:
    with EvalHubClient("http://hub", "token", timeout=3, tenant="t") as client:
        assert_type(client, EvalHubClient)
    EvalHubClient.from_env(auth_token_path=Path("token"))


async def built_async() -> None:
    async with AsyncEvalHubClient(base_url="http://hub", max_retries=0) as client:
        assert_type(client, AsyncEvalHubClient)
        await client.close()
