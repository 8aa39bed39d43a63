"""How fast the command line starts, beside 1.0.6's, against the real service.

    python benchmarks/cli.py [--rounds 20]

Every round runs every command once, in turn, so that a busy moment hits all of them; a ratio is
the median of the rounds' ratios. Both releases run as they are installed, each in an environment
of its own under build/ that has the extra `cli` and nothing else. The last rows are what nobody
can go below: Python itself, and with it what sends a request and reads the answer.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from startup import ROOT, execute, make_environment, measure

from evalhub.client import EvalHubClient
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Callable

EARLIER = "eval-hub-sdk[cli,client]==1.0.6"
COMMANDS = {
    # what: ours, 1.0.6's, the ratio that is wanted
    "--help": (["--help"], ["--help"], 0.15),
    "--version": (["--version"], ["--version"], 0.15),
    "list of 20 jobs": (["jobs", "list"], ["eval", "status"], 0.5),
}
FLOORS = {
    "python -c pass": "pass",
    "import click": "import click",
    "import pydantic, httpx": "import httpx; from pydantic import BaseModel",
}
JOB = {
    "model": {"name": "m", "url": "http://127.0.0.1:9/v1"},
    "benchmarks": [{"id": "none", "provider_id": "idle"}],
}
IDLE = {
    "id": "idle",
    "name": "idle",
    "benchmarks": [{"id": "none", "name": "none"}],
    "runtime": {"local": {"command": "true"}},
}


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="How fast the command line starts.")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    this = Release(make_environment("this-cli", "--editable", f"{ROOT}[cli]"))
    earlier = Release(make_environment("existing-sdk-cli", EARLIER))
    with RealEvalHub(providers=[IDLE]) as hub, tempfile.TemporaryDirectory() as home:
        with EvalHubClient(hub.url) as client:
            for number in range(20):
                client.jobs.submit({"name": f"job {number}", **JOB})
        os.environ.update(EVALHUB_BASE_URL=hub.url, HOME=home, PYTHONPATH="")
        work: dict[str, Callable[[], object]] = {}
        for name, (ours, theirs, _) in COMMANDS.items():
            work[name] = lambda words=ours: this.run(words)
            work[f"{name}, 1.0.6"] = lambda words=theirs: earlier.run(words)
        for name, code in FLOORS.items():
            work[name] = lambda code=code: execute([this.python, "-c", code])
        report(measure(work, rounds))
        for name, (ours, theirs, _) in COMMANDS.items():
            print(f"{name:24}{this.modules(ours):5} modules loaded, {earlier.modules(theirs)}")


@dataclass(frozen=True, slots=True)
class Release:
    """An installed release of the command line."""

    python: str

    def run(self, words: list[str], *flags: str) -> str:
        """Run a command line and return what it wrote to stderr."""
        script = Path(self.python).with_name("evalhub")
        return execute([self.python, *flags, str(script), *words])

    def modules(self, words: list[str]) -> int:
        """Return how many modules a command line loads."""
        return self.run(words, "-X", "importtime").count("import time:") - 1


def report(times: dict[str, list[float]]) -> None:
    """Print medians, then ratios beside their aims."""
    for name, seconds in times.items():
        print(f"{name:24}{statistics.median(seconds) * 1e3:8.1f} ms")
    print()
    for name, (_, _, aim) in COMMANDS.items():
        pairs = zip(times[name], times[f"{name}, 1.0.6"], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        verdict = "met" if ratio <= aim else "missed"
        print(f"{name:24}{ratio:8.2f}   aim {aim}: {verdict}")
    print()


if __name__ == "__main__":
    main()
