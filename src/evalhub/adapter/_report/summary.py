"""Summarize a run: a table of metrics for people, a short message for the cluster."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.adapter._report.jsonable import to_json

if TYPE_CHECKING:
    from evalhub.models.event import JobStatusUpdate
    from evalhub.models.result import JobResults

__all__ = [
    "TERMINATION_LOG",
    "Headline",
    "metrics_line",
    "metrics_table",
    "write_termination_message",
]

logger = logging.getLogger(__name__)

TERMINATION_LOG = Path("/dev/termination-log")
"""Where Kubernetes reads a container's termination message, unless the pod sets another path."""

_MAX_BYTES = 4096
_MAX_WIDTH = 60


def metrics_table(results: JobResults) -> str:
    """Return the metrics as a plain-text table."""
    rows = [("metric", "value", "samples", "interval")]
    for result in results.results:
        interval = result.confidence_interval
        rows.append(
            (
                _value(result.metric_name),
                _value(result.metric_value),
                "" if result.num_samples is None else str(result.num_samples),
                f"{_value(interval[0])} to {_value(interval[1])}" if interval else "",
            )
        )
    shown = [column for column in range(4) if any(row[column] for row in rows[1:])] or [0, 1]
    widths = [max(len(row[column]) for row in rows) for column in shown]
    lines = [
        "  ".join(row[column].ljust(width) for column, width in zip(shown, widths, strict=True))
        for row in rows
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:]))


def metrics_line(results: JobResults) -> str:
    """Return the metrics on one line."""
    return ", ".join(
        f"{_value(result.metric_name)}={_value(result.metric_value)}" for result in results.results
    )


def write_termination_message(text: str, path: Path = TERMINATION_LOG) -> None:
    """Write the container's termination message, if the cluster provides the file for it.

    Args:
        text: The message; Kubernetes keeps the first 4 KiB.
        path: The file that the cluster created; nothing is written if it is missing.
    """
    content = text.encode(errors="replace")[:_MAX_BYTES].decode(errors="ignore").encode()
    try:
        # Never created: outside a container the file does not exist.
        with path.open("r+b") as log:
            log.write(content)
            log.truncate()
    except OSError as error:
        logger.debug("no termination message: %s", error)


def _value(value: object) -> str:
    plain = to_json(value)
    text = f"{plain:.6g}" if isinstance(plain, float) else " ".join(str(plain).split())
    return text if len(text) <= _MAX_WIDTH else f"{text[: _MAX_WIDTH - 3]}..."


class Headline:
    """A status update in one line, formatted only if it is logged: there may be thousands."""

    def __init__(self, update: JobStatusUpdate) -> None:
        self._update = update

    def __str__(self) -> str:
        update = self._update
        progress = f" {update.progress:.0%}" if update.progress is not None else ""
        phase = f" {update.phase}" if update.phase else ""
        message = update.error_message or update.error or update.warning_message or update.message
        return f"{update.status}{phase}{progress}{f': {message}' if message else ''}"
