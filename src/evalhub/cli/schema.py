"""`evalhub schema`: a command described for programs."""

from __future__ import annotations

import json
from typing import Any

import click

from evalhub.cli.options import examples
from evalhub.cli.output import write

__all__ = ["describe", "schema"]


@click.command("schema")
@click.argument("command", nargs=-1)
@click.pass_context
@examples(
    "evalhub schema jobs list",
)
def schema(ctx: click.Context, command: tuple[str, ...]) -> None:
    """Describe a COMMAND and its options as JSON; without one, the whole command line."""
    root = ctx.find_root()
    found: click.Command = root.command
    for name in command:
        below = found.get_command(root, name) if isinstance(found, click.Group) else None
        if below is None:
            raise click.UsageError(f"there is no command {' '.join(command)!r}", ctx)
        found = below
    write(json.dumps(describe(root, found, ("evalhub", *command)), indent=2) + "\n")


def describe(ctx: click.Context, command: click.Command, path: tuple[str, ...]) -> dict[str, Any]:
    """Return a command, its parameters and what is below it."""
    found: dict[str, Any] = {
        "command": " ".join(path),
        "help": (command.help or "").replace("\b\n", "").strip(),
        "parameters": [
            _parameter(entry) for entry in command.params if not getattr(entry, "hidden", False)
        ],
    }
    if isinstance(command, click.Group):
        below = ((name, command.get_command(ctx, name)) for name in command.list_commands(ctx))
        found["commands"] = [
            describe(ctx, entry, (*path, name)) for name, entry in below if entry is not None
        ]
    return found


def _parameter(parameter: click.Parameter) -> dict[str, Any]:
    kind = parameter.type
    found: dict[str, Any] = {
        "name": parameter.name,
        "kind": parameter.param_type_name,
        "type": kind.name,
        "required": parameter.required,
        "multiple": parameter.multiple or parameter.nargs == -1,
    }
    if isinstance(parameter, click.Option):
        found["flags"] = parameter.opts
        found["help"] = parameter.help
        found["flag"] = parameter.is_flag
    if isinstance(kind, click.Choice):
        found["choices"] = list(kind.choices)
    if isinstance(parameter.default, str | int | float | bool) and parameter.default is not False:
        found["default"] = parameter.default
    return found
