"""Charts as altair objects: shown as they are in a notebook, drawn once for a page."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from evalhub.errors import MissingExtraError
from evalhub.report._texts import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.analysis import Comparison, History
    from evalhub.report._content import Category, Measurement

__all__ = [
    "category_chart",
    "difference_chart",
    "history_chart",
    "latency_chart",
    "score_chart",
    "svg",
]

_WIDTH = 250
_STEP = 26

INK, FAINT, ACCENT, GOOD, BAD = "#1b1c1f", "#c9ccd2", "#2a5bd7", "#1a7f37", "#b42318"
"""Colours on white. In a page each is a variable, so that a dark page has others."""

_FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
"""The font that charts are laid out for, and those as wide."""

_VARIABLES = {INK: "ink", FAINT: "faint", ACCENT: "accent", GOOD: "good", BAD: "bad"}


def score_chart(benchmarks: Sequence[Measurement], metric: str) -> Any:
    """Return scores as dots with their intervals, and their thresholds as ticks."""
    alt = _altair()
    values = [
        {
            "name": one.name,
            "value": one.value,
            "low": one.interval[0] if one.interval else one.value,
            "high": one.interval[1] if one.interval else one.value,
            "threshold": one.threshold,
        }
        for one in benchmarks
    ]
    base = _named(alt, values)
    layers = [
        base.mark_rule(color=ACCENT, strokeWidth=3).encode(
            x=_x(alt, "low", _label(metric)), x2="high:Q"
        ),
        base.mark_point(filled=True, color=ACCENT, size=90, opacity=1).encode(x="value:Q"),
    ]
    if any(one.threshold is not None for one in benchmarks):
        layers.append(base.mark_tick(color=INK, thickness=2, size=18).encode(x="threshold:Q"))
    return _finish(alt.layer(*layers), height=len(values))


def category_chart(categories: Sequence[Category], metric: str) -> Any:
    """Return the parts of a benchmark as bars with their intervals."""
    alt = _altair()
    values = [
        {
            "name": one.name if one.samples is None else f"{one.name} (n {one.samples})",
            "value": one.value,
            "low": one.interval[0] if one.interval else one.value,
            "high": one.interval[1] if one.interval else one.value,
        }
        for one in categories
    ]
    base = _named(alt, values)
    return _finish(
        alt.layer(
            base.mark_bar(color=ACCENT, opacity=0.45, height=14).encode(
                x=alt.X("value:Q", title=_label(metric))
            ),
            base.mark_rule(color=INK).encode(x="low:Q", x2="high:Q"),
        ),
        height=len(values),
    )


def latency_chart(one: Measurement) -> Any:
    """Return how long answers took: a histogram, or what is known of it."""
    alt = _altair()
    if len(one.latencies) > 1:
        bars = (
            alt.Chart(alt.InlineData(values=_bins(one.latencies)))
            .mark_bar(color=ACCENT, opacity=0.6)
            .encode(
                x=alt.X("low:Q", title="seconds", bin="binned"),
                x2="high:Q",
                y=alt.Y("count:Q", title="answers"),
            )
        )
        return _finish(bars, height=5)
    values = [{"name": f"p{rank}", "value": value} for rank, value in sorted(one.latency.items())]
    bars = _named(alt, values).mark_bar(color=ACCENT, opacity=0.6, height=14)
    return _finish(bars.encode(x=alt.X("value:Q", title="seconds")), height=len(values))


def history_chart(history: History) -> Any:
    """Return scores over jobs with their intervals, and rules where something changed."""
    alt = _altair()
    values = [
        {
            "place": place,
            "day": f"{point.created_at:%m-%d}",
            "value": point.value,
            "low": point.interval[0] if point.interval else point.value,
            "high": point.interval[1] if point.interval else point.value,
        }
        for place, point in enumerate(history.points, start=1)
    ]
    changed = [
        {"place": place - 0.5}
        for place, point in enumerate(history.points, start=1)
        if point.changes
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "place:Q",
            title="job, oldest first",
            axis=alt.Axis(tickMinStep=1, format="d"),
            scale=alt.Scale(domain=[0.5, len(values) + 0.5], nice=False),
        )
    )
    y = alt.Y("low:Q", title=_label(history.metric), scale=alt.Scale(zero=False))
    layers = [
        base.mark_rule(color=ACCENT, opacity=0.45, strokeWidth=4).encode(y=y, y2="high:Q"),
        base.mark_line(color=ACCENT).encode(y="value:Q"),
        base.mark_point(filled=True, color=ACCENT, opacity=1, size=50).encode(y="value:Q"),
    ]
    if changed:
        rules = alt.Chart(alt.InlineData(values=changed))
        layers.append(
            rules.mark_rule(color=INK, strokeDash=[4, 3]).encode(
                x=alt.X("place:Q", title="job, oldest first")
            )
        )
    return _finish(alt.layer(*layers), height=6)


def difference_chart(comparison: Comparison) -> Any:
    """Return differences with their intervals around zero, what is allowed as a band."""
    alt = _altair()
    signs = {"improved": GOOD, "regressed": BAD}
    values: list[dict[str, Any]] = []
    for one in comparison.benchmarks:
        if one.difference is None:
            continue
        low, high = one.interval or (one.difference, one.difference)
        allowed = one.max_drop if one.lower_is_better else -one.max_drop
        values.append(
            {
                "name": plain(f"{one.sign} {one.name}"),
                "value": one.difference,
                "low": low,
                "high": high,
                "allowed": allowed,
                "zero": 0,
                "colour": signs.get(one.word, INK),
            }
        )
    base = _named(alt, values)
    colour = alt.Color("colour:N", scale=None)
    return _finish(
        alt.layer(
            base.mark_bar(color=FAINT, opacity=0.6, height=20).encode(
                x=alt.X("zero:Q", title="candidate less baseline"), x2="allowed:Q"
            ),
            base.mark_rule(color=INK, strokeDash=[3, 3]).encode(x="zero:Q"),
            base.mark_rule(strokeWidth=3).encode(x="low:Q", x2="high:Q", color=colour),
            base.mark_point(filled=True, size=90, opacity=1).encode(x="value:Q", color=colour),
        ),
        height=len(values),
    )


def svg(chart: Any, title: str, description: str, number: int) -> str:
    """Return a chart as SVG that takes its colours from the page and says what it shows."""
    try:
        import vl_convert
    except ImportError:
        raise MissingExtraError("drawing charts", "report") from None
    # The charts are this module's: checking them anew costs as much as drawing them.
    specification = chart.to_dict(validate=False)
    specification["config"]["background"] = "transparent"
    drawn = vl_convert.vegalite_to_svg(specification)
    for colour, name in _VARIABLES.items():
        drawn = drawn.replace(f'"{colour}"', f'"var(--{name})"')
    said = (
        f' role="img" aria-labelledby="chart{number}-title chart{number}-desc">'
        f'<title id="chart{number}-title">{escape(title)}</title>'
        f'<desc id="chart{number}-desc">{escape(description)}</desc>'
    )
    # Parts of a picture are not for readers of a screen; its description is.
    drawn = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", drawn)
    drawn = drawn.replace(' xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1"', "")
    head, _, rest = drawn.partition(">")
    return f"{head}{said}{rest}"


def _named(alt: Any, values: list[dict[str, Any]]) -> Any:
    names = alt.Y(
        "name:N",
        title=None,
        sort=None,
        axis=alt.Axis(labelLimit=150, ticks=False, domain=False, labelPadding=6),
    )
    return alt.Chart(alt.InlineData(values=values)).encode(y=names)


def _x(alt: Any, field: str, title: str) -> Any:
    return alt.X(f"{field}:Q", title=title, scale=alt.Scale(zero=False, padding=8))


def _label(text: str) -> str:
    text = plain(text)
    return text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004


def _finish(chart: Any, *, height: int) -> Any:
    return (
        chart.properties(width=_WIDTH, height=max(height, 1) * _STEP)
        .configure(
            background="white", font=_FONT, padding={"left": 12, "top": 4, "right": 12, "bottom": 4}
        )
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            gridColor=FAINT,
            domainColor=FAINT,
            tickColor=FAINT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridOpacity=0.6,
            tickCount=4,  # up to seven are drawn, and each label needs a place
            labelFlush=False,
            labelSeparation=6,
        )
    )


def _bins(values: Sequence[float], count: int = 20) -> list[dict[str, float]]:
    low, high = min(values), max(values)
    width = (high - low) / count or 1.0
    bins = [0] * count
    for value in values:
        bins[min(int((value - low) / width), count - 1)] += 1
    return [
        {"low": low + place * width, "high": low + (place + 1) * width, "count": n}
        for place, n in enumerate(bins)
    ]


def _altair() -> Any:
    try:
        import altair as alt
    except ImportError:
        raise MissingExtraError("drawing charts", "report") from None
    return alt
