"""The page on confidence intervals: a service of version 1.0.3, with a job that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from evalhub import EvalHubClient
from evalhub.testing import FakeEvalHub

if TYPE_CHECKING:
    from docs.context import Context

BENCHMARK = {
    "id": "mmlu",
    "name": "MMLU",
    "category": "knowledge",
    "primary_score": {"metric": "accuracy"},
    "pass_criteria": {"threshold": 0.5},
}


def setup(ctx: Context) -> None:
    providers = [{"id": "harness", "name": "harness", "benchmarks": [BENCHMARK]}]
    hub = ctx.enter(FakeEvalHub(providers=providers, version="1.0.3"))
    ctx.replace["http://localhost:8080"] = hub.url
    with EvalHubClient(hub.url) as client:
        model = {"name": "granite", "url": "http://model/v1"}
        job = client.jobs.submit(name="nightly", model=model, benchmarks=["mmlu"])
        event = {"provider_id": "harness", "id": "mmlu", "benchmark_index": 0}
        event |= {"status": "completed", "metrics": {"accuracy": 0.8}}
        url = f"{client.api_base}/evaluations/jobs/{job.id}/events"
        httpx.post(url, json={"benchmark_status_event": event}).raise_for_status()
