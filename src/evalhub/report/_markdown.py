"""A report as GitHub's Markdown: for pull requests and the summary of a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis._tables import comparison_markdown, markdown_row, markdown_text, number
from evalhub.report._texts import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.analysis import Comparison, History
    from evalhub.report._content import Content, JobPart, Measurement

__all__ = ["COMMENT", "SUMMARY", "markdown", "within"]

COMMENT = 65_000
"""Characters; GitHub takes 65,536 in a comment."""

SUMMARY = 1_000_000
"""Bytes; GitHub takes 1 MiB of summaries in a step."""

_BAR = 12
_MOST = 100
_IDS = 30
_LEFT_OUT = "\n\n*The rest is left out: it is too long for this place.*\n"


def markdown(content: Content) -> str:
    """Return the report as Markdown, short enough for a comment."""
    lines: list[str] = []
    for job in content.jobs:
        lines += _job(job)
    if content.comparison is not None:
        lines += ["### Comparison", "", comparison_markdown(content.comparison)]
        lines += _flips(content.comparison)
    for history in content.histories:
        lines += _history(history)
    for job in content.jobs:
        lines += _facts(job)
    return within("\n".join(lines).rstrip() + "\n", COMMENT)


def within(text: str, longest: int) -> str:
    """Return a text of at most so many bytes, cut between two lines."""
    if len(text.encode()) <= longest:
        return text
    room = longest - len(_LEFT_OUT.encode())
    beginning = text.encode()[:room].decode(errors="ignore")
    # An open block would swallow the remark, and whatever follows in a summary.
    whole = beginning.rpartition("\n")[0]
    opened = whole.count("<details>") - whole.count("</details>")
    return whole + "\n\n</details>" * opened + _LEFT_OUT


def _job(job: JobPart) -> Iterator[str]:
    yield f"## {job.sign} {markdown_text(job.name)}: {job.word}"
    yield ""
    facts = [f"model **{markdown_text(job.model)}**"] if job.model else []
    if job.score is not None:
        mark = f", mark {number(job.threshold)}" if job.threshold is not None else ""
        facts.append(f"weighted score **{number(job.score)}**{mark}")
    if job.job_id:
        facts.append(f"job {markdown_text(job.job_id)}")
    yield ", ".join(facts)
    yield ""
    yield markdown_row(("", "benchmark", "metric", "score", "", "95 % interval", "mark", "n"))
    yield markdown_row(["---"] * 8)
    for one in job.benchmarks[:_MOST]:
        yield _row(one)
    if len(job.benchmarks) > _MOST:
        yield f"\nand {len(job.benchmarks) - _MOST} more benchmarks"
    yield ""
    for one in job.benchmarks[:_MOST]:
        if one.error:
            yield f"- {markdown_text(one.name)} failed: {markdown_text(cut(one.error, 300))}"
        if one.warning:
            yield f"- ⚠ {markdown_text(one.name)}: {markdown_text(cut(one.warning, 300))}"
    yield ""


def _row(one: Measurement) -> str:
    interval = f"{number(one.interval[0])} to {number(one.interval[1])}" if one.interval else "-"
    samples = one.measured.samples if one.measured else None
    return markdown_row(
        (
            f"{one.sign} {one.word}",
            markdown_text(one.name),
            markdown_text(one.metric or "-"),
            number(one.value),
            _bar(one.value, one.threshold),
            interval,
            number(one.threshold),
            f"{samples:,}" if samples else "-",
        )
    )


def _bar(value: float | None, threshold: float | None) -> str:
    """Return a share as a bar of text, its mark as a line."""
    if value is None or not 0 <= value <= 1:
        return ""
    bar = ["█" if place < round(value * _BAR) else "░" for place in range(_BAR)]
    if threshold is not None and 0 <= threshold < 1:
        bar.insert(round(threshold * _BAR), "│")
    return f"`{''.join(bar)}`"


def _flips(comparison: Comparison) -> Iterator[str]:
    for one in comparison.benchmarks:
        if not one.gained and not one.lost:
            continue
        yield f"<details><summary>{_plain_summary(one.name)}: samples that changed</summary>"
        yield ""
        for name, ids in (("lower", one.lost), ("higher", one.gained)):
            if ids:
                more = f" and {len(ids) - _IDS} more" if len(ids) > _IDS else ""
                shown = ", ".join(markdown_text(cut(sample_id, 60)) for sample_id in ids[:_IDS])
                yield f"- {name} than before ({len(ids)}): {shown}{more}"
        yield ""
        yield "</details>"
        yield ""


def _history(history: History) -> Iterator[str]:
    yield f"### History of {markdown_text(history.benchmark_id)}"
    yield ""
    yield f"`{_sparkline([point.value for point in history.points])}` {history.sentence}"
    yield ""


def _sparkline(values: list[float]) -> str:
    low, high = min(values), max(values)
    if low == high:
        return "▄" * len(values)
    width = high - low
    return "".join("▁▂▃▄▅▆▇█"[round((value - low) / width * 7)] for value in values)


def _facts(job: JobPart) -> Iterator[str]:
    yield f"<details><summary>What ran: {_plain_summary(job.name)}</summary>"
    yield ""
    for name, value in job.facts:
        yield f"- {markdown_text(name)}: {markdown_text(cut(value, 200))}"
    for one in job.benchmarks[:_MOST]:
        yield f"- {markdown_text(one.name)}"
        for name, value in one.facts[:40]:
            yield f"  - {markdown_text(name)}: {markdown_text(cut(value, 200))}"
    yield ""
    yield "</details>"
    yield ""


def _plain_summary(text: str) -> str:
    from html import escape

    return escape(cut(text, 100)).replace("@", "@\u200b").replace("\n", " ")
