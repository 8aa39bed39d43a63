"""JSON values as the service decodes them, and its error responses."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PLAIN_TYPES", "Json", "Refusal", "parse", "plain"]

Json: TypeAlias = dict[str, Any]

_EXACT = 2**53


class Refusal(Exception):  # noqa: N818 - a response of the service, not a fault of this package
    """An error response.

    Args:
        status: HTTP status code.
        code: The service's `message_code`.
        message: The text. For invalid bodies it is our own: the service's is that of its decoder.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(message)

    @classmethod
    def of_json(cls, problem: str) -> Refusal:
        """Return the response to a body that cannot be decoded."""
        return cls(400, "invalid_json_request", f"The request JSON is invalid: {problem}.")

    @classmethod
    def of_rules(cls, problem: str) -> Refusal:
        """Return the response to a body that breaks a rule."""
        return cls(400, "request_validation_failed", f"The request validation failed: {problem}.")


def parse(body: bytes) -> Any:
    """Return the JSON value of a request body.

    Raises:
        Refusal: The body is not JSON.
    """
    try:
        return json.loads(body.decode(errors="replace"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise Refusal.of_json(str(error)) from None


def plain(value: Any) -> Any:
    """Return a JSON value with its numbers as the service stores them: as 64-bit floats."""
    match value:
        case dict():
            return {key: plain(one) for key, one in sorted(value.items())}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON
        case list():
            return [plain(one) for one in value]  # pyright: ignore[reportUnknownVariableType]
        case int() if abs(value) > _EXACT:
            return int(Decimal(repr(float(value))))
        case _:
            return value


def _refuse_constant(text: str) -> Any:
    raise Refusal.of_json(f"{text} is not JSON")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)  # pyright: ignore[reportUnknownVariableType] - JSON


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and _is_text_list([*value.values()])  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - JSON


def _is_finite(value: Any) -> bool:
    match value:
        case dict():
            return all(map(_is_finite, value.values()))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - JSON
        case list():
            return all(map(_is_finite, value))  # pyright: ignore[reportUnknownArgumentType] - JSON
        case float():
            return math.isfinite(value)
        case _:
            return True


PLAIN_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "list of strings": _is_text_list,
    "map of strings": _is_text_map,
    "object": lambda value: isinstance(value, dict) and _is_finite(value),
}
"""Whether a value has a type, by the name of the type."""
