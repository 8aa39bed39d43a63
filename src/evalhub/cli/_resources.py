"""What providers and collections have in common: create, update, patch and delete from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._files import read_mapping, read_value
from evalhub.cli._output import Output, output_options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evalhub.cli._output import Column

__all__ = ["add_changes"]

_FILE = click.option(
    "--file", "-f", required=True, metavar="FILE", help="YAML or JSON; - is stdin."
)


def add_changes(
    group: click.Group, noun: str, of: Callable[[App], Any], columns: Sequence[Column]
) -> None:
    """Add the commands that change a kind of resource.

    Args:
        group: Where to add them.
        noun: What the kind is called.
        of: Returns its methods of the client.
        columns: The columns of its table.
    """

    def show(output: Output, made: Any, verb: str) -> None:
        output.note(f"{noun.capitalize()} {verb}: {made.id}")
        if output.is_data:
            output.show([made.to_wire()], columns, id_field="resource.id")

    @group.command("create", help=f"Create a {noun} from a file.")
    @_FILE
    @output_options
    @pass_app
    def create(app: App, /, file: str, output: Output) -> None:
        show(output, of(app).create(read_mapping(file)), "created")

    @group.command("update", help=f"Replace a {noun} by the content of a file.")
    @click.argument("name", metavar="ID")
    @_FILE
    @output_options
    @pass_app
    def update(app: App, /, name: str, file: str, output: Output) -> None:
        show(output, of(app).update(name, read_mapping(file)), "updated")

    @group.command(
        "patch", help=f"Change fields of a {noun}: a mapping of new values, or patch operations."
    )
    @click.argument("name", metavar="ID")
    @_FILE
    @output_options
    @pass_app
    def patch(app: App, /, name: str, file: str, output: Output) -> None:
        show(output, of(app).patch(name, read_value(file)), "patched")

    @group.command("delete", help=f"Delete a {noun}.")
    @click.argument("name", metavar="ID")
    @click.option("-y", "--yes", is_flag=True, help="Do not ask.")
    @pass_app
    def delete(app: App, /, name: str, *, yes: bool) -> None:
        if not yes:
            click.confirm(f"Delete {noun} {name}?", abort=True, err=True)
        of(app).delete(name)
        click.echo(f"{noun.capitalize()} deleted: {name}")

    for command in (create, update, patch, delete):
        del command  # click holds them
