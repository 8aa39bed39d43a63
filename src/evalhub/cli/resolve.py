"""Ids from what was typed: an id, or a name that only one thing has."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from evalhub.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evalhub.client import EvalHubClient
    from evalhub.models import EvaluationJob

__all__ = ["find", "find_job"]


class Named(Protocol):
    """Something with an id and a name."""

    @property
    def id(self) -> str: ...

    name: str


N = TypeVar("N", bound=Named)


def find_job(client: EvalHubClient, given: str) -> EvaluationJob:
    """Return the job of an id or a name."""
    return find(given, "job", client.jobs.get, client.jobs.list)


def find(
    given: str, noun: str, get: Callable[[str], N], everything: Callable[[], Sequence[N]]
) -> N:
    """Return the one thing with this id or name.

    Raises:
        ConfigurationError: Several have the name.
        NotFoundError: None has it; the nearest are offered.
    """
    try:
        return get(given)
    except NotFoundError as error:
        try:
            known = everything()
        except Exception:  # noqa: BLE001 - the first error is the one to show
            raise error from None
        named = [entry for entry in known if entry.name == given]
        if len(named) == 1:
            return get(named[0].id)
        if named:
            ids = ", ".join(entry.id for entry in named)
            raise ConfigurationError(
                f"several {noun}s are named {given!r}: give one of {ids}"
            ) from None
        near = _nearest(given, known)
        if near:
            error.add_note(f"did you mean {near}?")
        raise


def _nearest(given: str, known: Sequence[Any]) -> str:
    names: dict[str, str] = {}
    for entry in known:
        names[entry.id] = entry.id
        names[entry.name] = f"{entry.name} ({entry.id})" if entry.name != entry.id else entry.id
    return " or ".join(dict.fromkeys(names[near] for near in get_close_matches(given, names, n=3)))
