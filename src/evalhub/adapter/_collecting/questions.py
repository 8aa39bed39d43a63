"""Read the questions of a CSV, JSON or JSONL file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LiveQuestion", "load_questions"]

_Row: TypeAlias = tuple[str, dict[str, Any]]
"""Where a row is, in words, and its columns."""


class LiveQuestion(BaseModel):
    """A question, and the row of the file that it comes from."""

    model_config = ConfigDict(hide_input_in_errors=True)

    question: str
    question_id: str | None = None
    source_row: dict[str, Any] = Field(default_factory=dict[str, Any])


def load_questions(
    path: Path | str, *, question_column: str = "question", id_column: str = "id"
) -> list[LiveQuestion]:
    """Return the questions of a file; rows whose question is blank are left out.

    A `.jsonl` file has an object a line, a `.json` file a list of objects or
    `{"questions": [...]}`, a `.csv` file a header. A question without an id has the number of its
    row.

    Args:
        path: The file.
        question_column: The column with the question.
        id_column: The column with the id.

    Raises:
        ConfigurationError: The file is of another type, cannot be read, has no question or a
            broken line, or two questions have the same id. The message names the line.
    """
    path = Path(path)
    questions: list[LiveQuestion] = []
    taken: dict[str, str] = {}
    for number, (where, row) in enumerate(_rows(path), start=1):
        words = _words(f"{path}: {where}", row, question_column)
        if not words.strip():
            continue
        name = _id(row.get(id_column), number)
        if name in taken:
            raise ConfigurationError(
                f"{path}: {where} has the {id_column} {name!r} of {taken[name]}; each question "
                "needs an id of its own"
            )
        taken[name] = where
        questions.append(LiveQuestion(question=words, question_id=name, source_row=row))
    if not questions:
        raise ConfigurationError(f"{path} has no questions")
    return questions


def _rows(path: Path) -> Iterator[_Row]:
    read = {".csv": _csv_rows, ".jsonl": _jsonl_rows, ".json": _json_rows}.get(path.suffix.lower())
    if read is None:
        raise ConfigurationError(f"{path} must end in .csv, .json or .jsonl")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text") from None
    if not text.strip():
        raise ConfigurationError(f"{path} is empty")
    return read(path, text)


def _words(where: str, row: dict[str, Any], column: str) -> str:
    if column not in row:
        there = ", ".join(map(repr, row)) or "none"
        raise ConfigurationError(f"{where} has no column {column!r}; its columns are {there}")
    words = row[column]
    if words is None:
        return ""
    if not isinstance(words, str):
        raise ConfigurationError(f"{where}: {column!r} is {type(words).__name__}, not text")
    return words


def _id(value: Any, number: int) -> str:
    text = "" if value is None else str(value).strip()
    return text or str(number)


def _csv_rows(path: Path, text: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader)
        if len(set(header)) < len(header):
            raise ConfigurationError(f"{path}: line 1 names a column twice")
        begin = reader.line_num + 1
        for cells in reader:
            where, begin = f"line {begin}", reader.line_num + 1
            if len(cells) > len(header):
                raise ConfigurationError(
                    f"{path}: {where} has {len(cells)} columns and the header {len(header)}; put "
                    "a text with commas in quotation marks"
                )
            if cells:
                missing = [None] * (len(header) - len(cells))
                yield where, dict(zip(header, [*cells, *missing], strict=True))
    except csv.Error as error:
        raise ConfigurationError(f"{path}: line {reader.line_num}: {error}") from None


def _jsonl_rows(path: Path, text: str) -> Iterator[_Row]:
    # Not splitlines(), which takes characters inside a text for ends of lines.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"line {number}"
            try:
                row: Any = json.loads(line)
            except json.JSONDecodeError as error:
                raise ConfigurationError(
                    f"{path}: {where} is not JSON: {error.msg} (column {error.colno})"
                ) from None
            except (ValueError, RecursionError):
                raise ConfigurationError(f"{path}: {where} is not JSON") from None
            yield where, _object(path, where, row)


def _json_rows(path: Path, text: str) -> Iterator[_Row]:
    try:
        data: Any = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise ConfigurationError(f"{path} is not JSON: {error.msg} ({where})") from None
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{path} is not JSON") from None
    if isinstance(data, dict):
        data = cast("dict[str, Any]", data).get("questions")
    if not isinstance(data, list):
        raise ConfigurationError(f'{path} must be a list of questions, or {{"questions": [...]}}')
    rows: list[Any] = cast("Any", data)
    for number, row in enumerate(rows, start=1):
        yield f"entry {number}", _object(path, f"entry {number}", row)


def _object(path: Path, where: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ConfigurationError(f"{path}: {where} must be an object, as {{...}}")
    return cast("dict[str, Any]", row)
