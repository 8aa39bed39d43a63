"""Read the files that commands are given: YAML or JSON, with the place of what is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from evalhub.cli._yaml import parse
from evalhub.errors import ConfigurationError

__all__ = ["parameter", "read_mapping", "read_value"]


def read_mapping(name: str) -> dict[str, Any]:
    """Return the mapping in a YAML or JSON file; `-` is stdin.

    Raises:
        ConfigurationError: The file cannot be read, or holds no mapping.
    """
    content = read_value(name)
    if not isinstance(content, dict):
        kind = "is empty" if content is None else f"holds a {type(content).__name__}"
        raise ConfigurationError(f"{name} {kind}, but must hold a mapping")
    return cast("dict[str, Any]", content)


def read_value(name: str) -> Any:
    """Return the value in a YAML or JSON file; `-` is stdin.

    Raises:
        ConfigurationError: The file cannot be read or parsed, or a key appears twice.
    """
    text = _text(name)
    if name.endswith(".json"):
        try:
            return json.loads(text) if text.strip() else None
        except ValueError as error:
            raise ConfigurationError(f"{name} is not JSON: {error}") from error
    return parse(text, name)


def parameter(text: str) -> tuple[str, Any]:
    """Return name and value of `name=value`; the value is JSON, `@FILE`, or else text.

    Raises:
        ConfigurationError: There is no name, or the file cannot be read.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigurationError(f"{text!r} must be NAME=VALUE")
    if value.startswith("@"):
        return name.strip(), read_value(value[1:])
    try:
        return name.strip(), json.loads(value, parse_constant=_no_constant)
    except json.JSONDecodeError:
        words = {"true": True, "false": False, "none": None, "null": None}
        return name.strip(), words.get(value.lower(), value)


def _no_constant(name: str) -> Any:
    raise ConfigurationError(f"{name} is no number of JSON")


def _text(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    path = Path(name)
    try:
        return path.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        raise ConfigurationError(f"{name} is a directory") from None
    except OSError as error:
        raise ConfigurationError(f"cannot read {name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{name} is not UTF-8 text") from None
