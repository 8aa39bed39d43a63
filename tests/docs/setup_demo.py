"""The calculator the page's reader starts in another terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.demo.calculator import Calculator

if TYPE_CHECKING:
    from docs.context import Context


def setup(ctx: Context) -> None:
    ctx.replace["http://127.0.0.1:8399/v1"] = ctx.enter(Calculator()).url


def check(ctx: Context) -> None:
    assert ctx.namespace["results"].overall_score == 20 / 24
    # What the last block looked at is the last answer of the artifact: arithmetic in words.
    assert ctx.namespace["answer"]["outcome"] == "refused"
