"""The template's tests pass in an environment that has only the built wheel and pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]


def run(command: Sequence[str | Path], *, cwd: Path) -> str:
    # What this process was told to import or to measure is not the other environment's affair.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "COV", "EVALHUB"))
    }
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=inherited,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    output = finished.stdout + finished.stderr
    assert finished.returncode == 0, output
    return output


def test_template_with_the_built_wheel(tmp_path: Path) -> None:
    quiet = ["--quiet", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip"]
    run([*pip, "wheel", *quiet, "--no-deps", "--wheel-dir", tmp_path, ROOT], cwd=tmp_path)
    (wheel,) = tmp_path.glob("eval_hub_sdk-*.whl")
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    run([*pip, "--python", python, "install", *quiet, wheel, "pytest"], cwd=tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache")
    project = shutil.copytree(
        ROOT / "examples" / "adapter_project", tmp_path / "project", ignore=ignored
    )

    output = run([python, "-m", "pytest", "-q"], cwd=project)

    assert " passed" in output
    assert "skipped" not in output
