"""Every public name of eval-hub-sdk 1.0.6: here, different or gone.

`python tests/compat/names.py` writes the table of docs/compatibility.md.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

__all__ = ["DIFFERENT", "GONE", "PENDING", "RECORDED", "Table", "reason_of", "resolves", "table"]

RECORDED: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("names_1_0_6.json").read_text()
)
PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
MARK = "<!-- the table: python tests/compat/names.py -->"

Table: TypeAlias = list[tuple[str, str, str]]
Reasons: TypeAlias = dict[str, tuple[str, str]]
"""By module, or by prefix of modules ending in `*`: names (`*` for all) and the reason."""

PENDING: Reasons = {}
"""Names that other work brings; those that are there by now count as here."""

_CLI = "the command's own parts; run `evalhub`, which takes the same command lines"
GONE: Reasons = {
    "evalhub.cli": ("create_client format_option get_client handle_api_errors output", _CLI),
    "evalhub.cli.*": ("*", _CLI),
}
"""Names that no longer exist, unless they are there after all."""

_RESOURCES = "AsyncBenchmarksResource AsyncCollectionsResource AsyncJobsResource"
_RESOURCES += " AsyncProvidersResource SyncBenchmarksResource SyncCollectionsResource"
_RESOURCES += " SyncJobsResource SyncProvidersResource"
_ALIASES = "other names of the clients and of their parts; see the modules of these names"
_BASE = "another name of the client itself"
DIFFERENT: Reasons = {
    "evalhub.client": ("BaseAsyncClient BaseSyncClient", _BASE),
    "evalhub.client.base": ("BaseAsyncClient BaseSyncClient", _BASE),
    "evalhub.client.evalhub": (f"BaseAsyncClient BaseSyncClient {_RESOURCES}", _ALIASES),
    "evalhub.client.resources*": (
        _RESOURCES,
        "one class for both clients; made by a client, not by hand",
    ),
}
"""Names that are here and behave differently beyond what the page on moving says of all calls."""


def resolves(module: str, name: str) -> bool:
    """Return whether a name can be imported from a module."""
    try:
        return hasattr(import_module(module), name)
    except ImportError:
        return False


def reason_of(reasons: Reasons, module: str, name: str) -> str | None:
    """Return the reason given for a name, or `None`."""
    for path, (names, reason) in reasons.items():
        is_named = module == path or (path[-1] == "*" and module.startswith(path[:-1]))
        if is_named and (names == "*" or name in names.split()):
            return reason
    return None


def _state(module: str, name: str) -> str:
    if resolves(module, name):
        reason = reason_of(DIFFERENT, module, name)
        return f"different: {reason}" if reason else "here"
    if reason := reason_of(GONE, module, name):
        return f"gone: {reason}"
    return f"not yet: {reason_of(PENDING, module, name)}"


def table() -> Table:
    """Return every name with its module and its state."""
    return [
        (module, name, _state(module, name)) for module, names in RECORDED.items() for name in names
    ]


def markdown() -> str:
    """Return the table as Markdown: the names of a module that share a state in one row."""
    rows: dict[tuple[str, str], list[str]] = {}
    for module, name, state in table():
        rows.setdefault((module, state), []).append(f"`{name}`")
    lines = [
        f"| `{module}` | {', '.join(names)} | {state} |" for (module, state), names in rows.items()
    ]
    return "\n".join(["| module | names | |", "|---|---|---|", *lines])


if __name__ == "__main__":
    text = PAGE.read_text().partition(MARK)[0]
    PAGE.write_text(f"{text}{MARK}\n\n{markdown()}\n")
