"""Decode and validate JSON as the service does: the same statuses and codes, texts of our own.

The service decodes into typed structs, then validates rules of their fields. A `Struct` declares
both for one JSON object. Names match in any case, unknown ones are ignored, and empty values are
left out of responses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from evalhub.testing._hub.values import PLAIN_TYPES, Json, Refusal, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Check", "Field", "Struct", "decode", "decode_types", "show"]

Check: TypeAlias = tuple[str, "Callable[[Any], bool]"]
"""What a value must be, and whether it is."""

_EMPTY: dict[str | Struct, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct.

    Args:
        type: The name of a plain type, or a nested struct.
        many: Whether the value is a list of structs.
        required: Whether the value must not be empty.
        pointer: Whether absent and empty values differ, as for a threshold of 0.
        keep: Whether responses include the field even if it is empty.
        checks: Rules for a value that is not empty.
        each: Rule for each element of a list of strings.
        one_of: The allowed values.
    """

    type: str | Struct = "string"
    many: bool = False
    required: bool = False
    pointer: bool = False
    keep: bool = False
    checks: tuple[Check, ...] = ()
    each: Check | None = None
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Struct:
    """One kind of JSON object.

    Args:
        fields: Its fields.
        check: Yields what is wrong with the object as a whole.
    """

    fields: Mapping[str, Field]
    check: Callable[[Json], Iterator[str]] = lambda _: iter(())
    by_lower: Mapping[str, str] = field(init=False, default_factory=dict[str, str])

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_lower", {name.lower(): name for name in self.fields})


def decode(struct: Struct, value: Any, *, required: bool = True) -> Json:
    """Return the fields of a JSON value that the service knows.

    Args:
        struct: The kind of object.
        value: The JSON value.
        required: Whether missing fields are errors.

    Raises:
        Refusal: A value has another type, or breaks a rule.
    """
    decoded = decode_types(struct, value)
    if problems := list(_problems(struct, decoded, "", required=required)):
        raise Refusal.of_rules("; ".join(problems))
    return decoded


def decode_types(struct: Struct, value: Any) -> Json:
    """Return the fields of a JSON value that the service knows, without checking rules.

    Raises:
        Refusal: A value has another type.
    """
    if value is not None and not isinstance(value, dict):
        raise Refusal.of_json("the body must be an object")
    return _decode(struct, value or {}, "")  # pyright: ignore[reportUnknownArgumentType] - JSON


def show(struct: Struct, value: Json) -> Json:
    """Return a decoded object as responses show it: without empty values."""
    shown: Json = {}
    for name, fld in struct.fields.items():
        one = value.get(name)
        if isinstance(fld.type, Struct) and one is not None:
            one = [show(fld.type, each) for each in one] if fld.many else show(fld.type, one)
        present = one is not None if fld.pointer else bool(one)
        if present or fld.keep:
            shown[name] = _empty(fld) if one is None else one
    return shown


def _empty(fld: Field) -> Any:
    return None if fld.pointer or fld.many else _EMPTY.get(fld.type)


def _decode(struct: Struct, value: Json, path: str) -> Json:
    decoded: Json = {}
    for key, one in value.items():
        name = struct.by_lower.get(key.lower())
        if name is not None and one is not None:
            decoded[name] = _typed(struct.fields[name], one, f"{path}{name}")
    return decoded


def _typed(fld: Field, value: Any, path: str) -> Any:
    if not isinstance(fld.type, Struct):
        if not PLAIN_TYPES[fld.type](value):
            raise Refusal.of_json(f"{path} must have the type {fld.type}")
        return plain(value)
    if fld.many and isinstance(value, list):
        one = Field(fld.type)
        return [_typed(one, each or {}, path) for each in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    if not fld.many and isinstance(value, dict):
        return _decode(fld.type, value, f"{path}.")  # pyright: ignore[reportUnknownArgumentType]
    raise Refusal.of_json(f"{path} must be {'a list of objects' if fld.many else 'an object'}")


def _problems(struct: Struct, value: Json, path: str, *, required: bool) -> Iterator[str]:
    for name, fld in struct.fields.items():
        one = value.get(name)
        if one is None or (not fld.pointer and not one):
            if fld.required and required:
                yield f"{path}{name} is required"
        else:
            yield from _field_problems(fld, one, f"{path}{name}", required=required)
    for problem in struct.check(value):
        yield f"{path}{problem}"


def _field_problems(fld: Field, value: Any, path: str, *, required: bool) -> Iterator[str]:
    if fld.one_of and value not in fld.one_of:
        yield f"{path} must be one of {', '.join(fld.one_of)}"
    for rule, holds in fld.checks:
        if not holds(value):
            yield f"{path} {rule}"
    if fld.each:
        rule, holds = fld.each
        yield from (f"{path}[{index}] {rule}" for index, one in enumerate(value) if not holds(one))
    if isinstance(fld.type, Struct):
        items = [(f"{path}[{index}].", one) for index, one in enumerate(value)]
        for where, one in items if fld.many else [(f"{path}.", value)]:
            yield from _problems(fld.type, one, where, required=required)
