"""Adapters written in the ways adapters in the field are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, create_autospec

import pytest
from support.recorder import EventRecorder

from evalhub.adapter import (
    DefaultCallbacks,
    EnvironmentCardMetadata,
    ErrorInfo,
    EvaluationResult,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    JobStatus,
    JobStatusUpdate,
    MessageInfo,
    OCIArtifactResult,
    OCIArtifactSpec,
    OCICoordinates,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

JOB = {
    "id": "job-1",
    "provider_id": "field",
    "benchmark_id": "arc",
    "benchmark_index": 2,
    "model": {"url": "http://localhost:8080/llm/v1", "name": "m", "auth": {"secret_ref": "s"}},
    "num_examples": 3,
    "parameters": {"limit": 7},
    "experiment_name": "exp",
    "tags": [{"key": "k", "value": "v"}],
    "callback_url": None,
    "exports": {
        "oci": {
            "coordinates": {
                "oci_host": "registry.example",
                "oci_repository": "team/results",
                "annotations": {"from": "job"},
            }
        }
    },
}


class FieldAdapter(FrameworkAdapter):
    """Takes a path, loads its own job, mutates parameters, pushes to the job's coordinates."""

    def __init__(self, job_spec_path: str | None = None) -> None:
        super().__init__(job_spec_path=job_spec_path)
        self.seen: dict[str, Any] = {}

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.INITIALIZING)
        )
        callbacks.report_status(
            JobStatusUpdate(
                status=JobStatus.RUNNING,
                phase=JobPhase.RUNNING_EVALUATION,
                progress=0.5,
                message=MessageInfo(message="half way", message_code="running"),
                current_step="evaluating",
                total_steps=4,
                completed_steps=2,
            )
        )
        config.parameters["limit"] = config.parameters.pop("limit") + 1
        config.benchmark_id = "arc_easy"
        config.experiment_name = None
        self.seen = {"limit": config.parameters["limit"], "auth": config.model.auth}
        results = JobResults(  # type: ignore[call-arg]  # `id`, as many adapters write it
            id=config.id,
            benchmark_id=config.benchmark_id,
            benchmark_index=config.benchmark_index,
            model_name=config.model.name,
            results=[
                EvaluationResult(metric_name="acc", metric_value=0.5, metric_type="accuracy"),
                EvaluationResult(metric_name="labels", metric_value=["a"], metric_type="list"),
            ],
            num_examples_evaluated=config.num_examples or 0,
            duration_seconds=0.25,
        )
        if config.exports is not None and config.exports.oci is not None:
            coordinates = config.exports.oci.coordinates.model_copy(deep=True)
            coordinates.annotations.update({"score": "0.5"})
            results.oci_artifact = callbacks.create_oci_artifact(
                OCIArtifactSpec(files_path=Path("results"), coordinates=coordinates)
            )
        env_card = EnvironmentCardMetadata.capture(
            framework_name="field", framework_version="1.0", extra_packages=["pydantic"]
        )
        env_card.container_image = "image"
        results.env_card = env_card
        results.mlflow_run_id = "run-1"
        return results


ARTIFACT = OCIArtifactResult(digest="sha256:0", reference="registry.example/team/results:t")


