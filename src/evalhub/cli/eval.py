"""`evalhub eval`: jobs by the names and with the output of earlier releases."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.complete import job_ids
from evalhub.cli.errors import say
from evalhub.cli.options import client_of, connects, examples, seconds
from evalhub.cli.output import clean, formats, output_of, write
from evalhub.cli.resolve import find_job
from evalhub.cli.run import eval_run, follow_logs
from evalhub.cli.scores import SCORE_COLUMNS, score_rows
from evalhub.cli.states import benchmark_states
from evalhub.errors import EvalHubError

if TYPE_CHECKING:
    from evalhub.models import EvaluationJob

__all__ = ["eval_", "since_date"]

STATES = ("pending", "running", "completed", "failed", "cancelled", "partially_failed")
# Scripts of 1.0 cut the first four by their place.
_RESULTS = ("benchmark", "provider", "metric", "value", "interval", "n", "threshold", "verdict")


@click.group("eval")
def eval_() -> None:
    """Submit and manage evaluation jobs."""


eval_.add_command(eval_run)


if TYPE_CHECKING:
    _Moment = click.ParamType[datetime]
else:
    _Moment = click.ParamType  # not generic before click 8.2


class Since(_Moment):
    """A time ago: `24h`, `7d`, `30m`."""

    name = "age"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment it means."""
        if isinstance(value, datetime):
            return value
        match = re.fullmatch(r"(\d{1,6})([mhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is no time: give 30m, 24h or 7d", param, ctx)
        unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2]]
        return datetime.now(UTC) - timedelta(**{unit: int(match[1])})


def since_date(jobs: list[EvaluationJob], since: datetime | None) -> list[EvaluationJob]:
    """Return the jobs made after a moment."""
    if since is None:
        return jobs
    return [job for job in jobs if _aware(job.resource.created_at) >= since]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@eval_.command("status")
@click.argument("job", required=False, shell_complete=job_ids)
@click.option("--status", "state", type=click.Choice(STATES), help="Jobs in this state.")
@click.option("--limit", type=click.IntRange(min=1), help="How many to show.")
@click.option("--provider", help="Jobs with a benchmark of this provider.")
@click.option("--since", type=Since(), metavar="AGE", help="Jobs of the last 24h, 7d ...")
@click.option("--watch", is_flag=True, help="With an id: follow the job until it has ended.")
@click.option("--poll-interval", type=seconds(), default=5.0, help="Seconds between looks.")
@formats
@connects
@click.pass_context
@examples(
    "evalhub eval status --status failed --since 24h",
)
def status(ctx: click.Context, /, job: str | None, **given: Any) -> None:
    """List jobs, newest first, or show one."""
    client = client_of(ctx)
    if job is not None:
        _status_of(ctx, find_job(client, job), given)
        return
    if given["watch"]:
        raise click.UsageError("--watch needs the id of a job")
    jobs = since_date(client.jobs.list(given["state"]), given["since"])
    if given["provider"]:
        jobs = [job for job in jobs if given["provider"] in providers_of(job)]
    rows = [_row(job) for job in jobs[: given["limit"]]]
    columns = ("id", "name", "state", "oci_state", "provider", "benchmarks", "created")
    output_of(ctx).show(rows, columns=columns)


def _status_of(ctx: click.Context, job: EvaluationJob, given: dict[str, Any]) -> None:
    from evalhub.cli.waiting import conclude, wait_for

    client = client_of(ctx)
    if given["watch"]:
        (job,) = wait_for(client, [job.id], poll=given["poll_interval"])
    output = output_of(ctx)
    if output.is_text:
        write(describe(job))
    else:
        output.show([job.to_wire()], rows=[_row(job)])
    if given["watch"]:
        ctx.exit(conclude(ctx, client, [job], gate=False))


def providers_of(job: EvaluationJob) -> list[str]:
    found = [entry.provider_id for entry in job.benchmarks]
    found += [entry.provider_id for entry in job.status.benchmarks]
    found += [entry.provider_id for entry in job.results.benchmarks]
    return list(dict.fromkeys(found))


def _row(job: EvaluationJob) -> dict[str, Any]:
    oci = job.results.oci
    count = max(len(job.benchmarks), len(job.status.benchmarks), len(job.results.benchmarks))
    return {
        "id": job.id,
        "name": job.name,
        "state": str(job.state),
        "oci_state": oci.status.state if oci and oci.status else "",
        "provider": next(iter(providers_of(job)), ""),
        "benchmarks": count,
        "created": job.resource.created_at.isoformat(" ", "seconds"),
    }


