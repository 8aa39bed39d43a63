"""The command line in a process of its own, against the real service."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORT = f"{sys.executable} -m evalhub.adapter evalhub.adapter.examples:ExampleAdapter"


def provider(name: str, command: str, **benchmark: object) -> dict[str, object]:
    return {
        "id": name,
        "name": f"{name} provider",
        "benchmarks": [{"id": f"{name}-bench", "name": "One", "category": "math", **benchmark}],
        "runtime": {"local": {"command": command}},
    }


ARITHMETIC = {
    "id": "examples",
    "name": "examples",
    "benchmarks": [
        {"id": "arithmetic", "category": "math", "tags": ["sums"]},
        {
            "id": "computing",
            "category": "it",
            "primary_score": {"metric": "accuracy"},
            "pass_criteria": {"threshold": 0.99},
        },
    ],
    "runtime": {"local": {"command": REPORT}},
}
SLOW = provider("slow", "for i in $(seq 200); do echo line $i; sleep 0.1; done")
SET = {
    "id": "sums",
    "name": "Sums",
    "category": "math",
    "benchmarks": [{"id": "arithmetic", "provider_id": "examples"}],
}


@dataclass
class Result:
    code: int
    out: str
    err: str


class Cli:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EVALHUB_")},
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "EVALHUB_BASE_URL": url,
            "EVALHUB_CONFIG": str(folder / "config.yaml"),
        }

    def __call__(self, *words: str, stdin: str = "", **env: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "evalhub.cli", *words],
            env={**self.env, **env},
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def submit(self, benchmark: str = "arithmetic", *words: str) -> str:
        done = self("run", "-m", self.model, "-n", "calc", "-b", benchmark, "-q", *words)
        assert done.code == 0, done.err
        return done.out.strip().splitlines()[-1]

    model = "http://127.0.0.1:9/v1"


@pytest.fixture(scope="session")
def hub() -> Iterator[RealEvalHub]:
    with RealEvalHub(providers=[ARITHMETIC, SLOW], collections=[SET]) as running:
        yield running


@pytest.fixture(scope="session")
def model() -> Iterator[str]:
    from examples.demo.calculator import Calculator

    with Calculator() as calculator:
        yield calculator.url


@pytest.fixture
def cli(tmp_path: Path, hub: RealEvalHub, model: str) -> Cli:
    found = Cli(tmp_path, hub.url)
    found.model = model
    return found
