"""Query parameters, filters and pages of lists (wire contract 1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from evalhub.testing._hub.values import Json, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from evalhub.testing._loopback import Request

__all__ = ["Query", "page"]

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
_NEGATED = frozenset({"owner", "status", "experiment_id"})


class Query:
    """The query parameters of a request, read by the service's rules."""

    def __init__(self, request: Request) -> None:
        self._values = request.query

    def text(self, name: str) -> str:
        """Return a parameter; several values are joined, so that all must match."""
        return ",".join(self._values.get(name, ()))

    def number(self, name: str, default: int) -> int:
        """Return an integer; of several, the first one."""
        text = next(iter(self._values.get(name, ())), "") or str(default)
        try:
            return int(text)
        except ValueError:
            raise _invalid(name, "integer", text) from None

    def count(self, name: str, default: int) -> int:
        """Return an integer that is not negative."""
        number = self.number(name, default)
        if number < 0:
            raise _invalid(name, "positive integer", str(number))
        return number

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        text = next(iter(self._values.get(name, ())), "")
        if not text:
            return default
        if text not in _TRUE | _FALSE:
            raise _invalid(name, "boolean", text)
        return text in _TRUE

    def refuse_others(self, allowed: Sequence[str]) -> None:
        """Refuse unknown parameters."""
        for name in self._values:
            if name not in allowed:
                known = ", ".join(allowed)
                message = (
                    f"The parameter '{name}' is not a valid query parameter. "
                    f"Allowed parameters are: {known}."
                )
                raise Refusal(400, "query_bad_parameter", message)

    def check_scope(self) -> None:
        """Refuse an owner together with a scope, and an unknown scope."""
        scope = self.text("scope")
        if scope and self.text("owner"):
            message = "The query parameters 'owner,scope' are mutually exclusive."
            raise Refusal(400, "query_parameter_mismatch", message)
        if scope not in ("", "system", "tenant"):
            message = (
                "The query parameter 'scope' is not valid. Allowed values are: 'system|tenant'."
            )
            raise Refusal(400, "query_parameter_value_invalid", message)

    def tail_lines(self) -> int | None:
        """Return the number of lines of a log; `None` means all."""
        lines = self.number("tail_lines", 1000)
        if lines == -1:
            return None
        if not 1 <= lines <= 10_000:  # noqa: PLR2004 - the service's bounds
            kind = "integer between 1 and 10000, or -1 for all lines"
            raise _invalid("tail_lines", kind, str(lines))
        return lines

    def check_since(self) -> None:
        """Refuse an invalid `since_seconds`; local mode ignores a valid one."""
        if "since_seconds" not in self._values:
            return
        if not self.text("since_seconds"):
            message = "The query parameter 'since_seconds' is required."
            raise Refusal(400, "query_parameter_required", message)
        if self.number("since_seconds", 0) < 1:
            raise _invalid("since_seconds", "positive integer", self.text("since_seconds"))

    def matches(self, fields: Mapping[str, Callable[[Json], Any]], item: Json) -> bool:
        """Return whether an item matches all filters: `a,b` is and, `a|b` or, `!a` not."""
        return all(
            _holds(value, read(item), negatable=name in _NEGATED)
            for name, read in fields.items()
            if (value := self.text(name))
        )


def page(request: Request, query: Query, items: Iterable[Json]) -> Json:
    """Return one page of a list, in the service's order: by descending id."""
    ordered = sorted(items, key=lambda item: item["resource"]["id"], reverse=True)
    limit, offset = query.count("limit", 50), query.count("offset", 0)
    shown: Json = {"first": {"href": request.target}}
    if offset + limit < len(ordered):
        pairs = parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
        kept = [(name, value) for name, value in pairs if name != "offset"]
        pairs = sorted([*kept, ("offset", str(offset + limit))], key=lambda pair: pair[0])
        shown["next"] = {"href": f"{request.path}?{urlencode(pairs)}"}
    end = offset + limit if limit else None
    return {**shown, "limit": limit, "total_count": len(ordered), "items": ordered[offset:end]}


def _holds(wanted: str, actual: Any, *, negatable: bool) -> bool:
    if negatable and wanted.startswith("!"):
        return not _holds(wanted[1:], actual, negatable=False)
    has: list[Any] = actual if isinstance(actual, list) else [actual or ""]  # pyright: ignore[reportUnknownVariableType] - JSON
    if "|" in wanted:
        return any(one in has for one in wanted.split("|"))
    return all(one in has for one in wanted.split(","))


def _invalid(name: str, kind: str, value: str) -> Refusal:
    message = f"The query parameter '{name}' is not a valid {kind}: '{value}'."
    return Refusal(400, "query_parameter_invalid", message)
