"""The real service with an adapter that reports, and one that is slow."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from mcp.client import Client

REPORT = f"{sys.executable} -m evalhub.adapter evalhub.adapter.examples:ExampleAdapter"
PROVIDERS = [
    {
        "id": "examples",
        "name": "examples",
        "benchmarks": [
            {
                "id": "arithmetic",
                "name": "Arithmetic",
                "category": "math",
                "tags": ["sums"],
                "primary_score": {"metric": "accuracy"},
                "pass_criteria": {"threshold": 0.5},
            }
        ],
        "runtime": {"local": {"command": REPORT}},
    },
    {
        "id": "slow",
        "name": "slow",
        "benchmarks": [{"id": "slow", "name": "Slow"}],
        "runtime": {"local": {"command": "for i in $(seq 600); do echo line $i; sleep 0.1; done"}},
    },
]


@pytest.fixture(scope="session")
def hub() -> Iterator[RealEvalHub]:
    with RealEvalHub(providers=PROVIDERS) as running:
        yield running


@pytest.fixture(scope="session")
def model() -> Iterator[dict[str, str]]:
    from examples.demo.calculator import Calculator

    with Calculator() as calculator:
        yield {"name": "calculator", "url": calculator.url}


@pytest.fixture
def env(hub, tmp_path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("EVALHUB_")}
    return {
        **kept,
        "EVALHUB_BASE_URL": hub.url,
        "EVALHUB_CONFIG": str(tmp_path / "config.yaml"),
        "HOME": str(tmp_path),
    }


@pytest.fixture(params=["auto", "legacy"])
def over_stdio(request, env):
    """Perform `action(client)` with a server of its own: newest protocol, and an older one."""
    from mcp import StdioServerParameters
    from mcp.client import Client

    def run(action: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
        async def perform() -> Any:
            server = StdioServerParameters(
                command=sys.executable, args=["-m", "evalhub.mcp"], env=env
            )
            async with Client(server, mode=request.param) as client:
                return await action(client)

        return asyncio.run(perform())

    return run
