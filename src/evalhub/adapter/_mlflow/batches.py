"""Metrics, parameters and tags in requests within the limits of MLflow's `log-batch`. Pure."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from evalhub.adapter._mlflow.names import LONGEST_NAME, metric_value
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from evalhub.adapter._mlflow.records import Metric, Param

__all__ = ["LONGEST_TAG", "batches", "metric_entry", "now", "param_entry", "tag_entries"]

LONGEST_TAG = 5000
_LONGEST_PARAM = 6000
_MOST = {"metrics": 1000, "params": 100, "tags": 100}
_MOST_TOGETHER = 1000
_MOST_BYTES = 1_000_000 - 10_000
"""The limit of 1 MB, without the run's id and the punctuation."""

Entry = dict[str, Any]


def batches(
    metrics: Sequence[Metric], params: Sequence[Param], tags: Mapping[str, str]
) -> Iterator[dict[str, list[Entry]]]:
    """Yield the bodies that store these, as few as the limits allow."""
    batch: dict[str, list[Entry]] = {}
    total = size = 0
    for kind, entry in _entries(metrics, params, tags):
        length = len(json.dumps(entry)) + 1
        is_full = (
            total == _MOST_TOGETHER
            or len(batch.get(kind, ())) == _MOST[kind]
            or size + length > _MOST_BYTES
        )
        if is_full and batch:
            yield batch
            batch, total, size = {}, 0, 0
        batch.setdefault(kind, []).append(entry)
        total, size = total + 1, size + length
    if batch:
        yield batch


def _entries(
    metrics: Sequence[Metric], params: Sequence[Param], tags: Mapping[str, str]
) -> Iterator[tuple[str, Entry]]:
    # In turns, so that 150 parameters and 2,500 metrics need 3 requests, not 5.
    sources = [
        ("params", [param_entry(param) for param in params]),
        ("tags", tag_entries(tags)),
        ("metrics", [metric_entry(metric) for metric in metrics]),
    ]
    while any(entries for _, entries in sources):
        room = _MOST_TOGETHER
        for kind, entries in sources:
            count = min(_MOST[kind], room)
            yield from ((kind, entry) for entry in entries[:count])
            room -= len(entries[:count])
            del entries[:count]


def metric_entry(metric: Metric) -> Entry:
    """Return a metric in JSON.

    Raises:
        ConfigurationError: Its value is not a number.
    """
    value = metric_value(metric.value)
    if value is None:
        raise ConfigurationError(f"metric {metric.key!r} is not a number: {metric.value!r}")
    when = metric.timestamp or now()
    return {"key": metric.key, "value": value, "timestamp": when, "step": metric.step}


def param_entry(param: Param) -> Entry:
    """Return a parameter in JSON."""
    return {"key": param.key, "value": str(param.value)[:_LONGEST_PARAM]}


def tag_entries(tags: Mapping[str, str]) -> list[Entry]:
    """Return tags in JSON."""
    return [
        {"key": key[:LONGEST_NAME], "value": str(value)[:LONGEST_TAG]}
        for key, value in tags.items()
    ]


def now() -> int:
    """Return the time in milliseconds."""
    return time.time_ns() // 1_000_000
