"""What the MCP server costs: start to first answer, and memory with ten waits.

    python benchmarks/mcp.py [--rounds 7] [--other PROGRAM]

A service in memory answers on loopback. Every round starts each server over stdio in turn and times
its answer to `initialize` and its list of tools. `--other` (or BENCH_MCP) names the server in Go,
`evalhub-mcp` of the distribution `eval-hub-mcp`; without it only ours is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from evalhub import EvalHubClient
from evalhub.testing import FakeEvalHub

PROVIDER = {"id": "p", "name": "p", "benchmarks": [{"id": "b", "name": "b"}]}
WAITS = 10
INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--other", default=os.environ.get("BENCH_MCP"))
    options = parser.parse_args()
    servers = {"evalhub.mcp": [sys.executable, "-m", "evalhub.mcp"]}
    if options.other:
        servers["in Go"] = [options.other]
    with FakeEvalHub(providers=[PROVIDER]) as hub:
        times: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(options.rounds):
            for name, command in servers.items():
                times[name].append(start_to_tools(command, hub.url))
        for name, seconds in times.items():
            print(f"start to list of tools, {name:<12} {statistics.median(seconds):7.3f} s")
        idle, waiting = memory(servers["evalhub.mcp"], hub.url)
    print(f"memory, idle                         {idle:7.1f} MiB")
    print(f"memory, {WAITS} waits                     {waiting:7.1f} MiB")


class Server:
    """A server over stdio."""

    def __init__(self, command: list[str], url: str) -> None:
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "EVALHUB_BASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def send(self, method: str, params: dict[str, Any], number: int | None = None) -> None:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self, number: int) -> dict[str, Any]:
        assert self.process.stdout
        for line in self.process.stdout:
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == number:
                return message
        raise SystemExit("the server ended without an answer")

    def connect(self) -> None:
        self.send("initialize", INITIALIZE, 1)
        self.answer(1)
        self.send("notifications/initialized", {})
        self.send("tools/list", {}, 2)
        assert self.answer(2)["result"]["tools"]

    def mebibytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def start_to_tools(command: list[str], url: str) -> float:
    start = time.perf_counter()
    server = Server(command, url)
    try:
        server.connect()
        return time.perf_counter() - start
    finally:
        server.close()


def memory(command: list[str], url: str) -> tuple[float, float]:
    """Return MiB after the first call, and with ten waits that have polled for a while."""
    with EvalHubClient(url) as client:
        model = {"name": "m", "url": "http://m"}
        fields = {"model": model, "benchmarks": [{"id": "b", "provider_id": "p"}]}
        jobs = [client.jobs.submit(name=str(number), **fields) for number in range(WAITS)]
    server = Server(command, url)
    try:
        server.connect()
        server.send("tools/call", {"name": "list_jobs", "arguments": {}}, 3)
        server.answer(3)
        idle = server.mebibytes()
        for number, job in enumerate(jobs, start=4):
            arguments = {"job_id": job.id, "timeout_seconds": 60}
            server.send("tools/call", {"name": "wait_for_job", "arguments": arguments}, number)
        time.sleep(5)
        return idle, server.mebibytes()
    finally:
        server.close()


if __name__ == "__main__":
    main()
