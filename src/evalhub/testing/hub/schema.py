"""Decode and check JSON as the service does, down to the words of its refusals.

The service decodes into typed structs, then validates tags on their fields. A `Struct` says
both for one JSON object: what its fields are, and what is asked of them. Names match whatever
their case, unknown ones are ignored, and what is empty is left out of the answer.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "ANY",
    "TEXTS",
    "Field",
    "Json",
    "Refusal",
    "Struct",
    "decode",
    "decode_types",
    "parse",
    "plain",
    "show",
]

Json: TypeAlias = dict[str, Any]
Check: TypeAlias = tuple[str, "Callable[[Any], bool]"]
"""Name of the tag that fails, and what must hold of a value that is not empty."""

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


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a struct.

    Args:
        type: The service's name for a plain type, or the struct that is nested.
        many: Whether it is a list of structs.
        required: Whether it must not be empty.
        pointer: Whether present and empty differ, as for a threshold of 0.
        keep: Whether the answer has it even when it is empty.
        checks: What must hold of a value that is not empty.
        each: What must hold of each element of a list of texts.
        one_of: The only values allowed.
        missing: Name of the tag that fails where it is required and empty.
        alias: The service's name for the type, where its messages say another.
        label: The name its messages give the field, where they give another.
    """

    type: str | Struct = "string"
    many: bool = False
    required: bool = False
    pointer: bool = False
    keep: bool = False
    checks: tuple[Check, ...] = ()
    each: Check | None = None
    one_of: tuple[str, ...] = ()
    missing: str = "required"
    alias: str = ""
    label: str = ""

    @property
    def go_type(self) -> str:
        """What the service's decoder calls the type."""
        if self.alias:
            return self.alias
        name = f"api.{self.type.name}" if isinstance(self.type, Struct) else self.type
        return f"[]{name}" if self.many else name


@dataclass(frozen=True, slots=True)
class Struct:
    """One kind of JSON object.

    Args:
        name: What the service's messages call it.
        fields: Its fields, in the order they are checked.
        check: Returns what is wrong with the whole, once its fields are in order.
        also: Yields failed tags about the whole, as `(field, tag)`.
    """

    name: str
    fields: Mapping[str, Field]
    check: Callable[[Json], str | None] = lambda _: None
    also: Callable[[Json], Iterator[tuple[str, str]]] = lambda _: iter(())
    by_lower: Mapping[str, str] = field(init=False, default_factory=dict[str, str])

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_lower", {name.lower(): name for name in self.fields})


@dataclass(frozen=True, slots=True)
class _Failure:
    """A rule that does not hold."""

    path: str
    tag: str
    leaf: str = ""
    plainly: str = ""

    def __str__(self) -> str:
        leaf = self.leaf or self.path.rpartition(".")[2]
        problem = f"Field validation for '{leaf}' failed on the '{self.tag}' tag"
        return f"Key: '{self.path}' Error:{problem}"


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


def decode(struct: Struct, value: Any, *, required: bool = True) -> Json:
    """Return what the service understands of a JSON value.

    Args:
        struct: What it should be.
        value: What `parse` returned.
        required: Whether missing fields are refused.

    Raises:
        Refusal: A value has another type, or breaks a rule.
    """
    decoded = decode_types(struct, value)
    failures = list(_failures(struct, decoded, struct.name, required=required))
    if failures:
        # A single failure may be said in plain words, several are a list of tags.
        alone = failures[0].plainly if len(failures) == 1 else ""
        raise Refusal.of_rules(alone or "\n".join(map(str, failures)))
    if problem := _problem(struct, decoded):
        raise Refusal.of_rules(problem)
    return decoded


def decode_types(struct: Struct, value: Any) -> Json:
    """Return what the service understands of a JSON value, whatever its rules say.

    Raises:
        Refusal: A value has another type.
    """
    if value is not None and not isinstance(value, dict):
        where = f"Go value of type api.{struct.name}"
        raise Refusal.of_json(f"json: cannot unmarshal {_kind(value).split()[0]} into {where}")
    return _decode(struct, value or {}, ())  # pyright: ignore[reportUnknownArgumentType] - JSON


