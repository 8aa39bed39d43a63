"""Collections of answers as adapters written for 1.0 make them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.adapter import (
    BenchmarkError,
    CollectorConfig,
    CollectorProtocol,
    DefaultCallbacks,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    JobStatus,
    JobStatusUpdate,
    collect_responses_from_parameters,
    is_collection_configured,
)
from evalhub.adapter.collector import CollectorError, load_questions
from evalhub.testing import FakeModel, job_spec


class CollectingAdapter(FrameworkAdapter):
    """Collects answers first where the job says so, then measures the file."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        data = Path(config.parameters["dataset"])
        if is_collection_configured(config.parameters):
            manifest = collect_responses_from_parameters(
                config.parameters,
                progress_callback=lambda share: callbacks.report_status(
                    JobStatusUpdate(
                        status=JobStatus.RUNNING, phase=JobPhase.LOADING_DATA, progress=share
                    )
                ),
            )
            if manifest.failed == manifest.total:
                raise BenchmarkError("no question was answered")
            data = Path(manifest.output_path)
        rows = [json.loads(line) for line in data.read_text().splitlines()]
        right = sum(row["response"] == row["expected"] for row in rows if row["error"] is None)
        return JobResults.for_job(
            config,
            {"accuracy": right / len(rows)},
            num_examples_evaluated=len(rows),
            duration_seconds=0.1,
        )


class Quiet(DefaultCallbacks):
    def __init__(self) -> None:
        self.updates: list[JobStatusUpdate] = []

    def report_status(self, update: JobStatusUpdate) -> None:
        self.updates.append(update)


@pytest.fixture
def parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("EVALHUB_MODE", "local")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "questions.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("id", "question", "expected"), (1, "2 + 2?", "4"), (2, "3 + 4?", "7")]
        )
    return {
        "dataset": str(path),
        "live_collection": {
            "questions_path": str(path),
            "output_dir": str(tmp_path / "collected"),
            "protocol": "openai_chat_completions",
            "model": "fake-model",
            "use_model_credentials": False,
            "max_retries": 2,
        },
    }


def test_an_adapter_collects_and_measures(parameters):
    with FakeModel("4") as model:
        parameters["live_collection"]["endpoint_url"] = model.url
        spec = job_spec(parameters=parameters)
        callbacks = Quiet()
        results = CollectingAdapter().run_benchmark_job(spec, callbacks)

    assert results.results[0].metric_value == 0.5
    assert [update.progress for update in callbacks.updates] == [0.5, 1.0]


def test_the_error_has_the_arguments_of_1_0():
    cause = ValueError("why")

    error = CollectorError("message", "q1", cause)

    assert (str(error), error.question_id, error.__cause__) == ("message", "q1", cause)
    assert CollectorError("message").question_id is None


def test_the_configuration_has_the_defaults_of_1_0(parameters):
    given = parameters["live_collection"] | {"endpoint_url": "https://host/v1/"}

    config = CollectorConfig.from_parameters({"live_collection": given})

    assert config.endpoint_url == "https://host/v1"
    assert config.protocol is CollectorProtocol.OPENAI_CHAT
    assert (config.timeout_seconds, config.fail_fast, config.insecure) == (30.0, False, False)
    assert (config.retry_backoff_seconds, config.max_retry_backoff_seconds) == (0.25, 5.0)
    assert [one.question_id for one in load_questions(config.questions_path)] == ["1", "2"]
    for missing in ({}, {"live_collection": None}):
        with pytest.raises(ValueError, match="live_collection"):
            CollectorConfig.from_parameters(missing)
