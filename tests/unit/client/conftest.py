"""Both clients by one interface, over a service in memory, in a time of their own."""

from __future__ import annotations

import asyncio
import inspect
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from evalhub.client import AsyncEvalHubClient, EvalHubClient
from evalhub.client.benchmarks import Benchmarks
from evalhub.client.collections import Collections
from evalhub.client.jobs import Jobs
from evalhub.client.post_processing import PostProcessings
from evalhub.client.providers import Providers
from evalhub.testing._hub import FakeEvalHub
from evalhub.wire.drive import AsyncDriver, Driver
from evalhub.wire.identity import Identity
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.models import EvaluationJob

PROVIDERS: list[dict[str, Any]] = [
    {
        "id": "alpha",
        "name": "alpha",
        "tags": ["quick"],
        "benchmarks": [
            {
                "id": "sums",
                "name": "Sums",
                "category": "math",
                "tags": ["quick"],
                "primary_score": {"metric": "accuracy"},
                "pass_criteria": {"threshold": 0.5},
            },
            {"id": "shared", "name": "Shared", "category": "math"},
        ],
        "agent": {"target_type": "model", "evaluates": ["arithmetic"]},
    },
    {"id": "beta", "name": "beta", "benchmarks": [{"id": "shared", "category": "text"}]},
]
MODEL = {"name": "m", "url": "http://model/v1"}
SUMS = {"id": "sums", "provider_id": "alpha"}


class World:
    """A service in memory, both drivers, and a clock that only pauses move."""

    def __init__(self, kind: str, version: str = "1.0.2") -> None:
        self.kind = kind
        self.hub = FakeEvalHub(providers=PROVIDERS, mlflow=True, version=version)
        self.requests: list[httpx.Request] = []
        self.faults: list[Any] = []
        self.delayed: httpx.Request | None = None
        self.pauses: list[float] = []
        self.now = 0.0
        self.later: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, happening) -> None:
        """Let something happen when that much time has passed."""
        self.later.append((self.now + seconds, happening))
        self.later.sort(key=lambda entry: entry[0])

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        while self.later and self.later[0][0] <= self.now:
            self.later.pop(0)[1]()

    async def pause_async(self, seconds: float) -> None:
        self.pause(seconds)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer as the service does, unless a fault is next.

        `lost` breaks the connection after the service has acted; `late` lets it act only when
        the next POST arrives.
        """
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if request.method == "POST" and self.delayed is not None:
            self.hub.transport.handle_request(self.delayed)
            self.delayed = None
        if fault == "late":
            self.delayed = request
            raise httpx.ReadTimeout("late", request=request)
        if fault == "lost":
            self.hub.transport.handle_request(request)
            raise httpx.ReadError("lost", request=request)
        if isinstance(fault, type):
            raise fault("broken", request=request)
        if isinstance(fault, dict):
            return httpx.Response(**fault)
        return self.hub.transport.handle_request(request)

    @property
    def transport(self):
        return httpx.MockTransport(self.answer)

    @property
    def client(self):
        kind = EvalHubClient if self.kind == "sync" else AsyncEvalHubClient
        return kind("http://hub", transport=self.transport)

    def resources(self, **policy):
        """Return the resources of a client whose time is this world's."""
        identity = Identity("http://hub")
        driver: Any
        if self.kind == "sync":
            driver = Driver(identity, transport=self.transport, pause=self.pause)
        else:
            driver = AsyncDriver(identity, transport=self.transport, pause=self.pause_async)
        paced = Policy(clock=lambda: self.now, draw=lambda: 1.0, **policy)
        return SimpleNamespace(
            jobs=Jobs(driver, paced),
            providers=Providers(driver, paced),
            collections=Collections(driver, paced),
            benchmarks=Benchmarks(driver, paced),
            post_processing=PostProcessings(driver, paced),
        )

    def run(self, action, client=None):
        """Perform `action(client)`, await it or collect it where that is needed."""
        client = client or self.resources()
        if self.kind == "sync":
            result = action(client)
            return list(result) if inspect.isgenerator(result) else result

        async def perform():
            result = action(client)
            if inspect.isasyncgen(result):
                return [value async for value in result]
            return await result

        return asyncio.run(perform())

    def submit(self, *benchmarks, name="job") -> str:
        job: EvaluationJob = self.run(
            lambda c: c.jobs.submit(name=name, model=MODEL, benchmarks=list(benchmarks or (SUMS,)))
        )
        return job.id

    def report(self, job_id: str, status: str, *, index: int = 0, benchmark=SUMS, **event) -> None:
        """Let an adapter report."""
        path = f"http://hub/api/v1/evaluations/jobs/{job_id}/events"
        body = {
            "provider_id": benchmark["provider_id"],
            "id": benchmark["id"],
            "benchmark_index": index,
            "status": status,
            **event,
        }
        request = httpx.Request(
            "POST", path, content=json.dumps({"benchmark_status_event": body}).encode()
        )
        answer = self.hub.transport.handle_request(request)
        assert answer.status_code == 204, answer.content


@pytest.fixture(params=["sync", "async"])
def world(request):
    return World(request.param)


@pytest.fixture(params=["sync", "async"])
def newer(request):
    """A world whose service is of version 1.0.3."""
    return World(request.param, "1.0.3")
