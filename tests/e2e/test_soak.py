from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.e2e
def test_a_short_soak_loses_and_leaks_nothing():
    options = [
        "--jobs",
        "8",
        "--rate",
        "0.4",
        "--kill",
        "0.3",
        "--seed",
        "3",
        "--restart",
        "4",
        "--rotate",
        "2",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("8 jobs of two adapters, ")
    assert done.stdout.endswith("nothing lost, nothing wrong, nothing leaked\n")


@pytest.mark.e2e
def test_submissions_through_a_bad_network_make_one_job_each():
    script = ROOT / "benchmarks" / "submissions.py"
    done = subprocess.run(
        [sys.executable, str(script), "--jobs", "60"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 duplicates" in done.stdout
    assert done.stdout.endswith("every outcome is what the service has\n")
