"""Tables for notebooks and data frames."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from evalhub.models.score import Score

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalhub.models.job import EvaluationJob

__all__ = ["Scores", "columns_of", "html_table", "job_html"]

_LONGEST = 80
_MOST = 100
_SIGNS = {True: "✓", False: "✗", None: ""}


class Scores(list[Score]):
    """Scores, which a notebook shows as a table."""

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one row for each score, for a table or a data frame."""
        return [
            {
                "provider_id": score.provider_id,
                "benchmark_id": score.benchmark_id,
                "benchmark_index": score.benchmark_index,
                "metric": score.metric,
                "value": score.value,
                "threshold": score.threshold,
                "passed": score.passed,
            }
            for score in self
        ]

    def to_columns(self) -> dict[str, list[Any]]:
        """Return the rows as columns, for a data frame."""
        return columns_of(self.to_rows())

    def _repr_html_(self) -> str:
        return scores_html(self)


def columns_of(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return rows that have the same keys as columns."""
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def html_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table with everything in it escaped and cut."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_short(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def scores_html(scores: Sequence[Score]) -> str:
    """Return scores as a table."""
    table = html_table(
        ("", "provider", "benchmark", "metric", "value", "mark"),
        [
            (
                _SIGNS[score.passed],
                score.provider_id,
                score.benchmark_id,
                score.metric,
                score.value,
                "" if score.threshold is None else score.threshold,
            )
            for score in scores[:_MOST]
        ],
    )
    left = len(scores) - _MOST
    return f"{table}<p>and {left} more</p>" if left > 0 else table


def job_html(job: EvaluationJob) -> str:
    """Return a job as a line and a table of its scores."""
    verdict = {True: "✓ passed", False: "✗ not passed", None: ""}[job.passed]
    words = [f"<strong>{escape(_short(job.name))}</strong>", escape(str(job.state)), verdict]
    line = ", ".join(word for word in words if word)
    failed = "".join(
        f"<p>{escape(status.id)}: {escape(_short(status.error_message, 300))}</p>"
        for status in job.status.benchmarks
        if status.error_message
    )
    model = escape(_short(job.model.name))
    return f"<p>{line}, model {model}</p>{failed}{scores_html(job.scores())}"


def _short(value: Any, longest: int = _LONGEST) -> str:
    text = str(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
