"""JSON Patch, as far as the service supports it (wire contract 1.10)."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from evalhub.testing._hub.schema import Field, Struct, decode
from evalhub.testing._hub.values import Json, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["COLLECTION_PATHS", "PROVIDER_PATHS", "PatchError", "apply", "operations"]

_ALL = ("replace", "add", "remove")
_ANY_DEPTH = "(/.*)?"

PROVIDER_PATHS: Mapping[str, tuple[str, ...]] = {
    "/name": ("replace",),
    "/title": _ALL,
    "/description": _ALL,
    f"/tags{_ANY_DEPTH}": _ALL,
    f"/custom{_ANY_DEPTH}": _ALL,
    f"/runtime{_ANY_DEPTH}": ("replace",),
    f"/benchmarks{_ANY_DEPTH}": ("replace",),
    f"/agent{_ANY_DEPTH}": _ALL,
}
COLLECTION_PATHS: Mapping[str, tuple[str, ...]] = {
    "/name": ("replace",),
    "/category": ("replace",),
    "/description": _ALL,
    f"/tags{_ANY_DEPTH}": _ALL,
    f"/custom{_ANY_DEPTH}": _ALL,
    f"/benchmarks{_ANY_DEPTH}": ("replace",),
    "/pass_criteria": _ALL,
    f"/(domains|tasks|modalities|industries|evaluation_targets){_ANY_DEPTH}": _ALL,
    "/pinned_order": ("add", "replace"),
}

_OPERATION = Struct({"op": Field(), "path": Field()})


class PatchError(Exception):
    """An operation that cannot be applied to this document."""


def operations(value: Any, allowed: Mapping[str, tuple[str, ...]]) -> list[Json]:
    """Return the operations of a request body.

    Raises:
        Refusal: The body is not a list of operations, or one of them is not allowed.
    """
    if not isinstance(value, list):
        raise Refusal.of_json("the body must be a list of operations")
    steps: list[Json] = []
    for one in value:  # pyright: ignore[reportUnknownVariableType] - JSON
        step = decode(_OPERATION, one)
        steps.append({"op": "", "path": "", **step, "value": (one or {}).get("value")})  # pyright: ignore[reportUnknownMemberType]
    for step in steps:
        _check(step, allowed)
    return steps


def apply(steps: list[Json], document: Json) -> Json:
    """Return a copy of a document with the operations applied.

    Raises:
        PatchError: The path of an operation does not exist.
    """
    patched = deepcopy(document)
    for step in steps:
        _apply(step, patched)
    return patched


def _check(step: Json, allowed: Mapping[str, tuple[str, ...]]) -> None:
    op, path = step["op"], step["path"]
    if op not in _ALL:
        message = (
            f"The patch operation '{op}' is not valid. Allowed operations are: {', '.join(_ALL)}."
        )
        raise Refusal(400, "invalid_patch_operation", message)
    if not path:
        raise Refusal.of_json("the path of an operation must not be empty")
    if not any(re.fullmatch(rule, path) and op in ops for rule, ops in allowed.items()):
        message = f"The operation '{op}' is not allowed for the path '{path}'."
        raise Refusal(400, "unallowed_patch", message)
    number = step["value"]
    if path == "/pinned_order" and isinstance(number, int) and number < 0:
        raise Refusal.of_rules("pinned_order must be 0 or more")


def _apply(step: Json, document: Json) -> None:
    op, path = step["op"], step["path"]
    *parents, last = path.split("/")[1:]
    target: Any = document
    for part in parents:
        try:
            target = target[int(part) if isinstance(target, list) else part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise PatchError(f"{op}: there is no {path}") from None
    if isinstance(target, list):
        _apply_to_list(op, path, target, last, step["value"])  # pyright: ignore[reportUnknownArgumentType] - JSON
    elif op != "remove":
        target[last] = step["value"]
    elif last in target:
        del target[last]
    else:
        raise PatchError(f"remove: there is no {path}")


def _apply_to_list(op: str, path: str, target: list[Any], last: str, value: Any) -> None:
    try:
        index = len(target) if last == "-" else int(last)
        if op == "add":
            target.insert(index, value)
        elif op == "replace":
            target[index] = value
        else:
            del target[index]
    except (ValueError, IndexError):
        raise PatchError(f"{op}: there is no {path}") from None
