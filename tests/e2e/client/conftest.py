"""The real service with two providers of benchmarks whose adapters only write a log."""

from __future__ import annotations

import asyncio
import inspect
import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from evalhub.client import AsyncEvalHubClient, EvalHubClient
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = {"name": "m", "url": "http://127.0.0.1:1/v1"}
SUMS = {"id": "sums", "provider_id": "writer"}
JUDGED = {"primary_score": {"metric": "accuracy"}, "pass_criteria": {"threshold": 0.5}}


def provider(name: str, command: str, **more: object) -> dict[str, object]:
    benchmarks = [{"id": "sums", "name": "Sums", "category": "math", "tags": ["quick"], **JUDGED}]
    return {
        "id": name,
        "name": name,
        "benchmarks": [*benchmarks, {"id": f"only-{name}", "name": "Only here"}],
        "runtime": {"local": {"command": command}},
        **more,
    }


PROVIDERS = [
    provider("silent", "true"),
    provider("writer", "seq 1 2500; printf 'no newline'"),
    provider("ticker", "for i in $(seq 1 40); do seq 1 60; sleep 0.05; done; echo done"),
]
COLLECTIONS = [
    {"id": "set", "name": "set", "category": "math", "benchmarks": [SUMS, SUMS]},
]


@pytest.fixture(scope="session")
def hub() -> Iterator[RealEvalHub]:
    with RealEvalHub(providers=PROVIDERS, collections=COLLECTIONS) as running:
        yield running


class Api:
    """Either client, used alike."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        self.url = url

    def __call__(self, action, *, url=None, **options):
        """Perform `action(client)`, await it or collect it where that is needed."""
        options = {"base_url": url or self.url, "retry_initial_delay": 0.05, **options}
        if self.kind == "sync":
            with EvalHubClient(**options) as client:
                result = action(client)
                return list(result) if inspect.isgenerator(result) else result

        async def perform():
            async with AsyncEvalHubClient(**options) as client:
                result = action(client)
                if inspect.isasyncgen(result):
                    return [value async for value in result]
                return await result

        return asyncio.run(perform())

    def submit(self, *benchmarks, **fields):
        fields = {"name": "job", "model": MODEL, "benchmarks": list(benchmarks), **fields}
        return self(lambda c: c.jobs.submit(fields))

    def raw(self, method, path, body=None) -> tuple[int, bytes]:
        """Ask the service without the client."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        try:
            connection.request(
                method, f"/api/v1{path}", body=None if body is None else json.dumps(body)
            )
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def report(self, job, status, *, index=0, benchmark=SUMS, **event) -> None:
        """Report what an adapter would."""
        event = {
            "provider_id": benchmark["provider_id"],
            "id": benchmark["id"],
            "benchmark_index": index,
            "status": status,
            **event,
        }
        path = f"/evaluations/jobs/{job.id}/events"
        answer = self.raw("POST", path, {"benchmark_status_event": event})
        assert answer == (204, b"")


@pytest.fixture(params=["sync", "async"])
def api(request, hub) -> Api:
    return Api(request.param, hub.url)
