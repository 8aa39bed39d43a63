from __future__ import annotations

from typing import Any

from evalhub.models.job import EvaluationJob
from examples.demo import report


def job(*results: dict[str, Any], failed: bool = False) -> EvaluationJob:
    error = {"message": "the model is away", "message_code": "model_unreachable"}
    statuses = [
        {"id": "one", "provider_id": "example", "status": "completed"},
        {
            "id": "two",
            "provider_id": "example",
            "benchmark_index": 1,
            "status": "failed",
            "error_message": error,
        },
    ]
    return EvaluationJob.model_validate(
        {
            "resource": {"id": "job-1", "created_at": "2026-01-02T03:04:05Z"},
            "status": {"state": "running", "benchmarks": statuses if failed else []},
            "results": {"benchmarks": list(results)},
            "name": "demo",
            "model": {"name": "tiny", "url": "http://127.0.0.1:1"},
            "benchmarks": [
                {"id": "one", "provider_id": "example"},
                {"id": "two", "provider_id": "example"},
            ],
        }
    )


ONE = {
    "id": "one",
    "provider_id": "example",
    "metrics": {"accuracy": 0.5, "refusals": 1, "accuracy_b": 0.25, "accuracy_a": 0.75},
    "additional_info": {
        "metric_details": {"accuracy": {"confidence_interval": [0.1, 0.9], "num_samples": 4}}
    },
    "artifacts": {"oci_digest": "sha256:1", "oci_reference": "oci:here:tag@sha256:1"},
}


def test_a_benchmark_without_score_or_verdict_says_so() -> None:
    _, one, two = report.scores(job(ONE))
    assert one.split() == ["one", "0.500", "0.10", "to", "0.90", "4", "1", "-", "none"]
    assert two.split() == ["two", "-", "-", "-", "-", "-", "no", "score"]


def test_where_nothing_has_a_score_there_is_no_table() -> None:
    assert list(report.scores(job())) == []


def test_categories_are_in_order() -> None:
    told = [line.split() for line in report.categories(job(ONE), "one")]
    assert told == [["a", "0.750"], ["b", "0.250"]]
    assert list(report.categories(job(ONE), "two")) == []


def test_failures_are_told_in_the_adapters_words() -> None:
    assert list(report.failures(job(failed=True))) == ["  two: the model is away"]


def test_artifacts_are_named_by_digest() -> None:
    assert [line.split() for line in report.artifacts(job(ONE))] == [["one", "sha256:1"]]


def test_a_section_without_lines_is_left_out() -> None:
    assert report.section("Title", ["  line"]) == "Title\n  line\n"
    assert report.section("Title", []) == ""
