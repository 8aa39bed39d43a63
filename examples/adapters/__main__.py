"""Run the four adapters on the real service, and compare what comes out with what is known.

    make frameworks                    all four, against a calculator
    make frameworks ONLY=lm_eval       one of them
    make frameworks MODEL=gemma        against Gemma 3 270M as well

Each is run in an environment of its own: its tests and the adapter contract first, then a job on
the service, one that is cancelled in the middle, one whose model is away, and one with a wrong
parameter. The scores are those that the framework prints by itself, and the samples those in the
file that it wrote. lm-eval and inspect ask the same questions and are compared, question by
question. Anything that differs from what is known ends this with 1.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING, Any

from evalhub.adapter.samples import EveryEvalEver
from evalhub.analysis import compare
from evalhub.client import EvalHubClient
from evalhub.client.samples import read_samples, reference_of
from evalhub.errors import ArtifactError, WaitTimeoutError
from evalhub.models import EvaluationResult, JobResults
from evalhub.testing import FakeModel, RealEvalHub
from examples.adapters import environments
from examples.adapters.printed import printed
from examples.demo import calculator

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from evalhub.models import EvaluationJob, Sample
    from evalhub.testing import ModelRequest

TIMEOUT = 900.0
_QUESTION = re.compile(r"What is [^?]+\?")


@dataclass(frozen=True)
class Known:
    """What an adapter's job asks, and what must come out with the calculator."""

    benchmark: str
    scores: dict[str, float]
    samples: int
    num_examples: int = 20
    wrong: dict[str, Any] = field(default_factory=dict)
    said: str = ""
    unmeasured: int = 0
    """Samples that may be missing: guidellm leaves out what lies at the edge of its time."""

    few: tuple[str, int] | None = None
    """A benchmark for a model that takes seconds to answer, and its number of samples."""

    mean_of: str = ""
    """The metric that is the mean of the samples; by default the first of the scores."""


KNOWN = {
    "lm_eval": Known(
        "sums",
        {"exact_match": 0.8},
        samples=20,
        wrong={"num_few_shot": 3},
        said="did you mean 'num_fewshot'?",
    ),
    "inspect_ai": Known(
        "sums", {"accuracy": 0.8}, samples=20, wrong={"epoch": 3}, said="did you mean 'epochs'?"
    ),
    "guidellm": Known(
        "concurrent",
        {"requests_failed": 0},
        samples=40,
        unmeasured=2,
        num_examples=40,
        wrong={"stream": 3},
        said="did you mean 'streams'?",
        mean_of="request_latency/mean",
    ),
    "garak": Known(
        "dan.Ablation_Dan_11_0",
        {
            "resisted": 0.5,
            "attack_success_rate/dan.Ablation_Dan_11_0/dan.DAN": 0.0,
            "attack_success_rate/dan.Ablation_Dan_11_0/mitigation.MitigationBypass": 1.0,
        },
        samples=254,
        few=("dan.AutoDANCached", 6),
        wrong={"probe": ["dan"]},
        said="did you mean 'probes'?",
    ),
}


