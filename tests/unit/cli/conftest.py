from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

import pytest

from evalhub.cli.root import run
from evalhub.testing import FakeEvalHub

MODEL = {"name": "m", "url": "http://model/v1"}
PROVIDER: dict[str, Any] = {
    "id": "alpha",
    "name": "Alpha",
    "benchmarks": [
        {
            "id": "sums",
            "name": "Sums",
            "category": "math",
            "tags": ["quick"],
            "primary_score": {"metric": "accuracy"},
            "pass_criteria": {"threshold": 0.5},
        },
        {"id": "words", "name": "Words", "category": "text"},
    ],
}


@dataclass
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def logging_is_restored():
    """Undo what a command does to the process's logging."""
    loggers = [logging.getLogger(name) for name in (None, "evalhub")]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    yield
    for one, level, handlers in before:
        one.setLevel(level)
        one.handlers[:] = handlers


@pytest.fixture
def hub():
    with FakeEvalHub(providers=[PROVIDER]) as running:
        yield running


@pytest.fixture
def evalhub(hub, tmp_path, clean_environment, capsys, monkeypatch):
    """Run a command line against the service in memory."""
    clean_environment(EVALHUB_CONFIG=str(tmp_path / "config.yaml"), EVALHUB_BASE_URL=hub.url)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


@pytest.fixture
def submit(evalhub):
    """Submit a job of the benchmark `sums` and return its id."""

    def submit(name: str = "nightly") -> str:
        ran = evalhub(
            "run", "-m", "http://model/v1", "-n", "m", "-b", "sums@alpha", "--name", name, "-q"
        )
        assert ran.code == 0, ran.err
        id_: str = ran.out.strip()
        return id_

    return submit


@pytest.fixture
def report(hub):
    """Let the adapter of a job report its end."""
    from evalhub.adapter import DefaultCallbacks, EvaluationResult, JobResults, JobStatusUpdate

    def report(job_id: str, value: float | None, error: str = "") -> None:
        callbacks = DefaultCallbacks(job_id, "sums", "alpha", 0, sidecar_url=hub.url)
        if value is None:
            callbacks.report_status(JobStatusUpdate(status="failed", error_message=error))
        else:
            score = EvaluationResult(
                metric_name="accuracy",
                metric_value=value,
                num_samples=100,
                confidence_interval=(value - 0.1, value + 0.1),
            )
            callbacks.report_results(
                JobResults(
                    job_id=job_id,
                    benchmark_id="sums",
                    model_name="m",
                    results=[score],
                    num_examples_evaluated=100,
                    duration_seconds=1.0,
                )
            )

    return report
