"""Keep a report within the size the service takes, at the cost of what matters least."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._report.event import body
from evalhub.adapter._report.jsonable import to_json
from evalhub.models.state import MessageInfo, MessageOrigin

if TYPE_CHECKING:
    from evalhub.models.event import BenchmarkStatusEvent

__all__ = ["MAX_BYTES", "essential", "fit", "listed"]

MAX_BYTES = 10 * 1024 * 1024
"""Longest body the service takes unless configured (wire contract 1.1)."""

_ROOM_FOR_WARNING = 4096
_NAMES_SHOWN = 10
_MESSAGE_BYTES = 64 * 1024


def fit(
    event: BenchmarkStatusEvent, limit: int = MAX_BYTES
) -> tuple[BenchmarkStatusEvent, list[str]]:
    """Return the event within the limit, and the names of what was left out of it.

    The largest parts of `additional_info` go first, a part of a part where that is enough;
    metrics never go. What is left out is named in the event's warning.
    """
    event = event.model_copy(
        update={
            "error_message": _shortened(event.error_message),
            "warning_message": _shortened(event.warning_message),
        }
    )
    excess = len(body(event)) - limit
    if excess <= 0 or not event.additional_info:
        return event, []
    info, dropped = _without_largest(event.additional_info, excess + _ROOM_FOR_WARNING)
    return _with_warning(event, f"left out for size: {listed(dropped)}", info), dropped


def essential(event: BenchmarkStatusEvent, why: str) -> BenchmarkStatusEvent:
    """Return the event with its state, metrics and messages alone.

    Args:
        event: A report the service refused.
        why: What the service said.
    """
    small = event.model_copy(
        update={"metrics_schema": None, "artifacts": None, "mlflow_run_id": None, "logs_path": None}
    )
    return _with_warning(small, f"sent without its details, which the service refused: {why}", None)


def _without_largest(info: dict[str, Any], excess: int) -> tuple[dict[str, Any], list[str]]:
    kept: Any = to_json(info)  # a copy
    dropped: list[str] = []
    for size, (name, *inner) in _parts(kept):
        if excess <= 0:
            break
        if inner:
            del kept[name][inner[0]]
        else:
            del kept[name]
        dropped.append(".".join((name, *inner)))
        excess -= size
    return kept, dropped


def _parts(info: Any) -> list[tuple[int, tuple[str, ...]]]:
    """Return the sizes and paths of what can be left out, the largest first."""
    parts: list[tuple[int, tuple[str, ...]]] = []
    for key, value in info.items():
        if isinstance(value, dict):
            group = cast("dict[str, Any]", value)
            parts.extend((_size(inner), (key, name)) for name, inner in group.items())
        else:
            parts.append((_size(value), (key,)))
    return sorted(parts, reverse=True)


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def listed(names: list[str]) -> str:
    """Return the first of the names in one line, each of bearable length, and how many follow."""
    shown = ", ".join(name[:100] for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _with_warning(
    event: BenchmarkStatusEvent, text: str, info: dict[str, Any] | None
) -> BenchmarkStatusEvent:
    before = f"{event.warning_message.message}; " if event.warning_message else ""
    warning = MessageInfo(
        message=before + text, message_code="report_reduced", message_origin=MessageOrigin.SDK
    )
    return event.model_copy(update={"additional_info": info, "warning_message": warning})


def _shortened(message: MessageInfo | None) -> MessageInfo | None:
    """A failure is often the whole output of a tool; its end says most."""
    if message is None or len(message.message) <= _MESSAGE_BYTES:
        return message
    return message.model_copy(update={"message": f"... {message.message[-_MESSAGE_BYTES:]}"})
