"""The settings in pyproject.toml by which the tests themselves run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_plugin_that_warns_does_not_end_the_run(tmp_path):
    """As pytest-asyncio does when it is configured: with warnings as errors nothing would run."""
    (tmp_path / "noisy.py").write_text(
        "import warnings\n"
        "def pytest_configure():\n"
        "    warnings.warn('set an option', stacklevel=1)\n"
    )
    metadata = tmp_path / "noisy-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nnoisy = noisy\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q"]

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *options, "tests/unit/test_errors.py"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    assert "set an option" in run("-p", "noisy").stderr  # it would, if it were loaded
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