class Run:
    """One framework on the real service."""

    def __init__(
        self, name: str, python: Path, service: RealEvalHub, client: EvalHubClient
    ) -> None:
        self.name = name
        self.known = KNOWN[name]
        self._python = python
        self._service = service
        self._client = client
        self.problems: list[str] = []
        self.done: tuple[EvaluationJob, list[Sample]] | None = None
        """The job of the known model, and its samples."""

    def job(self, model: str, url: str, *, benchmark: str = "", **parameters: Any) -> EvaluationJob:
        return self._client.jobs.submit(
            name=self.name,
            model={"name": model, "url": url},
            benchmarks=[
                {
                    "id": benchmark or self.known.benchmark,
                    "provider_id": self.name,
                    "parameters": {"num_examples": self.known.num_examples, **parameters},
                }
            ],
        )

    def finished(self, job: EvaluationJob) -> EvaluationJob:
        try:
            return self._client.jobs.wait(job, timeout=TIMEOUT, poll=0.2)
        except WaitTimeoutError as late:
            return late.job or job

    def scores(self, model: str, url: str, *, known: bool) -> None:
        benchmark, expected = self.known.benchmark, self.known.samples
        if self.known.few and not known:
            benchmark, expected = self.known.few
        started = time.monotonic()
        job = self.finished(self.job(model, url, benchmark=benchmark))
        seconds = time.monotonic() - started
        if job.state != "completed":
            self._problem(f"{model}: the job ended as {job.state}: {self._reason(job)}")
            return
        metrics = job.results.benchmarks[0].metrics
        if known:
            for name, score in self.known.scores.items():
                self._expect(f"{name} is {metrics.get(name)}", metrics.get(name) == score)
        samples = self._client.jobs.samples(job)
        assert samples == read_samples(reference_of(job))
        is_right = expected - self.known.unmeasured <= len(samples) <= expected
        self._expect(f"{len(samples)} samples", is_right)
        name = self.known.mean_of or next(iter(self.known.scores))
        mean = sum(sample.prediction for sample in samples) / len(samples)
        self._expect(f"their mean is {mean:.6g}", isclose(mean, metrics[name], abs_tol=1e-9))
        print(f"  {model}: {name} = {metrics[name]:.6g}, {len(samples)} samples, {seconds:.0f} s")
        self._every_eval_ever(job, samples)
        if known:
            self.done = job, samples

    def as_printed(self, model: FakeModel) -> None:
        """Hold the scores and samples against what the framework prints and writes by itself."""
        if self.done is None:
            return
        job, samples = self.done
        [result] = job.results.benchmarks
        log = self._client.jobs.logs(job, tail=-1)
        with TemporaryDirectory(prefix="evalhub-printed-") as folder:
            try:
                own = printed(
                    self.name,
                    self._python,
                    model,
                    Path(folder),
                    log=log,
                    reference=reference_of(job),
                )
            except (RuntimeError, ArtifactError) as error:
                self._problem(f"by itself: {error}")
                return
        self._expect(f"it prints {own.scores}", own.scores.keys() >= self.known.scores.keys())
        for name, score in own.scores.items():
            here = result.metrics.get(name)
            same = here is not None and isclose(here, score, abs_tol=1e-9)
            self._expect(f"{name} is {here}, and it prints {score}", same)
        same = _outcomes(own.samples) == _outcomes(samples)
        self._expect("the samples in its own file are others", same)
        told = ", ".join(f"{name} {score:.6g}" for name, score in own.scores.items())
        print(f"  printed by itself: {told}; {len(own.samples)} samples in its own file")

    def _every_eval_ever(self, job: EvaluationJob, samples: list[Sample]) -> None:
        """Validate the export by the format's own validator, where there is a Python for it."""
        python = environments.every_eval_ever_python()
        if python is None:
            print("  Every Eval Ever: not validated, EVERY_EVAL_EVER_PYTHON names no Python 3.12")
            return
        [result] = job.results.benchmarks
        export = EveryEvalEver(
            JobResults(
                job_id=job.id,
                benchmark_id=result.id,
                model_name=job.model.name,
                results=[
                    EvaluationResult(metric_name=name, metric_value=value)
                    for name, value in result.metrics.items()
                ],
                num_examples_evaluated=len(samples),
                duration_seconds=0.0,
            ),
            framework=self.name,
            developer="evalhub",
        )
        with TemporaryDirectory() as folder:
            files = [str(file.relative_to(folder)) for file in export.write(Path(folder), samples)]
            validator = python.with_name("every_eval_ever")
            done = subprocess.run(
                [validator, "validate", *files], cwd=folder, capture_output=True, check=False
            )
        self._expect(f"Every Eval Ever refuses: {done.stdout.decode()}", done.returncode == 0)
        print("  Every Eval Ever: valid")

    def cancelled(self, model: SlowCalculator) -> None:
        """Let the model keep the adapter waiting, and tell the adapter to end meanwhile."""
        before = len(model.requests)
        with model.waiting():
            job = self.job(model.name, model.url)
            self._until(lambda: len(model.requests) > before, seconds=120)
            adapter = next(pid for pid in self._pids(job) if _is_adapter(pid))
            os.kill(adapter, signal.SIGTERM)
            job = self.finished(job)
        gone = self._until(lambda: not self._pids(job), seconds=30)
        reason = self._reason(job)
        self._expect(f"after SIGTERM the job is {job.state}", job.state == "failed")
        self._expect(f"the reason is {reason!r}", reason == "terminated by SIGTERM")
        self._expect(f"processes left: {self._pids(job)}", gone)
        print(f"  SIGTERM: {reason}")

    def unreachable(self) -> None:
        job = self.finished(self.job("nobody", "http://127.0.0.1:9/v1"))
        self._refused("unreachable", job, "cannot be reached")

    def wrong_parameter(self, model: FakeModel) -> None:
        job = self.finished(self.job(model.name, model.url, **self.known.wrong))
        self._refused("wrong parameter", job, self.known.said)

    def _refused(self, why: str, job: EvaluationJob, said: str) -> None:
        reason = self._reason(job)
        self._expect(f"{why}: the job is {job.state}", job.state == "failed")
        self._expect(f"{why}: {reason!r}", said in reason)
        self._expect(f"{why}, in one sentence: {reason!r}", not re.search(r"\n|\. ", reason))
        print(f"  {why}: {reason}")

    def _reason(self, job: EvaluationJob) -> str:
        status = job.benchmark_status()
        return str(status.error_message) if status and status.error_message else ""

    def _pids(self, job: EvaluationJob) -> list[int]:
        return _pids_in(self._service.job_folder(job.id))

    @staticmethod
    def _until(holds: Callable[[], bool], *, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > until:
                return False
            time.sleep(0.1)
        return True

    def _expect(self, what: str, holds: bool) -> None:
        if not holds:
            self._problem(what)

    def _problem(self, what: str) -> None:
        self.problems.append(f"{self.name}: {what}")
        print(f"  WRONG: {what}", flush=True)


def compared(runs: dict[str, Run]) -> list[str]:
    """Compare lm-eval and inspect on their one data set; return what is not as it should be.

    Each names its samples in its own way, so that what they asked is what pairs them.
    """
    sides = [runs[name].done for name in ("lm_eval", "inspect_ai") if name in runs]
    if len(sides) != 2 or sides[0] is None or sides[1] is None:  # noqa: PLR2004 - two sides
        return []
    (before, asked), (after, asked_too) = sides[0], sides[1]
    comparison = compare(
        before,
        after,
        rows=(_by_question(asked), _by_question(asked_too)),
        policy={"allow_different": True, "higher_is_better": ["exact_match"]},
        paired="require",
    )
    print(f"lm_eval against inspect_ai:\n{comparison}", flush=True)
    [sums] = comparison.benchmarks
    right = sums.verdict in ("unchanged", "inconclusive") and sums.difference == 0
    flips = [*sums.gained, *sums.lost]
    return [] if right and not flips else [f"lm_eval against inspect_ai: {sums.sentence} {flips}"]


def _by_question(samples: list[Sample]) -> list[Sample]:
    return [
        sample.model_copy(update={"sample_id": _QUESTION.findall(str(sample.input))[-1]})
        for sample in samples
    ]


def _outcomes(samples: list[Sample]) -> list[tuple[str, int, float]]:
    return sorted((sample.sample_id, sample.repeat, sample.prediction) for sample in samples)


def provider(name: str, python: Path, artifacts: Path) -> dict[str, Any]:
    import yaml

    project = environments.HERE / name
    found: dict[str, Any] = yaml.safe_load((project / "provider.yaml").read_text(encoding="utf-8"))
    command = shlex.join([str(python), str(project / "adapter.py")])
    environment = [{"name": "REGISTRY_URL", "value": f"oci:{artifacts}"}]
    return {**found, "runtime": {"local": {"command": command, "env": environment}}}


def tests(name: str, python: Path) -> bool:
    started = time.monotonic()
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider"],
        cwd=environments.HERE / name,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout[-5000:])
    print(f"  tests: {done.stdout.splitlines()[-1]} ({time.monotonic() - started:.0f} s)")
    return done.returncode == 0


