"""Every command line of docs/cli.md runs, in the page's order."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from docs.blocks import ROOT, blocks
from examples.demo.calculator import Calculator

pytestmark = pytest.mark.e2e


def test_command_lines_run(tmp_path):
    bin_folder = Path(sys.executable).parent
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("EVALHUB_")},
        "HOME": str(tmp_path),
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
    }

    def sh(line: str) -> None:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"

    with Calculator() as model:
        try:
            for block in blocks(ROOT / "docs" / "cli.md"):
                code = block.code.replace("http://localhost:8000/v1", model.url)
                if block.title is not None:
                    (tmp_path / block.title).write_text(code)
                elif block.language == "bash":
                    for line in code.splitlines():
                        sh(line)
        finally:
            subprocess.run([bin_folder / "evalhub", "server", "stop"], env=environment, check=False)
