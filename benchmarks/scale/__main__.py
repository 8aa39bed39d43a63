"""What the client costs when a team runs ten thousand jobs, and how that grows.

    python -m benchmarks.scale [--rounds 3] [--other PYTHON] [--only TASK ...] [--docs]

Every task is done at one size and at ten times that size: by this SDK, by the existing one
(`--other` or BENCH_OTHER names an interpreter that has it) and by plain httpx that does the least
that the task needs. Each runs in a process of its own against a service of its own on loopback;
a round runs all of them in turn, and a figure is the median of the rounds. `--docs` writes tables
and chart into docs/performance.md, of each task what was measured last. Pushing and pulling have
a benchmark of their own, oci.py.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.scale.chart import draw, table, write
from benchmarks.scale.server import GROWING, LAST_END, service

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "build/scale"
TASKS = Path(__file__).with_name("tasks.py")


class Run(NamedTuple):
    """What one program told of one task."""

    seconds: float
    cpu: float
    peak_mib: float
    requests: int
    busiest_second: int
    sent_mib: float
    blocked: float = 0.0
    twice: float = 0.0
    missing: float = 0.0
    late: float = 0.0


@dataclass(frozen=True, slots=True)
class Task:
    """A task, its programs, the figure that tells its cost, and what else is to be said."""

    name: str
    title: str
    size: int
    programs: tuple[tuple[str, str], ...]
    cost: str
    rounds: int | None = None
    remark: Callable[[Run], str] | None = None


FAILED = Run(*[math.nan] * len(Run._fields))
"""A program that ended with an error, such as a timeout of the existing SDK's."""

TASKS_OF_A_TEAM = (
    Task(
        "list",
        "list {} jobs",
        1_000,
        (
            ("this", "sdk list"),
            ("this, `iter`", "new iter"),
            ("existing", "sdk list"),
            ("floor", "floor list"),
        ),
        "seconds",
    ),
    Task(
        "get",
        "{} gets at once, of 20 ms",
        200,
        (("this", "sdk get"), ("existing", "sdk get"), ("floor", "floor get")),
        "seconds",
    ),
    Task(
        "wait",
        "wait for {} jobs at once",
        100,
        (
            ("this", "new wait_all"),
            ("this, one wait each", "new waits"),
            ("existing", "sdk wait"),
        ),
        "requests",
        rounds=1,
        remark=lambda run: (
            f"at most {run.busiest_second:,.0f} requests in a second, {run.late:.1f} s late"
        ),
    ),
    Task(
        "logs",
        "follow {} logs of 10 MB",
        5,
        (("this", "sdk logs"), ("existing", "sdk logs"), ("floor", "floor logs")),
        "cpu",
        rounds=1,
        remark=lambda run: (
            f"lines missing {run.missing:.0%}, twice {run.twice:.0%}; {run.sent_mib:,.0f} MiB sent"
        ),
    ),
    Task(
        "reports",
        "{} status reports from 32 threads, of 20 ms",
        1_000,
        (("this", "sdk reports"), ("existing", "sdk reports"), ("floor", "floor reports")),
        "blocked",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--other", default=os.environ.get("BENCH_OTHER"))
    parser.add_argument("--only", nargs="*", default=[task.name for task in TASKS_OF_A_TEAM])
    parser.add_argument("--docs", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    for task in TASKS_OF_A_TEAM:
        if task.name in options.only:
            runs = measure(task, options.other, options.rounds)
            keep(task, runs)
            print("\n".join(table(task, runs)), "\n", flush=True)
    if options.docs:
        measured = {task: kept(task) for task in TASKS_OF_A_TEAM if kept(task)}
        write(ROOT / "docs/performance.md", measured)
        draw(ROOT / "docs/assets/scale.svg", measured)


def keep(task: Task, runs: dict[tuple[str, int], Run]) -> None:
    """Keep what was measured, so that tasks can be measured one at a time."""
    KEPT.mkdir(parents=True, exist_ok=True)
    rows = [[*key, *run] for key, run in runs.items()]
    (KEPT / f"{task.name}.json").write_text(json.dumps(rows))


def kept(task: Task) -> dict[tuple[str, int], Run]:
    """Return what was measured of a task at its last time; nothing if it never was."""
    file = KEPT / f"{task.name}.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    return {(name, size): Run(*figures) for name, size, *figures in rows}


def measure(task: Task, other: str | None, rounds: int) -> dict[tuple[str, int], Run]:
    """Return what each program needed at each size."""
    runs: dict[tuple[str, int], list[Run]] = {}
    for _ in range(task.rounds or rounds):
        for size in (task.size, task.size * 10):
            for name, command in task.programs:
                python = other if name == "existing" else sys.executable
                if python is not None:
                    runs.setdefault((name, size), []).append(run(task, python, command, size))
    return {
        key: Run(*map(statistics.median, zip(*each, strict=True))) for key, each in runs.items()
    }


def run(task: Task, python: str, command: str, size: int) -> Run:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if python == sys.executable:
        environment["PYTHONPATH"] = str(ROOT / "src")
    with service(task.name, size) as (url, asked):
        done = subprocess.run(
            [python, str(TASKS), *command.split(), url, str(size)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and python == sys.executable:
            sys.exit(f"{command} of {size}:\n{done.stderr}")
        if done.returncode:
            print(f"{command} of {size} by the existing SDK: {done.stderr.splitlines()[-1]}")
            return FAILED
        counts = asked()
    told = json.loads(done.stdout)
    ended = told.pop("ended") - counts.started
    due = {"wait": LAST_END, "logs": GROWING}.get(task.name, ended)
    return Run(
        **told,
        requests=counts.requests,
        busiest_second=counts.busiest_second,
        sent_mib=counts.bytes_sent / (1 << 20),
        late=ended - due,
    )


if __name__ == "__main__":
    main()
