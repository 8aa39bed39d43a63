"""One task, done once by a program of its own: `tasks.py PROGRAM TASK URL COUNT`.

`sdk` uses what this SDK and the existing one have in common, so that either can run it; `new` uses
what only this SDK has; `floor` is the least that plain httpx can do. It prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
program, task, url, number = sys.argv[1:]
count = int(number)
API = f"{url}/api/v1/evaluations/jobs"
POOL = 100
LINE = 100
LOG_LINES = 100_000
told: dict[str, float] = {}


def clients():
    from evalhub.client import AsyncEvalHubClient, SyncEvalHubClient

    return SyncEvalHubClient(base_url=url), AsyncEvalHubClient(base_url=url)


def plain():
    import httpx

    limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=POOL)
    return httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(60, pool=None))


def sdk_list():
    client, _ = clients()
    timed(lambda: check(client.jobs.list(limit=count)))


def new_iter():
    client, _ = clients()

    def read():
        assert sum(1 for _ in client.jobs.iter()) == count

    timed(read)


def floor_list():
    import httpx

    client = httpx.Client(timeout=60)

    def read():
        jobs = []
        while len(jobs) < count:
            reply = client.get(API, params={"limit": 500, "offset": len(jobs)})
            jobs += json.loads(reply.content)["items"]
        check(jobs)

    timed(read)


def sdk_get():
    _, client = clients()
    gathered(lambda number: client.jobs.get(f"job-{number}"))


def floor_get():
    client = plain()

    async def get(number):
        return json.loads((await client.get(f"{API}/job-{number}")).content)

    gathered(get)


def sdk_wait():
    _, client = clients()
    gathered(lambda number: client.jobs.wait_for_completion(f"job-{number}"))


def new_waits():
    _, client = clients()
    gathered(lambda number: client.jobs.wait(f"job-{number}"))


def new_wait_all():
    client, _ = clients()
    timed(lambda: check(client.jobs.wait_all([f"job-{number}" for number in range(count)])))


def sdk_logs():
    _, client = clients()
    twice, missing = [0] * count, [0] * count

    async def follow(number):
        expected = 0
        async for update in client.jobs.watch_logs(f"job-{number}", benchmark_index=0):
            lines = [line for line in update.logs.splitlines() if line]
            if not lines:
                continue
            first, last = int(lines[0][:7]), int(lines[-1][:7])
            assert last - first + 1 == len(lines), "lines are missing within an update"
            twice[number] += max(0, expected - first)
            missing[number] += max(0, first - expected)
            expected = max(expected, last + 1)
        missing[number] += LOG_LINES - expected

    gathered(follow)
    told["twice"] = sum(twice) / (count * LOG_LINES)
    told["missing"] = sum(missing) / (count * LOG_LINES)


def floor_logs():
    client = plain()

    async def read(number):
        await asyncio.sleep(8.1)
        lines = 0
        path = f"{API}/job-{number}/benchmarks/0/logs"
        async with client.stream("GET", path, params={"tail_lines": -1}) as reply:
            async for piece in reply.aiter_bytes():
                lines += piece.count(b"\n")
        assert lines == LOG_LINES - 1, lines

    async def first():
        await client.get(f"{API}/job-0")

    asyncio.run(first())
    client = plain()
    gathered(read)
    told["twice"] = told["missing"] = 0.0


def sdk_reports():
    from evalhub.adapter import DefaultCallbacks, JobPhase, JobStatus, JobStatusUpdate

    callbacks = DefaultCallbacks(
        job_id="job-0", benchmark_id="b", provider_id="p", benchmark_index=0, sidecar_url=url
    )

    def report(step):
        callbacks.report_status(
            JobStatusUpdate(
                status=JobStatus.RUNNING,
                phase=JobPhase.RUNNING_EVALUATION,
                completed_steps=step,
                total_steps=count,
            )
        )

    threaded(report)


def floor_reports():
    import httpx

    client = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=32))
    threaded(lambda step: client.post(f"{API}/job-0/events", json={"step": step}))


def threaded(action, threads=32):
    """Call `action` from threads; what each is kept from its work is what it costs."""
    blocked = []

    def run(first):
        start = time.perf_counter()
        for step in range(first, count, threads):
            action(step)
        blocked.append(time.perf_counter() - start)

    def all_threads():
        workers = [threading.Thread(target=run, args=(first,)) for first in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    timed(all_threads)
    told["blocked"] = sum(blocked) / threads


def gathered(action):
    async def run():
        return await asyncio.gather(*(action(number) for number in range(count)))

    timed(lambda: asyncio.run(run()))


def check(found):
    assert len(found) == count, len(found)


def timed(action):
    before, start = os.times(), time.perf_counter()
    action()
    told["seconds"] = time.perf_counter() - start
    after = os.times()
    told["cpu"] = after.user + after.system - before.user - before.system
    told["ended"] = time.monotonic()


globals()[f"{program}_{task}"]()
told["peak_mib"] = (
    int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
)
print(json.dumps(told), flush=True)
os._exit(0)
