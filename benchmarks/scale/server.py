"""A service on loopback that is asked for a lot; it counts what it is asked for.

Each kind of service answers what one task asks for, from memory, so that what is measured is the
client's cost and not the service's.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from multiprocessing.connection import Connection

RECORDED = Path(__file__).parents[2] / "tests/recorded/job_completed.json"
LATENCY = 0.02
PAGE = 50
"""Jobs in a page, unless the client asks for more or fewer."""

FIRST_END, LAST_END = 4.0, 16.0
"""When jobs that are waited for end, in seconds after the first request."""

LINE = 100
LOG_LINES = 100_000
GROWING = 8.0
"""Seconds in which a log grows to 10 MB."""

HEAD = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_JOB = re.compile(r".*/jobs/job-(\d+)")


@dataclass
class Asked:
    """What a service was asked for."""

    requests: int = 0
    bytes_sent: int = 0
    busiest_second: int = 0
    started: float = 0.0


@contextmanager
def service(kind: str, count: int) -> Generator[tuple[str, Callable[[], Asked]]]:
    """Run a service in a process of its own; yield its URL, and what tells what it was asked."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_run, args=(kind, count, there), daemon=True)
    process.start()
    port = here.recv()

    def asked() -> Asked:
        here.send("asked")
        told: Asked = here.recv()
        return told

    try:
        yield f"http://127.0.0.1:{port}", asked
    finally:
        process.terminate()
        process.join()


@dataclass
class _Service:
    kind: str
    count: int
    requests: Counter[int] = field(default_factory=Counter)
    bytes_sent: int = 0
    started: float = 0.0

    def __post_init__(self) -> None:
        recorded = json.loads(RECORDED.read_text())
        self.ended = [_job(recorded, number, "completed") for number in range(self.count)]
        recorded["results"] = {"benchmarks": []}
        recorded["status"]["benchmarks"] = []
        self.running = [_job(recorded, number, "running") for number in range(self.count)]
        self.log = b"".join(b"%07d %s\n" % (n, b"." * (LINE - 9)) for n in range(LOG_LINES))

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    async def answer(self, method: str, target: str) -> tuple[int, bytes]:
        if not self.started:
            self.started = time.monotonic()
        self.requests[int(self.elapsed)] += 1
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if method == "POST":
            await asyncio.sleep(LATENCY)
            return 204, b""
        if url.path.endswith("/jobs"):
            return 200, self._page(query)
        found = _JOB.match(url.path)
        assert found is not None, target
        if url.path.endswith("/logs"):
            return 200, self._log(int(query.get("tail_lines", "1000")))
        if self.kind == "get":
            await asyncio.sleep(LATENCY)
        return 200, self._job(int(found[1]))

    def _job(self, number: int) -> bytes:
        if self.kind == "wait":
            ends = FIRST_END + (LAST_END - FIRST_END) * (number + 1) / self.count
            return (self.ended if self.elapsed >= ends else self.running)[number]
        if self.kind == "logs":
            return (self.ended if self.elapsed >= GROWING else self.running)[number]
        return self.ended[number]

    def _page(self, query: dict[str, str]) -> bytes:
        jobs = [self._job(number) for number in range(self.count)]
        if "running" in query.get("status", ""):
            running = set(self.running)
            jobs = [job for job in jobs if job in running]
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", PAGE))
        following = b', "next": {"href": "/next"}' if offset + limit < len(jobs) else b""
        items = b", ".join(jobs[offset : offset + limit])
        return b'{"total_count": %d, "items": [%s]%s}' % (len(jobs), items, following)

    def _log(self, tail: int) -> bytes:
        lines = min(LOG_LINES, int(LOG_LINES * self.elapsed / GROWING))
        first = 0 if tail < 0 else max(0, lines - tail)
        return self.log[first * LINE : lines * LINE].removesuffix(b"\n")


def _job(recorded: dict[str, Any], number: int, state: str) -> bytes:
    resource = {**recorded["resource"], "id": f"job-{number}"}
    status = {**recorded["status"], "state": state}
    return json.dumps({**recorded, "resource": resource, "status": status}).encode()


def _run(kind: str, count: int, pipe: Connection) -> None:
    service = _Service(kind, count)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b" ", 2)
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                status, body = await service.answer(method.decode(), target.decode())
                service.bytes_sent += len(body)
                writer.write(HEAD % (status, len(body)))
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def tell() -> None:
        pipe.recv()
        busiest = max(service.requests.values(), default=0)
        pipe.send(Asked(service.requests.total(), service.bytes_sent, busiest, service.started))

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
        asyncio.get_running_loop().add_reader(pipe.fileno(), tell)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())
