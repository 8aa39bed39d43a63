"""An agent's client before a server in the same process, over a service in memory."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
from mcp.client import Client

from evalhub.client import AsyncEvalHubClient
from evalhub.mcp import create_server
from evalhub.testing import FakeEvalHub

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from mcp.types import CallToolResult

PROVIDERS: list[dict[str, Any]] = [
    {
        "id": "alpha",
        "name": "alpha",
        "title": "Alpha",
        "benchmarks": [
            {
                "id": "sums",
                "name": "Sums",
                "description": "Adding numbers",
                "category": "math",
                "tags": ["quick", "math"],
                "metrics": ["accuracy"],
                "primary_score": {"metric": "accuracy"},
                "pass_criteria": {"threshold": 0.5},
            },
            {"id": "shared", "name": "Shared", "category": "math", "tags": ["quick"]},
        ],
        "agent": {
            "target_type": "model",
            "evaluates": ["arithmetic", "reasoning"],
            "summary": "Arithmetic for models",
            "hints": ["start with sums"],
            "result_interpretation": ["0.5 is chance"],
            "complements": ["beta"],
        },
    },
    {"id": "beta", "name": "beta", "benchmarks": [{"id": "shared", "category": "text"}]},
]
MODEL = {"name": "m", "url": "http://model/v1"}
SUMS = {"id": "sums", "provider_id": "alpha"}
JOB = {"name": "job", "model": MODEL, "benchmarks": [SUMS]}


class Agent:
    """A client of the server; each call of `run` is a connection of its own.

    Attributes:
        hub: The service in memory.
        requests: What the server asked of it.
        progress: Progress notifications.
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.hub = FakeEvalHub(providers=PROVIDERS)
        self.requests: list[httpx.Request] = []
        self.faults: list[Any] = []
        self.progress: list[tuple[float, float | None, str | None]] = []
        self.options: dict[str, Any] = {}
        transport = httpx.MockTransport(self.answer)
        client = AsyncEvalHubClient("http://hub", transport=transport, max_retries=0)
        self.server = create_server(client)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, type):
            raise fault("broken", request=request)
        return fault or self.hub.transport.handle_request(request)

    def run(self, action: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
        """Perform `action(client)` and return its result."""

        async def perform() -> Any:
            async with Client(self.server, mode=self.mode, **self.options) as client:
                try:
                    return await action(client)
                except Exception as error:  # noqa: BLE001 - raised outside of the task group
                    return error

        result = asyncio.run(perform())
        if isinstance(result, Exception):
            raise result
        return result

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append((progress, total, message))

        result: CallToolResult = self.run(
            lambda c: c.call_tool(tool, arguments, progress_callback=note)
        )
        return result

    def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the structured result of a tool that succeeds."""
        result = self.call(tool, **arguments)
        assert not result.is_error, text_of(result)
        assert result.structured_content is not None
        structured: dict[str, Any] = result.structured_content
        return structured

    def refused(self, tool: str, **arguments: Any) -> str:
        """Return the text of an error; there must be nothing beside it."""
        result = self.call(tool, **arguments)
        assert result.is_error
        assert result.structured_content is None
        return text_of(result)

    def read(self, uri: str) -> str:
        text: str = self.run(lambda c: c.read_resource(uri)).contents[0].text
        return text

    def submit(self, **more: Any) -> str:
        job_id: str = self.ask("submit_evaluation", **{**JOB, **more})["job_id"]
        return job_id

    def report(self, job_id: str, status: str, **event: Any) -> None:
        """Let an adapter report."""
        body = {**SUMS, "benchmark_index": 0, "status": status, **event}
        request = httpx.Request(
            "POST",
            f"http://hub/api/v1/evaluations/jobs/{job_id}/events",
            content=json.dumps({"benchmark_status_event": body}).encode(),
        )
        assert self.hub.transport.handle_request(request).status_code == 204


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")
