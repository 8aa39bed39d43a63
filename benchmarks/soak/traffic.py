"""What users do with jobs during the soak, and what must have come of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from evalhub import JobCanNotBeCancelledError, JobNotFoundError, WaitTimeoutError
from evalhub.oci import pull

if TYPE_CHECKING:
    from evalhub import AsyncEvalHubClient
    from evalhub.models import EvaluationJob

LONGEST_JOB = 120.0
KILLED = "the adapter's process was killed by SIGKILL"
MODEL = {"name": "none", "url": "http://127.0.0.1:1/v1"}


@dataclass
class Traffic:
    """Jobs of two benchmarks, each done by one user from its submission to its check.

    Args:
        client: Shared by all users.
        provider: Id of the provider whose adapter is told what to do.
        kill: Share of adapters that are killed.
        seed: Of everything that is random.
    """

    client: AsyncEvalHubClient
    provider: str
    kill: float
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    async def one(self, number: int) -> None:
        """Submit a job, watch it in one of several ways, and check what came of it."""
        ways = (self._wait, self._follow, self._give_up_and_wait, self._cancel)
        way = ways[number % len(ways)]
        job = await self._submit(number)
        try:
            job = await way(number, job)
        except WaitTimeoutError as error:
            self.problems.append(f"job {number}: {error}")
            return
        self.done["jobs"] += 1
        if way != self._cancel:
            self._check(number, job)
            await self._pull(number, job)
        if number % 2:
            await self.client.jobs.delete(job)
            self.done["deleted"] += 1

    async def _submit(self, number: int) -> EvaluationJob:
        benchmarks = [
            {
                "id": name,
                "provider_id": self.provider,
                "parameters": {
                    "number": number,
                    "fails": self._fails(number, index),
                    "stores": self._stores(number, index),
                    "dies_after": self._dies_after(number, index),
                },
            }
            for index, name in enumerate(("one", "two"))
        ]
        return await self.client.jobs.submit(
            name=f"soak-{number}", model=MODEL, benchmarks=benchmarks
        )

    async def _wait(self, _: int, job: EvaluationJob) -> EvaluationJob:
        return await self.client.jobs.wait(job, timeout=LONGEST_JOB)

    async def _follow(self, number: int, job: EvaluationJob) -> EvaluationJob:
        """Follow the log, of which every line must come once and in order."""
        lines: dict[int | None, list[str]] = {0: [], 1: []}
        async for update in self.client.jobs.watch_logs(
            job, timeout=LONGEST_JOB, poll_interval=0.3
        ):
            if update.benchmark_index is not None:
                lines[update.benchmark_index] += update.lines
            job = update.job
        for index, seen in lines.items():
            steps = [line for line in seen if line.startswith("step ")]
            whole = [f"step {step} of {number}" for step in range(10)]
            dies = index is not None and self._dies_after(number, index) is not None
            if steps != (whole[: len(steps)] if dies else whole):
                self.problems.append(f"job {number}, benchmark {index}: its log is {steps}")
        self.done["logs"] += 2
        return job

    async def _give_up_and_wait(self, _: int, job: EvaluationJob) -> EvaluationJob:
        """Cancel a wait in its middle, as Ctrl-C does, and take it up again."""
        wait = asyncio.create_task(self.client.jobs.wait(job, timeout=LONGEST_JOB))
        await asyncio.sleep(0.2)
        wait.cancel()
        try:
            await wait
        except asyncio.CancelledError:
            self.done["waits given up"] += 1
        return await self.client.jobs.wait(job, timeout=LONGEST_JOB)

    async def _cancel(self, number: int, job: EvaluationJob) -> EvaluationJob:
        await asyncio.sleep(Random(f"{self.seed} cancel {number}").uniform(0.0, 0.4))
        try:
            await self.client.jobs.cancel(job)
            self.done["cancelled"] += 1
        except JobCanNotBeCancelledError:
            pass
        except JobNotFoundError:
            self.problems.append(f"job {number}: it is lost")
        return await self.client.jobs.wait(job, timeout=LONGEST_JOB)

    async def _pull(self, number: int, job: EvaluationJob) -> None:
        """Pull every artifact that a result names, and compare its content."""
        for result in job.results.benchmarks:
            reference = result.artifacts.get("oci_reference")
            if reference is None:
                continue
            text = await asyncio.to_thread(_answers, reference)
            self.done["artifacts"] += 1
            if text != f"{number}\n" * 1000:
                self.problems.append(f"job {number}: its artifact holds {text[:40]!r}")

    def _check(self, number: int, job: EvaluationJob) -> None:
        states = {status.benchmark_index: status for status in job.status.benchmarks}
        results = {result.benchmark_index: result for result in job.results.benchmarks}
        for index in (0, 1):
            name = f"job {number}, benchmark {index}"
            result = results.get(index)
            metrics = result.metrics if result else None
            reason = str(states[index].error_message or "") if index in states else "no state"
            dies = self._dies_after(number, index) is not None
            self.done["adapters killed"] += dies
            if dies and reason.startswith(KILLED):
                self.done["killed before they had results"] += 1
            elif self._fails(number, index):
                if reason != f"failed as told: {number}":
                    self.problems.append(f"{name}: {reason!r} is not its failure")
            elif metrics != {"number": number, "index": index}:
                self.problems.append(f"{name}: {metrics} are not its metrics ({reason})")
            elif self._stores(number, index) and result and "oci_reference" not in result.artifacts:
                self.problems.append(f"{name}: its artifact is missing")

    def _fails(self, number: int, index: int) -> bool:
        return index == 1 and number % 5 == 0

    def _stores(self, number: int, index: int) -> bool:
        return index == 0 and number % 3 == 0

    def _dies_after(self, number: int, index: int) -> float | None:
        """Return the seconds after which an adapter is killed; `None` lets it live."""
        random = Random(f"{self.seed} {number} {index}")
        return random.uniform(0.0, 0.6) if random.random() < self.kill else None


def _answers(reference: str) -> str:
    with tempfile.TemporaryDirectory(prefix="soak-pull-") as folder:
        pull(reference, folder, insecure=True)
        return Path(folder, "answers.txt").read_text()
