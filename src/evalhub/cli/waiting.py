"""Wait for jobs as a person likes it: a live line a benchmark, the scores, the verdict."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from evalhub.cli.errors import ExitCode, say
from evalhub.cli.output import clean, write
from evalhub.cli.scores import SCORE_COLUMNS, score_rows
from evalhub.cli.states import benchmark_states
from evalhub.errors import EvalHubError, WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

    from evalhub.client import EvalHubClient
    from evalhub.models import EvaluationJob
    from evalhub.models.job import BenchmarkStatus

__all__ = [
    "Progress",
    "benchmark_lines",
    "conclude",
    "exit_code_of",
    "note_missed",
    "verdict_of",
    "wait_for",
]

_SILENT_AFTER = 300.0
_TAIL = 20


class Progress:
    """What is shown while jobs run: a live table on a terminal, else a line for each change."""

    def __init__(self, job_ids: Sequence[str], *, stream: str = "stderr") -> None:
        self._jobs: dict[str, EvaluationJob | None] = dict.fromkeys(job_ids)
        self._changed = dict.fromkeys(job_ids, time.monotonic())
        self._ndjson = stream == "ndjson"
        self._seen: set[str] = set()
        self._live: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._ndjson:
            from rich.live import Live

            from evalhub.cli.table import console

            self._live = Live(
                get_renderable=self._table,
                console=console(stderr=True),
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, job: EvaluationJob) -> None:
        """Show a job whose status has changed."""
        self._jobs[job.id] = job
        self._changed[job.id] = time.monotonic()
        if self._ndjson:
            write(json.dumps(job.to_wire(), default=str) + "\n")
        elif self._live is None:
            for line in _lines(job):
                if line not in self._seen:
                    self._seen.add(line)
                    say(line)

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        from evalhub.cli.table import state_style

        table = Table.grid(padding=(0, 2))
        for column in range(5):
            table.add_column(no_wrap=column != 4, overflow="ellipsis")  # noqa: PLR2004
        for job_id, job in self._jobs.items():
            silent = time.monotonic() - self._changed[job_id]
            for name, state, phase, elapsed, message in benchmark_lines(job_id, job):
                note = message
                if silent > _SILENT_AFTER and (job is None or not job.is_terminal):
                    note = f"no sign of life for {silent / 60:.0f} min"
                cells = (name, Text(state, style=state_style(state)), phase, elapsed, note)
                table.add_row(*cells)
        return table


def benchmark_lines(job_id: str, job: EvaluationJob | None) -> list[tuple[str, str, str, str, str]]:
    """Return name, state, phase, elapsed time and message of each benchmark of a job."""
    if job is None:
        return [(job_id, "...", "", "", "")]
    since = _elapsed(job.resource.created_at)
    states = benchmark_states(job)
    if not states:
        message = str(job.status.message or "")
        return [(clean(job.name), str(job.state), "", since, clean(message))]
    return [
        (clean(state.id), *_benchmark_cells(job, state.reported))
        if state.reported
        else (clean(state.id), state.name, "", since, "")
        for state in states
    ]


def _benchmark_cells(job: EvaluationJob, reported: BenchmarkStatus) -> tuple[str, str, str, str]:
    """Return state, phase, elapsed time and newest message."""
    return (
        str(reported.status),
        str(reported.phase or ""),
        _elapsed(reported.started_at or job.resource.created_at, reported.completed_at),
        clean(reported.error_message or reported.warning_message or ""),
    )


def _lines(job: EvaluationJob) -> list[str]:
    lines = [f"{job.id} {job.state}"]
    for benchmark in job.status.benchmarks:
        phase = f" ({benchmark.phase})" if benchmark.phase else ""
        error = f": {clean(benchmark.error_message)}" if benchmark.error_message else ""
        lines.append(f"{clean(benchmark.id)} {benchmark.status}{phase}{error}")
    return lines


def _elapsed(start: datetime | None, end: datetime | None = None) -> str:
    if start is None:
        return ""
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    end = end or datetime.now(UTC)
    total = max(
        0, int((end - (start if end.tzinfo else start.replace(tzinfo=None))).total_seconds())
    )
    minutes, rest = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def wait_for(
    client: EvalHubClient,
    job_ids: Sequence[str],
    *,
    timeout: float | None = None,
    poll: float | None = None,
    ndjson: bool = False,
) -> list[EvaluationJob]:
    """Wait until all jobs have ended and return them.

    Raises:
        WaitTimeoutError: Time is up.
        KeyboardInterrupt: Ctrl-C; what goes on and how to take it up has been said.
    """
    try:
        with Progress(job_ids, stream="ndjson" if ndjson else "stderr") as progress:
            return client.jobs.wait_all(job_ids, timeout, poll, on_update=progress.update)
    except KeyboardInterrupt:
        say(taking_up(job_ids))
        raise
    except WaitTimeoutError as error:
        error.__notes__ = [f"evalhub jobs wait {' '.join(job_ids)}"]
        raise


def taking_up(job_ids: Sequence[str]) -> str:
    """Return what goes on after an interruption, and how to take it up again or to stop it."""
    ids = " ".join(job_ids)
    what = "job goes on" if len(job_ids) == 1 else "jobs go on"
    return f"\nthe {what}; wait again: evalhub jobs wait {ids}\nstop: evalhub jobs cancel {ids}"


def conclude(
    ctx: click.Context,
    client: EvalHubClient,
    jobs: Sequence[EvaluationJob],
    *,
    gate: bool,
    compared: bool = False,
) -> ExitCode:
    """Show the scores of jobs that have ended, the log of those that failed; return the exit code.

    With `gate` that tells jobs that did not pass, unless they are `compared` afterwards: then the
    comparison has the last word.
    """
    from evalhub.cli.output import output_of

    output = output_of(ctx)
    if output.is_text:
        rows = [row for job in jobs for row in score_rows(job)]
        if rows:
            output.show(rows, columns=SCORE_COLUMNS)
    for job in jobs:
        failed = job.state in {"failed", "partially_failed"}
        if failed:
            _show_log(client, job)
        say(f"job {job.id} {job.state}: {verdict_of(job)}")
        for benchmark in job.status.benchmarks if failed else ():
            if benchmark.error_message is not None:
                say(f"  {clean(benchmark.id)}: {clean(benchmark.error_message)}")
    if not gate:
        note_missed(jobs)
    elif not compared and any(job.passed is None and job.state == "completed" for job in jobs):
        say("no verdict is no pass: the benchmark needs a primary score, and a threshold to reach")
    return exit_code_of(jobs, gate=gate and not compared)


def note_missed(jobs: Sequence[EvaluationJob]) -> None:
    """Say that the exit code does not tell what was missed: scripts of 1.0 count on its 0."""
    if any(job.passed is False for job in jobs) and not exit_code_of(jobs, gate=False):
        say("a threshold was missed, and the exit code is 0 all the same: with --gate it is 3")


def verdict_of(job: EvaluationJob) -> str:
    """Return the service's verdict in words."""
    test = job.results.test
    if test is None:
        return "no verdict"
    word = "passed" if test.passed else "missed"
    if test.score is None or test.threshold is None:
        return word
    return f"{word}, score {test.score:.4g}, threshold {test.threshold:.4g}"


def exit_code_of(jobs: Sequence[EvaluationJob], *, gate: bool) -> ExitCode:
    """Return the exit code for jobs that have ended."""
    if any(job.state != "completed" for job in jobs):
        return ExitCode.FAILED
    if gate and not all(job.passed for job in jobs):
        return ExitCode.VERDICT
    return ExitCode.DONE


def _show_log(client: EvalHubClient, job: EvaluationJob) -> None:
    try:
        tail = client.jobs.logs(job.id, tail=_TAIL).rstrip()
    except EvalHubError:
        return
    if tail:
        say(f"last lines of the log (all: evalhub jobs logs {job.id}):")
        for line in tail.splitlines()[-_TAIL:]:
            say(f"  {clean(line)}")
