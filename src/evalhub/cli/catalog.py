"""What `providers` and `collections` have in common: create, update, patch, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalhub.cli.documents import read_document, read_mapping
from evalhub.cli.eval import confirm
from evalhub.cli.options import client_of, connects
from evalhub.cli.output import formats, output_of, write
from evalhub.cli.resolve import find

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["add_changes", "listed", "listing", "resource"]

F = TypeVar("F", bound="Callable[..., Any]")


def resource(ctx: click.Context, noun: str) -> Any:
    """Return `client.providers` or `client.collections`."""
    client = client_of(ctx)
    return client.providers if noun == "provider" else client.collections


def listing(command: F) -> F:
    """Give a list of what the service holds its filters."""
    for option in (
        click.option("--limit", type=click.IntRange(min=1), help="How many to show."),
        click.option(
            "--scope", type=click.Choice(["system", "tenant"]), help="Configured or created."
        ),
        click.option("--tag", "tags", multiple=True, help="Tag; several: all of them."),
        click.option("--name", help="With exactly this name."),
    ):
        command = option(command)
    return command


def listed(ctx: click.Context, noun: str, limit: int | None, given: dict[str, Any]) -> list[Any]:
    """Return what the filters that were given leave."""
    filters = {key: value for key, value in given.items() if value}
    found: list[Any] = resource(ctx, noun).list(limit, **filters)
    return found


def add_changes(group: click.Group, noun: str, completion: Callable[..., list[Any]]) -> None:
    """Give a group the commands that change what the service holds."""

    @group.command("create", help=f"Create a {noun} from a YAML or JSON file.")
    @click.option("--file", "-f", required=True, help="The file; `-` reads stdin.")
    @formats
    @connects
    @click.pass_context
    def create(ctx: click.Context, file: str) -> None:
        made = resource(ctx, noun).create(read_mapping(file))
        _done(ctx, noun, "created", made)

    @group.command("update", help=f"Replace all of a {noun}.")
    @click.argument("id_", metavar="ID", shell_complete=completion)
    @click.option("--file", "-f", required=True, help="The file; `-` reads stdin.")
    @formats
    @connects
    @click.pass_context
    def update(ctx: click.Context, id_: str, file: str) -> None:
        made = resource(ctx, noun).update(id_, read_mapping(file))
        _done(ctx, noun, "updated", made)

    @group.command(
        "patch", help=f"Change parts of a {noun}: fields and values, or JSON-patch operations."
    )
    @click.argument("id_", metavar="ID", shell_complete=completion)
    @click.option("--file", "-f", required=True, help="The file; `-` reads stdin.")
    @formats
    @connects
    @click.pass_context
    def patch(ctx: click.Context, id_: str, file: str) -> None:
        made = resource(ctx, noun).patch(id_, read_document(file).value)
        _done(ctx, noun, "patched", made)

    @group.command("delete", help=f"Delete a {noun}.")
    @click.argument("id_", metavar="ID", shell_complete=completion)
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @connects
    @click.pass_context
    def delete(ctx: click.Context, id_: str, *, yes: bool) -> None:
        things = resource(ctx, noun)
        found = find(id_, noun, things.get, things.list)
        confirm(f"Delete {noun} {found.id}?", yes=yes)
        things.delete(found.id)
        write(f"{noun.capitalize()} deleted: {found.id}\n")

    del create, update, patch, delete  # the group holds them


def _done(ctx: click.Context, noun: str, what: str, made: Any) -> None:
    from evalhub.cli.errors import say

    output = output_of(ctx)
    text = f"{noun.capitalize()} {what}: {made.id}"
    if output.is_text:
        write(f"{text}\n")
        return
    say(text)
    output.show([made.to_wire()], rows=[{"id": made.id, "name": made.name}])
