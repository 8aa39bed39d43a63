"""What commands print: tables for people, data for programs, errors elsewhere."""

from __future__ import annotations

import json
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._yaml import dump, jq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["FORMATS", "Column", "Output", "output_options", "safe"]

_UNSAFE = frozenset({"Cc", "Cs"})
"""Unicode categories of control characters and surrogates."""

FORMATS = ("table", "json", "yaml", "csv", "tsv", "ndjson", "name")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title: Heading.
        value: Returns the cell of an item, given as JSON.
        keep: Whether the column is shown however narrow the terminal is.
    """

    title: str
    value: Callable[[Mapping[str, Any]], Any]
    keep: bool = False


@dataclass(frozen=True)
class Output:
    """How to print.

    Args:
        format: One of `FORMATS`.
        fields: Names of the fields of JSON to print; an empty text lists them.
        jq: A jq expression, applied to the JSON.
        quiet: Whether to print ids alone.
    """

    format: str = "table"
    fields: str | None = None
    jq: str | None = None
    quiet: bool = False

    @property
    def is_data(self) -> bool:
        """Whether stdout is for programs."""
        return self.format != "table" or self.quiet or self.wants_json

    @property
    def wants_json(self) -> bool:
        """Whether JSON is printed, by whatever option."""
        return self.format == "json" or self.fields is not None or self.jq is not None

    def show(
        self, items: Iterable[Mapping[str, Any]], columns: Sequence[Column], *, id_field: str = "id"
    ) -> None:
        """Print a list of JSON objects.

        Args:
            items: The objects, whole.
            columns: The columns of their table.
            id_field: Field that identifies one, as a dotted path.
        """
        rows = list(items)
        if self.quiet or self.format == "name":
            for row in rows:
                click.echo(safe(str(field_of(row, id_field))))
        elif self.wants_json:
            self._show_json(rows)
        elif self.format == "yaml":
            click.echo(dump(rows), nl=False)
        elif self.format == "ndjson":
            for row in rows:
                click.echo(json.dumps(row))
        elif self.format in ("csv", "tsv") or not sys.stdout.isatty():
            self._show_separated(rows, columns)
        else:
            _show_table(rows, columns)

    def note(self, text: str) -> None:
        """Tell a person something beside the data: on stderr."""
        click.echo(text, err=True)

    def _show_json(self, rows: list[Mapping[str, Any]]) -> None:
        if self.fields == "":
            names = dict.fromkeys(name for row in rows for name in row)
            click.echo("\n".join(names))
            return
        value: Any = rows
        if self.fields is not None:
            paths = [path.strip() for path in self.fields.split(",") if path.strip()]
            value = [{path: field_of(row, path) for path in paths} for row in rows]
        if self.jq is None:
            click.echo(json.dumps(value, indent=2))
            return
        for found in jq(self.jq, value):
            click.echo(found if isinstance(found, str) else json.dumps(found, indent=2))

    def _show_separated(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
        import csv

        dialect = "excel" if self.format == "csv" else "excel-tab"
        writer = csv.writer(sys.stdout, dialect, lineterminator="\n")
        if self.format != "table":
            writer.writerow([column.title for column in columns])
        writer.writerows([safe(_text(column.value(row))) for column in columns] for row in rows)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `Output`; it is passed as `output`."""

    def gathered(*args: Any, **options: Any) -> Any:
        output = Output(
            options.pop("format"), options.pop("json"), options.pop("jq"), options.pop("quiet")
        )
        return command(*args, output=output, **options)

    gathered.__doc__ = command.__doc__
    gathered.__name__ = command.__name__
    gathered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]  # where click keeps them
    options = (
        click.option("-o", "--format", type=click.Choice(FORMATS), default="table"),
        click.option(
            "--json", is_flag=False, flag_value="", metavar="FIELDS",
            help="Print these fields as JSON, separated by commas; alone, list the fields.",
        ),
        click.option("--jq", metavar="EXPRESSION", help="Print JSON through a jq expression."),
        click.option("-q", "--quiet", is_flag=True, help="Print ids alone."),
    )  # fmt: skip
    wrapped: Callable[..., Any] = gathered
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped


def field_of(row: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path; `None` if there is none."""
    value: Any = row
    for name in path.split("."):
        if isinstance(value, dict):
            value = _fields(value).get(name)
        elif isinstance(value, list) and name.isdigit():
            items = _items(value)
            value = items[int(name)] if int(name) < len(items) else None
        else:
            return None
    return value


def _fields(value: Any) -> dict[str, Any]:
    return value  # type: ignore[no-any-return]  # a JSON object


def _items(value: Any) -> list[Any]:
    return value  # type: ignore[no-any-return]  # a JSON array


def safe(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return "".join(
        character
        if unicodedata.category(character) not in ("Cc", "Cs")
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(_text, _items(value)))
    return str(value).replace("\n", " ")


def _show_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    if not rows:
        click.echo("nothing found", err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    cells = [[safe(_text(column.value(row))) for column in columns] for row in rows]
    shown = _fitting(columns, cells, console.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place in shown:
        # What identifies is never folded, so that it can be copied.
        keep = columns[place].keep
        table.add_column(columns[place].title.upper(), no_wrap=keep, overflow="fold" if keep else "ellipsis")  # fmt: skip  # noqa: E501
    for row in cells:
        table.add_row(*(Text(row[place]) for place in shown))
    console.print(table)


def _fitting(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the columns that fit into the width; those to keep first."""
    widths = [
        min(32, max(len(columns[place].title), *(len(row[place]) for row in cells)))
        if not columns[place].keep
        else max(len(columns[place].title), *(len(row[place]) for row in cells))
        for place in range(len(columns))
    ]
    chosen = [place for place, column in enumerate(columns) if column.keep]
    left = width - sum(widths[place] + 1 for place in chosen)
    for place, column in enumerate(columns):
        if not column.keep and widths[place] + 1 <= left:
            chosen.append(place)
            left -= widths[place] + 1
    return sorted(chosen)
