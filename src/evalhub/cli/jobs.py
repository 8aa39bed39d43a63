"""`evalhub jobs`: list, follow, judge and stop jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.complete import job_ids
from evalhub.cli.errors import say
from evalhub.cli.eval import (
    STATES,
    Since,
    cancel,
    describe,
    logs,
    providers_of,
    show_results,
    since_date,
    stop,
)
from evalhub.cli.options import client_of, connects, examples, seconds
from evalhub.cli.output import formats, output_of, write
from evalhub.cli.resolve import find_job
from evalhub.cli.scores import interval_text, score_rows, verdict_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.models import EvaluationJob

__all__ = ["jobs"]


@click.group("jobs")
def jobs() -> None:
    """List, follow, judge and stop jobs."""


# The last part of a name is the command's own: both groups have these two.
jobs.add_command(logs)
jobs.add_command(cancel)


@jobs.command("list")
@click.option(
    "--status", "states", multiple=True, type=click.Choice(STATES), help="State; several: either."
)
@click.option("--name", help="Jobs with exactly this name.")
@click.option("--tag", "tags", multiple=True, help="Tag; several: all of them.")
@click.option("--owner", help="Jobs of this user.")
@click.option("--experiment-id", help="Jobs of this MLflow experiment.")
@click.option("--provider", help="Jobs with a benchmark of this provider.")
@click.option("--since", type=Since(), metavar="AGE", help="Jobs of the last 24h, 7d ...")
@click.option("-L", "--limit", type=click.IntRange(min=1), help="How many to show, the newest.")
@formats
@connects
@click.pass_context
@examples(
    "evalhub jobs list --status running --since 24h",
    "evalhub jobs list -q | head -1",
)
def list_(ctx: click.Context, /, **given: Any) -> None:
    """List jobs, newest first."""
    filters: Any = {
        key: given[key] for key in ("name", "owner", "experiment_id") if given[key] is not None
    }
    if given["tags"]:
        filters["tags"] = list(given["tags"])
    found = client_of(ctx).jobs.list(list(given["states"]) or None, **filters)
    found = since_date(found, given["since"])
    if given["provider"]:
        found = [job for job in found if given["provider"] in providers_of(job)]
    found = found[: given["limit"]]
    output = output_of(ctx)
    columns = ("id", "state", "name", "model", "verdict", "benchmarks", "created")
    rows = [_row(job) for job in found]
    needed = output.form in {"json", "ndjson", "yaml"}
    output.show([job.to_wire() for job in found] if needed else rows, rows=rows, columns=columns)


def _row(job: EvaluationJob) -> dict[str, Any]:
    entries = job.benchmarks or job.status.benchmarks
    names = ",".join(dict.fromkeys(entry.id for entry in entries))
    return {
        "id": job.id,
        "state": str(job.state),
        "name": job.name,
        "model": job.model.name,
        "verdict": verdict_word(job.passed),
        "benchmarks": names or (job.collection.id if job.collection else ""),
        "created": job.resource.created_at.isoformat(timespec="seconds"),
    }


@jobs.command("get")
@click.argument("job", shell_complete=job_ids)
@formats
@connects
@click.pass_context
@examples(
    "evalhub jobs get JOB --jq .status.state",
)
def get(ctx: click.Context, job: str) -> None:
    """Show one job."""
    found = find_job(client_of(ctx), job)
    output = output_of(ctx)
    if output.is_text:
        write(describe(found))
    else:
        output.show([found.to_wire()], rows=[_row(found)], one=True)


def _awaited(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the jobs to wait for, and how long."""
    for option in (
        click.option("--poll-interval", type=seconds(), help="Seconds between looks."),
        click.option("--timeout", type=seconds(zero=True), help="Seconds to wait at most."),
        click.option("--gate", is_flag=True, help="Exit 3 unless every job has passed."),
        click.argument("jobs", nargs=-1, required=True, shell_complete=job_ids),
    ):
        command = option(command)
    return command


def _waits(
    ctx: click.Context, names: tuple[str, ...], given: dict[str, Any], *, ndjson: bool
) -> None:
    from evalhub.cli.waiting import conclude, exit_code_of, note_missed, wait_for

    client = client_of(ctx)
    ids = [find_job(client, name).id for name in names]
    ended = wait_for(
        client, ids, timeout=given["timeout"], poll=given["poll_interval"], ndjson=ndjson
    )
    output = output_of(ctx)
    if not output.is_text and not ndjson:
        output.show([job.to_wire() for job in ended], rows=[_row(job) for job in ended])
    if not ndjson:
        ctx.exit(conclude(ctx, client, ended, gate=given["gate"]))
    if not given["gate"]:
        note_missed(ended)
    ctx.exit(exit_code_of(ended, gate=given["gate"]))


@jobs.command("wait")
@_awaited
@formats
@connects
@click.pass_context
@examples(
    "evalhub jobs wait JOB --gate --timeout 3600",
)
def wait(ctx: click.Context, /, jobs: tuple[str, ...], **given: Any) -> None:
    """Wait until JOBS have ended; show scores and verdicts."""
    _waits(ctx, jobs, given, ndjson=False)


