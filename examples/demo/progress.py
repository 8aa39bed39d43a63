"""A progress bar on a terminal; plain lines where the output goes to a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from evalhub.models.state import JobPhase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.models.job import EvaluationJob

_WIDTH = 24
_PHASES = list(JobPhase)
_CLEAR = "\r\x1b[K"


class Progress:
    """Show how the benchmarks of a job are getting on."""

    def __init__(self, benchmarks: Sequence[str], out: TextIO | None = None) -> None:
        self._benchmarks = benchmarks
        self._out = out or sys.stdout
        self._shown = ""

    def show(self, job: EvaluationJob) -> None:
        """Show the job as it is now, if that is news."""
        line = self._line(job)
        if line == self._shown:
            return
        self._shown = line
        on_terminal = self._out.isatty()
        self._out.write(f"{_CLEAR}  {line}" if on_terminal else f"  {line}\n")
        if on_terminal and job.is_terminal:
            self._out.write("\n")
        self._out.flush()

    def _line(self, job: EvaluationJob) -> str:
        states = {name: _state(job, name) for name in self._benchmarks}
        share = sum(done for done, _ in states.values()) / len(states)
        filled = round(share * _WIDTH)
        bar = "#" * filled + "." * (_WIDTH - filled)
        told = ", ".join(f"{name}: {words}" for name, (_, words) in states.items())
        return f"[{bar}] {share:4.0%}  {told}"


def _state(job: EvaluationJob, benchmark: str) -> tuple[float, str]:
    """Return how much of a benchmark is done, judged by its phase, and how to say it."""
    status = job.benchmark_status(benchmark)
    if status is None:
        return 0.0, "starting"
    if status.state.is_terminal:
        return 1.0, status.state.value
    if status.phase is None:
        return 0.0, status.state.value
    return (1 + _PHASES.index(status.phase)) / (1 + len(_PHASES)), status.phase.replace("_", " ")