class Subclassed(JobCallbacks):
    """Callbacks as adapters' tests write them: three methods that keep what they get."""

    def __init__(self) -> None:
        self.updates: list[JobStatusUpdate] = []
        self.specs: list[OCIArtifactSpec] = []
        self.results: list[JobResults] = []

    def report_status(self, update: JobStatusUpdate) -> None:
        self.updates.append(update)

    def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
        self.specs.append(spec)
        return ARTIFACT

    def report_results(self, results: JobResults) -> None:
        self.results.append(results)


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    path = tmp_path / "meta" / "job.json"
    path.parent.mkdir()
    path.write_text(json.dumps(JOB))
    return path


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVALHUB_MODE", "local")
    monkeypatch.delenv("EVALHUB_JOB_SPEC_PATH", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def silent_recorder() -> Iterator[EventRecorder]:
    """Answers 200 without a body, as recorders in adapters' tests do."""
    with EventRecorder(answer=200) as running:
        yield running


def with_callback(job_file: Path, url: str) -> Path:
    job_file.write_text(json.dumps({**JOB, "callback_url": url}))
    return job_file


def test_adapter_with_a_path_and_subclassed_callbacks(job_file):
    adapter = FieldAdapter(job_spec_path=str(job_file))
    callbacks = Subclassed()

    results = adapter.run_benchmark_job(adapter.job_spec, callbacks)
    callbacks.report_results(results)

    assert (results.id, results.benchmark_id, results.benchmark_index) == ("job-1", "arc_easy", 2)
    assert adapter.seen["limit"] == 8
    assert adapter.seen["auth"].secret_ref == "s"
    assert callbacks.updates[1].message == MessageInfo(message="half way", message_code="running")
    [spec] = callbacks.specs
    assert spec.coordinates is not None
    assert spec.coordinates.annotations == {"from": "job", "score": "0.5"}
    original = adapter.job_spec.exports
    assert original is not None
    assert original.oci is not None
    assert original.oci.coordinates.annotations == {"from": "job"}
    assert callbacks.results[0].mlflow_run_id == "run-1"


def test_adapter_with_mocked_callbacks(job_file):
    adapter = FieldAdapter(str(job_file))
    callbacks = MagicMock()
    callbacks.create_oci_artifact.return_value = ARTIFACT

    results = adapter.run_benchmark_job(adapter.job_spec, callbacks)

    assert results.oci_artifact == ARTIFACT
    statuses = [call.args[0].phase for call in callbacks.report_status.call_args_list]
    assert statuses == [JobPhase.INITIALIZING, JobPhase.RUNNING_EVALUATION]


def test_adapter_with_autospecced_callbacks(job_file):
    adapter = FieldAdapter(str(job_file))
    callbacks = create_autospec(JobCallbacks)
    callbacks.create_oci_artifact.return_value = ARTIFACT

    adapter.run_benchmark_job(adapter.job_spec, callbacks)

    assert callbacks.report_status.call_count == 2
    assert not hasattr(callbacks, "mlflow")


def test_callbacks_of_two_methods_are_enough():
    class Two(JobCallbacks):
        def report_status(self, update: JobStatusUpdate) -> None: ...

        def create_oci_artifact(self, spec: OCIArtifactSpec) -> OCIArtifactResult:
            return ARTIFACT

    results = JobResults(  # type: ignore[call-arg]  # `id`, as many adapters write it
        id="j",
        benchmark_id="b",
        benchmark_index=0,
        model_name="m",
        results=[],
        num_examples_evaluated=0,
        duration_seconds=0.0,
    )

    Two().report_results(results)


def test_instance_made_without_init():
    adapter = FieldAdapter.__new__(FieldAdapter)
    adapter.seen = {}
    spec = JobSpec.model_validate({**JOB, "exports": None})

    results = adapter.run_benchmark_job(spec, MagicMock())

    assert results.num_examples_evaluated == 3


def test_overridden_job_loading(tmp_path):
    class Elsewhere(FieldAdapter):
        def _load_job_spec(self) -> JobSpec:
            return JobSpec.model_validate({**JOB, "id": "from-elsewhere"})

    assert Elsewhere().job_spec.id == "from-elsewhere"


def test_report_to_a_recorder_that_answers_without_a_body(job_file, silent_recorder):
    class Informed(FieldAdapter):
        def generate_additional_info(self, results: JobResults) -> dict[str, Any]:
            return {"metrics": len(results.results)}

    adapter = Informed(str(with_callback(job_file, silent_recorder.url)))
    callbacks = DefaultCallbacks.from_adapter(adapter)
    callbacks.persister = MagicMock(persist=MagicMock(return_value=ARTIFACT))
    # The service's `benchmark_id` is what matches, so an adapter that renames it works on a copy.
    results = adapter.run_benchmark_job(adapter.job_spec.model_copy(deep=True), callbacks)

    callbacks.report_results(results)

    last = silent_recorder.last
    assert last["status"] == "completed"
    assert last["metrics"] == {"acc": 0.5, "labels": ["a"]}
    assert last["mlflow_run_id"] == "run-1"
    assert last["additional_info"]["metrics"] == 2
    assert {request.path for request in silent_recorder.requests} == {
        "/api/v1/evaluations/jobs/job-1/events"
    }


@pytest.mark.parametrize(
    "failure",
    [
        {"error_message": MessageInfo(message="boom", message_code="failed")},
        {
            "message": MessageInfo(message="failing", message_code="failing"),
            "error": ErrorInfo(message="boom", message_code="failed"),
            "error_details": {"trace": "..."},
        },
    ],
    ids=["error_message", "error"],
)
def test_failure_reported_by_hand(job_file, recorder, failure):
    adapter = FieldAdapter(str(with_callback(job_file, recorder.url)))
    callbacks = DefaultCallbacks.from_adapter(adapter)

    callbacks.report_status(JobStatusUpdate(status=JobStatus.FAILED, **failure))

    assert recorder.last["status"] == "failed"
    assert recorder.last["error_message"]["message"].startswith("boom")
    assert recorder.last["error_message"]["message_code"] == "failed"


def test_completed_reported_before_the_results_costs_no_metric(job_file, recorder):
    adapter = FieldAdapter(str(with_callback(job_file, recorder.url)))
    callbacks = DefaultCallbacks.from_adapter(adapter)
    callbacks.persister = MagicMock(persist=MagicMock(return_value=ARTIFACT))
    results = adapter.run_benchmark_job(adapter.job_spec, callbacks)

    callbacks.report_status(
        JobStatusUpdate(status=JobStatus.COMPLETED, phase=JobPhase.COMPLETED, progress=1.0)
    )
    callbacks.report_results(results)

    assert recorder.last["status"] == "completed"
    assert recorder.last["metrics"]["acc"] == 0.5


def test_callbacks_made_by_hand(tmp_path, recorder):
    token = tmp_path / "token"
    token.write_text("from-file")
    callbacks = DefaultCallbacks(
        job_id="job-1",
        benchmark_id="arc",
        provider_id="field",
        benchmark_index=2,
        sidecar_url=recorder.url,
        insecure=True,
        auth_token=None,
        auth_token_path=token,
        ca_bundle_path=None,
        oci_auth_config_path=None,
        oci_insecure=True,
        oci_proxy_host=None,
        mlflow_backend="odh",
        events_path_template="/api/v1/evaluations/jobs/{job_id}/events",
    )

    callbacks.report_status(JobStatusUpdate(status=JobStatus.FAILED, error_message="no"))

    assert recorder.requests[0].headers["Authorization"] == "Bearer from-file"
    assert recorder.last["benchmark_index"] == 2


def test_no_experiment_tracking_is_no_run_id(job_file):
    adapter = FieldAdapter(str(job_file))
    callbacks = DefaultCallbacks.from_adapter(adapter)
    results = MagicMock()

    assert callbacks.mlflow.save(results, adapter.job_spec, artifacts=[]) is None


def test_settings_read_by_adapters(job_file, monkeypatch):
    monkeypatch.setenv("EVALHUB_JOB_SPEC_PATH", str(job_file))
    adapter = FieldAdapter()
    settings = adapter.settings

    assert settings.mode == "local"
    assert settings.resolved_job_spec_path == settings.job_spec_path == job_file
    assert settings.evalhub_insecure is settings.oci_insecure is False
    assert settings.oci_auth_config_path is None
    assert settings.mlflow_backend == "odh"
    assert settings.resolved_auth_token_path is settings.resolved_ca_bundle_path is None
    assert adapter.local_jobs_base_path == job_file.parent.parent


def test_coordinates_are_deeply_copied():
    coordinates = OCICoordinates(oci_host="h", oci_repository="r", annotations={"a": "b"})

    coordinates.model_copy(deep=True).annotations.update({"c": "d"})

    assert coordinates.annotations == {"a": "b"}
