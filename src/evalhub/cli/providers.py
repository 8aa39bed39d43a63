"""`evalhub providers`."""

from __future__ import annotations

from typing import Any

import click

from evalhub.cli.catalog import add_changes, listed, listing, resource
from evalhub.cli.complete import provider_ids
from evalhub.cli.options import connects, examples
from evalhub.cli.output import clean, formats, output_of, write
from evalhub.cli.resolve import find

__all__ = ["providers"]


@click.group("providers")
def providers() -> None:
    """Browse and manage providers."""


@providers.command("list")
@listing
@formats
@connects
@click.pass_context
@examples(
    "evalhub providers list --format json",
)
def list_(ctx: click.Context, /, limit: int | None, **given: Any) -> None:
    """List providers."""
    found = listed(ctx, "provider", limit, given)
    rows = [
        {
            "id": entry.id,
            "name": entry.name,
            "description": entry.description,
            "benchmarks": len(entry.benchmarks),
        }
        for entry in found
    ]
    columns = ("id", "name", "description", "benchmarks")
    output_of(ctx).show([entry.to_wire() for entry in found], rows=rows, columns=columns)


@providers.command("describe")
@click.argument("id_", metavar="ID", shell_complete=provider_ids)
@formats
@connects
@click.pass_context
@examples(
    "evalhub providers describe lm_evaluation_harness",
)
def describe(ctx: click.Context, id_: str) -> None:
    """Show a provider and its benchmarks."""
    things = resource(ctx, "provider")
    found = find(id_, "provider", things.get, things.list)
    output = output_of(ctx)
    rows = [
        {
            "id": entry.id,
            "name": entry.name,
            "category": entry.category,
            "metrics": ", ".join(entry.metrics),
        }
        for entry in found.benchmarks
    ]
    if output.is_text:
        write(f"Provider:    {found.id}\nName:        {clean(found.name)}\n")
        write(f"Description: {clean(found.description)}\n\n")
    output.show([found.to_wire()], rows=rows, columns=("id", "name", "category", "metrics"))


add_changes(providers, "provider", provider_ids)
