"""The reference page says what the command line does, and its examples are command lines."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
import pytest
from docs.cli_reference import PAGE, page

from evalhub.cli.root import root

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_the_reference_page_is_up_to_date():
    # `python tests/docs/cli_reference.py` writes it.
    assert PAGE.read_text() == page()


def leaves(command: click.Command, ctx: click.Context) -> Iterator[click.Command]:
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from leaves(below, ctx)
    else:
        yield command


EXAMPLES = [
    line
    for command in leaves(root, click.Context(root))
    for line in getattr(command.callback, "examples", ())
]


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples_are_command_lines(line):
    words = shlex.split(line.partition("|")[0].partition(">")[0])
    assert words.pop(0) == "evalhub"
    command: click.Command = root
    ctx = click.Context(root, info_name="evalhub")
    while isinstance(command, click.Group):
        below = command.get_command(ctx, words.pop(0))
        assert below is not None
        command = below
    assert command.make_context("evalhub", words) is not None
