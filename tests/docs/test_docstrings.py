"""Examples and small tables in docstrings keep their form on the reference pages.

Python removes the indentation that all lines of a docstring share, so an example that is a
docstring's whole body needs a fence: without one its lines run together into a sentence.
"""

from __future__ import annotations

import ast
import inspect
import re
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from docs.blocks import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_SECTION = re.compile(r"^(?:Examples?|Note|Usage|Warning):\n((?: +.*\n?|\n)+)", re.MULTILINE)
_PROSE = ast.Name | ast.Constant | ast.Attribute | ast.Tuple | ast.BinOp


def docstrings(tree: ast.Module) -> Iterator[str]:
    """Yield the docstrings of modules, classes, functions and attributes, without indentation."""
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            for statement in node.body:
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    text = statement.value.value
                    if isinstance(text, str):
                        yield inspect.cleandoc(text)


def run_together(docstring: str) -> list[str]:
    """Return the lines that markdown would join with the next."""
    prose = re.sub(r"^ *```.*?^ *```", "", docstring, flags=re.MULTILINE | re.DOTALL)
    # The block below `Example:` is text like any other once its indentation is gone.
    prose = _SECTION.sub(lambda section: dedent(section[1]), prose)
    return [
        line
        for line in prose.splitlines()
        if line[:1] not in {"", " ", "|"} and (re.search(r"\S {3,}\S", line) or is_code(line))
    ]


def is_code(line: str) -> bool:
    if not (re.search(r"[(=]", line) or line.startswith(("import ", "from "))):
        return False
    for end in ("", "\n    pass", ")", "])"):
        try:
            body = ast.parse(line + end).body
        except SyntaxError:
            continue
        first = body[0] if body else None
        return not (isinstance(first, ast.Expr) and isinstance(first.value, _PROSE))
    return False


def test_no_example_runs_together():
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in sorted((ROOT / "src").rglob("*.py"))
        if (
            lines := [
                line
                for text in docstrings(ast.parse(path.read_text()))
                for line in run_together(text)
            ]
        )
    }

    assert found == {}


@pytest.mark.parametrize(
    "docstring",
    [
        "Run it.\n\noutcome = run(MyAdapter)\nassert outcome.ok(1)",
        "Call it.\n\nwith Client(url) as client:\n    client.get()",
        "Call it.\n\nExample:\n    job = client.jobs.wait(job)\n",
        "Two.\n\nFakeHub     the service in memory\nRealHub     the service",
    ],
)
def test_an_example_without_a_fence_is_found(docstring):
    assert run_together(docstring)


@pytest.mark.parametrize(
    "docstring",
    [
        "Run it.\n\n```python\noutcome = run(MyAdapter)\n```",
        "Run it.\n\n    outcome = run(MyAdapter)\n\nIt returns (soon).",
        "With a model (or none) it works.\n\n| a   | b   |\n|---|---|",
    ],
)
def test_what_keeps_its_form_is_not_reported(docstring):
    assert run_together(docstring) == []
