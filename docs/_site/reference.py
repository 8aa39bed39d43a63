"""Fill the reference pages with what a page does not name itself.

Two directives of a page, each a comment in a line of its own:

- `<!-- the rest of evalhub.adapter -->` becomes the entries of the module's other public names,
  and a list of those that are described on another page.
- `<!-- the variables of evalhub.settings.AdapterSettings -->` becomes a table of its fields and
  the environment variables they are read from.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

HOMES = ("evalhub.errors", "evalhub.models", "evalhub.settings", "evalhub.oci", "evalhub.client")
"""Modules with a page of their own, for names that several modules export."""

_REST = re.compile(r"^<!-- the rest of (?P<module>[\w.]+) -->$", re.MULTILINE)
_VARIABLES = re.compile(r"^<!-- the variables of (?P<path>[\w.]+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Expand the directives of a page; mkdocs calls this."""
    named = set(re.findall(r"^::: ([\w.]+)$", markdown, re.MULTILINE))
    markdown = _VARIABLES.sub(lambda match: _variables(match["path"]), markdown)
    return _REST.sub(lambda match: _rest(match["module"], named), markdown)


def _rest(module: str, named: set[str]) -> str:
    package = import_module(module)
    here, elsewhere = [], []
    for name in sorted(package.__all__, key=str.lower):
        if f"{module}.{name}" in named or name.startswith("__"):
            continue
        value = getattr(package, name)
        home = _home(module, name, value)
        if home:
            elsewhere.append(f"[`{name}`][{home}]")
        elif getattr(value, "__name__", name) == name:
            here.append(f"::: {module}.{name}\n")
        else:
            elsewhere.append(f"`{name}` (another name of `{value.__name__}`)")
    if elsewhere:
        here.append(f"`{module}` also exports {', '.join(elsewhere)}.\n")
    return "\n".join(here)


def _home(module: str, name: str, value: object) -> str:
    """Return the path under which another page describes a name, or nothing."""
    origin = getattr(value, "__module__", "") or ""
    for home in HOMES:
        inside = origin == home or origin.startswith(f"{home}.")
        if inside and home != module and name in import_module(home).__all__:
            return f"{home}.{name}"
    return ""


def _variables(path: str) -> str:
    module, _, name = path.rpartition(".")
    variables = getattr(import_module(module), name).variables()
    rows = [f"| `{field}` | {_code(names)} |" for field, names in variables.items()]
    return "\n".join(["| field | read from |", "|---|---|", *rows])


def _code(names: tuple[str, ...]) -> str:
    return ", else ".join(f"`{name}`" for name in names)
