"""An adapter's job file and its recorder, and the service of the client's guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs import setup_adapter, setup_client

if TYPE_CHECKING:
    from docs.context import Context


def setup(ctx: Context) -> None:
    setup_adapter.setup(ctx)
    setup_client.setup(ctx)


def check(ctx: Context) -> None:
    assert ctx.namespace["recorder"].last["metrics"] == {"acc": 0.5, "shots": 0}
    assert {result.id for result in ctx.namespace["job"].results.benchmarks} == {"mmlu", "gsm8k"}
