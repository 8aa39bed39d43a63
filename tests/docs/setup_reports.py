"""The jobs of the page on comparing, and a workflow's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs import setup_comparing

if TYPE_CHECKING:
    from docs.context import Context


def setup(ctx: Context) -> None:
    setup_comparing.setup(ctx)
    ctx.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(ctx.directory / "summary.md"))


def check(ctx: Context) -> None:
    for name in ("report.html", "report.md", "report.xml", "report.json", "history.html"):
        assert (ctx.directory / name).stat().st_size > 500
    assert (ctx.directory / "summary.md").read_text() == ctx.namespace["made"].markdown
