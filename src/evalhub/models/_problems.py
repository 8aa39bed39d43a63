"""Error texts for invalid values, from pydantic's errors, with suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar, cast

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

__all__ = [
    "did_you_mean",
    "field_path",
    "invalid",
    "problem_text",
    "problems",
    "refuse_non_finite",
    "validated",
]

M = TypeVar("M", bound="BaseModel")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'NEAREST'?`, or an empty string if no known name is near."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def validated(model: type[M], data: Any, noun: str) -> M:
    """Return data as a model.

    Args:
        model: The model to build.
        data: A dictionary or a model.
        noun: Noun for the data, for error messages.

    Raises:
        ConfigurationError: The data are invalid; its cause is pydantic's error.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(noun, error) from error


def refuse_non_finite(noun: str, data: Any) -> None:
    """Refuse NaN and infinities, for which JSON has no form: they would be sent as null.

    Args:
        noun: What the data describe, for the message.
        data: Dictionaries and lists.

    Raises:
        ConfigurationError: It names the path of the number.
    """
    for location, number in _non_finite(data, ()):
        raise ConfigurationError(f"invalid {noun}: {field_path(location)}: must not be {number}")


def _non_finite(
    data: Any, at: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], Any]]:
    if isinstance(data, float):
        if not isfinite(data):
            yield at, data
    elif isinstance(data, Mapping):
        for key, value in cast("Mapping[str, Any]", data).items():
            yield from _non_finite(value, (*at, key))
    elif isinstance(data, list | tuple):
        for index, value in enumerate(cast("Sequence[Any]", data)):
            yield from _non_finite(value, (*at, index))


def invalid(noun: str, error: ValidationError) -> ConfigurationError:
    """Return the exception for pydantic's error, with all its problems."""
    match problems(error):
        case [problem]:
            return ConfigurationError(f"invalid {noun}: {problem}")
        case several:
            return ConfigurationError(f"invalid {noun}: {len(several)} problems", details=several)


def problems(error: ValidationError) -> list[str]:
    """Return one line for each problem, with the path of the field."""
    found: list[str] = []
    for problem in error.errors(include_url=False, include_input=False):
        path, text = field_path(problem["loc"]), problem_text(problem)
        if not path:
            found.append(text)
        elif problem["type"] == "missing":
            found.append(f"{path} {text}")
        else:
            found.append(f"{path}: {text}")
    return found


def problem_text(problem: ErrorDetails) -> str:
    """Return pydantic's message as the rest of a sentence about the field."""
    match problem["type"]:
        case "missing":
            return "is missing"
        case "unknown_field":
            return f"unknown field{problem.get('ctx', {}).get('hint', '')}"
        case _:
            text = problem["msg"].removeprefix("Value error, ")
            text = text.replace("Input should be", "must be", 1)
            return text.replace("a valid dictionary or instance of", "a dictionary or", 1)


def field_path(location: Iterable[int | str]) -> str:
    """Return the path of a field in Python's notation: `benchmarks[0].provider_id`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")
