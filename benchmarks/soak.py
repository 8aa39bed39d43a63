"""Adapters on the real service, through a network that breaks: is any result lost or wrong?

    python benchmarks/soak.py [--jobs 40] [--at-once 4] [--seconds 300] [--rate 0.25] [--kill 0.05]

The service starts every adapter itself. What adapters report passes a proxy that resets,
truncates, delays and refuses a share of the requests; a share of the adapters is killed (SIGKILL)
at a random moment. In the end each job must have the metrics its adapters measured, each adapter
that failed its own message, and each that was killed either its metrics or the reason. It stops at
the number of jobs or seconds, whichever comes first, and exits with 1 when something was lost.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
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
import signal
import threading
import time

from evalhub.adapter import (
    BenchmarkError, FrameworkAdapter, JobPhase, JobResults, JobStatus, JobStatusUpdate,
)


class SoakAdapter(FrameworkAdapter):
    def __init__(self):
        super().__init__()
        dies_after = self.job_spec.parameters["dies_after"]
        if dies_after is not None:
            death = threading.Timer(dies_after, os.kill, [os.getpid(), signal.SIGKILL])
            death.daemon = True
            death.start()

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
            time.sleep(0.02)
        if config.parameters["fails"]:
            raise BenchmarkError(f"failed as told: {config.parameters['number']}")
        metrics = {"number": config.parameters["number"], "index": config.benchmark_index}
        return JobResults.for_job(config, metrics, num_examples_evaluated=10, duration_seconds=0.1)
"""

KILLED = "the adapter's process was killed by SIGKILL"


def main() -> None:
    """Run the soak and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=40, help="jobs of two benchmarks each")
    parser.add_argument("--at-once", type=int, default=4, help="jobs at a time")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--rate", type=float, default=0.25, help="share of requests that break")
    parser.add_argument("--kill", type=float, default=0.05, help="share of adapters killed")
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
        deaths = Deaths(options.kill, options.seed)
        done = 0
        while done < options.jobs and time.monotonic() - start < options.seconds:
            numbers = range(done, min(done + options.at_once, options.jobs))
            jobs = [submit(client, provider, number, deaths) for number in numbers]
            for number, job in zip(numbers, jobs, strict=True):
                problems += check(client, job, number, deaths)
            done += len(jobs)
    actions = Counter(str(exchange.action) for exchange in faults.seen)
    print(
        f"{done} jobs of two adapters, {len(faults.seen)} requests, "
        f"{time.monotonic() - start:.0f} s; "
        f"{deaths.planned} adapters killed, {deaths.reported} before they had results"
    )
    for action, count in actions.most_common():
        print(f"{count:6} {action}")
    print("\n".join(problems) or "no result lost, none wrong")
    sys.exit(bool(problems))


def add_provider(client: EvalHubClient, folder: Path, proxy: str) -> str:
    """Register the adapter with the service and return the provider's id."""
    script = folder / "soak_adapter.py"
    script.write_text(ADAPTER)
    environment = [{"name": "SOAK_PROXY", "value": proxy}]
    environment.append({"name": "PYTHONPATH", "value": str(folder)})
    command = f"{sys.executable} -m evalhub.adapter soak_adapter:SoakAdapter"
    local = {"command": command, "env": environment}
    provider = client.providers.create(
        {
            "name": "soak",
            "benchmarks": [{"id": "one"}, {"id": "two"}],
            "runtime": {"local": local},
        }
    )
    return provider.id


class Deaths:
    """Which adapters are killed, and how many deaths were reported."""

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._seed = seed
        self.planned = 0
        self.reported = 0

    def after(self, number: int, index: int) -> float | None:
        """Return the seconds after which an adapter dies; `None` lets it live."""
        random = Random(f"{self._seed} {number} {index}")
        return random.uniform(0.0, 0.6) if random.random() < self._share else None


def submit(client: EvalHubClient, provider: str, number: int, deaths: Deaths) -> EvaluationJob:
    """Submit a job of two benchmarks; in every fifth the second fails."""
    benchmarks = [
        {
            "id": name,
            "provider_id": provider,
            "parameters": {
                "number": number,
                "fails": is_failing(number, index),
                "dies_after": deaths.after(number, index),
            },
        }
        for index, name in enumerate(("one", "two"))
    ]
    model = {"name": "none", "url": "http://127.0.0.1:1/v1"}
    return client.jobs.submit(name=f"soak-{number}", model=model, benchmarks=benchmarks)


def is_failing(number: int, index: int) -> bool:
    return index == 1 and number % 5 == 0


def check(client: EvalHubClient, job: EvaluationJob, number: int, deaths: Deaths) -> list[str]:
    """Return what is wrong with a job when it has ended."""
    try:
        job = client.jobs.wait(job, timeout=LONGEST_JOB)
    except WaitTimeoutError as error:
        return [f"job {number}: {error}"]
    problems: list[str] = []
    states = {status.benchmark_index: status for status in job.status.benchmarks}
    results = {result.benchmark_index: result for result in job.results.benchmarks}
    for index in (0, 1):
        name = f"job {number}, benchmark {index}"
        metrics = results[index].metrics if index in results else None
        reason = str(states[index].error_message or "") if index in states else "no state"
        dies = deaths.after(number, index) is not None
        deaths.planned += dies
        if dies and reason.startswith(KILLED):
            deaths.reported += 1
        elif is_failing(number, index):
            if reason != f"failed as told: {number}":
                problems.append(f"{name}: {reason!r} is not its failure")
        elif metrics != {"number": number, "index": index}:
            problems.append(f"{name}: {metrics} are not its metrics ({reason})")
    return problems


if __name__ == "__main__":
    main()
