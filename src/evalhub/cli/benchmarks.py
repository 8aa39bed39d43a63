"""`evalhub benchmarks`: list and search benchmarks."""

from __future__ import annotations

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._output import Column, Output, output_options

__all__ = ["benchmarks"]

_COLUMNS = (
    Column("id", lambda one: one.get("id"), keep=True),
    Column("provider", lambda one: one.get("provider_id"), keep=True),
    Column("name", lambda one: one.get("name")),
    Column("category", lambda one: one.get("category")),
    Column("tags", lambda one: one.get("tags")),
)


@click.group()
def benchmarks() -> None:
    """List and search benchmarks."""


@benchmarks.command("list")
@click.option("--provider", help="Only benchmarks of this provider.")
@click.option("--category", help="Only benchmarks of this category.")
@output_options
@pass_app
def list_command(app: App, /, provider: str | None, category: str | None, output: Output) -> None:
    """List benchmarks."""
    found = app.client.benchmarks.list(provider_id=provider, category=category)
    output.show([one.to_wire() for one in found], _COLUMNS)


@benchmarks.command("search")
@click.argument("text")
@output_options
@pass_app
def search(app: App, /, text: str, output: Output) -> None:
    """List benchmarks that have a text in id, name, description, category or tags."""
    wanted = text.casefold()
    rows = [one.to_wire() for one in app.client.benchmarks.list()]
    fields = ("id", "name", "description", "category", "tags", "provider_id")
    output.show(
        [row for row in rows if wanted in str([row.get(name) for name in fields]).casefold()],
        _COLUMNS,
    )
