"""`evalhub jobs`: list, wait for, watch, cancel and read jobs."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._errors import ExitCode, VerdictError
from evalhub.cli._job import JOB_COLUMNS, end, progress_line, show_scores, wait_for
from evalhub.cli._output import Output, output_options, safe
from evalhub.errors import ConfigurationError, JobNotFoundError

if TYPE_CHECKING:
    from evalhub.client import EvalHubClient
    from evalhub.models import EvaluationJob

__all__ = ["find_job", "jobs", "list_jobs"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@click.group()
def jobs() -> None:
    """List, wait for, cancel and read jobs."""


@jobs.command("list")
@click.option("--status", help="Only jobs in this state; several with `|`.")
@click.option("--name", help="Only jobs of this name.")
@click.option("--tag", "tags", multiple=True, help="Only jobs with this tag.")
@click.option("--provider", help="Only jobs with a benchmark of this provider.")
@click.option("--since", metavar="30m|12h|7d", help="Only jobs created since then.")
@click.option("--limit", type=click.IntRange(1), help="At most this many, the newest.")
@output_options
@pass_app
def list_command(app: App, /, output: Output, **filters: Any) -> None:
    """List jobs, the newest first.

    \b
    Examples:
      evalhub jobs list --status running
      evalhub jobs list --since 7d -o csv
    """
    list_jobs(app, output, **filters)


def list_jobs(  # noqa: PLR0913 - one argument for each filter
    app: App,
    output: Output,
    *,
    status: str | None = None,
    name: str | None = None,
    tags: tuple[str, ...] = (),
    provider: str | None = None,
    since: str | None = None,
    limit: int | None = None,
) -> None:
    """Print the jobs that match the filters; all pages are read."""
    filters: dict[str, Any] = {"name": name, "tags": list(tags) or None}
    given = {key: value for key, value in filters.items() if value is not None}
    earliest = _since(since) if since else None
    found = app.client.jobs.list(status, **given)
    chosen = [
        job
        for job in found
        if (provider is None or provider in {one.provider_id for one in job.benchmarks})
        and (earliest is None or job.resource.created_at >= earliest)
    ]
    output.show([job.to_wire() for job in chosen[:limit]], JOB_COLUMNS, id_field="resource.id")


@jobs.command("get")
@click.argument("job")
@output_options
@pass_app
def get(app: App, /, job: str, output: Output) -> None:
    """Show a job."""
    show_job(find_job(app.client, job), output)


def show_job(job: EvaluationJob, output: Output) -> None:
    """Print a job: as text for people, else whole."""
    if output.is_data:
        output.show([job.to_wire()], JOB_COLUMNS, id_field="resource.id")
        return
    lines = [
        f"Job:      {job.id}",
        f"Name:     {job.name}",
        f"State:    {job.state.value}",
        f"Model:    {job.model.name} ({job.model.url})",
        f"Created:  {job.resource.created_at:%Y-%m-%d %H:%M:%S}",
    ]
    if job.passed is not None:
        lines.insert(3, f"Verdict:  {'passed' if job.passed else 'failed'}")
    for one in job.status.benchmarks:
        phase = f" [{one.phase.value}]" if one.phase else ""
        error = f" - {one.error_message.message}" if one.error_message else ""
        warning = f" - {one.warning_message.message}" if one.warning_message else ""
        lines.append(f"  {one.id} ({one.provider_id}): {one.status.value}{phase}{error}{warning}")
    for line in lines:
        click.echo(safe(line))


@jobs.command("scores")
@click.argument("job")
@output_options
@pass_app
def scores(app: App, /, job: str, output: Output) -> None:
    """Show the scores of a job with intervals, thresholds and verdicts."""
    found = find_job(app.client, job)
    if not found.is_terminal:
        output.note(f"job {found.id} is {found.state.value}: more scores may follow")
    show_scores(found, output)


@jobs.command("wait")
@click.argument("job")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds to wait.")
@click.option("--poll-interval", type=click.FloatRange(0, min_open=True), help="Seconds.")
@click.option("--gate", is_flag=True, help="Exit with 3 unless the job reached its threshold.")
@output_options
@pass_app
def wait(
    app: App,
    /,
    job: str,
    timeout: float | None,
    poll_interval: float | None,
    output: Output,
    *,
    gate: bool,
) -> None:
    """Wait until a job has ended, and show its scores.

    \b
    Examples:
      evalhub jobs wait JOB --timeout 3600
      evalhub jobs wait JOB --gate
    """
    found = find_job(app.client, job)
    done = wait_for(app.client, found, timeout=timeout, poll=poll_interval, output=output)
    show_scores(done, output)
    end(done, gate=gate)


@jobs.command("watch")
@click.argument("job")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds to watch.")
@output_options
@pass_app
def watch(app: App, /, job: str, timeout: float | None, output: Output) -> None:
    """Show each change of a job until it has ended: a line, or an object with -o ndjson."""
    found = find_job(app.client, job)
    last = found
    for last in app.client.jobs.watch(found, timeout):
        if output.is_data:
            click.echo(json.dumps(last.to_wire()))
        else:
            click.echo(progress_line(last))
        sys.stdout.flush()
    end(last, gate=False)


@jobs.command("cancel")
@click.argument("job")
@click.option("--hard-delete", is_flag=True, help="Delete the job as well.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_app
def cancel(app: App, /, job: str, *, hard_delete: bool, yes: bool) -> None:
    """Cancel a job."""
    cancel_job(app, job, hard_delete=hard_delete, yes=yes)


def cancel_job(app: App, name: str, *, hard_delete: bool, yes: bool) -> None:
    """Cancel or delete a job, after a question."""
    found = find_job(app.client, name)
    verb = "Delete" if hard_delete else "Cancel"
    if not yes:
        click.confirm(f"{verb} job {found.name} ({found.id})?", abort=True, err=True)
    app.client.jobs.cancel(found, hard_delete)
    click.echo(f"Job {found.id} {'deleted' if hard_delete else 'cancelled'}.")


@jobs.command("delete")
@click.argument("job")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_app
def delete(app: App, /, job: str, *, yes: bool) -> None:
    """Delete a job with its results and logs."""
    cancel_job(app, job, hard_delete=True, yes=yes)


def log_options(command: Any) -> Any:
    """Give a command the options of `show_logs`."""
    for option in (
        click.option("--timeout", type=click.FloatRange(0, min_open=True), help="With --follow."),
        click.option("--poll-interval", type=click.FloatRange(0, min_open=True), default=2.0),
        click.option("--benchmark-index", type=click.IntRange(0), help="One benchmark alone."),
        click.option("--since", type=click.IntRange(1), metavar="SECONDS"),
        click.option("--timestamps", is_flag=True),
        click.option("--tail", type=click.IntRange(1, 10_000), default=1000, show_default=True),
        click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended."),
    ):
        command = option(command)
    return command


@jobs.command("logs")
@click.argument("job")
@log_options
@pass_app
def logs(app: App, /, job: str, **options: Any) -> None:
    """Show the log of a job."""
    show_logs(app, job, **options)


def show_logs(  # noqa: PLR0913 - one argument for each option
    app: App,
    name: str,
    *,
    follow: bool,
    tail: int,
    timestamps: bool,
    since: int | None,
    benchmark_index: int | None,
    poll_interval: float,
    timeout: float | None,
) -> None:
    """Print the log of a job to stdout."""
    from evalhub.client import JobLogOptions

    found = find_job(app.client, name)
    options = JobLogOptions(tail, timestamps=timestamps, since_seconds=since)
    if not follow:
        text = app.client.jobs.get_logs(found, benchmark_index=benchmark_index, options=options)
        click.echo(text, nl=bool(text) and not text.endswith("\n"))
        return
    last = found
    for update in app.client.jobs.watch_logs(
        found,
        benchmark_index=benchmark_index,
        options=options,
        poll_interval=poll_interval,
        timeout=timeout,
    ):
        click.echo(update.logs, nl=False)
        last = update.job
    if last.state.value != "completed":
        raise VerdictError(ExitCode.FAILED)


@jobs.command("open")
@click.argument("job")
@pass_app
def open_job(app: App, /, job: str) -> None:
    """Open the experiment of a job in the browser."""
    found = find_job(app.client, job)
    url = found.results.mlflow_experiment_url
    if not url:
        raise ConfigurationError(f"job {found.id} has no experiment to open")
    click.echo(url)
    click.launch(url)


def find_job(client: EvalHubClient, name: str) -> EvaluationJob:
    """Return a job by its id, or by its name if that is unique.

    Raises:
        ConfigurationError: Several jobs have the name.
        JobNotFoundError: There is neither such an id nor such a name.
    """
    try:
        return client.jobs.get(name)
    except JobNotFoundError:
        named = client.jobs.list(name=name) if not set(name) & set(",|!") else []
        if not named:
            raise
    if len(named) > 1:
        ids = ", ".join(job.id for job in named[:5])
        raise ConfigurationError(f"{len(named)} jobs are named {name!r}; give an id: {ids}")
    return named[0]


def _since(text: str) -> datetime:
    unit = _UNITS.get(text[-1:])
    if unit is None or not text[:-1].isdigit():
        raise ConfigurationError(f"--since {text!r} must be a number with m, h or d, such as 12h")
    return datetime.now(UTC) - timedelta(**{unit: int(text[:-1])})
