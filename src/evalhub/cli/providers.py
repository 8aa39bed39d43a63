"""`evalhub providers`: list and change providers."""

from __future__ import annotations

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._output import Column, Output, field_of, output_options, safe
from evalhub.cli._resources import add_changes

__all__ = ["providers"]

_COLUMNS = (
    Column("id", lambda one: field_of(one, "resource.id"), keep=True),
    Column("name", lambda one: one.get("name")),
    Column("benchmarks", lambda one: len(one.get("benchmarks") or ())),
    Column("description", lambda one: one.get("description")),
)


@click.group()
def providers() -> None:
    """List and change providers of benchmarks."""


@providers.command("list")
@click.option("--name", help="Only providers of this name.")
@click.option("--limit", type=click.IntRange(1))
@output_options
@pass_app
def list_command(app: App, /, name: str | None, limit: int | None, output: Output) -> None:
    """List providers."""
    found = (
        app.client.providers.list(limit, name=name) if name else app.client.providers.list(limit)
    )
    output.show([one.to_wire() for one in found], _COLUMNS, id_field="resource.id")


@providers.command("describe")
@click.argument("provider")
@output_options
@pass_app
def describe(app: App, /, provider: str, output: Output) -> None:
    """Show a provider and its benchmarks."""
    found = app.client.providers.get(provider)
    if output.is_data:
        output.show([found.to_wire()], _COLUMNS, id_field="resource.id")
        return
    click.echo(safe(f"{found.id}: {found.name}"))
    if found.description:
        click.echo(safe(found.description))
    output.show(
        [benchmark.to_wire() for benchmark in found.benchmarks],
        (
            Column("id", lambda one: one.get("id"), keep=True),
            Column("name", lambda one: one.get("name")),
            Column("category", lambda one: one.get("category")),
            Column("metrics", lambda one: one.get("metrics")),
        ),
    )


add_changes(providers, "provider", lambda app: app.client.providers, _COLUMNS)
