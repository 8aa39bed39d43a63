"""Data on stdout: a table for people, and six forms for programs."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from evalhub.cli.errors import say
from evalhub.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["FORMATS", "Output", "clean", "formats", "output_of"]

FORMATS = ("table", "json", "yaml", "csv", "tsv", "ndjson", "name")
F = TypeVar("F", bound="Callable[..., Any]")
Record = dict[str, Any]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Output:
    """How the output of one command is wanted."""

    def __init__(self) -> None:
        self.format: str | None = None
        self.fields: str | None = None
        self.jq: str | None = None
        self.quiet = False

    @property
    def form(self) -> str:
        """The format: a table on a terminal and TSV in a pipe where nothing else is asked for."""
        if self.fields is not None or self.jq is not None:
            return "ndjson" if self.format == "ndjson" else "json"
        if self.quiet:
            return "name"
        if self.format is None or self.format == "auto":
            return "table" if sys.stdout.isatty() else "tsv"
        return self.format

    @property
    def is_text(self) -> bool:
        """Whether people read it: nothing was asked for, or a table was."""
        return self.form == "table" or (self.format is None and self.form == "tsv")

    def show(
        self,
        records: Sequence[Mapping[str, Any]],
        *,
        rows: Sequence[Mapping[str, Any]] | None = None,
        columns: Sequence[str] | None = None,
        name: str = "id",
        one: bool = False,
        wrap: bool = False,
    ) -> None:
        """Write records to stdout.

        Args:
            records: What JSON and YAML show.
            rows: What tables, CSV and TSV show; the records unless given.
            columns: Columns of the table; the last are dropped first where space is short.
            name: Column that `-q` and `-o name` show.
            one: Whether JSON shows the one record itself rather than a list of it.
            wrap: Whether a table breaks long cells rather than cuts them.
        """
        plain = [dict(record) for record in records]
        table = [dict(row) for row in (records if rows is None else rows)]
        heads = list(columns or (table[0] if table else ()))
        match self.form:
            case "json" | "ndjson":
                write(self._json(plain, table, one=one))
            case "yaml":
                write(_yaml(plain[0] if one and plain else plain))
            case "csv" | "tsv":
                write(delimited(table, heads, "," if self.form == "csv" else "\t"))
            case "name":
                write("".join(f"{row.get(name, '')}\n" for row in table))
            case _:
                from evalhub.cli.table import show_table

                show_table(table, heads, wrap=wrap)

    def _json(self, records: list[Record], rows: list[Record], *, one: bool) -> str:
        if self.fields is not None and len(rows) == len(records):
            # The columns of the table are fields, too, unless the record has one of the name.
            records = [{**row, **record} for row, record in zip(rows, records, strict=True)]
        if self.fields == "":
            names = sorted({path for record in records for path in record})
            raise ConfigurationError(f"--json needs fields: {', '.join(names) or 'there are none'}")
        value: Any = records
        if self.fields is not None:
            paths = [path.strip() for path in self.fields.split(",") if path.strip()]
            _note_unknown(paths, records)
            value = [{path: _at(record, path) for path in paths} for record in records]
        if one and value:
            value = value[0]
        if self.jq is not None:
            return _jq(self.jq, value)
        if self.form == "ndjson":
            entries: list[Any] = cast("Any", value) if isinstance(value, list) else [value]
            return "".join(json.dumps(entry, default=str) + "\n" for entry in entries)
        return json.dumps(value, indent=2, default=str) + "\n"


def formats(command: F) -> F:
    """Give a command the options of the output."""
    settings: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
        (("-q", "--quiet"), {"is_flag": True, "help": "Ids alone."}),
        (("--jq",), {"metavar": "EXPR", "help": "Filter the JSON with a jq expression."}),
        (
            ("--json", "fields"),
            {
                "metavar": "FIELDS",
                "is_flag": False,
                "flag_value": "",
                "help": "JSON of these fields (`id,model.name`); without a value: which there are.",
            },
        ),
        (
            ("-o", "--format"),
            {
                "type": click.Choice(FORMATS),
                "help": "Form of the output; a table on a terminal, TSV in a pipe.",
            },
        ),
    )
    for names, more in settings:
        command = click.option(*names, expose_value=False, callback=_remember, **more)(command)
    return command


def output_of(ctx: click.Context) -> Output:
    """Return how the output of this command line is wanted."""
    found: Output = ctx.find_root().meta.setdefault("evalhub.output", Output())
    return found


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        setattr(output_of(ctx), str(parameter.name), value)


def clean(value: object) -> str:
    """Return a value as text that cannot steer the terminal it is shown on."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], str(value))


def write(text: str) -> None:
    """Write to stdout."""
    sys.stdout.write(text)
    sys.stdout.flush()


def delimited(rows: Sequence[Record], columns: Sequence[str], delimiter: str) -> str:
    """Return rows with a header; values of TSV hold neither tabs nor line breaks."""
    if not rows:
        return "\n" if delimiter == "," else ""
    if delimiter == "\t":
        lines = [columns, *([_flat(row.get(key)) for key in columns] for row in rows)]
        return "".join("\t".join(line) + "\n" for line in lines)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([clean(row.get(key)) for key in columns] for row in rows)
    return text.getvalue()


def _flat(value: object) -> str:
    return re.sub(r"[\t\n]", " ", clean(value))


def _note_unknown(paths: Sequence[str], records: Sequence[Record]) -> None:
    """Say which fields no record has: they may be misspelt, or absent from these records."""
    known = {name for record in records for name in record}
    for path in paths if records else ():
        name = path.partition(".")[0]
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            say(f"warning: no record has the field {name!r}{hint}")


def _at(record: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(record, Mapping):
            record = cast("Mapping[str, Any]", record).get(name)
        elif isinstance(record, list) and name.isdigit() and int(name) < len(cast("Any", record)):
            record = cast("Any", record)[int(name)]
        else:
            return None
    return record


def _jq(expression: str, value: Any) -> str:
    try:
        jq: Any = import_module("jq")  # which has no types
    except ModuleNotFoundError as error:
        raise MissingExtraError("--jq", "cli") from error
    try:
        found = jq.compile(expression).input_text(json.dumps(value, default=str)).all()
    except ValueError as error:
        raise ConfigurationError(f"--jq {expression!r}: {error}") from error
    texts = [entry if isinstance(entry, str) else json.dumps(entry) for entry in found]
    return "".join(f"{text}\n" for text in texts)


def _yaml(value: Any) -> str:
    from evalhub.cli.documents import to_yaml

    plain = json.loads(json.dumps(value, default=str))
    return to_yaml(plain)
