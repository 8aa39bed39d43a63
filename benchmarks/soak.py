"""Adapters on the real service, through a network that breaks: is any result lost or wrong?

    python benchmarks/soak.py [--jobs 40] [--at-once 4] [--seconds 300] [--rate 0.25] [--seed 1]

The service starts every adapter itself. What adapters report passes a proxy that resets,
truncates, delays and refuses a share of the requests. In the end each job must have the metrics its
adapters measured, and each adapter that failed its own message. It stops at the number of jobs or
seconds, whichever comes first, and exits with 1 when something was lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub import EvalHubClient, WaitTimeoutError
from evalhub.testing.faults import Answer, Delay, Faults, Hang, Reset, Truncate
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from evalhub.models import EvaluationJob

LONGEST_JOB = 120.0
FAULTS = (
    Answer(429, headers={"Retry-After": "1"}),
    Answer(500),
    Answer(502, b"dial tcp: connection refused"),
    Answer(503),
    Delay(0.5),
    Hang(forwarded=True),
    Reset(),
    Reset(after=10),
    Reset(forwarded=True),
    Truncate(),
)

ADAPTER = """\
import os

from evalhub.adapter import (
    BenchmarkError, FrameworkAdapter, JobPhase, JobResults, JobStatus, JobStatusUpdate,
)


class SoakAdapter(FrameworkAdapter):
    def _load_job_spec(self):
        spec = super()._load_job_spec()
        spec.callback_url = os.environ["SOAK_PROXY"]
        return spec

    def run_benchmark_job(self, config, callbacks):
        for step in range(10):
            callbacks.report_status(
                JobStatusUpdate(
                    status=JobStatus.RUNNING,
                    phase=JobPhase.RUNNING_EVALUATION,
                    completed_steps=step,
                    total_steps=10,
                )
            )
        if config.parameters["fails"]:
            raise BenchmarkError(f"failed as told: {config.parameters['number']}")
        metrics = {"number": config.parameters["number"], "index": config.benchmark_index}
        return JobResults.for_job(config, metrics, num_examples_evaluated=10, duration_seconds=0.1)


if __name__ == "__main__":
    SoakAdapter.main()
"""


def main() -> None:
    """Run the soak and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=40, help="jobs of two benchmarks each")
    parser.add_argument("--at-once", type=int, default=4, help="jobs at a time")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--rate", type=float, default=0.25, help="share of requests that break")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    start = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        RealEvalHub() as service,
        Faults(service.url) as faults,
        EvalHubClient(service.url) as client,
    ):
        faults.at_random(options.rate, *FAULTS, seed=options.seed, path="*/events")
        provider = add_provider(client, Path(folder), faults.url)
        problems: list[str] = []
        done = 0
        while done < options.jobs and time.monotonic() - start < options.seconds:
            numbers = range(done, min(done + options.at_once, options.jobs))
            jobs = [submit(client, provider, number) for number in numbers]
            for number, job in zip(numbers, jobs, strict=True):
                problems += check(client, job, number)
            done += len(jobs)
    actions = Counter(str(exchange.action) for exchange in faults.seen)
    print(f"{done} jobs, {len(faults.seen)} requests, {time.monotonic() - start:.0f} s")
    for action, count in actions.most_common():
        print(f"{count:6} {action}")
    print("\n".join(problems) or "no result lost, none wrong")
    sys.exit(bool(problems))


def add_provider(client: EvalHubClient, folder: Path, proxy: str) -> str:
    """Register the adapter with the service and return the provider's id."""
    script = folder / "soak_adapter.py"
    script.write_text(ADAPTER)
    environment = [{"name": "SOAK_PROXY", "value": proxy}]
    local = {"command": f"{sys.executable} {script}", "env": environment}
    provider = client.providers.create(
        {
            "name": "soak",
            "benchmarks": [{"id": "one"}, {"id": "two"}],
            "runtime": {"local": local},
        }
    )
    return provider.id


def submit(client: EvalHubClient, provider: str, number: int) -> EvaluationJob:
    """Submit a job of two benchmarks; in every fifth the second fails."""
    benchmarks = [
        {"id": name, "provider_id": provider, "parameters": {"number": number, "fails": fails}}
        for name, fails in (("one", False), ("two", number % 5 == 0))
    ]
    model = {"name": "none", "url": "http://127.0.0.1:1/v1"}
    return client.jobs.submit(name=f"soak-{number}", model=model, benchmarks=benchmarks)


def check(client: EvalHubClient, job: EvaluationJob, number: int) -> list[str]:
    """Return what is wrong with a job when it has ended."""
    try:
        job = client.jobs.wait(job, timeout=LONGEST_JOB)
    except WaitTimeoutError as error:
        return [f"job {number}: {error}"]
    fails = number % 5 == 0
    wanted = {0: {"number": number, "index": 0}}
    if not fails:
        wanted[1] = {"number": number, "index": 1}
    measured = {
        result.benchmark_index: result.metrics
        for result in job.results.benchmarks
        if result.metrics
    }
    problems = [] if measured == wanted else [f"job {number}: {measured} is not {wanted}"]
    state = "partially_failed" if fails else "completed"
    if job.state != state:
        problems.append(f"job {number}: {job.state} is not {state}")
    if fails and f"failed as told: {number}" not in str(job.status):
        problems.append(f"job {number}: the adapter's message is not in {job.status}")
    return problems


if __name__ == "__main__":
    main()
