"""Write `docs/reference/cli.md` from click: `python tests/docs/cli_reference.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.root import root
from evalhub.cli.schema import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def page() -> str:
    """Return the page."""
    found = describe(click.Context(root, info_name="evalhub"), root, ("evalhub",))
    intro = "Every command and option; `evalhub COMMAND --help` shows the same.\n"
    return "\n".join(["# Command line\n", intro, *_sections(found)]).rstrip() + "\n"


def _sections(command: dict[str, Any]) -> Iterator[str]:
    yield f"## `{command['command']}`\n"
    text, _, examples = command["help"].partition("Examples:\n")
    yield text.replace("\b", "").strip() + "\n"
    if examples:
        lines = "\n".join(line.strip() for line in examples.splitlines() if line.strip())
        yield f"```text\n{lines}\n```\n"
    parameters = [entry for entry in command["parameters"] if entry["kind"] == "option"]
    if parameters:
        yield "| option | meaning |\n| --- | --- |"
        for entry in parameters:
            yield f"| {', '.join(f'`{flag}`' for flag in entry['flags'])} | {_meaning(entry)} |"
        yield ""
    for below in command.get("commands", ()):
        yield from _sections(below)


def _meaning(entry: dict[str, Any]) -> str:
    parts = [str(entry["help"] or "").replace("|", "\\|")]
    if "choices" in entry:
        parts.append(", ".join(f"`{choice}`" for choice in entry["choices"]))
    if entry.get("default"):
        parts.append(f"default `{entry['default']}`")
    if entry["multiple"]:
        parts.append("repeatable")
    return "; ".join(part for part in parts if part)


if __name__ == "__main__":
    PAGE.write_text(page())
