"""Turn what an evaluation measured into JSON that the service accepts.

Frameworks hand over numpy scalars, paths, dates and NaN; the service refuses a whole event for
one of them (wire contract 2.2). Conversion never fails: what has no JSON form becomes text.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from numbers import Real
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from uuid import UUID

from pydantic import BaseModel, SecretStr

from evalhub.models.event import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Changes", "Json", "plain_text", "safe_text", "to_json"]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_DEEPEST = 64
"""Nesting beyond this is a cycle, or of no use to a reader."""

_LONGEST_TEXT = 10_000
_LONGEST_ITERATOR = 100_000
_LARGEST_INT = 2**1024
"""Where a float becomes infinite; the service reads every number as a float."""


@dataclass(slots=True)
class Changes:
    """What could not be kept as it was, by the dotted path of the value."""

    non_finite: dict[str, str] = field(default_factory=dict[str, str])
    """Numbers JSON has no form for, sent as null: NaN, the infinities, integers beyond a float."""

    others: dict[str, str] = field(default_factory=dict[str, str])
    """Everything else, in words."""

    def __bool__(self) -> bool:
        return bool(self.non_finite or self.others)

    def lines(self) -> list[str]:
        """Return one line for each change."""
        numbers = [f"{path or 'value'}: {was} as null" for path, was in self.non_finite.items()]
        return numbers + [f"{path or 'value'}: {what}" for path, what in self.others.items()]


def to_json(value: Any, *, at: str = "", changes: Changes | None = None) -> Json:
    """Return the JSON form of any value.

    Args:
        value: What to convert: numbers, text, containers, numpy scalars and arrays, dates,
            paths, enums, dataclasses, pydantic models.
        at: Dotted path of the value, for `changes`.
        changes: Collects what could not be kept as it was.
    """
    return _Converter(changes if changes is not None else Changes()).convert(value, at, 0)


def plain_text(text: str) -> str:
    """Return text the service can store: no lone surrogates, no NUL characters."""
    clean = str.encode(text, "utf-8", "replace").decode("utf-8")
    return clean.replace("\0", "\N{REPLACEMENT CHARACTER}")


def safe_text(value: object, limit: int = _LONGEST_TEXT) -> str:
    """Return the text of any object, whose `__str__` may fail."""
    try:
        return plain_text("".join(islice(str(value), limit)))
    except Exception as error:  # noqa: BLE001 - a broken __str__ must not cost the other results
        return f"<{type(value).__name__}: no text, {type(error).__name__}>"


class _Converter:
    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    def convert(self, value: Any, at: str, depth: int) -> Json:
        """Convert a value; one that raises while it is looked at becomes text."""
        if depth > _DEEPEST:
            return self._placeholder(at, f"<nested deeper than {_DEEPEST}>")
        try:
            return self._convert(value, at, depth)
        except Exception as error:  # noqa: BLE001 - one broken value must not cost the other results
            kind = type(value).__name__
            return self._placeholder(at, f"<{kind}: no JSON form, {type(error).__name__}>")

    def _convert(self, value: Any, at: str, depth: int) -> Json:
        match value:
            case None | bool():
                return value
            case Enum():
                return self.convert(value.value, at, depth + 1)
            case str():
                return self._text(str.__str__(value), at)
            case int():
                return self._integer(int.__index__(value), at)
            case float():
                return self._finite(float.__float__(value), at)
            case Mapping():
                return self._object(cast("Mapping[object, object]", value).items(), at, depth)
            case bytes() | bytearray():
                return b64encode(value).decode("ascii")
            case Sequence() | AbstractSet() | ValuesView():
                return self._array(cast("Iterable[object]", value), at, depth)
            case _:
                return self._convert_instance(value, at, depth)

    def _convert_instance(self, value: Any, at: str, depth: int) -> Json:
        match value:
            case type():
                return safe_text(value)
            case datetime() | date() | time() | timedelta():
                return self._moment(value, at)
            case Decimal():
                return self._finite(float(value), at)
            case SecretStr():
                return str(value)
            case BaseModel():
                return self.convert(dict(value), at, depth + 1)
            case PathLike():
                return self.convert(fspath(cast("PathLike[str]", value)), at, depth + 1)
            case UUID():
                return str(value)
            case _ if is_dataclass(value):
                pairs = ((item.name, getattr(value, item.name)) for item in fields(value))
                return self._object(pairs, at, depth)
            case Iterator():
                return self._iterator(cast("Iterator[object]", value), at, depth)
            case _:
                return self._convert_foreign(value, at, depth)

    def _convert_foreign(self, value: Any, at: str, depth: int) -> Json:
        # numpy, torch, jax and pandas all answer `tolist` with plain Python; none is imported here.
        to_list = getattr(value, "tolist", None)
        if callable(to_list):
            try:
                plain = to_list()
            except (TypeError, ValueError, RuntimeError):
                return safe_text(value)
            if type(plain) is not type(value):
                return self.convert(plain, at, depth + 1)
        if isinstance(value, Real):
            return self._finite(float(value), at)
        if type(value).__name__ == "NAType":  # pandas has one missing value for every type
            self._changes.others[at] = "a missing value as null"
            return None
        return safe_text(value)

    def _text(self, text: str, at: str) -> str:
        clean = plain_text(text)
        if clean != text:
            self._changes.others[at] = "characters that cannot be stored were replaced"
        return clean

    def _integer(self, number: int, at: str) -> int | None:
        if -_LARGEST_INT < number < _LARGEST_INT:
            return number
        self._changes.non_finite[at] = f"{Decimal(number):.6e}"
        return None

    def _finite(self, number: float, at: str) -> float | None:
        if math.isfinite(number):
            return number
        self._changes.non_finite[at] = str(number)
        return None

    def _moment(self, value: datetime | date | time | timedelta, at: str) -> str | float | None:
        if value != value:  # noqa: PLR0124 - as pandas marks a missing date
            self._changes.others[at] = "a missing date as null"
            return None
        if isinstance(value, datetime):
            return timestamp(value)
        return value.total_seconds() if isinstance(value, timedelta) else value.isoformat()

    def _iterator(self, values: Iterator[object], at: str, depth: int) -> Json:
        items = list(islice(values, _LONGEST_ITERATOR))
        self._changes.others[at] = f"{len(items)} items of an iterator as a list"
        return self._array(items, at, depth)

    def _object(self, pairs: Iterable[tuple[object, object]], at: str, depth: int) -> Json:
        result: dict[str, Json] = {}
        for key, value in pairs:
            name = self._free_name(_key(key), result, at)
            result[name] = self.convert(value, f"{at}.{name}" if at else name, depth + 1)
        return result

    def _free_name(self, name: str, taken: Mapping[str, Json], at: str) -> str:
        """Return the name, numbered where another key has the same text."""
        free, number = name, 1
        while free in taken:
            number += 1
            free = f"{name} ({number})"
        if free != name:
            self._changes.others[f"{at}.{free}" if at else free] = f"another key is {name!r}, too"
        return free

    def _array(self, values: Iterable[object], at: str, depth: int) -> Json:
        if isinstance(values, AbstractSet):
            values = sorted(values, key=_order)  # the same value gives the same event
        return [self.convert(value, f"{at}[{i}]", depth + 1) for i, value in enumerate(values)]

    def _placeholder(self, at: str, text: str) -> str:
        self._changes.others[at] = f"as {text}"
        return text


def _key(key: Any) -> str:
    match key:
        case Enum():
            return _key(key.value)
        case str():
            return plain_text(key)
        case tuple():
            return ",".join(_key(part) for part in cast("tuple[object, ...]", key))
        case _:
            return safe_text(key)


def _order(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a broken __repr__ must not cost the other results
        return type(value).__name__
