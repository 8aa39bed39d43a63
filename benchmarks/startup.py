"""What starting costs: whole processes, beside pydantic alone and beside the existing SDK.

    python benchmarks/startup.py [--rounds 20] [--other PYTHON] [--where]

Every round runs every command once, in turn, so that a busy moment hits all of them; a ratio is
the median of the rounds' ratios. This SDK runs in an environment of its own under build/, as in an
adapter's image: development tools would be imported too (httpx imports rich where it finds it).
`--other` (or BENCH_OTHER) names an interpreter that has the existing SDK; without it those
comparisons are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.recorder import EventRecorder  # noqa: E402 - after the path to it

if TYPE_CHECKING:
    from collections.abc import Callable

NO_OP = """\
from evalhub.adapter import (
    DefaultCallbacks, EvaluationResult, FrameworkAdapter, JobCallbacks, JobPhase, JobResults,
    JobSpec, JobStatus, JobStatusUpdate,
)


class NoOp(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.RUNNING_EVALUATION)
        )
        return JobResults(
            id=config.id,
            benchmark_id=config.benchmark_id,
            benchmark_index=config.benchmark_index,
            model_name=config.model.name,
            results=[
                EvaluationResult(metric_name="accuracy", metric_value=0.5, metric_type="float")
            ],
            num_examples_evaluated=1,
            duration_seconds=0.1,
        )


adapter = NoOp()
callbacks = DefaultCallbacks.from_adapter(adapter)
callbacks.report_results(adapter.run_benchmark_job(adapter.job_spec, callbacks))
"""
"""An adapter as both SDKs run it: one status, one metric, results delivered."""

NAMES = "FrameworkAdapter, JobSpec, JobCallbacks, JobResults, EvaluationResult, JobStatusUpdate"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two commands, and the ratio of their times that is wanted."""

    what: str
    ours: str
    base: str
    aim: float | None = None


COMPARISONS = (
    Comparison("import evalhub.adapter / import pydantic", "adapter", "pydantic", 1.6),
    Comparison("six names / pydantic and pydantic-settings", "names", "settings"),
    Comparison("import evalhub.models / import pydantic", "models", "pydantic", 1.4),
    Comparison("six names of evalhub.adapter / BaseModel", "names", "base model"),
    Comparison("no-op adapter / the same on the existing SDK", "no-op", "other no-op", 0.6),
    Comparison("no-op adapter, supervised / not supervised", "supervised", "unsupervised"),
    Comparison("import evalhub.adapter / the existing SDK's", "adapter", "other adapter"),
)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--other", default=os.environ.get("BENCH_OTHER"))
    parser.add_argument("--where", action="store_true", help="show what a no-op adapter imports")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, EventRecorder() as recorder:
        adapter = NoOpAdapter(Path(name), recorder)
        this = make_environment("this-sdk", "--editable", str(ROOT))
        if options.where:
            adapter.show_imports(this)
            return
        report(measure(commands(adapter, this, options.other), options.rounds))


def commands(adapter: NoOpAdapter, this: str, other: str | None) -> dict[str, Callable[[], object]]:
    """Return what is timed, by name."""
    work: dict[str, Callable[[], object]] = {
        "interpreter": lambda: execute([this, "-c", "pass"]),
        "pydantic": lambda: execute([this, "-c", "import pydantic"]),
        "base model": lambda: execute([this, "-c", "from pydantic import BaseModel"]),
        "settings": lambda: execute([this, "-c", "import pydantic, pydantic_settings"]),
        "models": lambda: execute([this, "-c", "import evalhub.models"]),
        "adapter": lambda: execute([this, "-c", "import evalhub.adapter"]),
        "names": lambda: execute([this, "-c", f"from evalhub.adapter import {NAMES}"]),
        "no-op": lambda: adapter.run(this),
        "supervised": lambda: adapter.run_by_name(this, supervised=True),
        "unsupervised": lambda: adapter.run_by_name(this, supervised=False),
    }
    if other:
        imports = [other, "-W", "ignore", "-c", "import evalhub.adapter"]
        work["other adapter"] = lambda: execute(imports)
        work["other no-op"] = lambda: adapter.run(other)
    return work