@jobs.command("watch")
@_awaited
@formats
@connects
@click.pass_context
@examples(
    "evalhub jobs watch JOB | jq .status.state",
)
def watch(ctx: click.Context, /, jobs: tuple[str, ...], **given: Any) -> None:
    """Watch JOBS: a live table on a terminal, one JSON object for each change in a pipe."""
    import sys

    ndjson = not sys.stdout.isatty() and output_of(ctx).form in {"tsv", "json", "ndjson"}
    _waits(ctx, jobs, given, ndjson=ndjson)


@jobs.command("delete")
@click.argument("jobs", nargs=-1, required=True, shell_complete=job_ids)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@connects
@click.pass_context
@examples(
    "evalhub jobs delete JOB --yes",
)
def delete(ctx: click.Context, jobs: tuple[str, ...], *, yes: bool) -> None:
    """Stop JOBS and delete them with their results and logs."""
    for job in jobs:
        stop(ctx, job, delete=True, yes=yes)


@jobs.command("scores")
@click.argument("job", shell_complete=job_ids)
@formats
@connects
@click.pass_context
@examples(
    "evalhub jobs scores JOB -o csv",
)
def scores(ctx: click.Context, job: str) -> None:
    """Show what a job has measured: value, interval, number of examples, pass mark, verdict."""
    found = find_job(client_of(ctx), job)
    if output_of(ctx).form in {"json", "ndjson", "yaml"}:
        output_of(ctx).show(score_rows(found))
        return
    show_results(ctx, found)


@jobs.command("history")
@click.argument("benchmark")
@click.option("--name", help="Jobs with exactly this name; of any name by default.")
@click.option("--provider", help="Provider of the benchmark, where several have one of this id.")
@click.option("--metric", help="Metric, in place of the primary one.")
@click.option("--last", type=click.IntRange(min=1), default=20, help="How many jobs to look back.")
@formats
@connects
@click.pass_context
@examples(
    "evalhub jobs history gsm8k --name nightly --last 30",
    "evalhub jobs history gsm8k -o csv",
)
def history(ctx: click.Context, /, benchmark: str, **given: Any) -> None:
    """Follow the score of BENCHMARK over the last jobs, oldest first; name a drift."""
    found = client_of(ctx).jobs.history(benchmark=benchmark, **given)
    rows = [
        {
            "created": row["created_at"].isoformat(timespec="seconds"),
            "job": row["job_id"],
            "name": row["job_name"],
            "model": row["model"],
            found.metric: float(f"{row['value']:.6g}"),
            "interval": interval_text([row["interval_low"], row["interval_high"]]),
            "n": row["samples"],
            "changed": row["changes"],
        }
        for row in found.to_rows()
    ]
    output = output_of(ctx)
    columns = ("created", found.metric, "interval", "n", "changed", "job", "name", "model")
    output.show([found.model_dump(mode="json")], rows=rows, columns=columns, name="job", one=True)
    if output.is_text:
        say(found.sentence)


@jobs.command("samples")
@click.argument("job", shell_complete=job_ids)
@click.option("--benchmark", help="The benchmark, where the job has several.")
@click.option("--provider", help="Its provider, where several have one of this id.")
@click.option("-L", "--limit", type=click.IntRange(min=1), help="How many to show, the first.")
@formats
@connects
@click.pass_context
@examples(
    "evalhub jobs samples JOB -o ndjson > samples.jsonl",
    "evalhub jobs samples JOB --benchmark gsm8k -L 20",
)
def samples(
    ctx: click.Context, job: str, benchmark: str | None, provider: str | None, limit: int | None
) -> None:
    """Show the answers behind a score: what was asked, expected and said.

    They are read from the artifact that the adapter has stored.
    """
    client = client_of(ctx)
    found = client.jobs.samples(find_job(client, job), benchmark, provider_id=provider)[:limit]
    records = [sample.to_wire() for sample in found]
    rows = [
        {
            "id": sample.sample_id,
            "repeat": sample.repeat,
            "prediction": sample.prediction,
            "expected": sample.expected,
            "output": sample.error or sample.output,
            "input": sample.input,
        }
        for sample in found
    ]
    columns = ("id", "prediction", "expected", "output", "input", "repeat")
    output_of(ctx).show(records, rows=rows, columns=columns)


@jobs.command("open")
@click.argument("job", shell_complete=job_ids)
@connects
@click.pass_context
@examples(
    "evalhub jobs open JOB",
)
def open_(ctx: click.Context, job: str) -> None:
    """Print where a job is: its address in the service, its MLflow experiment."""
    client = client_of(ctx)
    found = find_job(client, job)
    write(f"{client.base_url.rstrip('/')}/api/v1/evaluations/jobs/{found.id}\n")
    if found.results.mlflow_experiment_url:
        write(f"{found.results.mlflow_experiment_url}\n")
    else:
        say("the job has no MLflow experiment")
