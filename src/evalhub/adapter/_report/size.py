"""Keep a report within the size the service takes, at the cost of what matters least."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._report.event import Report, listed, with_warning
from evalhub.models.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from evalhub.models.event import BenchmarkStatusEvent
    from evalhub.models.state import MessageInfo

__all__ = ["essential", "fit"]

_ROOM_FOR_WARNING = 4096
_MESSAGE_BYTES = 64 * 1024


def fit(report: Report, limit: int = MAX_BODY_BYTES) -> tuple[Report, list[str]]:
    """Return a report within the limit, and the names of what was left out of it.

    The largest parts of `additional_info` and of the cards go first, a part of a part where that
    is enough; metrics never go. What is left out is named in the event's warning.
    """
    report = _with_short_messages(report)
    excess = len(report.body) - limit
    event = report.event
    if excess <= 0 or not (event.additional_info or event.artifacts):
        return report, []
    info, artifacts = copy.deepcopy((event.additional_info or {}, event.artifacts or {}))
    dropped = _drop_largest((info, artifacts), excess + _ROOM_FOR_WARNING)
    if not dropped:
        return report, []
    kept = {"additional_info": info or None, "artifacts": artifacts or None}
    event = event.model_copy(update=kept)
    return Report(_reduced(event, f"left out for size: {listed(dropped)}")), dropped


def essential(report: Report, reason: str) -> Report:
    """Return a report with state, metrics and messages alone.

    Args:
        report: The report that the service refused.
        reason: The service's error message.
    """
    details = ("additional_info", "metrics_schema", "artifacts", "mlflow_run_id", "logs_path")
    event = report.event.model_copy(update=dict.fromkeys(details))
    return Report(_reduced(event, f"sent without its details, which the service refused: {reason}"))


def _reduced(event: BenchmarkStatusEvent, text: str) -> BenchmarkStatusEvent:
    return with_warning(event, text, code="report_reduced")


def _drop_largest(groups: tuple[dict[str, Any], dict[str, Any]], excess: int) -> list[str]:
    info, artifacts = groups
    parts = [(size, path, info) for size, path in _parts(info)]
    # Of the artifacts only parts of objects: a reference is short, and cannot be found again.
    parts += [(size, path, artifacts) for size, path in _parts(artifacts) if len(path) > 1]
    dropped: list[str] = []
    for size, (name, *inner), group in sorted(parts, key=lambda part: part[:2], reverse=True):
        if excess <= 0:
            break
        if inner:
            del group[name][inner[0]]
        else:
            del group[name]
        dropped.append(".".join((name, *inner)))
        excess -= size
    return dropped


def _parts(info: dict[str, Any]) -> list[tuple[int, tuple[str, ...]]]:
    """Return the sizes and paths of what can be left out."""
    parts: list[tuple[int, tuple[str, ...]]] = []
    for key, value in info.items():
        if isinstance(value, dict):
            group = cast("dict[str, Any]", value)
            parts.extend((_size(inner), (key, name)) for name, inner in group.items())
        else:
            parts.append((_size(value), (key,)))
    return parts


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def _with_short_messages(report: Report) -> Report:
    event = report.event
    messages = {
        name: _shortened(message)
        for name in ("error_message", "warning_message")
        if (message := getattr(event, name)) is not None and len(message.message) > _MESSAGE_BYTES
    }
    return Report(event.model_copy(update=messages)) if messages else report


def _shortened(message: MessageInfo) -> MessageInfo:
    """A failure is often the whole output of a tool; its end says most."""
    return message.model_copy(update={"message": f"... {message.message[-_MESSAGE_BYTES:]}"})
