"""One benchmark over many jobs: its scores with intervals, what changed, and whether it drifts."""

from __future__ import annotations

from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING, Any

from pydantic import Field

from evalhub.analysis._measured import circumstances, direction_of, measured, metric_of
from evalhub.analysis._sources import Key, Run, runs_of
from evalhub.analysis._tables import number, signed
from evalhub.analysis.statistics import normal_quantile
from evalhub.errors import ConfigurationError
from evalhub.models._base import Model
from evalhub.models._notebook import columns_of, html_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalhub.models.job import EvaluationJob

__all__ = ["History", "HistoryPoint", "history"]

_ALPHA = 0.01
"""A drift is looked for again with every job: at 5 % it would be found in every other month."""

_FEWEST = 4


class HistoryPoint(Model):
    """The primary score of one job."""

    job_id: str
    job_name: str
    model: str
    created_at: datetime
    value: float
    interval: tuple[float, float] | None = None
    samples: int | None = None
    changes: list[str] = Field(default_factory=list)
    """What was measured otherwise than in the job before."""


class History(Model):
    """The primary score of one benchmark over jobs, oldest first."""

    provider_id: str
    benchmark_id: str
    metric: str
    lower_is_better: bool | None = None
    points: list[HistoryPoint]
    drift: float | None = None
    """Change from job to job since the last change of what is measured, where it is surely not
    zero."""

    sentence: str

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one row for each job, for a table or a data frame."""
        return [
            {
                "job_id": point.job_id,
                "job_name": point.job_name,
                "model": point.model,
                "created_at": point.created_at,
                "provider_id": self.provider_id,
                "benchmark_id": self.benchmark_id,
                "metric": self.metric,
                "value": point.value,
                "interval_low": point.interval[0] if point.interval else None,
                "interval_high": point.interval[1] if point.interval else None,
                "samples": point.samples,
                "changes": "; ".join(point.changes),
            }
            for point in self.points
        ]

    def to_columns(self) -> dict[str, list[Any]]:
        """Return the rows as columns, for a data frame."""
        return columns_of(self.to_rows())

    def _repr_html_(self) -> str:
        rows = [
            (
                f"{point.created_at:%Y-%m-%d %H:%M}",
                point.job_name,
                point.model,
                number(point.value),
                f"{number(point.interval[0])} to {number(point.interval[1])}"
                if point.interval
                else "-",
                "; ".join(point.changes),
            )
            for point in self.points
        ]
        head = ("when", "job", "model", self.metric, "interval", "changed")
        return html_table(head, rows)


def history(
    jobs: Iterable[EvaluationJob],
    benchmark: str,
    *,
    provider: str | None = None,
    metric: str | None = None,
    last: int = 20,
) -> History:
    """Return the primary score of a benchmark over jobs, oldest first.

    Args:
        jobs: In any order; those without a number for the benchmark are left out.
        benchmark: Id of the benchmark.
        provider: Id of its provider, where several have one of this id.
        metric: Metric, in place of the primary one.
        last: How many jobs to look back.

    Raises:
        ConfigurationError: No job has a number for the benchmark, or those of several providers
            do.
        MissingExtraError: The extra `analysis` is not installed.
    """
    runs = sorted(
        (run for job in jobs for run in runs_of(job, "jobs")),
        key=lambda run: run.job.resource.created_at if run.job else datetime.min,  # noqa: DTZ901
    )
    key = _key(runs, benchmark, provider)
    # The newest job knows best which metric counts.
    found, problem = metric_of(key, list(reversed(runs)), metric)
    if found is None:
        raise ConfigurationError(f"benchmark {benchmark!r}: {problem}")
    points = _points(key, runs, found)[-last:]
    if not points:
        raise ConfigurationError(f"no job has a number in {found!r} of benchmark {benchmark!r}")
    slope, sentence = _drift(points)
    return History(
        provider_id=key[0],
        benchmark_id=key[1],
        metric=found,
        lower_is_better=direction_of(key, found, list(reversed(runs))),
        points=points,
        drift=slope,
        sentence=sentence,
    )


def _key(runs: Sequence[Run], benchmark: str, provider: str | None) -> Key:
    keys = {
        key
        for run in runs
        for key in run.results
        if key[1] == benchmark and provider in (None, key[0]) and key[2] == 0
    }
    if not keys:
        known = sorted({key[1] for run in runs for key in run.results})
        raise ConfigurationError(
            f"no job has results of benchmark {benchmark!r} (there are: {', '.join(known) or '-'})"
        )
    if len(keys) > 1:
        names = ", ".join(sorted(key[0] for key in keys))
        raise ConfigurationError(f"benchmark {benchmark!r} is of several providers ({names})")
    return keys.pop()


def _points(key: Key, runs: Sequence[Run], metric: str) -> list[HistoryPoint]:
    points: list[HistoryPoint] = []
    before: dict[str, Any] | None = None
    for run in runs:
        result = run.results.get(key)
        part = measured(result, metric) if result is not None else None
        if part is None or part.value is None or run.job is None:
            continue
        how = circumstances(key, run)
        points.append(
            HistoryPoint(
                job_id=run.job.id,
                job_name=run.job.name,
                model=run.job.model.name,
                created_at=run.job.resource.created_at,
                value=part.value,
                interval=part.interval,
                samples=part.samples,
                changes=_changes(before, how),
            )
        )
        before = how
    return points


def _changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    if before is None:
        return []
    return [
        f"{name}: {str(before.get(name))[:40]} to {str(after.get(name))[:40]}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _drift(points: Sequence[HistoryPoint]) -> tuple[float | None, str]:
    """Return the slope of the scores measured alike, if it is surely not zero."""
    start = max((place for place, point in enumerate(points) if point.changes), default=0)
    alike = points[start:]
    if len(alike) < _FEWEST:
        return None, (
            f"{len(alike)} of {len(points)} jobs were measured as the last one; "
            f"a drift shows from {_FEWEST} on."
        )
    if any(point.interval is None for point in alike):
        return None, "Not every score has an interval, so a drift cannot be told from chance."
    slope, z = _slope(alike)
    if abs(z) < normal_quantile(1 - _ALPHA / 2):
        return None, f"No drift over the last {len(alike)} jobs: chance alone could do this."
    return slope, (
        f"A drift: {signed(slope)} from job to job over the last {len(alike)} jobs, "
        "more than chance would do."
    )


def _slope(points: Sequence[HistoryPoint]) -> tuple[float, float]:
    """Return the slope of a straight line through the scores, and it in standard errors."""
    weights = [_weight(point) for point in points]
    total = sum(weights)
    middle = sum(w * place for place, w in enumerate(weights)) / total
    mean = sum(w * point.value for w, point in zip(weights, points, strict=True)) / total
    spread = sum(w * (place - middle) ** 2 for place, w in enumerate(weights))
    slope = (
        sum(
            w * (place - middle) * (point.value - mean)
            for place, (w, point) in enumerate(zip(weights, points, strict=True))
        )
        / spread
    )
    return slope, slope * sqrt(spread)


def _weight(point: HistoryPoint) -> float:
    low, high = point.interval or (0.0, 0.0)
    error = (high - low) / (2 * normal_quantile(0.975))
    return 1 / error**2 if error > 0 else 1e12
