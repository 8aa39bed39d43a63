"""An adapter as in the field: it evaluates traces of MLflow and saves its findings there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.recorder import EventRecorder

from evalhub.adapter import (
    DefaultCallbacks,
    EvaluationResult,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    JobStatus,
    JobStatusUpdate,
)
from evalhub.adapter.mlflow import MlflowArtifact, MlflowFileArtifact, TracesNamespace
from evalhub.testing.faults import Answer, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

INFO = {
    "trace_id": "tr-00000000000000000000000000000001",
    "trace_location": {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "7"}},
    "request_time": "2026-01-02T03:04:05Z",
    "execution_duration": "1.5s",
    "state": "OK",
    "tags": {"team": "x"},
}
SPAN = {
    "name": "agent",
    "span_id": "AAAAAAAAAKo=",
    "start_time_unix_nano": "1767323045000000000",
    "end_time_unix_nano": "1767323046500000000",
    "status": {"code": "STATUS_CODE_OK"},
    "attributes": [{"key": "mlflow.spanType", "value": {"string_value": "AGENT"}}],
}
RUN = {
    "run_id": "r1",
    "experiment_id": "9",
    "status": "RUNNING",
    "artifact_uri": "mlflow-artifacts:/9/r1/artifacts",
}


class TracesAdapter(FrameworkAdapter):
    """Takes its traces from MLflow or a folder, counts their spans, saves a run with files."""

    def __init__(self, job_spec_path: str | None = None) -> None:
        super().__init__(job_spec_path=job_spec_path)
        self.output = Path("output")

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.LOADING_DATA)
        )
        spans = self._spans(config)
        self.output.mkdir()
        (self.output / "spans.json").write_text(json.dumps(spans))
        results = JobResults(  # type: ignore[call-arg]  # `id`, as many adapters write it
            id=config.id,
            benchmark_id=config.benchmark_id,
            benchmark_index=config.benchmark_index,
            model_name=config.model.name,
            results=[
                EvaluationResult(metric_name="spans,all", metric_value=len(spans)),
                EvaluationResult(
                    metric_name="agents",
                    metric_value=sum(span["span_type"] == "AGENT" for span in spans),
                ),
            ],
            num_examples_evaluated=len(spans),
            duration_seconds=0.5,
        )
        report = MlflowArtifact("report.html", b"<p>fine</p>", "text/html")
        report.path = f"{config.benchmark_id}/{report.path}"
        spans_file = MlflowFileArtifact("spans.json", self.output / "spans.json")
        assert isinstance(callbacks, DefaultCallbacks)
        results.mlflow_run_id = callbacks.mlflow.save(
            results, config, artifacts=[report, spans_file]
        )
        return results

    def _spans(self, config: JobSpec) -> list[dict[str, Any]]:
        folder = Path("traces")
        if TracesNamespace.is_source_configured(config.parameters):
            assert self.mlflow is not None
            folder = self.mlflow.traces.materialize(config.parameters, folder)
        documents = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
        return [span for document in documents for span in document["data"]["spans"]]


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    def answer(**body: Any) -> Answer:
        return Answer(200, json.dumps(body).encode())

    with Faults("http://127.0.0.1:9") as server:
        server.always(answer(traces=[INFO]), path="*/traces/search")
        server.always(answer(trace={"trace_info": INFO, "spans": [SPAN]}), path="*/traces/get")
        missing = b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no experiment"}'
        server.always(Answer(404, missing), path="*/experiments/get-by-name")
        server.always(answer(experiment_id="9"), path="*/experiments/create")
        server.always(answer(run={"info": RUN}), path="*/runs/create")
        server.always(answer())
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        yield server


@pytest.fixture
def events() -> Iterator[EventRecorder]:
    with EventRecorder() as recorder:
        yield recorder


def test_traces_are_evaluated_and_the_findings_saved(
    mlflow: Faults, events: EventRecorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    job = {
        "id": "job-1",
        "provider_id": "field",
        "benchmark_id": "agents",
        "benchmark_index": 0,
        "model": {"url": "http://localhost:8080/v1", "name": "m"},
        "parameters": {"mlflow_traces_experiment_id": "7"},
        "experiment_name": "findings",
        "callback_url": events.url,
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    adapter = TracesAdapter(str(tmp_path / "job.json"))
    callbacks = DefaultCallbacks.from_adapter(adapter)

    results = adapter.run_benchmark_job(adapter.job_spec, callbacks)
    callbacks.report_results(results)

    assert events.last["metrics"] == {"spans,all": 1, "agents": 1}
    assert events.last["mlflow_run_id"] == "r1"
    stored = [call.path.partition("/r1/artifacts/")[2] for call in mlflow.seen]
    assert [path for path in stored if path] == [
        "evalhub/env_card.json", "agents/report.html", "spans.json",
    ]  # fmt: skip
    assert mlflow.seen[-1].path.endswith("/runs/update")
