"""Metrics on their way to the service: values, types, and the one that is judged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from evalhub.adapter._report.jsonable import Changes, Json, plain_text, to_json
from evalhub.models.result import MetricSchema, ResultType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.models.result import EvaluationResult, JobResults
    from evalhub.models.spec import PrimaryScore

__all__ = ["metric_types", "metrics_by_name", "primary_score"]

_UNNAMED = "unnamed"
"""For a metric with an empty name, which the service refuses."""


def metrics_by_name(
    results: Sequence[EvaluationResult], changes: Changes
) -> dict[str, tuple[Json, EvaluationResult]]:
    """Return the JSON value of each metric, and the metric itself, by the name it is sent under.

    A metric that is reported twice with the same value is sent once; with different values as
    `name` and `name (2)`: the service keeps one value a name.

    Args:
        results: The metrics.
        changes: Collects what could not be kept as it was.
    """
    metrics: dict[str, tuple[Json, EvaluationResult]] = {}
    for result in results:
        name = plain_text(result.metric_name) or _UNNAMED
        value = to_json(result.metric_value, at=name, changes=changes)
        free = _free_name(name, value, metrics)
        if free != name:
            changes.others[free] = f"another metric is named {name!r}, too"
        metrics[free] = (value, result)
    return metrics


def _free_name(name: str, value: Json, taken: Mapping[str, tuple[Json, EvaluationResult]]) -> str:
    free, number = name, 1
    while free in taken and taken[free][0] != value:
        number += 1
        free = f"{name} ({number})"
    return free


def metric_types(
    metrics: Mapping[str, Json], declared: Sequence[MetricSchema]
) -> list[MetricSchema] | None:
    """Return the type of each metric: the declared one, else what its value looks like."""
    types = {schema.name: schema.type for schema in declared if schema.name in metrics}
    for name, value in metrics.items():
        kind = _infer(value)
        if name not in types and kind is not None:
            types[name] = kind
    return [MetricSchema(name=name, type=types[name]) for name in metrics if name in types] or None


def _infer(value: Json) -> ResultType | None:
    match value:
        case bool() | str():
            return ResultType.CATEGORICAL
        case int() | float() | None:
            return ResultType.NUMERIC
        case list():
            return ResultType.ARRAY_ORDERED
        case _:
            return None  # the service knows no type for an object


def primary_score(results: JobResults, declared: PrimaryScore | None) -> float | None:
    """Return the number an evaluation is judged by.

    The adapter's own `overall_score`, else the metric the job declares, else the only metric
    there is; `None` where none of these is a finite number.
    """
    if results.overall_score is not None:
        return _number(results.overall_score)
    if declared is not None:
        values = {result.metric_name: result.metric_value for result in results.results}
        return _number(values.get(declared.metric))
    if len(results.results) == 1:
        return _number(results.results[0].metric_value)
    return None


def _number(value: Any) -> float | None:
    number = to_json(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return float(number) if math.isfinite(number) else None
