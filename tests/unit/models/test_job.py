"""Reading a job: its state, its verdicts, its scores."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from evalhub.models import EvaluationJob, JobPhase, JobStatus, MessageInfo, MessageOrigin, Score

RECORDED = Path(__file__).parents[2] / "recorded"


def job(name: str) -> EvaluationJob:
    return EvaluationJob.model_validate_json((RECORDED / f"job_{name}.json").read_bytes())


@pytest.mark.parametrize(
    ("name", "state", "terminal", "passed"),
    [
        ("submitted", JobStatus.PENDING, False, None),
        ("pending", JobStatus.PENDING, False, None),
        ("running", JobStatus.RUNNING, False, None),
        ("running_one_done", JobStatus.RUNNING, False, None),
        ("completed", JobStatus.COMPLETED, True, True),
        ("failed", JobStatus.FAILED, True, None),
        ("partially_failed", JobStatus.PARTIALLY_FAILED, True, None),
        ("cancelled", JobStatus.CANCELLED, True, None),
        ("of_collection", JobStatus.COMPLETED, True, True),
    ],
)
def test_state_and_verdict_are_the_service_s(name, state, terminal, passed):
    read = job(name)

    assert (read.state, read.is_terminal, read.passed) == (state, terminal, passed)
    assert read.id == read.resource.id
    assert read.effective_state is state


def test_a_state_that_is_not_known_is_not_an_end():
    read = EvaluationJob.model_validate(
        {
            "resource": {"id": "1", "created_at": "2026-01-02T03:04:05Z"},
            "status": {"state": "archived"},
            "name": "j",
            "model": {"name": "m"},
        }
    )

    assert read.state == "archived"
    assert not read.is_terminal


def test_a_job_that_has_just_been_submitted_has_empty_lists():
    read = job("submitted")

    assert read.status.benchmarks == []
    assert read.results.benchmarks == []
    assert read.scores() == []
    assert read.to_rows() == []


def test_a_submission_s_nanoseconds_are_read():
    assert job("submitted").resource.created_at.isoformat() == "2026-09-18T10:11:12.123456+00:00"


def test_results_are_found_by_index_though_they_arrive_in_another_order():
    read = job("completed")

    assert [result.benchmark_index for result in read.results.benchmarks] == [1, 0]
    first, second = read.result("sums", index=0), read.result(index=1)
    assert first is not None
    assert second is not None
    assert first.metrics == {"accuracy": 1}
    assert second.metrics["accuracy"] == 0.8125


def test_status_is_found_by_index():
    status = job("partially_failed").benchmark_status("sums", provider_id="toolbox", index=0)

    assert status is not None
    assert status.state is JobStatus.FAILED
    assert str(status.error_message) == "the model does not answer"
    assert status.phase is None


def test_a_warning_and_a_phase_are_read():
    status = job("running").benchmark_status("sums")

    assert status is not None
    assert status.phase is JobPhase.LOADING_DATA
    assert status.warning_message is not None
    assert status.warning_message.message_code == "answer_cut"
    assert status.warning_message.message_origin is MessageOrigin.ADAPTER


def test_an_origin_is_free_text_as_it_is_for_the_service():
    assert MessageInfo(message="m", message_code="c", message_origin="me").message_origin == "me"


@pytest.mark.parametrize("wanted", [{"benchmark_id": "other"}, {"provider_id": "x"}, {"index": 7}])
def test_what_has_not_reported_is_none(wanted):
    assert job("completed").result(**wanted) is None
    assert job("completed").benchmark_status(**wanted) is None


def test_a_benchmark_that_is_in_the_job_twice_needs_its_index():
    message = r"several benchmarks match.*toolbox/sums \(index 1\), toolbox/sums \(index 0\)"

    with pytest.raises(ValueError, match=message):
        job("completed").result("sums")


def test_scores_are_in_the_order_of_the_job_with_the_verdict_on_the_primary_metric():
    scores = job("completed").scores()

    assert scores[0] == Score("sums", "toolbox", 0, "accuracy", 1, threshold=0.5, passed=True)
    assert [(one.benchmark_index, one.metric, one.passed) for one in scores] == [
        (0, "accuracy", True),
        (1, "accuracy", True),
        (1, "by_category", None),
        (1, "curve", None),
        (1, "done", None),
        (1, "label", None),
    ]


def test_a_score_is_not_changed():
    score = job("completed").scores()[0]

    with pytest.raises(FrozenInstanceError):
        score.value = 2  # type: ignore[misc]


def test_a_job_of_a_collection_lists_what_it_has_run():
    read = job("of_collection")

    assert read.benchmarks == []
    assert [(one.benchmark_id, one.value, one.passed) for one in read.scores()] == [
        ("sums", 0.75, True),
        ("products", 0.5, None),
    ]


def test_rows_hold_every_score_and_the_failures():
    rows = job("partially_failed").to_rows()

    assert rows[0] == {
        "job_id": "00000000-0000-4000-8000-000000000000",
        "job_name": "two",
        "model": "calculator",
        "provider_id": "toolbox",
        "benchmark_id": "sums",
        "benchmark_index": 0,
        "status": "failed",
        "metric": None,
        "value": None,
        "threshold": None,
        "passed": None,
        "error": "the model does not answer",
    }
    assert rows[1]["metric"] == "accuracy"
    assert (rows[1]["value"], rows[1]["threshold"], rows[1]["passed"]) == (0.8125, 0.5, True)
    assert rows[1]["status"] == "completed"
    assert rows[1]["error"] is None
    assert len(rows) == 6


def test_rows_take_results_whose_status_is_not_told():
    read = job("completed")
    read.status.benchmarks.clear()

    assert [row["status"] for row in read.to_rows()] == [None] * 6


@pytest.mark.parametrize(
    ("benchmarks", "states", "effective"),
    [
        (2, ["completed", "completed"], "completed"),
        (2, ["completed"], "running"),
        (2, ["completed", "pending"], "running"),
        (2, ["completed", "cancelled"], "partially_failed"),
        (2, ["failed", "failed"], "failed"),
        (0, ["completed"], "running"),  # of a collection, whose benchmarks are not listed
        (1, [], "running"),
    ],
)
def test_effective_state_waits_for_every_benchmark(benchmarks, states, effective) -> None:
    named = [{"id": f"b{index}", "provider_id": "p"} for index in range(2)]
    reports = [
        {**named[index], "benchmark_index": index, "status": state}
        for index, state in enumerate(states)
    ]
    read = EvaluationJob.model_validate(
        {
            "resource": {"id": "1", "created_at": "2026-01-02T03:04:05Z"},
            "name": "n",
            "model": {"name": "m"},
            "benchmarks": named[:benchmarks],
            "status": {"state": "running", "benchmarks": reports},
        }
    )

    assert read.effective_state == effective
    assert read.state == "running"


def test_job_without_a_status_is_pending() -> None:
    resource = {"id": "1", "created_at": "2026-01-02T03:04:05Z"}
    read = EvaluationJob.model_validate({"resource": resource, "name": "n", "model": {"name": "m"}})

    assert read.effective_state == "pending"
