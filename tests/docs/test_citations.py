"""Each citation of the wire contract leads to a numbered heading of docs/wire-contract.md."""

from __future__ import annotations

import re

import pytest

from docs.blocks import ROOT

PAGE = (ROOT / "docs" / "wire-contract.md").read_text()
HEADINGS = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)*) ", PAGE, re.MULTILINE))
TRAPS = set(re.findall(r"^\| (\d+) \|", PAGE.partition("\n## 9 Traps\n")[2], re.MULTILINE))

_MENTION = re.compile(
    r"wire[- ]contract[,:;]? (?=(?:section|sections|trap|traps)?\s*\d)", re.IGNORECASE
)
_NUMBERS = re.compile(r"\d+(?:\.\d+)*(?:(?:, | and | to )\d+(?:\.\d+)*)*")


def unresolved(text: str) -> list[str]:
    """Return the citations in a source file that do not lead anywhere."""
    flat = re.sub(r"\s*\n\s*#?\s*", " ", text)
    wrong = []
    for mention in _MENTION.finditer(flat):
        cited = flat[mention.start() : mention.end() + 24]
        numbers = _NUMBERS.match(flat, mention.end())
        if not mention[0].endswith("contract ") or numbers is None:
            wrong.append(f"{cited!r}: write `wire contract N.N`")
        else:
            wrong += [
                f"{mention[0]}{number}: no such heading"
                for number in re.findall(r"\d+(?:\.\d+)*", numbers[0])
                if number not in HEADINGS
            ]
    return wrong


def test_every_citation_leads_to_a_heading():
    sources = [
        path
        for folder in ("src", "tests", "examples", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "test_citations.py"
    ]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in sources}

    assert sum(len(_MENTION.findall(text)) for text in texts.values()) > 10
    assert {name: wrong for name, text in texts.items() if (wrong := unresolved(text))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "(wire contract 4.9)",
        "(wire contract 1.4 to 1.99)",
        "(wire contract 1.2, 2.3 and 77)",
        "# ends after a minute (wire contract\n    # 12.1)",
        "(wire contract, trap 5)",
        "(wire contract, section 5)",
        "(wire contract trap 5)",
        "(wire-contract: 4.2)",
    ],
)
def test_a_citation_that_leads_nowhere_is_found(text):
    assert unresolved(text)


@pytest.mark.parametrize(
    "text",
    ["(wire contract 4.2)", "(wire contract\n    1.8 and 8)", "by the rules of the wire contract."],
)
def test_a_citation_that_leads_somewhere_is_not_reported(text):
    assert unresolved(text) == []


def test_sections_of_the_traps_exist():
    rows = re.findall(r"^\| \d+ \|.*\| ([\d., ]+) \|$", PAGE, re.MULTILINE)

    assert {number for row in rows for number in row.split(", ")} <= HEADINGS


def test_tests_named_after_a_trap_have_one():
    names = {
        number
        for path in (ROOT / "tests" / "e2e").rglob("test_*.py")
        for number in re.findall(r"def test_trap_(\d+)_", path.read_text())
    }

    assert names
    assert names <= TRAPS
