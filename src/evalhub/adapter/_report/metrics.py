"""Metrics on their way to the service: values, types, and the one that is judged."""

from __future__ import annotations

import logging
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from evalhub.adapter._report.jsonable import Json, NonFinite, to_json
from evalhub.errors import ConfigurationError
from evalhub.models.result import MetricSchema, ResultType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.models.result import EvaluationResult, JobResults
    from evalhub.models.spec import PrimaryScore

__all__ = ["metric_types", "metric_values", "primary_score"]

logger = logging.getLogger(__name__)


def metric_values(results: Sequence[EvaluationResult], non_finite: NonFinite) -> dict[str, Json]:
    """Return the JSON values of metrics by name.

    Args:
        results: The metrics.
        non_finite: Collects those that are NaN or infinite, which become `None`.

    Raises:
        ConfigurationError: Two metrics have the same name.
    """
    counts = Counter(result.metric_name for result in results)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise ConfigurationError(
            f"metric names must be unique, and {', '.join(map(repr, twice))} "
            "is reported more than once: give each value a name of its own"
        )
    metrics = {
        result.metric_name: to_json(
            result.metric_value, at=result.metric_name, non_finite=non_finite
        )
        for result in results
    }
    for path, was in non_finite.items():
        logger.warning("metric %s is %s: sent as null, kept in additional_info", path, was)
    return metrics


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
