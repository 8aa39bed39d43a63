"""Fenced code blocks of a markdown page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]*?) *-->\n+)?"
    r"^(?P<indent> *)```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Block:
    """One block: ```language title="file"```."""

    page: Path
    line: int
    """Line of the page the code starts on."""

    language: str
    title: str | None
    """The file the block is, where it says so."""

    code: str
    not_run: str | None
    """Why it cannot run: the text of `<!-- not run: ... -->` right above it."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Return every page of the documentation."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the page's blocks in order."""
    text = page.read_text()
    for match in _BLOCK.finditer(text):
        title = _TITLE.search(match["options"])
        yield Block(
            page=page,
            line=text.count("\n", 0, match.start("code")) + 1,
            language=match["language"],
            title=title[1] if title else None,
            code=dedent(match["code"]),
            not_run=match["reason"],
        )
