"""The server in the background, over HTTP, on the real service."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys

import pytest

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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_start_status_and_stop(evalhub, port):
    started = evalhub("mcp", "start", "--port", str(port))
    again = evalhub("mcp", "start", "--port", str(port))
    status = evalhub("mcp", "status")
    stopped = evalhub("mcp", "stop")
    after = evalhub("mcp", "status")

    assert re.match(rf"MCP server started: pid \d+, http://127.0.0.1:{port}/mcp\n", started.stdout)
    assert again.returncode == 2
    assert f"runs already, on port {port}: evalhub mcp stop" in again.stderr
    assert "Service: healthy" in status.stdout
    assert stopped.stdout.startswith("MCP server stopped: pid ")
    assert (after.returncode, after.stdout) == (0, "MCP server is not running.\n")


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
