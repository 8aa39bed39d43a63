"""`evalhub collections`: list, change and run collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._job import JOB_COLUMNS, end, show_scores, wait_for
from evalhub.cli._output import Column, Output, field_of, output_options, safe
from evalhub.cli._resources import add_changes
from evalhub.cli.jobs import show_logs

if TYPE_CHECKING:
    from evalhub.models import Collection

__all__ = ["collections"]

_COLUMNS = (
    Column("id", lambda one: field_of(one, "resource.id"), keep=True),
    Column("name", lambda one: one.get("name")),
    Column("benchmarks", lambda one: len(one.get("benchmarks") or ())),
    Column("tags", lambda one: one.get("tags")),
    Column("description", lambda one: one.get("description")),
)


@click.group()
def collections() -> None:
    """List, change and run collections of benchmarks."""


@collections.command("list")
@click.option("--tag", "tags", multiple=True, help="Only collections with this tag.")
@click.option("--limit", type=click.IntRange(1))
@output_options
@pass_app
def list_command(app: App, /, tags: tuple[str, ...], limit: int | None, output: Output) -> None:
    """List collections."""
    api = app.client.collections
    found = api.list(limit=limit, tags=list(tags)) if tags else api.list(limit=limit)
    output.show([one.to_wire() for one in found], _COLUMNS, id_field="resource.id")


@collections.command("describe")
@click.argument("collection")
@output_options
@pass_app
def describe(app: App, /, collection: str, output: Output) -> None:
    """Show a collection and its benchmarks."""
    found: Collection = app.client.collections.get(collection)
    if output.is_data:
        output.show([found.to_wire()], _COLUMNS, id_field="resource.id")
        return
    click.echo(safe(f"{found.id}: {found.name}"))
    output.show(
        [benchmark.to_wire() for benchmark in found.benchmarks],
        (
            Column("id", lambda one: one.get("id"), keep=True),
            Column("provider_id", lambda one: one.get("provider_id")),
            Column("weight", lambda one: one.get("weight")),
        ),
    )


@collections.command("run")
@click.argument("collection")
@click.option("-m", "--model-url", required=True)
@click.option("-n", "--model-name", required=True)
@click.option("--model-auth-secret")
@click.option("--name", help="Name of the job.")
@click.option("--queue")
@click.option("--wait", is_flag=True)
@click.option("--watch", is_flag=True)
@click.option("--gate", is_flag=True, help="Wait; exit with 3 below the threshold.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True))
@click.option("--poll-interval", type=click.FloatRange(0, min_open=True))
@output_options
@pass_app
def run(app: App, /, collection: str, output: Output, **options: Any) -> None:
    """Evaluate a model on a collection."""
    found = app.client.collections.get(collection)
    model: dict[str, Any] = {"name": options["model_name"], "url": options["model_url"]}
    if options["model_auth_secret"]:
        model["auth"] = {"secret_ref": options["model_auth_secret"]}
    request: dict[str, Any] = {
        "name": options["name"] or f"{found.name} ({found.id})",
        "model": model,
        "collection": {"id": found.id},
    }
    if options["queue"]:
        request["queue"] = {"name": options["queue"]}
    job = app.client.jobs.submit(request)
    output.note(f"Job submitted: {job.id}")
    if options["watch"]:
        show_logs(
            app, job.id, follow=True, tail=10_000, timestamps=False, since=None,
            benchmark_index=None, poll_interval=options["poll_interval"] or 2.0,
            timeout=options["timeout"],
        )  # fmt: skip
        end(app.client.jobs.get(job), gate=options["gate"])
        return
    waits = options["wait"] or options["gate"]
    if waits:
        job = wait_for(
            app.client, job, timeout=options["timeout"], poll=options["poll_interval"],
            output=output,
        )  # fmt: skip
    if output.is_data or not waits:
        output.show([job.to_wire()], JOB_COLUMNS, id_field="resource.id")
    else:
        show_scores(job, output)
    if waits:
        end(job, gate=options["gate"])


add_changes(collections, "collection", lambda app: app.client.collections, _COLUMNS)