def show(struct: Struct, value: Json) -> Json:
    """Return a decoded object as the service answers it: what is empty is left out."""
    shown: Json = {}
    for name, fld in struct.fields.items():
        one = value.get(name)
        if isinstance(fld.type, Struct) and one is not None:
            one = [show(fld.type, each) for each in one] if fld.many else show(fld.type, one)
        present = one is not None if fld.pointer else bool(one)
        if present or fld.keep:
            shown[name] = _zero(fld) if one is None else one
    return shown


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


def _zero(fld: Field) -> Any:
    if fld.pointer or fld.many or not isinstance(fld.type, str):
        return None
    return {"string": "", "int": 0, "float32": 0, "bool": False}.get(fld.type)


def _refuse_constant(text: str) -> Any:
    raise Refusal.of_json(f"invalid character '{text[0]}' looking for beginning of value")


def _kind(value: Any) -> str:
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


def _decode(struct: Struct, value: Json, path: tuple[str, ...]) -> Json:
    decoded: Json = {}
    for key, one in value.items():
        name = struct.by_lower.get(key.lower())
        if name is not None and one is not None:
            where = (*path, name)
            decoded[name] = _typed(
                struct.fields[name], one, f"{struct.name}.{'.'.join(where)}", where
            )
    return decoded


def _typed(fld: Field, value: Any, where: str, path: tuple[str, ...]) -> Any:
    if isinstance(fld.type, Struct):
        if fld.many and isinstance(value, list):
            one = Field(fld.type)
            return [_typed(one, each or {}, where, path) for each in value]  # pyright: ignore[reportUnknownVariableType] - JSON
        if not fld.many and isinstance(value, dict):
            return _decode(fld.type, value, path)  # pyright: ignore[reportUnknownArgumentType]
        raise _mismatch(value, where, fld.go_type)
    wrong = _PLAIN[fld.type](value)
    if wrong is None:
        return plain(value)
    misfit, go_type = wrong
    raise _mismatch(misfit, where, go_type or fld.go_type)


def _mismatch(value: Any, where: str, go_type: str) -> Refusal:
    # The decoder shows a number only where the fault is in its digits, not in its being one.
    kind = _kind(value) if go_type in ("int", "float64", "float32") else _kind(value).split()[0]
    return Refusal.of_json(
        f"json: cannot unmarshal {kind} into Go struct field {where} of type {go_type}"
    )


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


_PLAIN: dict[str, Callable[[Any], Wrong]] = {
    "string": _text,
    "int": _int,
    "float32": _float,
    "bool": _bool,
    TEXTS: _texts,
    "map[string]string": _text_map,
    ANY: _map,
}


def _failures(struct: Struct, value: Json, where: str, *, required: bool) -> Iterator[_Failure]:
    for name, fld in struct.fields.items():
        one = value.get(name)
        path = f"{where}.{fld.label or name}"
        if one is None or (not fld.pointer and not one):
            # An empty list is there, and too short; only what is missing is missing.
            if fld.required and required:
                yield _Failure(path, "min" if one == [] else fld.missing)
            continue
        yield from _field_failures(fld, one, path, required=required)
    for name, tag in struct.also(value) if required else ():
        yield _Failure(f"{where}.{name}", tag, leaf=name)


def _field_failures(fld: Field, value: Any, path: str, *, required: bool) -> Iterator[_Failure]:
    if fld.one_of and value not in fld.one_of:
        plainly = f"{path.rpartition('.')[2]} must be one of: {', '.join(fld.one_of)}"
        yield _Failure(path, "oneof", plainly=plainly)
    failed = next((tag for tag, holds in fld.checks if not holds(value)), None)
    if failed:
        yield _Failure(path, failed)
    elif fld.each:
        tag, holds = fld.each
        bad = (index for index, one in enumerate(value) if not holds(one))
        yield from (_Failure(f"{path}[{index}]", tag) for index in bad)
    elif isinstance(fld.type, Struct) and fld.many:
        for index, one in enumerate(value):
            yield from _failures(fld.type, one, f"{path}[{index}]", required=required)
    elif isinstance(fld.type, Struct):
        yield from _failures(fld.type, value, path, required=required)


def _problem(struct: Struct, value: Json) -> str | None:
    for name, fld in struct.fields.items():
        one = value.get(name)
        if isinstance(fld.type, Struct) and one is not None:
            for each in one if fld.many else [one]:
                if problem := _problem(fld.type, each):
                    return problem
    return struct.check(value)
