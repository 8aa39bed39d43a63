"""`evalhub benchmarks`: find what can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.complete import provider_ids
from evalhub.cli.options import client_of, connects, examples
from evalhub.cli.output import formats, output_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.client.benchmarks import OfferedBenchmark

__all__ = ["benchmarks"]


@click.group("benchmarks")
def benchmarks() -> None:
    """Find benchmarks."""


@benchmarks.command("list")
@click.option("--provider", "provider_id", help="Of one provider.", shell_complete=provider_ids)
@click.option("--category", help="Of one category.")
@click.option("--tag", help="With this tag.")
@formats
@connects
@click.pass_context
@examples(
    "evalhub benchmarks list --category math",
)
def list_(ctx: click.Context, /, **given: Any) -> None:
    """List the benchmarks of all providers."""
    _show(ctx, client_of(ctx).benchmarks.list(**given))


@benchmarks.command("search")
@click.argument("words", nargs=-1, required=True)
@formats
@connects
@click.pass_context
@examples(
    "evalhub benchmarks search math school",
)
def search(ctx: click.Context, words: tuple[str, ...]) -> None:
    """List the benchmarks that mention all WORDS in their id, name, description or tags."""
    found = [
        entry
        for entry in client_of(ctx).benchmarks.list()
        if all(word.lower() in _text(entry) for word in words)
    ]
    _show(ctx, found)


def _text(entry: OfferedBenchmark) -> str:
    parts = (entry.id, entry.name, entry.description or "", entry.category, *entry.tags)
    return " ".join(parts).lower()


def _show(ctx: click.Context, found: Sequence[OfferedBenchmark]) -> None:
    rows = [
        {
            "id": entry.id,
            "provider": entry.provider_id,
            "category": entry.category,
            "metrics": ",".join(entry.metrics),
            "name": entry.name,
        }
        for entry in found
    ]
    columns = ("id", "provider", "category", "name", "metrics")
    output_of(ctx).show([entry.to_wire() for entry in found], rows=rows, columns=columns)
