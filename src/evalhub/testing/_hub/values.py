"""JSON values as the service decodes them, and its refusals."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ANY", "PLAIN_TYPES", "TEXTS", "Json", "Refusal", "kind_of", "parse", "plain"]

Json: TypeAlias = dict[str, Any]

ANY = "map[string]interface {}"
TEXTS = "[]string"
_AGAIN = "Please check the request and try again."
_EXACT = 2**53
_SYNTAX = {
    "Extra data": "after top-level value",
    "Expecting property name enclosed in double quotes": (
        "looking for beginning of object key string"
    ),
}


class Refusal(Exception):  # noqa: N818 - what the service answers, not a fault of this package
    """An answer that is an error.

    Args:
        status: HTTP status code.
        code: The service's `message_code`.
        message: The service's words.
        problem: The part of them that says what is wrong.
    """

    def __init__(self, status: int, code: str, message: str, *, problem: str = "") -> None:
        self.status = status
        self.code = code
        self.message = message
        self.problem = problem
        super().__init__(message)

    @classmethod
    def of_json(cls, problem: str) -> Refusal:
        """Refuse a body that cannot be decoded."""
        message = f"The request JSON is invalid: '{problem}'. {_AGAIN}"
        return cls(400, "invalid_json_request", message, problem=problem)

    @classmethod
    def of_rules(cls, problem: str) -> Refusal:
        """Refuse a body that breaks a rule."""
        message = f"The request validation failed: '{problem}'. {_AGAIN}"
        return cls(400, "request_validation_failed", message, problem=problem)


class _Number(float):
    """A number with a fraction or an exponent, which remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number


def parse(body: bytes) -> Any:
    """Return the JSON value in a request body.

    Raises:
        Refusal: It is not JSON.
    """
    text = body.decode(errors="replace")
    try:
        return json.loads(text, parse_float=_Number, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            raise Refusal.of_json("unexpected end of JSON input") from None
        where = _SYNTAX.get(error.msg, "looking for beginning of value")
        raise Refusal.of_json(f"invalid character '{text[error.pos]}' {where}") from None


def plain(value: Any) -> Any:
    """Return a JSON value with numbers as the service keeps them: all of them 64-bit floats."""
    match value:
        case dict():
            return {key: plain(one) for key, one in sorted(value.items())}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
        case list():
            return [plain(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
        case int() if abs(value) > _EXACT:
            return int(Decimal(repr(float(value))))
        case _Number():
            return float(value)
        case _:
            return value


def _refuse_constant(text: str) -> Any:
    raise Refusal.of_json(f"invalid character '{text[0]}' looking for beginning of value")


def kind_of(value: Any) -> str:
    """Return what the service calls a value's type, and its digits where it shows them."""
    match value:
        case bool():
            return "bool"
        case _Number():
            return f"number {value.text}"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


Wrong: TypeAlias = tuple[Any, str] | None
"""The value that does not fit, and the type it should have where that is not the field's."""


def _text(value: Any) -> Wrong:
    return None if isinstance(value, str) else (value, "")


def _int(value: Any) -> Wrong:
    return None if type(value) is int else (value, "")


def _float(value: Any) -> Wrong:
    return None if isinstance(value, int | float) and not isinstance(value, bool) else (value, "")


def _bool(value: Any) -> Wrong:
    return None if isinstance(value, bool) else (value, "")


def _texts(value: Any) -> Wrong:
    if not isinstance(value, list):
        return value, ""
    wrong: list[Any] = [one for one in value if not isinstance(one, str)]  # pyright: ignore[reportUnknownVariableType] - JSON
    return (wrong[0], "string") if wrong else None


def _text_map(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return value, ""
    wrong: list[Any] = [one for one in value.values() if not isinstance(one, str)]  # pyright: ignore[reportUnknownVariableType] - JSON
    return (wrong[0], "string") if wrong else None


def _map(value: Any) -> Wrong:
    if not isinstance(value, dict):
        return value, ""
    too_large = next(_infinite(value), None)
    return None if too_large is None else (too_large, "float64")


def _infinite(value: Any) -> Iterator[float]:
    match value:
        case dict():
            for one in value.values():  # pyright: ignore[reportUnknownVariableType] - JSON
                yield from _infinite(one)
        case list():
            for one in value:  # pyright: ignore[reportUnknownVariableType] - JSON
                yield from _infinite(one)
        case float() if math.isinf(value):
            yield value
        case _:
            pass


PLAIN_TYPES: dict[str, Callable[[Any], Wrong]] = {
    "string": _text,
    "int": _int,
    "float32": _float,
    "bool": _bool,
    TEXTS: _texts,
    "map[string]string": _text_map,
    ANY: _map,
}
