from __future__ import annotations

import pytest

from evalhub.models.page import HealthResponse
from evalhub.models.result import EvaluationResult, JobResults
from evalhub.models.spec import JobSpec, ModelConfig

SPEC = JobSpec(
    job_id="j", benchmark_id="b", benchmark_index=3, model=ModelConfig(name="m"),
    benchmark_config={}, callback_url=None,
)  # fmt: skip


def test_results_of_a_job_take_who_they_are_from_the_job():
    results = JobResults.for_job(
        SPEC, {"acc": 0.5, "f1": 1}, num_examples_evaluated=2, duration_seconds=0.1, overall_score=1
    )
    assert (results.job_id, results.benchmark_id, results.benchmark_index) == ("j", "b", 3)
    assert results.model_name == "m"
    assert results.results == [
        EvaluationResult(metric_name="acc", metric_value=0.5),
        EvaluationResult(metric_name="f1", metric_value=1),
    ]
    assert results.overall_score == 1.0


def test_a_misspelt_field_of_results_is_a_warning(caplog):
    results = JobResults.for_job(
        SPEC, {}, num_examples_evaluated=0, duration_seconds=0.0, overal_score=0.9
    )

    assert results.overall_score is None
    assert caplog.messages == [
        "JobResults has no field 'overal_score'; did you mean 'overall_score'?"
    ]


def test_results_speak_both_vocabularies_and_take_assignments():
    results = JobResults.model_validate(
        {"id": "wire", "benchmark_id": "b", "benchmark_index": 0, "model_name": "m", "results": [],
         "num_examples_evaluated": 0, "duration_seconds": 0}
    )  # fmt: skip
    assert (results.job_id, results.id) == ("wire", "wire")
    results.id = "other"
    results.mlflow_run_id = "run-1"
    copy = results.model_copy(deep=True)
    assert (copy.job_id, copy.mlflow_run_id) == ("other", "run-1")


def test_health_reads_as_the_dict_it_once_was():
    health = HealthResponse.model_validate(
        {"status": "healthy", "timestamp": "2026-01-02T03:04:05Z"}
    )
    assert health["status"] == health.get("status") == health.status == "healthy"
    assert health["timestamp"] == "2026-01-02T03:04:05Z"
    assert health.get("version", "?") == "?"
    with pytest.raises(KeyError, match="version"):
        health["version"]
