"""YAML in and out, imported when it is needed; both packages lack complete type stubs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from evalhub.errors import ConfigurationError

__all__ = ["dump", "jq", "parse"]


def parse(text: str, name: str) -> Any:
    """Return the value of a YAML document.

    Args:
        text: The document.
        name: Its file, for the message.

    Raises:
        ConfigurationError: It is not YAML, or a key appears twice in one mapping.
    """
    yaml: Any = import_module("yaml")
    try:
        _refuse_duplicates(yaml.compose(text, Loader=yaml.SafeLoader), name)
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        problem = getattr(error, "problem", None) or "it has characters that YAML does not allow"
        hint = "; indent with spaces, not tabs" if "'\\t'" in str(error) else ""
        raise ConfigurationError(f"{name} is not YAML: {problem}{where}{hint}") from error


def dump(value: Any) -> str:
    """Return a value as YAML."""
    yaml: Any = import_module("yaml")
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    return text


def jq(expression: str, value: Any) -> list[Any]:
    """Return what a jq expression makes of a value.

    Raises:
        ConfigurationError: jq is not installed, or the expression is invalid.
    """
    try:
        module: Any = import_module("jq")
    except ModuleNotFoundError:
        raise ConfigurationError("--jq needs a package: pip install jq") from None
    try:
        found: list[Any] = module.compile(expression).input_value(value).all()
    except ValueError as error:
        raise ConfigurationError(f"--jq {expression!r}: {error}") from error
    return found


def _refuse_duplicates(node: Any, name: str) -> None:
    """PyYAML takes the last of two equal keys without a word."""
    kind = getattr(node, "id", "")
    if kind == "mapping":
        seen: dict[str, int] = {}
        for key, value in node.value:
            line: int = key.start_mark.line + 1
            text = str(key.value)
            if text in seen:
                raise ConfigurationError(
                    f"{name}: key {text!r} appears twice (lines {seen[text]} and {line})"
                )
            seen[text] = line
            _refuse_duplicates(value, name)
    elif kind == "sequence":
        for value in node.value:
            _refuse_duplicates(value, name)
