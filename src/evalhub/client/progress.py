"""Show the progress of a job in a notebook, on a terminal or in a log."""

from __future__ import annotations

import shutil
import sys
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from evalhub.models.job import EvaluationJob

__all__ = ["ended_and_all", "progress"]

_WIDTH = 20


def progress(file: TextIO | None = None) -> Callable[[EvaluationJob], None]:
    """Return what `wait(on_update=...)` shows a job with.

    One bar that updates in place in a notebook and on a terminal, a line for each change
    elsewhere.

    Args:
        file: Where to write; standard error by default. A notebook shows the bar itself.
    """
    if file is None and _is_notebook():
        # Part of every kernel, and of no extra of this package.
        shown: Any = import_module("IPython.display")
        return _Notebook(lambda html: shown.display(shown.HTML(html), display_id=True), shown.HTML)
    out = sys.stderr if file is None else file
    return _Terminal(out) if out.isatty() else _Lines(out)


def _is_notebook() -> bool:
    # A kernel has IPython loaded; anything else need not import it to know.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


class _Lines:
    """A line for each change: logs, pipes, files."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._last: dict[str, str] = {}

    def __call__(self, job: EvaluationJob) -> None:
        line = _line(job)
        if self._last.get(job.id) != line:
            self._last[job.id] = line
            print(line, file=self._file, flush=True)


class _Terminal:
    """One line that is written over, and stays when the job has ended."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._running: dict[str, str] = {}

    def __call__(self, job: EvaluationJob) -> None:
        line = f"{_bar(job)} {_line(job)}"
        self._running.pop(job.id, None)
        if job.is_terminal:
            self._write(f"\r\x1b[K{line}\n")
        else:
            self._running[job.id] = line
        columns = shutil.get_terminal_size().columns - 1
        self._write(f"\r\x1b[K{' | '.join(self._running.values())[:columns]}")

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()


class _Notebook:
    """One output of a cell that is replaced."""

    def __init__(self, show: Callable[[str], Any], wrap: Callable[[str], Any]) -> None:
        self._show = show
        self._wrap = wrap
        self._jobs: dict[str, str] = {}
        self._handle: Any = None

    def __call__(self, job: EvaluationJob) -> None:
        done, total = ended_and_all(job)
        self._jobs[job.id] = (
            f'<div><progress value="{done}" max="{total or 1}"></progress> '
            f"{escape(_line(job))}</div>"
        )
        html = "".join(self._jobs.values())
        if self._handle is None:
            self._handle = self._show(html)
        else:
            self._handle.update(self._wrap(html))


def ended_and_all(job: EvaluationJob) -> tuple[int, int]:
    """Return how many benchmarks have ended, and how many there are as far as one knows."""
    statuses = job.status.benchmarks
    done = sum(status.status.is_terminal for status in statuses)
    return done, max(len(job.benchmarks), len(statuses))


def _bar(job: EvaluationJob) -> str:
    done, total = ended_and_all(job)
    filled = _WIDTH * done // total if total else 0
    return "█" * filled + "░" * (_WIDTH - filled)


def _line(job: EvaluationJob) -> str:
    done, total = ended_and_all(job)
    now = [
        f"{status.id} {status.phase or status.status}"
        for status in job.status.benchmarks
        if not status.status.is_terminal
    ]
    verdict = {True: ", passed", False: ", not passed", None: ""}[job.passed]
    doing = f": {', '.join(now[:3])}" if now else ""
    return f"{job.name} {job.state}{verdict}, {done} of {total} benchmarks{doing}"