def describe(job: EvaluationJob) -> str:
    """Return a job as text for people."""
    lines = [f"Job:     {job.id}", f"Name:    {clean(job.name)}", f"State:   {job.state}"]
    if job.description:
        lines.append(f"Desc:    {clean(job.description)}")
    lines.append(f"Model:   {clean(job.model.name)} ({clean(job.model.url or 'no url')})")
    lines.append(f"Created: {job.resource.created_at.isoformat(' ', 'seconds')}")
    if job.collection is not None:
        lines.append(f"Collection: {clean(job.collection.id)}")
    states = benchmark_states(job)
    lines.append(f"Benchmarks ({len(states)}):")
    for state in states:
        entry = state.reported
        phase = f" [{entry.phase}]" if entry and entry.phase else ""
        error = f" - {clean(entry.error_message)}" if entry and entry.error_message else ""
        name, provider = clean(state.id), clean(state.provider_id)
        lines.append(f"  {name} ({provider}): {state.name}{phase}{error}")
    if job.status.message:
        lines.append(f"Message: {clean(job.status.message)}")
    if job.results.test:
        from evalhub.cli.waiting import verdict_of

        lines.append(f"Verdict: {verdict_of(job)}")
    if job.results.oci and job.results.oci.status:
        lines += ["OCI:", f"  State: {job.results.oci.status.state}"]
    return "".join(f"{line}\n" for line in lines)


@eval_.command("results")
@click.argument("job", shell_complete=job_ids)
@formats
@connects
@click.pass_context
@examples(
    "evalhub eval results JOB --format json",
)
def results(ctx: click.Context, job: str) -> None:
    """Show what a job has measured, and the service's verdicts."""
    show_results(ctx, find_job(client_of(ctx), job))


def show_results(ctx: click.Context, job: EvaluationJob) -> None:
    """Show the scores of a job."""
    if job.state != "completed":
        say(f"warning: job {job.id} is {job.state}: results may be missing")
    output = output_of(ctx)
    records = [entry.to_wire() for entry in job.results.benchmarks]
    columns = SCORE_COLUMNS if output.form == "table" else _RESULTS
    output.show(records, rows=score_rows(job), columns=columns, name="benchmark")
    if output.is_text and job.results.mlflow_experiment_url:
        say(f"MLflow experiment: {job.results.mlflow_experiment_url}")


@eval_.command("logs")
@click.argument("job", shell_complete=job_ids)
@click.option("-f", "--follow", is_flag=True, help="Follow until the job has ended.")
@click.option(
    "--tail", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="Last lines."
)
@click.option("--timestamps", is_flag=True, help="Put a timestamp before each line.")
@click.option("--since", type=click.IntRange(min=1), help="Lines of the last SECONDS alone.")
@click.option("--benchmark-index", type=click.IntRange(min=0), help="One benchmark alone.")
@click.option(
    "--poll-interval", type=seconds(), default=2.0, show_default=True, help="Seconds between looks."
)
@click.option("--timeout", type=seconds(), help="Seconds to follow at most.")
@connects
@click.pass_context
@examples(
    "evalhub eval logs JOB --follow",
)
def logs(ctx: click.Context, /, job: str, **given: Any) -> None:
    """Show the log of a job."""
    client = client_of(ctx)
    found = find_job(client, job)
    if given["timeout"] is not None and not given["follow"]:
        raise click.UsageError("--timeout needs --follow")
    if given["follow"]:
        follow_logs(
            client,
            found.id,
            poll=given["poll_interval"],
            timeout=given["timeout"],
            benchmark=given["benchmark_index"],
            tail=given["tail"],
        )
        if client.jobs.get(found.id).state != "completed":
            ctx.exit(1)
        return
    text = client.jobs.logs(
        found.id,
        benchmark=given["benchmark_index"],
        tail=given["tail"],
        timestamps=given["timestamps"],
        since_seconds=given["since"],
    )
    if not text:
        say(f"no log: job {found.id} is {found.state}")
    write(text if not text or text.endswith("\n") else f"{text}\n")


@eval_.command("cancel")
@click.argument("jobs", nargs=-1, required=True, shell_complete=job_ids)
@click.option("--hard-delete", is_flag=True, help="Delete the job with its results as well.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@connects
@click.pass_context
@examples(
    "evalhub eval cancel JOB --yes",
)
def cancel(ctx: click.Context, jobs: tuple[str, ...], *, hard_delete: bool, yes: bool) -> None:
    """Stop JOBS; the service removes their logs."""
    for job in jobs:
        stop(ctx, job, delete=hard_delete, yes=yes)


def stop(ctx: click.Context, given: str, *, delete: bool, yes: bool) -> None:
    """Cancel or delete a job."""
    client = client_of(ctx)
    job = find_job(client, given)
    if not delete and job.is_terminal and job.state != "cancelled":
        # The service removes the files of a job before it refuses (wire contract 1.6).
        raise EvalHubError(
            f"job {job.id} is {job.state}, and there is nothing to cancel:"
            f" evalhub jobs delete {job.id} removes it"
        )
    confirm(f"{'Delete' if delete else 'Cancel'} job {clean(job.name)} ({job.id})?", yes=yes)
    client.jobs.cancel(job.id, hard_delete=delete)
    write(f"Job {job.id} {'deleted' if delete else 'cancelled'}.\n")


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is lost; without a terminal nobody can answer.

    Raises:
        UsageError: Nobody is there to ask.
        Abort: The answer is no.
    """
    if yes:
        return
    if sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)
        return
    # Scripts pipe `yes` into the command; an empty pipe is no answer.
    answer = "" if sys.stdin.closed or not sys.stdin.readable() else sys.stdin.readline()
    if not answer:
        raise click.UsageError(f"{question} There is no terminal to ask on: give --yes")
    if answer.strip().lower() not in {"y", "yes"}:
        raise click.Abort
