from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.e2e
def test_a_short_soak_loses_nothing():
    done = subprocess.run(
        [sys.executable, str(SOAK), "--jobs", "2", "--rate", "0.4", "--kill", "0.5", "--seed", "3"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("2 jobs of two adapters, ")
    assert done.stdout.endswith("no result lost, none wrong\n")


@pytest.mark.e2e
def test_submissions_through_a_bad_network_make_one_job_each():
    script = SOAK.with_name("submissions.py")
    done = subprocess.run(
        [sys.executable, str(script), "--jobs", "60"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 duplicates" in done.stdout
    assert done.stdout.endswith("every outcome is what the service has\n")
