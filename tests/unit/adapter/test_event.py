"""Golden files hold the wire contract: what is in them was accepted by the real service."""

from __future__ import annotations

import json
import logging
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from evalhub.adapter._report.event import (
    Report,
    failure_event,
    result_event,
    status_event,
)
from evalhub.adapter._report.metrics import primary_score
from evalhub.models.atif import Trajectory, TrajectoryScore
from evalhub.models.card import EnvironmentCard, EvalCardMetadata
from evalhub.models.event import BenchmarkStatusEvent, JobStatusUpdate
from evalhub.models.oci import OCIArtifactResult
from evalhub.models.result import EvaluationResult, JobResults, MetricSchema, ResultType
from evalhub.models.spec import BenchmarkRef, JobSpec, ModelConfig, PrimaryScore
from evalhub.models.state import ErrorInfo, JobPhase, JobStatus, MessageInfo, MessageOrigin

GOLDEN = Path(__file__).parent / "golden"
NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 12, 5, 0, 250_000, tzinfo=UTC)
WHO = BenchmarkRef("job-1", "arith", "demo", 2)


def results(*metrics: EvaluationResult, **more: object) -> JobResults:
    return JobResults.model_validate(
        {
            "job_id": "job-1",
            "benchmark_id": "arith",
            "model_name": "tiny",
            "results": list(metrics),
            "num_examples_evaluated": 10,
            "duration_seconds": 1.5,
            "completed_at": LATER,
            **more,
        }
    )


def metric(name: str, value: object, **more: object) -> EvaluationResult:
    return EvaluationResult.model_validate({"metric_name": name, "metric_value": value, **more})


def sent(event: BenchmarkStatusEvent) -> dict[str, object]:
    content: dict[str, object] = json.loads(Report(event).body)["benchmark_status_event"]
    return content


RUNNING = status_event(
    WHO,
    JobStatusUpdate(
        status=JobStatus.RUNNING,
        phase=JobPhase.LOADING_DATA,
        progress=0.1,
        message="loading",
        warning_message="slow disk",
        timestamp=NOON,
    ),
)

