"""The end of a run in words: a table for people, a short message for the cluster."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.adapter._report.jsonable import to_json

if TYPE_CHECKING:
    from evalhub.models.result import JobResults

__all__ = ["TERMINATION_LOG", "metrics_line", "metrics_table", "write_termination_message"]

logger = logging.getLogger(__name__)

TERMINATION_LOG = Path("/dev/termination-log")
"""Where a container says why it ended, unless its pod says otherwise."""

_MAX_BYTES = 4096
_MAX_WIDTH = 60


def metrics_table(results: JobResults) -> str:
    """Return the metrics as a table of plain text."""
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
    """Return the metrics in one line."""
    return ", ".join(
        f"{_value(result.metric_name)}={_value(result.metric_value)}" for result in results.results
    )


def write_termination_message(text: str, path: Path = TERMINATION_LOG) -> None:
    """Tell the cluster how the container ended, where it asks for that.

    Args:
        text: What to say; the cluster keeps its first 4 KiB.
        path: The file the cluster made; without one nothing is said.
    """
    content = text.encode(errors="replace")[:_MAX_BYTES].decode(errors="ignore").encode()
    try:
        # Not created: outside a container the place does not exist.
        with path.open("r+b") as log:
            log.write(content)
            log.truncate()
    except OSError as error:
        logger.debug("no termination message: %s", error)


def _value(value: object) -> str:
    plain = to_json(value)
    text = f"{plain:.6g}" if isinstance(plain, float) else " ".join(str(plain).split())
    return text if len(text) <= _MAX_WIDTH else f"{text[: _MAX_WIDTH - 3]}..."
