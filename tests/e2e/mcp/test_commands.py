"""`evalhub mcp`: in the foreground, in the background, and what to paste."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from support.process import free_port

pytestmark = pytest.mark.e2e


@pytest.fixture
def evalhub(tmp_path, hub):
    """Run a command line in a home of its own, whose profile names the service."""
    folder = tmp_path / ".config" / "evalhub"
    folder.mkdir(parents=True)
    profile = {"base_url": hub.url, "token": "mine", "tenant": "team"}
    config = {"active_profile": "default", "profiles": {"default": profile}}
    (folder / "config.yaml").write_text(json.dumps(config))
    (folder / "config.yaml").chmod(0o600)
    environment = {**os.environ, "HOME": str(tmp_path)}

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "evalhub.cli", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    command: Any = run
    command.environment = environment
    return command


def test_background_server_is_started_asked_and_stopped(evalhub):
    port = str(free_port())

    started = evalhub("mcp", "start", "--port", port)
    try:
        assert started.returncode == 0, started.stderr
        assert f"http://127.0.0.1:{port}/mcp" in started.stdout
        status = evalhub("mcp", "status")
        assert status.returncode == 0, status.stderr
        assert "Service: healthy" in status.stdout
        again = evalhub("mcp", "start", "--port", port)
        assert again.returncode == 2
        assert "runs already" in again.stderr

        async def tools():
            async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                return (await client.list_tools()).tools

        assert len(asyncio.run(tools())) == 16
    finally:
        stopped = evalhub("mcp", "stop")
    assert stopped.stdout.startswith("MCP server stopped: pid ")
    assert evalhub("mcp", "status").stdout == "MCP server is not running.\n"
    assert evalhub("mcp", "stop").stdout == "MCP server is not running.\n"


def test_foreground_server_speaks_over_stdio_with_the_profile(evalhub):
    params = StdioServerParameters(
        command=sys.executable, args=["-m", "evalhub.cli", "mcp", "run"], env=evalhub.environment
    )

    async def main():
        async with Client(stdio_client(params)) as client:
            return await client.call_tool("discover_providers", {})

    assert not asyncio.run(main()).is_error


def test_foreground_server_over_http_ends_by_a_signal(evalhub):
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "evalhub.cli",
            "mcp",
            "run",
            "--transport",
            "http",
            "--port",
            str(port),
        ],
        env=evalhub.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert f"http://127.0.0.1:{port}/mcp" in process.stderr.readline()

    async def tools():
        for _ in range(200):
            try:
                async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                    return (await client.list_tools()).tools
            except Exception:  # noqa: BLE001 - not there yet
                await asyncio.sleep(0.1)
        return []

    assert asyncio.run(tools())
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) in {0, 130}
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


def test_background_server_cannot_speak_stdio(evalhub):
    refused = evalhub("mcp", "start", "--transport", "stdio")

    assert refused.returncode == 2
    assert "a server in the background needs transport http, not stdio" in refused.stderr


def test_file_of_earlier_releases_is_read(evalhub, tmp_path):
    file = tmp_path / "mcp.yaml"
    port = free_port()
    file.write_text(f"transport: http\nport: {port}\n")
    assert evalhub("config", "set", "mcp_config_file", str(file)).returncode == 0

    started = evalhub("mcp", "start")
    try:
        assert f":{port}/mcp" in started.stdout, started.stderr
    finally:
        evalhub("mcp", "stop")


@pytest.mark.parametrize(
    ("client", "group"), [("claude", "mcpServers"), ("cursor", "mcpServers"), ("vscode", "servers")]
)
def test_configuration_to_paste_starts_a_server(evalhub, client, group):
    shown = evalhub("--profile", "default", "mcp", "config", "--client", client)

    entry = json.loads(shown.stdout)[group]["evalhub"]
    assert shown.stderr.startswith("put this into ")
    params = StdioServerParameters(
        command=entry["command"], args=entry["args"], env=evalhub.environment
    )

    async def main():
        async with Client(stdio_client(params)) as connected:
            assert connected.server_info
            return connected.server_info.name

    assert asyncio.run(main()) == "evalhub"


def test_configuration_for_a_server_over_http(evalhub):
    url = "http://127.0.0.1:3001/mcp"
    shown = evalhub("mcp", "config", "--client", "vscode", "--url", url)

    assert json.loads(shown.stdout)["servers"]["evalhub"]["url"] == url
