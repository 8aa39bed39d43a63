"""The example notebook, cell by cell; `make notebook` runs it in a kernel."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.e2e

NOTEBOOK = Path(__file__).parents[3] / "examples" / "compare.ipynb"


def cells() -> list[str]:
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == "code"]


def test_the_notebook_goes_from_submitting_to_comparing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    namespace = vars(ModuleType("notebook"))
    try:
        for number, code in enumerate(cells(), start=1):
            exec(compile(code, f"{NOTEBOOK.name}, cell {number}", "exec"), namespace)
    finally:
        namespace["running"].close()

    assert namespace["comparison"].verdict == "regressed"
    assert namespace["job"].state == "completed"
    assert namespace["page"].stat().st_size > 10_000
    assert namespace["charts"]["comparison"].to_dict()["layer"]


def test_the_notebook_is_kept_without_outputs():
    content = json.loads(NOTEBOOK.read_text(encoding="utf-8"))

    assert all(not cell.get("outputs") for cell in content["cells"])
