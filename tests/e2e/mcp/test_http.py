"""The server in the background, over HTTP, on the real service."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from support.process import free_port

pytestmark = pytest.mark.e2e


@pytest.fixture
def evalhub(env):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "evalhub.cli", *words],
            env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    yield run
    run("mcp", "stop")


@pytest.fixture
def port():
    return free_port()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_call_that_takes_longer_than_a_write_deadline_is_answered(evalhub, port, model, mode):
    """The server in Go ends calls after 15 s."""
    from mcp.client import Client

    assert evalhub("mcp", "start", "--port", str(port)).returncode == 0

    async def main():
        async with Client(f"http://127.0.0.1:{port}/mcp", mode=mode) as client:
            job = {"name": "n", "model": model, "benchmarks": [{"id": "slow"}]}
            made = await client.call_tool("submit_evaluation", job)
            wait = {"job_id": made.structured_content["job_id"], "timeout_seconds": 16}
            found = await client.call_tool("wait_for_job", wait)
            await client.call_tool("cancel_job", {"job_id": wait["job_id"]})
            return found

    found = asyncio.run(main())

    assert not found.is_error
    assert found.structured_content["ended"] is False
    assert found.content[0].text.startswith("not ended after 16 s")
