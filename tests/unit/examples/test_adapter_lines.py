"""The four adapters stay as short as the documentation says."""

from __future__ import annotations

import sys

import pytest

from examples.adapters import environments, lines

SOURCE = '''"""A docstring
of two lines."""

import os
from typing import Any

from evalhub.adapter import run
from lm_eval import (
    evaluate,
)


class Parameters:
    shots: int = 0
    """Not code."""


def main(config: Any) -> None:
    """Not code."""

    # Nor is this.
    found = evaluate(
        config,
        home=os.environ["HOME"],
    )
    run(found)
'''


def test_each_line_of_code_counts_once():
    assert lines.count(SOURCE) == {"imports": 6, "parameters": 2, "glue": 2, "framework": 4}


def test_a_module_of_the_adapter_is_no_glue():
    assert lines.count("from ._tasks import run\nrun()\n")["framework"] == 1


def test_each_adapter_has_less_than_a_hundred_lines_and_the_four_less_than_350():
    counts = lines.adapters()

    assert sorted(counts) == sorted(environments.NAMES)
    assert {name: kinds.total() for name, kinds in counts.items() if kinds.total() >= 100} == {}
    assert sum(kinds.total() for kinds in counts.values()) < 350


def test_other_adapters_are_counted_by_the_same_rule(tmp_path, capsys, monkeypatch):
    (tmp_path / "one.py").write_text(SOURCE)
    (tmp_path / "two.py").write_text("x = 1\n")
    monkeypatch.setattr(sys, "argv", ["lines", str(tmp_path)])
    lines.main()

    assert capsys.readouterr().out.splitlines()[-1].split() == [
        "together",
        "6",
        "2",
        "2",
        "5",
        "15",
    ]


@pytest.mark.parametrize("name", environments.NAMES)
def test_the_documentation_gives_the_figures(name):
    kinds = lines.adapters()[name]
    figures = [str(kinds[kind]) for kind in lines.KINDS] + [str(kinds.total())]
    page = (environments.ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8")

    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in page.splitlines()]
    assert [row[1:6] for row in rows if row and row[0] == f"`{name}`"] == [figures]
