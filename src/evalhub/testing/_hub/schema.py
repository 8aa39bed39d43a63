"""Decode and check JSON as the service does, down to the words of its refusals.

The service decodes into typed structs, then validates tags on their fields. A `Struct` says
both for one JSON object: what its fields are, and what is asked of them. Names match whatever
their case, unknown ones are ignored, and what is empty is left out of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from evalhub.testing._hub.values import PLAIN_TYPES, Json, Refusal, kind_of, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Check", "Field", "Struct", "decode", "decode_types", "show"]

Check: TypeAlias = tuple[str, "Callable[[Any], bool]"]
"""Name of the tag that fails, and what must hold of a value that is not empty."""


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
        raise Refusal.of_json(f"json: cannot unmarshal {kind_of(value).split()[0]} into {where}")
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


def _zero(fld: Field) -> Any:
    if fld.pointer or fld.many or not isinstance(fld.type, str):
        return None
    return {"string": "", "int": 0, "float32": 0, "bool": False}.get(fld.type)


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
    wrong = PLAIN_TYPES[fld.type](value)
    if wrong is None:
        return plain(value)
    misfit, go_type = wrong
    raise _mismatch(misfit, where, go_type or fld.go_type)


def _mismatch(value: Any, where: str, go_type: str) -> Refusal:
    # The decoder shows a number only where the fault is in its digits, not in its being one.
    kind = kind_of(value) if go_type in ("int", "float64", "float32") else kind_of(value).split()[0]
    return Refusal.of_json(
        f"json: cannot unmarshal {kind} into Go struct field {where} of type {go_type}"
    )


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
