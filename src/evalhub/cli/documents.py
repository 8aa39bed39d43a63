"""Files that a command is given: YAML or JSON, with the line of whatever is wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from evalhub.errors import ConfigurationError

__all__ = ["Document", "check_mapping", "read_document", "read_mapping", "to_yaml"]


class Document:
    """A document and where each of its keys stands.

    Attributes:
        value: What the document says.
        lines: Line of each path, such as `("benchmarks", 0, "id")`.
    """

    def __init__(self, name: str, value: Any, lines: dict[tuple[Any, ...], int]) -> None:
        self.name = name
        self.value = value
        self.lines = lines

    def line(self, path: tuple[Any, ...]) -> int | None:
        """Return the line of a path, or of the nearest thing around it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return self.lines.get(())


def read_mapping(name: str) -> dict[str, Any]:
    """Return the mapping a file holds; `-` reads stdin.

    Raises:
        ConfigurationError: The file cannot be read, or holds no mapping.
    """
    return check_mapping(read_document(name))


def check_mapping(document: Document) -> dict[str, Any]:
    """Return the mapping a document is.

    Raises:
        ConfigurationError: It is something else.
    """
    value = document.value
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else f"{value!r:.40}"
        raise ConfigurationError(f"{_shown(document.name)} must hold a mapping, not {kind}")
    return cast("dict[str, Any]", value)


def read_document(name: str) -> Document:
    """Return what a file holds; `-` reads stdin.

    Raises:
        ConfigurationError: The file cannot be read, is empty, broken or has a key twice.
    """
    text = _text(name)
    if not text.strip():
        raise ConfigurationError(f"{_shown(name)} is empty")
    if name.endswith(".json"):
        return _json(name, text)
    return _yaml(name, text)


def to_yaml(value: Any) -> str:
    """Return a value as YAML text."""
    import yaml

    text: str = cast("Any", yaml).safe_dump(value, sort_keys=False, allow_unicode=True)
    return text


def _text(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{_shown(name)} is not UTF-8 text") from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {_shown(name)}: {error.strerror}") from error


def _shown(name: str) -> str:
    return "stdin" if name == "-" else name


def _json(name: str, text: str) -> Document:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ConfigurationError(f"{_shown(name)} has the key {key!r} twice")
            found[key] = value
        return found

    try:
        value = json.loads(text, object_pairs_hook=once)
    except ValueError as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{_shown(name)} is not JSON: {error}") from error
    try:
        return Document(name, value, _yaml(name, text).lines)  # JSON is YAML, which has lines
    except ConfigurationError:
        return Document(name, value, {})


def _yaml(name: str, text: str) -> Document:
    import yaml

    try:
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[tuple[Any, ...], int] = {}
        _walk(node, (), lines, _shown(name))
        return Document(name, yaml.safe_load(text), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or "broken")
        where = f" in line {mark.line + 1}" if mark is not None else ""
        if "\\t" in problem:
            problem = "a tab cannot indent: use spaces"
        raise ConfigurationError(f"{_shown(name)} is not YAML{where}: {problem}") from error


def _walk(node: Any, path: tuple[Any, ...], lines: dict[tuple[Any, ...], int], name: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if node.id == "mapping":
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise ConfigurationError(
                    f"{name} has the key {key.value!r} twice: lines {seen[key.value]} and {line}"
                )
            seen[key.value] = line
            lines[*path, key.value] = line
            _walk(value, (*path, key.value), lines, name)
    elif node.id == "sequence":
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), lines, name)
