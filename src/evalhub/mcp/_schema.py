"""JSON schemas that strict MCP clients take: no `$ref`, no lists of types, no unions with null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["flat"]

_NULL = {"type": "null"}


def flat(schema: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a schema with its definitions put in place; a value that may be null is optional."""
    if schema is None:
        return None
    definitions = schema.get("$defs", {})
    return cast("dict[str, Any]", _flat(schema, definitions))


def _flat(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_flat(entry, definitions) for entry in cast("Sequence[Any]", node)]
    if not isinstance(node, dict):
        return node
    given = cast("dict[str, Any]", node)
    if "$ref" in given:
        target = definitions[given["$ref"].rpartition("/")[2]]
        given = {**target, **{key: value for key, value in given.items() if key != "$ref"}}
        return _flat(given, definitions)
    kinds = [kind for kind in given.get("anyOf", ()) if kind != _NULL]
    if len(kinds) == 1:
        rest = {key: value for key, value in given.items() if key not in {"anyOf", "default"}}
        return _flat({**kinds[0], **rest}, definitions)
    return {
        key: _properties(value, definitions) if key == "properties" else _flat(value, definitions)
        for key, value in given.items()
        if key not in {"$defs", "title"} and not (key == "default" and value is None)
    }


def _properties(properties: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the properties; one may well be called `title`."""
    return {name: _flat(schema, definitions) for name, schema in properties.items()}
