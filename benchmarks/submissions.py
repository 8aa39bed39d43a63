"""Submissions to the real service through a network that breaks: one job each, or an error?

    python benchmarks/submissions.py [--jobs 500] [--rate 0.3] [--at-once 8] [--seed 1]

A share of all requests, look-ups included, is reset, refused, truncated, delayed or lost after the
service has acted. In the end there must be one job for each submission that returned, none for each
that said so, and no job twice; it exits with 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from evalhub import AsyncEvalHubClient, EvalHubClient, EvalHubError
from evalhub.testing.faults import Answer, Delay, Faults, Reset, Truncate
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Sequence

PROVIDER = {
    "id": "none",
    "name": "none",
    "benchmarks": [{"id": "nothing", "name": "Nothing"}],
    "runtime": {"local": {"command": "true"}},
}
FAULTS = (
    Answer(429, headers={"Retry-After": "0"}),
    Answer(502),
    Answer(503),
    Answer(504),
    Delay(0.5),
    Reset(),
    Reset(after=10),
    Reset(forwarded=True),
    Truncate(5),
)
NO_JOB = "no job was created"


async def submit_all(url: str, number: int, at_once: int) -> list[str]:
    """Return `created`, `refused` or `unknown` for each submission."""
    turn = asyncio.Semaphore(at_once)
    async with AsyncEvalHubClient(url, retry_initial_delay=0.05, retry_max_delay=0.5) as client:

        async def submit(index: int) -> str:
            async with turn:
                try:
                    await client.jobs.submit(
                        name=f"job-{index}",
                        model={"name": "m", "url": "http://127.0.0.1:1/v1"},
                        benchmarks=[{"id": "nothing", "provider_id": "none"}],
                    )
                except EvalHubError as error:
                    return "refused" if NO_JOB in getattr(error, "__notes__", []) else "unknown"
                return "created"

        return await asyncio.gather(*(submit(index) for index in range(number)))


def check(outcomes: Sequence[str], names: Counter[str]) -> list[str]:
    """Return one line for each submission whose outcome is not what the service has."""
    problems = [f"{name} exists {count} times" for name, count in names.items() if count > 1]
    for index, outcome in enumerate(outcomes):
        there = names[f"job-{index}"]
        if outcome == "created" and there == 0:
            problems.append(f"job-{index} was returned and does not exist")
        if outcome == "refused" and there:
            problems.append(f"job-{index} exists, but the error said that it does not")
    return problems


def main() -> None:
    """Submit, compare, and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--rate", type=float, default=0.3)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with RealEvalHub(providers=[PROVIDER]) as service, Faults(service.url) as faults:
        faults.at_random(options.rate, *FAULTS, seed=options.seed)
        start = time.monotonic()
        outcomes = asyncio.run(submit_all(faults.url, options.jobs, options.at_once))
        seconds = time.monotonic() - start
        with EvalHubClient(service.url) as client:
            names = Counter(job.name for job in client.jobs.list())
    problems = check(outcomes, names)
    counted = Counter(outcomes)
    print(
        f"{options.jobs} submissions, {len(faults.seen)} requests in {seconds:.0f} s: "
        f"{counted['created']} jobs, {counted['refused']} errors that say that there is none, "
        f"{counted['unknown']} errors where the service could not be asked, "
        f"{sum(count - 1 for count in names.values())} duplicates"
    )
    print("\n".join(problems) or "every outcome is what the service has")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
