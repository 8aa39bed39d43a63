"""Scores and verdicts of a job, matched by provider, id and index."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalhub.models.job import BenchmarkResult, EvaluationJob
    from evalhub.models.post_processing import Interval, PostProcessing

__all__ = ["Score"]


class Entry(Protocol):
    """A status or result of one benchmark of a job."""

    id: str
    provider_id: str
    benchmark_index: int


P = TypeVar("P", bound=Entry)


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one benchmark."""

    benchmark_id: str
    provider_id: str
    benchmark_index: int
    metric: str
    value: Any
    """The value as the adapter sent it: usually a number, but any JSON is possible."""

    threshold: float | None = None
    """Threshold of the benchmark; only on its primary metric."""

    passed: bool | None = None
    """The service's verdict; only on the primary metric."""

    def __repr__(self) -> str:
        verdict = "" if self.passed is None else f", passed={self.passed}"
        return (
            f"Score({self.benchmark_id!r}, index={self.benchmark_index},"
            f" {self.metric}={reprlib.repr(self.value)}{verdict})"
        )


def find(
    entries: Sequence[P],
    benchmark_id: str | None,
    *,
    provider_id: str | None,
    index: int | None,
) -> P | None:
    """Return the entry that matches all arguments given, or `None`.

    Raises:
        ValueError: More than one matches.
    """
    found = [
        entry
        for entry in entries
        if benchmark_id in (None, entry.id)
        and provider_id in (None, entry.provider_id)
        and index in (None, entry.benchmark_index)
    ]
    if len(found) > 1:
        names = ", ".join(f"{e.provider_id}/{e.id} (index {e.benchmark_index})" for e in found)
        raise ValueError(f"several benchmarks match; pass the index of one: {names}")
    return found[0] if found else None


def in_order(entries: Iterable[P]) -> list[P]:
    """Return entries in the order of the benchmarks in the job; the service sends them in any."""
    return sorted(entries, key=lambda entry: entry.benchmark_index)


def scores_of(results: Iterable[BenchmarkResult]) -> list[Score]:
    """Return every metric of every benchmark."""
    return [
        _score(result, metric, value)
        for result in in_order(results)
        for metric, value in result.metrics.items()
    ]


def _score(result: BenchmarkResult, metric: str, value: Any) -> Score:
    judged = result.test if result.test and result.test.primary_score_metric == metric else None
    return Score(
        benchmark_id=result.id,
        provider_id=result.provider_id,
        benchmark_index=result.benchmark_index,
        metric=metric,
        value=value,
        threshold=judged.threshold if judged else None,
        passed=judged.passed if judged else None,
    )


def measured_of(job: EvaluationJob, score: Score) -> dict[str, Any]:
    """Return what the adapter says of a score: `confidence_interval`, `num_samples` and more."""
    result = job.result(
        score.benchmark_id, provider_id=score.provider_id, index=score.benchmark_index
    )
    return _mapping(_details(result).get(score.metric))


def intervals_of(job: EvaluationJob, processing: PostProcessing | None) -> list[Interval]:
    """Return the intervals that adapters reported, and those of the service's computation."""
    intervals: list[Interval] = []
    for result in in_order(job.results.benchmarks):
        intervals += _reported(result)
        computed = None
        if processing is not None:
            computed = processing.interval(
                result.id, provider_id=result.provider_id, index=result.benchmark_index
            )
        if computed is not None:
            metric = result.test.primary_score_metric if result.test else None
            bounds = computed.lower, computed.upper
            intervals.append(_interval(result, metric, bounds, "service"))
    return intervals


def _reported(result: BenchmarkResult) -> list[Interval]:
    found: list[Interval] = []
    for metric, detail in _details(result).items():
        match _mapping(detail).get("confidence_interval"):
            case [int() | float() as lower, int() | float() as upper]:
                found.append(_interval(result, str(metric), (lower, upper), "adapter"))
            case _:
                pass
    return found


def _details(result: BenchmarkResult | None) -> dict[str, Any]:
    """Return what an adapter says of its metrics; it may send anything under this name."""
    return _mapping(((result.additional_info if result else None) or {}).get("metric_details"))


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _interval(
    result: BenchmarkResult, metric: str | None, bounds: tuple[float, float], source: str
) -> Interval:
    from evalhub.models.post_processing import Interval

    return Interval(
        benchmark_id=result.id,
        provider_id=result.provider_id,
        benchmark_index=result.benchmark_index,
        metric=metric,
        lower=bounds[0],
        upper=bounds[1],
        source=source,
    )


def bounds_of(interval: Any) -> tuple[float, float] | None:
    """Return the two bounds of an interval as an adapter sent it; `None` if it is none."""
    match interval:
        case [int() | float() as low, int() | float() as high]:
            return float(low), float(high)
        case _:
            return None


def rows_of(job: EvaluationJob) -> list[dict[str, Any]]:
    """Return one row for each score, and one for each benchmark without scores."""
    scores: dict[tuple[str, str, int], list[Score]] = {}
    for status in job.status.benchmarks:
        scores[status.provider_id, status.id, status.benchmark_index] = []
    for score in job.scores():
        key = score.provider_id, score.benchmark_id, score.benchmark_index
        scores.setdefault(key, []).append(score)
    rows: list[dict[str, Any]] = []
    for key in sorted(scores, key=lambda key: key[2]):
        rows += [_row(job, key, score) for score in scores[key]] or [_row(job, key, None)]
    return rows


def _row(job: EvaluationJob, key: tuple[str, str, int], score: Score | None) -> dict[str, Any]:
    provider_id, benchmark_id, index = key
    status = job.benchmark_status(benchmark_id, provider_id=provider_id, index=index)
    return {
        "job_id": job.id,
        "job_name": job.name,
        "model": job.model.name,
        "provider_id": provider_id,
        "benchmark_id": benchmark_id,
        "benchmark_index": index,
        "status": str(status.status) if status else None,
        "metric": score.metric if score else None,
        "value": score.value if score else None,
        "threshold": score.threshold if score else None,
        "passed": score.passed if score else None,
        "error": str(status.error_message) if status and status.error_message else None,
    }
