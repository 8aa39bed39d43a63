"""`evalhub artifacts`: list, pull and verify the artifacts of jobs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._output import Column, Output, output_options
from evalhub.cli.jobs import find_job
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.models import EvaluationJob

__all__ = ["artifacts"]

_COLUMNS = (
    Column("benchmark", lambda row: row["benchmark"], keep=True),
    Column("index", lambda row: row["index"]),
    Column("reference", lambda row: row["reference"], keep=True),
)


@click.group()
def artifacts() -> None:
    """List, pull and verify the artifacts of jobs."""


@artifacts.command("list")
@click.argument("job")
@output_options
@pass_app
def list_command(app: App, /, job: str, output: Output) -> None:
    """List the artifacts of a job."""
    output.show(_rows(find_job(app.client, job)), _COLUMNS, id_field="reference")


def _registry(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--username", help="User of the registry; by default docker's."),
        click.option("--password-stdin", is_flag=True, help="Read the password from stdin."),
        click.option("--plain-http", is_flag=True, help="Allow plain HTTP, unverified TLS."),
    ):
        command = option(command)
    return command


@artifacts.command("pull")
@click.argument("source", metavar="JOB|REFERENCE")
@click.argument("directory")
@click.option("--benchmark", help="Benchmark, if the job has several.")
@_registry
@pass_app
def pull(app: App, /, source: str, directory: str, benchmark: str | None, **registry: Any) -> None:
    """Download the files of an artifact, and verify them."""
    from evalhub.oci import pull as download

    reference = _reference(app, source, benchmark)
    done = download(reference, directory, **_options(registry))
    for file in done.files:
        click.echo(file.path)
    click.echo(f"{len(done.files)} files of {done.reference} verified", err=True)


@artifacts.command("verify")
@click.argument("source", metavar="JOB|REFERENCE")
@click.option("--benchmark", help="Benchmark, if the job has several.")
@_registry
@pass_app
def verify(app: App, /, source: str, benchmark: str | None, **registry: Any) -> None:
    """Read an artifact and check every digest; nothing is written."""
    from evalhub.oci import verify as check

    done = check(_reference(app, source, benchmark), **_options(registry))
    click.echo(f"{done.reference}: {len(done.files)} files, {done.size_bytes} bytes verified")


def _options(registry: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"insecure": registry["plain_http"]}
    if registry["username"]:
        if not registry["password_stdin"]:
            raise ConfigurationError("--username needs --password-stdin")
        options["username"] = registry["username"]
        options["password"] = sys.stdin.read().strip()
    return options


def _rows(job: EvaluationJob) -> list[dict[str, Any]]:
    return [
        {"benchmark": one.id, "index": one.benchmark_index, "reference": reference}
        for one in job.results.benchmarks
        if (reference := one.artifacts.get("oci_reference"))
    ]


def _reference(app: App, source: str, benchmark: str | None) -> str:
    """Return a reference as it is, or that of a job's only artifact."""
    if source.startswith("oci:") or "/" in source:
        return source
    job = find_job(app.client, source)
    rows = [row for row in _rows(job) if benchmark in (None, row["benchmark"])]
    if len(rows) != 1:
        there = ", ".join(str(row["benchmark"]) for row in _rows(job)) or "none"
        raise ConfigurationError(
            f"job {job.id} has {len(rows)} artifacts that match; choose with --benchmark: {there}"
        )
    return str(rows[0]["reference"])
