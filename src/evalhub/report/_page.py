"""A report as one page that asks nothing of the network and works without scripts."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from evalhub._version import __version__
from evalhub.analysis._tables import number, signed
from evalhub.analysis.comparison import SIGNS
from evalhub.errors import MissingExtraError
from evalhub.report import _charts as draw
from evalhub.report._texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.report._content import Content, JobPart, Measurement

__all__ = ["page"]

_GOOD = frozenset({"passed", "improved", "right"})
_BAD = frozenset({"not passed", "regressed", "wrong", "failed", "partially_failed"})
_NONE = "\N{EN DASH}"
_MOST = 30
"""Categories or benchmarks in one chart; the tables have all of them."""


def page(content: Content) -> str:
    """Return the page as HTML."""
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise MissingExtraError("a report", "report") from None
    environment: Any = Environment(
        autoescape=True,
        # Whatever comes into the page goes through here, wherever it is from.
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {
            "number": _number,
            "signed": _signed,
            "duration": _duration,
            "link": partial(_link, Markup),
            "sign": SIGNS.get,
            "tone": _tone,
        },
    )
    script = _asset("page.js")
    style = _asset("page.css")
    charts = _Drawing(Markup)
    template = environment.from_string(_asset("page.html.jinja"))
    text: str = template.render(
        content=content,
        charts=charts.of(content),
        policy=_policy(script),
        script=Markup(script),  # noqa: S704 - a file of this package
        style=Markup(style),  # noqa: S704
        version=__version__,
    )
    return text.lstrip()


def _seen(value: Any) -> Any:
    return plain(value) if type(value) is str else value


def _number(value: float | None) -> str:
    return _NONE if value is None else number(value)


def _signed(value: float | None) -> str:
    return _NONE if value is None else signed(value)


def _asset(name: str) -> str:
    return files("evalhub.report").joinpath(name).read_text(encoding="utf-8").strip()


def _policy(script: str) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _tone(word: str) -> str:
    return "good" if word in _GOOD else "bad" if word in _BAD else ""


def _link(markup: Any, text: str) -> Any:
    if not re.fullmatch(r"https?://[^\s<>\"']{1,500}", text):
        return text
    return markup('<a href="{0}" rel="noreferrer noopener">{0}</a>').format(text)


def _duration(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


class _Drawing:
    """Draws the charts of a page, each with a number of its own."""

    def __init__(self, markup: Any) -> None:
        self._markup = markup
        self._count = 0

    def of(self, content: Content) -> dict[str, Any]:
        """Return the charts by section, for each job where they are of jobs."""
        comparison = content.comparison
        return {
            "scores": [list(self._scores(job)) for job in content.jobs],
            "categories": [self._categories(job) for job in content.jobs],
            "latency": [list(self._latency(job)) for job in content.jobs],
            "histories": [
                self._svg(
                    draw.history_chart(one),
                    f"History of {plain(one.benchmark_id)}",
                    f"{len(one.points)} jobs. {one.sentence}",
                )
                for one in content.histories
            ],
            "comparison": [
                self._svg(draw.difference_chart(comparison), "Differences", comparison.sentence)
            ]
            if comparison and any(one.difference is not None for one in comparison.benchmarks)
            else [],
        }

    def _scores(self, job: JobPart) -> Iterator[Any]:
        by_metric: dict[str, list[Measurement]] = {}
        for one in job.benchmarks:
            if one.value is not None and one.metric is not None:
                by_metric.setdefault(one.metric, []).append(one)
        for metric, benchmarks in by_metric.items():
            said = "; ".join(f"{one.name} {number(one.value)}" for one in benchmarks[:_MOST])
            yield self._svg(draw.score_chart(benchmarks[:_MOST], metric), plain(metric), said)

    def _categories(self, job: JobPart) -> list[Any]:
        return [
            self._svg(
                draw.category_chart(one.categories[:_MOST], one.metric or ""),
                f"Categories of {one.name}",
                "; ".join(f"{part.name} {number(part.value)}" for part in one.categories[:_MOST]),
            )
            for one in job.benchmarks
            if one.categories
        ]

    def _latency(self, job: JobPart) -> Iterator[tuple[str, dict[int, float], Any]]:
        for one in job.benchmarks:
            if not one.latency and len(one.latencies) < 2:  # noqa: PLR2004 - one is no histogram
                continue
            said = ", ".join(f"p{rank} {number(v)} s" for rank, v in sorted(one.latency.items()))
            chart = self._svg(draw.latency_chart(one), f"Latency of {one.name}", said or "seconds")
            yield one.name, one.latency, chart

    def _svg(self, chart: Any, title: str, description: str) -> Any:
        self._count += 1
        return self._markup(draw.svg(chart, title, description, self._count))
