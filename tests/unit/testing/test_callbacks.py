from __future__ import annotations

import pytest

from evalhub.adapter import (
    EvaluationResult,
    JobPhase,
    JobResults,
    JobStatus,
    JobStatusUpdate,
    OCIArtifactSpec,
)
from evalhub.errors import ArtifactError, BadRequestError, ConflictError
from evalhub.testing import RecordingCallbacks, job_spec


def results(**more):
    return JobResults(
        job_id="j",
        benchmark_id="b",
        model_name="m",
        results=[EvaluationResult(metric_name="acc", metric_value=0.5)],
        num_examples_evaluated=1,
        duration_seconds=0.1,
        **more,
    )


def test_keeps_what_is_reported(tmp_path):
    callbacks = RecordingCallbacks(job_spec(), layout=tmp_path / "layout")
    update = JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.LOADING_DATA)
    callbacks.report_status(update)
    update.phase = None
    assert callbacks.updates[0].phase is JobPhase.LOADING_DATA
    (tmp_path / "a.json").write_text("{}")
    stored = callbacks.create_oci_artifact(OCIArtifactSpec(files_path=tmp_path / "a.json"))
    assert callbacks.artifacts[0][1] is stored
    assert callbacks.metrics == {}
    callbacks.report_results(results())
    assert callbacks.metrics == {"acc": 0.5}
    assert callbacks.results is not None
    assert [event["status"] for event in callbacks.events] == ["running", "completed"]
    assert callbacks.events[1]["started_at"] == callbacks.events[0]["started_at"]


def test_completed_before_the_results_does_not_end_the_job():
    callbacks = RecordingCallbacks()
    callbacks.report_status(JobStatusUpdate(status=JobStatus.COMPLETED))
    assert callbacks.events == []
    callbacks.report_results(results())
    assert callbacks.metrics == {"acc": 0.5}


def test_an_adapter_may_save_a_run():
    callbacks = RecordingCallbacks()
    assert callbacks.mlflow.save(results(), callbacks.spec, artifacts=[]) is None


def test_refuses_what_comes_after_the_end():
    callbacks = RecordingCallbacks()
    callbacks.report_results(results())
    with pytest.raises(ConflictError, match="it is 'completed'") as refusal:
        callbacks.report_status(JobStatusUpdate(status=JobStatus.RUNNING))
    assert refusal.value.message_code == "job_can_not_be_updated"


def test_refuses_what_the_service_would():
    callbacks = RecordingCallbacks(job_spec(provider_id=""))
    with pytest.raises(BadRequestError, match="provider_id"):
        callbacks.report_status(JobStatusUpdate(status=JobStatus.RUNNING))


def test_refuses_artifacts_without_files(tmp_path):
    with pytest.raises(ArtifactError):
        RecordingCallbacks().create_oci_artifact(OCIArtifactSpec(files_path=tmp_path / "none"))
