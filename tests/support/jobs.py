"""Jobs as the service would return them, with scores of one's choice."""

from __future__ import annotations

from typing import Any

from evalhub.models.job import EvaluationJob


def benchmark(
    value: Any = 0.75,
    *,
    id: str = "mmlu",  # noqa: A002 - what the service calls it
    provider: str = "harness",
    metric: str = "accuracy",
    n: int | None = 1000,
    interval: tuple[float, float] | None = None,
    lower: bool | None = False,
    metrics: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    info: dict[str, Any] | None = None,
    parameters: dict[str, Any] | None = None,
    threshold: float | None = None,
    passed: bool = True,
    status: str = "completed",
) -> dict[str, Any]:
    """Describe one benchmark of a job; `lower=None` leaves its direction unknown."""
    details: dict[str, Any] = {}
    if n is not None:
        details["num_samples"] = n
    if interval is not None:
        details["confidence_interval"] = list(interval)
    return {
        "config": {
            "id": id,
            "provider_id": provider,
            "parameters": parameters or {},
            **(
                {}
                if lower is None
                else {"primary_score": {"metric": metric, "lower_is_better": lower}}
            ),
        },
        "result": {
            "id": id,
            "provider_id": provider,
            "metrics": {metric: value, **(metrics or {})},
            "additional_info": {
                "metric_details": {metric: details},
                "evaluation_metadata": metadata or {},
                **(info or {}),
            },
            **(
                {}
                if threshold is None
                else {
                    "test": {
                        "primary_score": value,
                        "primary_score_metric": metric,
                        "threshold": threshold,
                        "pass": passed,
                    }
                }
            ),
        },
        "status": status,
    }


def job(
    *benchmarks: dict[str, Any],
    id: str = "job-1",  # noqa: A002
    name: str = "nightly",
    state: str = "completed",
    model: str = "m",
    created: str = "2026-09-18T10:11:12Z",
    test: dict[str, Any] | None = None,
    **fields: Any,
) -> EvaluationJob:
    """Return a job of benchmarks that `benchmark` described."""
    content: dict[str, Any] = {
        "resource": {"id": id, "created_at": created},
        "name": name,
        "model": {"name": model, "url": "http://model/v1"},
        "benchmarks": [one["config"] for one in benchmarks],
        "status": {
            "state": state,
            "benchmarks": [
                {
                    "id": one["config"]["id"],
                    "provider_id": one["config"]["provider_id"],
                    "benchmark_index": index,
                    "status": one["status"],
                    "started_at": "2026-09-18T10:11:12Z",
                    "completed_at": "2026-09-18T10:12:42Z",
                }
                for index, one in enumerate(benchmarks)
            ],
        },
        "results": {
            "benchmarks": [
                {**one["result"], "benchmark_index": index}
                for index, one in enumerate(benchmarks)
                if one["status"] == "completed"
            ],
            **({"test": test} if test else {}),
        },
        **fields,
    }
    return EvaluationJob.model_validate(content)


def rows(scores: Any, *, prefix: str = "q", **more: Any) -> list[dict[str, Any]]:
    """Return one row for each score."""
    return [
        {"sample_id": f"{prefix}{place}", "prediction": score, **more}
        for place, score in enumerate(scores)
    ]
