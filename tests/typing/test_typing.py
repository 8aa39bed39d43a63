"""The clients as type checkers see them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def mypy(path: Path) -> set[int]:
    """Return the lines that mypy --strict rejects."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    found: list[str] = re.findall(rf"{path.name}:(\d+): error", done.stdout)
    assert bool(found) == bool(done.returncode), done.stdout
    return {int(line) for line in found}


def pyright(path: Path) -> set[int]:
    """Return the lines that pyright rejects in strict mode, which pyproject.toml sets."""
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found: Any = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    return {
        problem["range"]["start"]["line"] + 1
        for problem in found["generalDiagnostics"]
        if problem["severity"] == "error"
    }


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_accepted(checker: Callable[[Path], set[int]]) -> None:
    assert checker(HERE / "accepted.py") == set()


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_rejected(checker: Callable[[Path], set[int]], tmp_path: Path) -> None:
    # Not a module here: a check of the whole project would find its mistakes.
    text = (HERE / "rejected.py.txt").read_text()
    path = tmp_path / "rejected.py"
    path.write_text(text)
    lines = enumerate(text.splitlines(), 1)
    expected = {number for number, line in lines if line.endswith("# rejected")}

    assert checker(path) == expected
