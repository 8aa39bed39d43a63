"""Comparisons as small tables, and numbers and texts made fit for them."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from evalhub.models._notebook import html_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalhub.analysis.comparison import BenchmarkComparison, Comparison

__all__ = [
    "comparison_html",
    "comparison_markdown",
    "markdown_row",
    "markdown_text",
    "number",
    "signed",
]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]|#~!])")
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\s]+"
)


def number(value: float | None) -> str:
    """Return a number as people read it, or a dash."""
    if value is None:
        return "-"
    size = abs(value)
    if size == 0 or 0.001 <= size < 10:  # noqa: PLR2004 - scores have three decimals
        return f"{value:.3f}"
    return f"{value:.4g}"


def signed(value: float | None) -> str:
    """Return a difference with its sign."""
    if value is None:
        return "-"
    return number(value) if value <= 0 else f"+{number(value)}"


def markdown_text(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, and that notifies nobody."""
    plain = escape(_UNPRINTABLE.sub(" ", text), quote=False)
    # A zero-width space after an at-sign keeps GitHub from notifying people.
    return _MARKDOWN.sub(r"\\\1", plain).replace("@", "@\u200b")


def markdown_row(cells: Iterable[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


_HEAD = ("", "benchmark", "metric", "baseline", "candidate", "difference", "interval", "verdict")


def comparison_markdown(comparison: Comparison) -> str:
    """Return a comparison as a table and a sentence for each benchmark."""
    lines = [
        f"**{comparison.verdict.value}**: {markdown_text(comparison.sentence)}",
        "",
        markdown_row(_HEAD),
        markdown_row(["---"] * len(_HEAD)),
        *(
            markdown_row([markdown_text(cell) for cell in _cells(one)])
            for one in comparison.benchmarks
        ),
        "",
        *(
            f"- **{markdown_text(one.name)}**: {markdown_text(one.sentence)}"
            for one in comparison.benchmarks
        ),
    ]
    lines += [f"- ⚠ {markdown_text(warning)}" for warning in comparison.warnings]
    return "\n".join(lines) + "\n"


def comparison_html(comparison: Comparison) -> str:
    """Return a comparison as a table."""
    rows = [_cells(one) for one in comparison.benchmarks]
    words = "".join(
        f"<li><b>{escape(one.name)}</b>: {escape(one.sentence)}</li>"
        for one in comparison.benchmarks
    )
    warnings = "".join(f"<p>⚠ {escape(warning)}</p>" for warning in comparison.warnings)
    head = f"<p><strong>{escape(comparison.sentence)}</strong></p>"
    return f"<div>{head}{html_table(_HEAD, rows)}<ul>{words}</ul>{warnings}</div>"


def _cells(one: BenchmarkComparison) -> list[str]:
    low, high = one.interval or (None, None)
    bounds = f"{signed(low)} to {signed(high)}" if one.interval else "-"
    return [
        one.sign,
        one.name,
        one.metric or "-",
        number(one.baseline),
        number(one.candidate),
        signed(one.difference),
        bounds,
        one.word,
    ]
