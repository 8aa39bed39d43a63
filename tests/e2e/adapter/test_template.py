"""The project that the template writes passes its own tests, as written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from evalhub.adapter._template import write_template

pytestmark = pytest.mark.e2e


def test_its_tests_pass_as_written(tmp_path):
    write_template(tmp_path / "my-adapter")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "my-adapter",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