EVENTS = {
    "running": RUNNING,
    "completed": result_event(
        WHO,
        results(
            metric("accuracy", 0.75, confidence_interval=(0.6, 0.9), num_samples=10),
            metric("labels", ["a", "b"], metadata={"unit": "name"}),
            metric("verdict", "good"),
            metric("confusion", {"tp": 3}),
            metric("loss", math.nan),
            metric("scores", np.array([1.0, math.inf])),
            overall_score=0.75,
            metrics_schema=[MetricSchema(name="labels", type=ResultType.ARRAY_UNORDERED)],
            additional_info={"report": Path("out/report.html"), "num_examples_evaluated": 11},
            evaluation_metadata={"seed": 7},
            mlflow_run_id="run-1",
            oci_artifact=OCIArtifactResult(digest="sha256:1", reference="h/r:t@sha256:1"),
            eval_card=EvalCardMetadata(languages=["en"]),
            env_card=EnvironmentCard(python_version="3.11"),
        ),
        before=RUNNING,
        extra_info={"framework": "mine"},
    ),
    "failed": failure_event(
        WHO, "model not found", code="model_not_found", before=RUNNING, at=LATER
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_golden(name):
    assert json.loads(Report(EVENTS[name]).body) == json.loads(
        (GOLDEN / f"{name}.json").read_text()
    )


def test_a_status_event_repeats_what_the_service_would_erase():
    event = status_event(
        WHO, JobStatusUpdate(status=JobStatus.RUNNING, timestamp=LATER), before=RUNNING
    )
    assert event.started_at == NOON
    assert event.phase is JobPhase.LOADING_DATA
    assert event.warning_message == MessageInfo(
        message="slow disk", message_code="warning", message_origin=MessageOrigin.ADAPTER
    )


def test_a_pending_event_has_not_started():
    pending = status_event(WHO, JobStatusUpdate(status=JobStatus.PENDING, timestamp=NOON))
    assert sent(pending) == {
        "provider_id": "demo", "id": "arith", "benchmark_index": 2, "status": "pending",
    }  # fmt: skip


def test_completed_closes_the_phase_and_sets_the_end():
    update = JobStatusUpdate(
        status=JobStatus.COMPLETED, phase=JobPhase.POST_PROCESSING, timestamp=LATER
    )
    event = status_event(WHO, update, before=RUNNING)
    assert (event.phase, event.completed_at) == (JobPhase.COMPLETED, LATER)


@pytest.mark.parametrize(
    ("update", "message", "code"),
    [
        ({"error_message": "boom"}, "boom", "adapter_error"),
        ({"error_message": MessageInfo(message="m", message_code="c")}, "m", "c"),
        ({"error": ErrorInfo(message="e", message_code="")}, "e", "adapter_error"),
        ({"message": "gave up"}, "gave up", "adapter_error"),
        ({}, "the adapter reported a failure", "adapter_error"),
        (
            {"error_message": "boom", "error_details": {"at": Path("x"), "n": math.nan}},
            'boom {"at": "x", "n": null}',
            "adapter_error",
        ),
    ],
)
def test_a_failure_always_says_why(update, message, code):
    event = status_event(WHO, JobStatusUpdate(status=JobStatus.FAILED, **update))
    assert event.error_message == MessageInfo(
        message=message, message_code=code, message_origin=MessageOrigin.ADAPTER
    )


@pytest.mark.parametrize("status", [JobStatus.CANCELLED, JobStatus.PARTIALLY_FAILED])
def test_states_an_adapter_may_not_report_become_failed(status):
    event = status_event(WHO, JobStatusUpdate(status=status))
    assert event.status is JobStatus.FAILED


def test_a_cancelled_update_keeps_its_reason():
    event = status_event(WHO, JobStatusUpdate(status=JobStatus.CANCELLED))
    assert event.error_message is not None
    assert (event.error_message.message, event.error_message.message_code) == (
        "cancelled by the adapter", "cancelled",
    )  # fmt: skip


def test_an_error_may_accompany_a_running_benchmark():
    event = status_event(WHO, JobStatusUpdate(status=JobStatus.RUNNING, error_message="retrying"))
    assert sent(event)["error_message"] == {
        "message": "retrying", "message_code": "adapter_error", "message_origin": "adapter",
    }  # fmt: skip


def test_a_blank_failure_message_falls_back_to_its_code():
    event = failure_event(WHO, "  ", code="deadline_exceeded", origin=MessageOrigin.SDK)
    assert event.error_message == MessageInfo(
        message="deadline_exceeded", message_code="deadline_exceeded",
        message_origin=MessageOrigin.SDK,
    )  # fmt: skip


def test_an_error_that_quotes_an_undecodable_path_is_sent_all_the_same():
    event = failure_event(WHO, "cannot read bad\udc80.json", code="adapter_error")
    assert sent(event)["error_message"] == {
        "message": "cannot read bad?.json", "message_code": "adapter_error",
        "message_origin": "adapter",
    }  # fmt: skip


def warning(event: BenchmarkStatusEvent) -> tuple[str, str]:
    assert event.warning_message is not None
    return event.warning_message.message_code, event.warning_message.message


def test_metrics_of_one_name_and_different_values_are_numbered():
    event = result_event(
        WHO,
        results(
            metric("accuracy", 1, num_samples=3),
            metric("f1", 1),
            metric("accuracy", 0, num_samples=4),
            metric("accuracy", 0.5),
        ),
    )
    assert event.metrics == {"accuracy": 1, "f1": 1, "accuracy (2)": 0, "accuracy (3)": 0.5}
    assert event.additional_info is not None
    assert event.additional_info["metric_details"] == {
        "accuracy": {"num_samples": 3}, "accuracy (2)": {"num_samples": 4},
    }  # fmt: skip
    code, text = warning(event)
    assert code == "values_changed"
    assert text == (
        "not sent as measured: accuracy (2): another metric is named 'accuracy', too, "
        "accuracy (3): another metric is named 'accuracy', too"
    )


def test_metrics_of_one_name_and_one_value_are_sent_once():
    event = result_event(WHO, results(metric("accuracy", 1), metric("accuracy", 1)))
    assert event.metrics == {"accuracy": 1}
    assert event.warning_message is None


def test_a_change_of_a_value_is_a_warning_in_the_event_and_in_the_log(caplog):
    with caplog.at_level(logging.WARNING, logger="evalhub.adapter._report.event"):
        event = result_event(
            WHO, results(metric("loss", math.nan), additional_info={"steps": iter([1, 2])})
        )
    text = "not sent as measured: loss: nan as null, steps: 2 items of an iterator as a list"
    assert warning(event) == ("values_changed", text)
    assert caplog.messages == [text]


def test_no_metric_is_a_warning():
    event = result_event(WHO, results())
    assert event.metrics == {}
    assert event.metrics_schema is None
    assert warning(event) == ("no_metrics", "the adapter reported no metric")


def test_a_declared_type_for_no_metric_is_left_out():
    declared = [MetricSchema(name="ghost", type=ResultType.NUMERIC)]
    event = result_event(WHO, results(metric("a", 1), metrics_schema=declared))
    assert event.metrics_schema == [MetricSchema(name="a", type=ResultType.NUMERIC)]


@pytest.mark.parametrize(
    ("given", "declared", "score"),
    [
        (results(metric("a", 0.5), overall_score=0.9), PrimaryScore(metric="a"), 0.9),
        (results(metric("a", 0.5), metric("b", 1)), PrimaryScore(metric="a"), 0.5),
        (results(metric("a", np.float64(0.5))), None, 0.5),
        (results(metric("a", 0.5), metric("b", 1)), None, None),
        (results(metric("a", 0.5)), PrimaryScore(metric="missing"), None),
        (results(metric("a", True)), None, None),
        (results(metric("a", "0.5")), None, None),
        (results(metric("a", math.nan)), None, None),
        (results(), None, None),
    ],
)
def test_primary_score(given, declared, score):
    assert primary_score(given, declared) == score


def test_identity_of_a_specification():
    spec = JobSpec(
        job_id="j", benchmark_id="b", model=ModelConfig(name="m"), benchmark_config={},
        callback_url=None,
    )  # fmt: skip
    assert spec.benchmark_ref == BenchmarkRef("j", "b", None, 0)


def test_scores_of_trajectories_are_sent_without_the_trajectories():
    trajectory = Trajectory.model_validate(
        {
            "trajectory_id": "t-1",
            "agent": {"name": "coder", "version": "1"},
            "steps": [
                {
                    "step_id": 1,
                    "source": "agent",
                    "message": "content",
                    "metrics": {"prompt_tokens": 5},
                }
            ],
        }
    )
    scores = [
        TrajectoryScore(
            trajectory=trajectory, task_id="a", score=1.0, file="trajectories/t-1.json"
        ),
        TrajectoryScore(task_id="b", score=math.nan, error="timed out"),
    ]

    event = result_event(WHO, results(trajectory_results=scores))

    assert event.additional_info is not None
    assert event.additional_info["trajectory_results"] == [
        {
            "trajectory_id": "t-1",
            "task_id": "a",
            "score": 1.0,
            "file": "trajectories/t-1.json",
            "agent": "coder",
            "totals": {"total_prompt_tokens": 5, "total_steps": 1},
        },
        {"trajectory_id": "b", "task_id": "b", "score": None, "error": "timed out"},
    ]
    assert event.warning_message is not None
    assert "trajectory_results[1].score: nan as null" in event.warning_message.message
