"""What the client costs, beside the existing SDK and beside plain httpx.

    python benchmarks/client.py [--rounds 11] [--other PYTHON]

A server on loopback holds 1000 jobs and answers `get` after 20 ms. Every round runs every task
once, in turn, each in a process of its own that stays; a ratio is the median of the rounds' ratios.
`--other` (or BENCH_OTHER) names an interpreter that has the existing SDK; without it those
comparisons are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROOT = Path(__file__).parents[1]
JOBS = 1000
GETS = 500
LATENCY = 0.02
POOL = 100
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"

WORKER = """\
import asyncio, sys, time, warnings
warnings.simplefilter("ignore")
task, url, count, pool = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

if task == "list":
    from evalhub.client import SyncEvalHubClient
    client = SyncEvalHubClient(base_url=url)
    def once():
        assert len(client.jobs.list(limit=count)) == count
elif task == "get":
    from evalhub.client import AsyncEvalHubClient
    async def gets():
        client = AsyncEvalHubClient(base_url=url)
        try:
            start = time.perf_counter()
            jobs = await asyncio.gather(*(client.jobs.get(f"job-{i}") for i in range(count)))
            seconds = time.perf_counter() - start
        finally:
            await client.close()
        assert len(jobs) == count
        return seconds
    def once():
        return asyncio.run(gets())
elif task == "httpx":
    import httpx
    async def gets():
        limits = httpx.Limits(max_connections=pool, max_keepalive_connections=pool)
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
            start = time.perf_counter()
            path = "/api/v1/evaluations/jobs/job-{}"
            replies = await asyncio.gather(*(client.get(path.format(i)) for i in range(count)))
            assert all(reply.json() for reply in replies)
            return time.perf_counter() - start
    def once():
        return asyncio.run(gets())

once()
print("ready", flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    seconds = once()
    print(time.perf_counter() - start if seconds is None else seconds, flush=True)
"""
"""One task; every line it reads, it does it once and prints the seconds."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tasks, and the ratio of their times that is wanted."""

    what: str
    ours: str
    base: str
    aim: float | None = None


COMPARISONS = (
    Comparison(f"list {JOBS} jobs / the existing SDK", "list", "other list", 0.6),
    Comparison(f"{GETS} gets at once / the existing SDK", "get", "other get", 0.4),
    Comparison(f"{GETS} gets at once / plain httpx, same pool", "get", "httpx", 1.5),
    Comparison("import evalhub.client / the existing SDK's", "import", "other import", 0.5),
    Comparison("from evalhub.client import a client / likewise", "name", "other name"),
)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--other", default=os.environ.get("BENCH_OTHER"))
    options = parser.parse_args()
    with ExitStack() as stack:
        url = serve(stack)
        tasks = {
            name: Worker(sys.executable, name, url, stack) for name in ("list", "get", "httpx")
        }
        imports = {"import": sys.executable, "name": sys.executable}
        if options.other:
            tasks["other list"] = Worker(options.other, "list", url, stack)
            tasks["other get"] = Worker(options.other, "get", url, stack)
            imports |= {"other import": options.other, "other name": options.other}
        report(measure(tasks, imports, options.rounds))


def measure(
    tasks: dict[str, Worker], imports: dict[str, str], rounds: int
) -> dict[str, list[float]]:
    """Return the seconds each task took in each round."""
    times: dict[str, list[float]] = {name: [] for name in (*tasks, *imports)}
    for number in range(rounds + 1):
        measured = {name: task.once() for name, task in tasks.items()}
        measured |= {name: import_once(python, name) for name, python in imports.items()}
        if number:  # the first round fills the caches
            for name, seconds in measured.items():
                times[name].append(seconds)
    return times


def import_once(python: str, name: str) -> float:
    statement = "import evalhub.client"
    if name.endswith("name"):
        statement = "from evalhub.client import SyncEvalHubClient"
    start = time.perf_counter()
    subprocess.run([python, "-W", "ignore", "-c", statement], check=True)
    return time.perf_counter() - start


def report(times: dict[str, list[float]]) -> None:
    """Print medians, then ratios beside their aims."""
    for name, seconds in times.items():
        low, _, high = statistics.quantiles(seconds, n=4)
        middle = statistics.median(seconds) * 1e3
        print(f"{name:14}{middle:8.1f} ms   ({low * 1e3:.1f} to {high * 1e3:.1f})")
    print()
    for comparison in COMPARISONS:
        if comparison.base not in times:
            print(f"{comparison.what:50} not measured: give --other PYTHON")
            continue
        pairs = zip(times[comparison.ours], times[comparison.base], strict=True)
        ratio = statistics.median(ours / base for ours, base in pairs)
        line = f"{comparison.what:50}{ratio:6.2f}"
        if comparison.aim is not None:
            verdict = "ok" if ratio <= comparison.aim else "MISSED"
            line += f"   aim {comparison.aim}   {verdict}"
        print(line)


class Worker:
    """A process that does one task as often as it is told."""

    def __init__(self, python: str, task: str, url: str, stack: ExitStack) -> None:
        count = JOBS if task == "list" else GETS
        command = [python, "-c", WORKER, task, url, str(count), str(POOL)]
        self._process = stack.enter_context(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        if self._read() != "ready":
            sys.exit(f"{task} does not run on {python}")

    def once(self) -> float:
        """Do the task; return the seconds it took."""
        assert self._process.stdin is not None
        self._process.stdin.write("once\n")
        self._process.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def serve(stack: ExitStack) -> str:
    """Start the server in a process of its own; return its URL."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=run_server, args=(there,), daemon=True)
    process.start()
    stack.callback(process.terminate)
    return f"http://127.0.0.1:{here.recv()}"


def run_server(port: Connection) -> None:
    recorded = json.loads((ROOT / "tests/recorded/job_completed.json").read_text())
    jobs = [job_json(recorded, number) for number in range(JOBS)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = urlsplit(head.split(b" ", 2)[1].decode())
                if target.path.endswith("/jobs"):
                    body = page(jobs, parse_qs(target.query))
                else:
                    await asyncio.sleep(LATENCY)
                    body = jobs[0]
                writer.write(HEAD % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def job_json(recorded: dict[str, Any], number: int) -> bytes:
    resource = {**recorded["resource"], "id": f"job-{number}"}
    return json.dumps({**recorded, "resource": resource}).encode()


def page(jobs: list[bytes], query: dict[str, list[str]]) -> bytes:
    offset = int(query.get("offset", ["0"])[0])
    limit = int(query.get("limit", ["50"])[0])
    following = b', "next": {"href": "/next"}' if offset + limit < len(jobs) else b""
    items = b", ".join(jobs[offset : offset + limit])
    return b'{"total_count": %d, "items": [%s]%s}' % (len(jobs), items, following)


if __name__ == "__main__":
    main()
