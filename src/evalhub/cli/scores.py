"""Scores as rows: value, interval, number of examples, pass mark, verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub.models.score import bounds_of, measured_of

if TYPE_CHECKING:
    from evalhub.models import EvaluationJob

__all__ = ["SCORE_COLUMNS", "interval_text", "score_rows", "verdict_word"]

SCORE_COLUMNS = (
    "benchmark",
    "metric",
    "value",
    "verdict",
    "threshold",
    "interval",
    "n",
    "provider",
)
"""What people read, the most important first: a narrow terminal leaves out the others."""


def score_rows(job: EvaluationJob) -> list[dict[str, Any]]:
    """Return a row for each metric of a job."""
    rows: list[dict[str, Any]] = []
    for score in job.scores():
        measured = measured_of(job, score)
        interval = measured.get("confidence_interval")
        rows.append(
            {
                "benchmark": score.benchmark_id,
                "provider": score.provider_id,
                "metric": score.metric,
                "value": score.value,
                "interval": interval_text(interval),
                "n": measured.get("num_samples"),
                "threshold": None if score.threshold is None else float(f"{score.threshold:.6g}"),
                "verdict": verdict_word(score.passed),
                "job": job.id,
            }
        )
    return rows


def verdict_word(passed: bool | None) -> str | None:
    """Return the word for a verdict, or `None` without one."""
    if passed is None:
        return None
    return "passed" if passed else "missed"


def interval_text(interval: Any) -> str | None:
    """Return the two bounds of an interval as text, or `None` if they are not numbers."""
    bounds = bounds_of(interval)
    return None if bounds is None else f"{bounds[0]:.4g}..{bounds[1]:.4g}"
