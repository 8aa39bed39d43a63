"""Adapters with one planted fault each, and their contracts. Run by `test_contract_finds.py`."""

from __future__ import annotations

import json
import logging
import random
import signal
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.adapter import (
    ConfigurationError,
    EvaluationResult,
    FrameworkAdapter,
    JobPhase,
    JobResults,
    JobStatus,
    JobStatusUpdate,
    OCIArtifactResult,
    read_model_auth_key,
)
from evalhub.testing import AdapterContract, job_spec

if TYPE_CHECKING:
    from evalhub.adapter import JobCallbacks, JobSpec

SPEC = job_spec(benchmark_id="words", num_examples=2)
PROVIDER = {"id": "p", "benchmarks": [{"id": "words", "metrics": ["accuracy"]}]}


class Sound(FrameworkAdapter):
    """The adapter without a fault, which the others differ from in one thing."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        if not (config.model.url or "").startswith("http"):
            raise self.refusal(f"model.url is not a valid URL: {config.model.url}")
        self.say(callbacks, JobPhase.LOADING_DATA, 0.1)
        self.ask(config)
        self.say(callbacks, JobPhase.RUNNING_EVALUATION, 0.5)
        results = JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            benchmark_index=config.benchmark_index,
            model_name=config.model.name,
            results=[EvaluationResult(metric_name="accuracy", metric_value=self.score())],
            num_examples_evaluated=2,
            duration_seconds=0.1,
        )
        self.finish(config, callbacks, results)
        return results

    def refusal(self, message: str) -> Exception:
        return ConfigurationError(message)

    def say(self, callbacks: JobCallbacks, phase: JobPhase, progress: float) -> None:
        update = JobStatusUpdate(status=JobStatus.RUNNING, phase=phase, progress=progress)
        callbacks.report_status(update)

    def ask(self, config: JobSpec) -> str:
        key = read_model_auth_key("api-key") if config.model.auth else None
        return self.post(config, {"Authorization": f"Bearer {key}"} if key else {})

    def post(self, config: JobSpec, headers: dict[str, str]) -> str:
        question = {"model": config.model.name, "messages": [{"role": "user", "content": "?"}]}
        request = urllib.request.Request(
            f"{config.model.url}/chat/completions", json.dumps(question).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return str(json.load(reply)["choices"][0]["message"]["content"])

    def score(self) -> object:
        return 0.5

    def finish(self, config: JobSpec, callbacks: JobCallbacks, results: JobResults) -> None:
        pass


class Crashes(Sound):
    def score(self) -> object:
        raise ZeroDivisionError("no examples")


class GoesBackwards(Sound):
    def finish(self, config: JobSpec, callbacks: JobCallbacks, results: JobResults) -> None:
        self.say(callbacks, JobPhase.INITIALIZING, 0.9)


class RepeatsItself(Sound):
    def say(self, callbacks: JobCallbacks, phase: JobPhase, progress: float) -> None:
        super().say(callbacks, phase, progress)
        super().say(callbacks, phase, progress)


class CountsInPercent(Sound):
    def say(self, callbacks: JobCallbacks, phase: JobPhase, progress: float) -> None:
        super().say(callbacks, phase, 100 * progress)


class DividesByZero(Sound):
    def score(self) -> object:
        return float("nan")


class RenamesItsMetric(Sound):
    def finish(self, config: JobSpec, callbacks: JobCallbacks, results: JobResults) -> None:
        results.results[0].metric_name = "acc"


class HasNoScore(Sound):
    def finish(self, config: JobSpec, callbacks: JobCallbacks, results: JobResults) -> None:
        results.results.append(EvaluationResult(metric_name="recall", metric_value=0.5))


class ReturnsEverything(Sound):
    def finish(self, config: JobSpec, callbacks: JobCallbacks, results: JobResults) -> None:
        results.additional_info = {"answers": "x" * 11_000_000}


class InventsAnArtifact(Sound):
    def finish(self, config: JobSpec, callbacks: JobCallbacks, results: JobResults) -> None:
        results.oci_artifact = OCIArtifactResult(digest="sha256:0", reference="nowhere/at:all")


class FailsOnBadInput(Sound):
    def refusal(self, message: str) -> Exception:
        return KeyError(message)


class HidesFailures(Sound):
    def ask(self, config: JobSpec) -> str:
        try:
            return super().ask(config)
        except OSError:
            return ""


class IgnoresSignals(Sound):
    def ask(self, config: JobSpec) -> str:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return super().ask(config)


class LogsItsKey(Sound):
    def post(self, config: JobSpec, headers: dict[str, str]) -> str:
        logging.getLogger(__name__).info("asking with %s", headers)
        return super().post(config, headers)


class WritesToItsHome(Sound):
    def finish(self, config: JobSpec, callbacks: JobCallbacks, results: JobResults) -> None:
        (Path.home() / "results.json").write_text("{}")


class RollsDice(Sound):
    def score(self) -> object:
        return random.random()


class Contract(AdapterContract):
    spec = SPEC


class TestSound(Contract):
    adapter = Sound
    provider_file = PROVIDER


class TestCrashes(Contract):
    adapter = Crashes


class TestGoesBackwards(Contract):
    adapter = GoesBackwards


class TestRepeatsItself(Contract):
    adapter = RepeatsItself


class TestCountsInPercent(Contract):
    adapter = CountsInPercent


class TestDividesByZero(Contract):
    adapter = DividesByZero


class TestRenamesItsMetric(Contract):
    adapter = RenamesItsMetric
    provider_file = PROVIDER


class TestHasNoScore(Contract):
    adapter = HasNoScore


class TestReturnsEverything(Contract):
    adapter = ReturnsEverything


class TestInventsAnArtifact(Contract):
    adapter = InventsAnArtifact


class TestFailsOnBadInput(Contract):
    adapter = FailsOnBadInput


class TestHidesFailures(Contract):
    adapter = HidesFailures


class TestIgnoresSignals(Contract):
    adapter = IgnoresSignals
    timeout = 15.0  # it waits as long for the model's answer


class TestLogsItsKey(Contract):
    adapter = LogsItsKey


class TestWritesToItsHome(Contract):
    adapter = WritesToItsHome


class TestRollsDice(Contract):
    adapter = RollsDice
