"""What was measured as a table and as a chart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.scale.__main__ import Run, Task

    Runs = Mapping[tuple[str, int], Run]

BEGIN, END = "<!-- scale: begin -->", "<!-- scale: end -->"
COSTS = {
    "seconds": "seconds",
    "requests": "requests",
    "cpu": "seconds of CPU",
    "blocked": "seconds that a thread is kept from its work",
}


def table(task: Task, runs: Runs) -> list[str]:
    """Return the lines of a Markdown table: programs with their costs, and ratios of ours."""
    small, large = task.size, task.size * 10
    lines = [
        f"**{task.title.format(f'{large:,}')}**, in {COSTS[task.cost]}",
        "",
        f"| | {small:,} | {large:,} | ten times as much | CPU | memory | requests | ours to it |"
        + (" remarks |" if task.remark else ""),
        "|---|---|---|---|---|---|---|---|" + ("---|" if task.remark else ""),
    ]
    ours = [(runs["this", size]) for size in (small, large)]
    for name, _ in task.programs:
        if (name, large) not in runs:
            continue
        few, many = runs[name, small], runs[name, large]
        cost = [getattr(run, task.cost) for run in (few, many)]
        ratio = getattr(ours[1], task.cost) / cost[1]
        row = [
            "plain httpx" if name == "floor" else f"{name} SDK" if "," not in name else name,
            figure(cost[0]),
            figure(cost[1]),
            f"x {figure(cost[1] / cost[0])}",
            f"{figure(many.cpu)} s",
            f"{figure(many.peak_mib)} MiB",
            figure(many.requests),
            "" if name == "this" else figure(ratio),
        ]
        if math.isnan(many.seconds):
            row[3:] = [""] * len(row[3:])
        if task.remark:
            row.append(task.remark(many))
        lines.append(f"| {' | '.join(row)} |")
    return lines


def figure(value: float) -> str:
    """Return a number with three digits, without an exponent; NaN stands for a failure."""
    if math.isnan(value):
        return "fails"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def write(page: Path, measured: Mapping[Task, Runs]) -> None:
    """Put the tables between two marks in a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    tables = "\n\n".join("\n".join(table(task, runs)) for task, runs in measured.items())
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}")


def draw(image: Path, measured: Mapping[Task, Runs]) -> None:
    """Draw how each cost grows."""
    import altair as alt
    import vl_convert

    order = ["this", "this, iter", "this, one wait each", "existing", "floor"]
    panels = []
    for task, runs in measured.items():
        sizes = [task.size, task.size * 10]
        points = [
            {"size": size, "cost": getattr(run, task.cost), "program": name.replace("`", "")}
            for (name, size), run in runs.items()
            if not math.isnan(run.seconds)
        ]
        panels.append(
            alt.Chart(alt.Data(values=points), title=task.title.format("N"))
            .mark_line(point=True)
            .encode(
                x=alt.X(
                    "size:Q",
                    scale=alt.Scale(type="log", domain=sizes, nice=False),
                    title="N",
                    axis=alt.Axis(values=sizes, format=",", grid=False),
                ),
                y=alt.Y(
                    "cost:Q",
                    scale=alt.Scale(type="log"),
                    title=COSTS[task.cost].removesuffix(" that a thread is kept from its work"),
                    axis=alt.Axis(tickCount=3, format="~g", grid=False),
                ),
                color=alt.Color("program:N", title=None, sort=order),
            )
            .properties(width=230, height=170)
        )
    chart = alt.concat(*panels, columns=2).configure(background="white", font="sans-serif")
    image.write_text(vl_convert.vegalite_to_svg(chart.to_dict()))
