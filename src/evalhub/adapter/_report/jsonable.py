"""Turn what an evaluation measured into JSON that the service accepts.

Frameworks hand over numpy scalars, paths, dates and NaN; the service refuses a whole event for
one of them (wire contract 2.2). Conversion never fails: what has no JSON form becomes text.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from uuid import UUID

from pydantic import BaseModel, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Json", "NonFinite", "timestamp", "to_json"]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
NonFinite: TypeAlias = "dict[str, str]"
"""Where a NaN or an infinity stood (a dotted path), and which of them it was."""

_NULLS = frozenset({"NAType", "NaTType"})
"""What pandas has in place of null; `NaT` is a datetime, and nothing imports pandas here."""

_DEEPEST = 64
"""Nesting beyond this is a cycle, or of no use to a reader."""


def to_json(value: Any, *, at: str = "", non_finite: NonFinite | None = None) -> Json:
    """Return the JSON form of any value.

    Args:
        value: What to convert: numbers, text, containers, numpy scalars and arrays, dates,
            paths, enums, dataclasses, pydantic models.
        at: Dotted path of the value, for `non_finite`.
        non_finite: Collects the paths of NaN and infinities, which become `None`.
    """
    return _Converter(non_finite if non_finite is not None else {}).convert(value, at, 0)


def timestamp(moment: datetime) -> str:
    """Return a time as the service reads it: with seconds and a zone; a naive time is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.isoformat()


class _Converter:
    def __init__(self, non_finite: NonFinite) -> None:
        self._non_finite = non_finite

    def convert(self, value: Any, at: str, depth: int) -> Json:
        if depth > _DEEPEST:
            return f"<nested deeper than {_DEEPEST}>"
        match value:
            case None | bool():
                return value
            case Enum():
                return self.convert(value.value, at, depth + 1)
            case str():
                # A lone surrogate cannot be encoded; `str()` also sheds subclasses.
                return str(value).encode("utf-8", "replace").decode("utf-8")
            case int():
                return int(value)
            case float():
                return self._finite(float(value), at)
            case Mapping():
                return self._object(cast("Mapping[object, object]", value).items(), at, depth)
            case list() | tuple() | set() | frozenset():
                return self._array(cast("Iterable[object]", value), at, depth)
            case _ if type(value).__name__ in _NULLS:
                self._non_finite[at] = str(value)
                return None
            case _:
                return self._convert_instance(value, at, depth)

    def _convert_instance(  # noqa: C901 - flat: one case for each type
        self, value: Any, at: str, depth: int
    ) -> Json:
        match value:
            case type():
                return _text(value)
            case datetime():
                return timestamp(value)
            case date() | time():
                return value.isoformat()
            case timedelta():
                return value.total_seconds()
            case Decimal():
                return self._finite(float(value), at)
            case bytes() | bytearray():
                return b64encode(value).decode("ascii")
            case SecretStr():
                return str(value)
            case BaseModel():
                return self.convert(dict(value), at, depth + 1)
            case PathLike():
                return self.convert(fspath(cast("PathLike[str]", value)), at, depth + 1)
            case UUID():
                return str(value)
            case _ if is_dataclass(value):
                pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
                return self._object(pairs, at, depth)
            case _:
                return self._convert_foreign(value, at, depth)

    def _convert_foreign(self, value: Any, at: str, depth: int) -> Json:
        # numpy, torch, jax and pandas all answer `tolist` with plain Python; none is imported here.
        to_list = getattr(value, "tolist", None)
        if callable(to_list):
            try:
                plain = to_list()
            except (TypeError, ValueError, RuntimeError):
                return _text(value)
            if type(plain) is not type(value):
                return self.convert(plain, at, depth + 1)
        return _text(value)

    def _finite(self, number: float, at: str) -> float | None:
        if math.isfinite(number):
            return number
        self._non_finite[at] = str(number)
        return None

    def _object(self, pairs: Iterable[tuple[object, object]], at: str, depth: int) -> Json:
        result: dict[str, Json] = {}
        for key, value in pairs:
            name = _key(key)
            result[name] = self.convert(value, f"{at}.{name}" if at else name, depth + 1)
        return result

    def _array(self, values: Iterable[object], at: str, depth: int) -> Json:
        if isinstance(values, set | frozenset):
            values = sorted(values, key=repr)  # the same value gives the same event
        return [self.convert(value, f"{at}[{i}]", depth + 1) for i, value in enumerate(values)]


def _key(key: Any) -> str:
    match key:
        case Enum():
            return _key(key.value)
        case str():
            return str(key).encode("utf-8", "replace").decode("utf-8")
        case tuple():
            return ",".join(_key(part) for part in cast("tuple[object, ...]", key))
        case _:
            return _text(key)


def _text(value: Any, limit: int = 10_000) -> str:
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001 - a broken __str__ must not cost the other results
        return f"<{type(value).__name__}: no text, {type(error).__name__}>"
    return "".join(islice(text, limit))