def _pids_in(folder: Path) -> list[int]:
    """Return the processes that work for a job; its job file is in their environment."""
    mark = str(folder).encode()
    found: list[int] = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environ.read_bytes() and (environ.parent / "exe").resolve().exists():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return sorted(found)


def _is_adapter(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return command[1:2] != [b"-c"] and any(part.endswith(b"/adapter.py") for part in command[:2])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="frameworks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "names", nargs="*", choices=[*environments.NAMES, []], help="all by default"
    )
    parser.add_argument("--model", choices=["calculator", "gemma"], default="calculator")
    parser.add_argument("--no-tests", action="store_true", help="the service alone")
    asked = parser.parse_args()
    names = asked.names or environments.NAMES
    pythons = {name: environments.python_of(name) for name in names}
    problems: list[str] = []
    runs: dict[str, Run] = {}
    with ExitStack() as started:
        artifacts = Path(started.enter_context(TemporaryDirectory(prefix="evalhub-frameworks-")))
        providers = [provider(name, python, artifacts) for name, python in pythons.items()]
        service = started.enter_context(RealEvalHub(providers=providers))
        client = started.enter_context(EvalHubClient(service.url))
        gemma = started.enter_context(_gemma()) if asked.model == "gemma" else None
        for name, python in pythons.items():
            print(f"{name}:", flush=True)
            run = runs[name] = Run(name, python, service, client)
            if not asked.no_tests and not tests(name, python):
                run.problems.append(f"{name}: its tests failed")
            with SlowCalculator() as model:
                run.scores(model.name, model.url, known=True)
                run.as_printed(model)
                run.cancelled(model)
                run.wrong_parameter(model)
            run.unreachable()
            if gemma is not None:
                run.scores("gemma-3-270m", gemma, known=False)
            problems += run.problems
        problems += compared(runs)
    print("\n".join(problems) or "All as known.")
    return 1 if problems else 0


class SlowCalculator(FakeModel):
    """The calculator, which can be told to keep everybody waiting."""

    def __init__(self) -> None:
        super().__init__(self._said, name=calculator.NAME)
        self._may_answer = Event()
        self._may_answer.set()

    @contextmanager
    def waiting(self) -> Generator[None]:
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    def _said(self, request: ModelRequest) -> str:
        self._may_answer.wait()
        return calculator.answer(request.prompt)


def _gemma() -> Any:
    from examples.adapters.gemma import Gemma

    return Gemma(environments.gemma_python())


if __name__ == "__main__":
    sys.exit(main())
