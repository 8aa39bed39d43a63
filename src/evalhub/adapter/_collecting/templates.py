"""Fill a request's template, and find a value in a response."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any, cast

from evalhub.errors import ConfigurationError

__all__ = ["extract_by_path", "substitute_template"]


def extract_by_path(data: Any, path: str) -> Any:
    """Return the value at a dotted path, as in `choices.0.message.content`; `None` if absent."""
    for part in path.split("."):
        data = _inside(data, part)
    return data


def _inside(data: object, part: str) -> Any:
    match data:
        case Mapping():
            return cast("Mapping[str, Any]", data).get(part)
        case list() | tuple():
            items: Sequence[Any] = cast("Any", data)
            index = int(part) if re.fullmatch(r"-?\d{1,9}", part) else len(items)
            return items[index] if -len(items) <= index < len(items) else None
        case _:
            return None


def substitute_template(template: Any, variables: Mapping[str, str]) -> Any:
    """Return a template with `{name}` replaced by a variable in each of its texts, at any depth.

    `{{` and `}}` stand for braces. In a text whose braces are those of something else, such as
    JSON, the variables are replaced and all other braces stay.

    Raises:
        ConfigurationError: There is no such variable.
    """
    match template:
        case str():
            return _filled(template, variables)
        case Mapping():
            pairs = cast("Mapping[str, Any]", template).items()
            return {name: substitute_template(value, variables) for name, value in pairs}
        case list() | tuple():
            values = cast("Sequence[Any]", template)
            return [substitute_template(value, variables) for value in values]
        case _:
            return template


def _filled(text: str, variables: Mapping[str, str]) -> str:
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        return _only_names(text, variables)
    # Never `str.format`: it would evaluate `{question.__class__}`.
    if any(name is not None and (spec or how or not name.isidentifier())
           for _, name, spec, how in pieces):  # fmt: skip
        return _only_names(text, variables)
    filled: list[str] = []
    for literal, name, _, _ in pieces:
        filled.append(literal)
        if name is not None:
            if name not in variables:
                known = ", ".join(f"{{{one}}}" for one in variables)
                raise ConfigurationError(f"the template has {{{name}}}; there are {known}")
            filled.append(variables[name])
    return "".join(filled)


def _only_names(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: variables.get(found[1], found[0]), text)