class NoOpAdapter:
    """Runs the adapter above on an interpreter, from the job file to delivered results."""

    def __init__(self, directory: Path, recorder: EventRecorder) -> None:
        self.directory = directory
        self.recorder = recorder
        self.script = directory / "no_op.py"
        self.script.write_text(NO_OP)
        self.runs = 0

    def run(self, python: str, *flags: str) -> str:
        """Run it and make sure that the results arrived; returns what it wrote to stderr."""
        return self._deliver([python, "-W", "ignore", *flags, str(self.script)])

    def run_by_name(self, python: str, *, supervised: bool) -> str:
        """Run it as a container does, with its supervisor or without."""
        command = [python, "-W", "ignore", "-m", "evalhub.adapter", "by_name:NoOp"]
        (self.directory / "by_name.py").write_text(NO_OP.partition("\n\nadapter = ")[0])
        return self._deliver(
            command,
            EVALHUB_SUPERVISE="1" if supervised else "0",
            PYTHONPATH=str(self.directory),
        )

    def _deliver(self, command: list[str], **env: str) -> str:
        self.runs += 1
        spec = self.directory / "job.json"
        spec.write_text(json.dumps(self.job()))
        written = execute(command, EVALHUB_MODE="local", EVALHUB_JOB_SPEC_PATH=str(spec), **env)
        last = self.recorder.last
        if (last["status"], last["metrics"]) != ("completed", {"accuracy": 0.5}):
            sys.exit(f"{command} did not deliver its results, but {last}")
        self.recorder.events.clear()
        return written

    def job(self) -> dict[str, object]:
        return {
            "id": f"job-{self.runs}",
            "provider_id": "bench",
            "benchmark_id": "no-op",
            "benchmark_index": 0,
            "model": {"name": "m", "url": "http://127.0.0.1:1/v1"},
            "parameters": {},
            "callback_url": self.recorder.url,
        }

    def show_imports(self, python: str, count: int = 30) -> None:
        """Print the imports that take longest, their own time without what they import."""
        self.run(python)  # fills the caches
        lines = [
            line.removeprefix("import time:").split("|")
            for line in self.run(python, "-X", "importtime").splitlines()
            if line.startswith("import time:")
        ]
        rows = [(int(own), int(all_), name.strip()) for own, all_, name in lines[1:]]
        print(f"{len(rows)} modules, {sum(own for own, _, _ in rows) / 1000:.0f} ms")
        for own, cumulative, name in sorted(rows, reverse=True)[:count]:
            print(f"{own / 1000:7.1f} ms own {cumulative / 1000:7.1f} ms with imports  {name}")


def execute(command: list[str], **env: str) -> str:
    """Run a command and return what it wrote to stderr."""
    # Packages in an image are compiled; this one, run from its source, is after the first round.
    environment = {**os.environ, **env, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr}")
    return done.stderr


def measure(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds each command took in each round."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            if number:  # the first round fills the caches
                times[name].append(time.perf_counter() - start)
    return times


def report(times: dict[str, list[float]]) -> None:
    """Print medians, then ratios beside their aims."""
    for name, seconds in times.items():
        quarter, _, three_quarters = statistics.quantiles(seconds, n=4)
        middle = statistics.median(seconds)
        spread = f"{quarter * 1e3:.1f} to {three_quarters * 1e3:.1f}"
        print(f"{name:15}{middle * 1e3:8.1f} ms   ({spread})")
    print()
    for one in COMPARISONS:
        if one.base not in times:
            continue
        pairs = zip(times[one.ours], times[one.base], strict=True)
        ratio = statistics.median(ours / base for ours, base in pairs)
        verdict = ""
        if one.aim is not None:
            verdict = f"   aim {one.aim}: {'met' if ratio <= one.aim else 'missed'}"
        print(f"{one.what:48}{ratio:6.2f}{verdict}")


def make_environment(name: str, *requirement: str) -> str:
    """Return the interpreter of an environment that has one package; made once."""
    venv = ROOT / "build" / name
    python = venv / "bin" / "python"
    if not python.exists():
        execute([sys.executable, "-m", "venv", str(venv)])
        execute([str(python), "-m", "pip", "install", "--quiet", *requirement])
    return str(python)


if __name__ == "__main__":
    main()
