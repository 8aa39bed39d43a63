"""Tables on a terminal, of whichever width."""

from __future__ import annotations

import sys
from functools import cache
from io import StringIO
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.output import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

__all__ = ["console", "show_table", "state_style"]

_NARROWEST = 12
_ROOMY = 60
_GAP = 2
_UNBOUNDED = 100_000
_STYLES = {
    "completed": "green",
    "passed": "green",
    "ok": "green",
    "healthy": "green",
    "running": "cyan",
    "pending": "yellow",
    "warning": "yellow",
    "cancelled": "yellow",
    "failed": "red",
    "missed": "red",
    "wrong": "red",
    "partially_failed": "red",
}


def state_style(word: str) -> str:
    """Return the colour of a state or verdict; empty for any other word."""
    return _STYLES.get(word, "")


@cache
def _forced() -> bool | None:
    from evalhub.settings import CliSettings

    settings = CliSettings.usable()
    if settings.no_color:
        return None
    return True if settings.clicolor_force not in (None, "", "0") else None


def console(*, stderr: bool = False, file: Any = None) -> Console:
    """Return a console that heeds NO_COLOR, CLICOLOR_FORCE and COLUMNS."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    found = Console(
        stderr=stderr,
        file=file,
        force_terminal=True if _forced() or (terminal and file is not None) else None,
        highlight=False,
        soft_wrap=False,
    )
    if not terminal and not stderr:
        found.width = _UNBOUNDED
    return found


def show_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, wrap: bool = False
) -> None:
    """Write a table to stdout; through a pager where it is longer than the terminal."""
    if not rows:
        click.echo("(no data)")
        return
    # A column without a single value is noise to people, though not to programs.
    columns = [head for head in columns if any(row.get(head) not in (None, "") for row in rows)]
    cells = [[_shown(row.get(column)) for column in columns] for row in rows]
    captured = StringIO()
    target = console(file=captured)
    widths = _widths(columns, _longest(columns, cells), target.width)
    if len(widths) < len(columns) if wrap else not {*columns[:2]} <= {*widths}:
        _print_blocks(target, columns, cells, wrap=wrap)
    else:
        target.print(_table(columns, cells, widths, wrap=wrap))
    text = "".join(f"{line.rstrip()}\n" for line in captured.getvalue().splitlines())
    interactive = sys.stdout.isatty() and sys.stdin.isatty()
    if interactive and text.count("\n") >= console().height:
        click.echo_via_pager(text, color=True)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()


def _shown(value: object) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else clean(value)
    return text.replace("\n", " ")


def _longest(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [
        max(cell_len(head), *(cell_len(row[place]) for row in cells))
        for place, head in enumerate(columns)
    ]


def _print_blocks(
    target: Console, columns: Sequence[str], cells: Sequence[Sequence[str]], *, wrap: bool
) -> None:
    """Write a line for each value: there is no place for the columns that matter."""
    from rich.text import Text

    for row in cells:
        target.print(Text(row[0]), soft_wrap=True)
        for head, cell in zip(columns[1:], row[1:], strict=True):
            if cell:
                text = Text.assemble(f"  {head}: ", (cell, state_style(cell)))
                target.print(text, no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")


def _table(
    columns: Sequence[str],
    cells: Sequence[Sequence[str]],
    widths: Mapping[str, int],
    *,
    wrap: bool,
) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for head, size in widths.items():
        table.add_column(
            head.upper(), width=size, no_wrap=not wrap, overflow="fold" if wrap else "ellipsis"
        )
    for row in cells:
        shown = [cell for head, cell in zip(columns, row, strict=True) if head in widths]
        table.add_row(*(Text(cell, style=state_style(cell)) for cell in shown))
    return table


def _widths(columns: Sequence[str], longest: Sequence[int], width: int) -> dict[str, int]:
    """Return the widths of the columns that fit: ids and intervals whole, the widest others cut.

    A metric keeps up to half of a roomy terminal. A column that does not fit makes room for
    narrower ones after it.
    """
    metric = width // 2 if width >= _ROOMY else _NARROWEST
    widths: dict[str, int] = {}
    least: dict[str, int] = {}
    for head, size in zip(columns, longest, strict=True):
        whole = head in {"id", "interval"} or head.endswith("_id")
        smallest = size if whole else min(size, metric if head == "metric" else _NARROWEST)
        if not widths or sum(least.values()) + _GAP * len(least) + smallest <= width:
            widths[head], least[head] = size, smallest
    spare = width - _GAP * (len(widths) - 1)
    while sum(widths.values()) > spare:
        head = max(widths, key=lambda name: (widths[name] > least[name], widths[name]))
        if widths[head] <= least[head]:
            break
        widths[head] -= 1
    return widths
