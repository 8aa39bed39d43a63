"""`evalhub collections`."""

from __future__ import annotations

from typing import Any

import click

from evalhub.cli.catalog import add_changes, listed, listing, resource
from evalhub.cli.complete import collection_ids
from evalhub.cli.options import client_of, connects, examples, seconds
from evalhub.cli.output import clean, formats, output_of, write
from evalhub.cli.resolve import find

__all__ = ["collections"]


@click.group("collections")
def collections() -> None:
    """Browse, manage and run collections of benchmarks."""


@collections.command("list")
@click.option("--category", help="Collections of this category.")
@listing
@formats
@connects
@click.pass_context
@examples(
    "evalhub collections list --tag safety",
)
def list_(ctx: click.Context, /, limit: int | None, **given: Any) -> None:
    """List collections."""
    found = listed(ctx, "collection", limit, given)
    rows = [
        {
            "id": entry.id,
            "name": entry.name,
            "description": entry.description,
            "tags": ", ".join(entry.tags),
            "benchmarks": len(entry.benchmarks),
        }
        for entry in found
    ]
    output_of(ctx).show(rows, columns=("id", "name", "description", "tags", "benchmarks"))


@collections.command("describe")
@click.argument("id_", metavar="ID", shell_complete=collection_ids)
@formats
@connects
@click.pass_context
@examples(
    "evalhub collections describe my-collection --format json",
)
def describe(ctx: click.Context, id_: str) -> None:
    """Show a collection and its benchmarks."""
    things = resource(ctx, "collection")
    found = find(id_, "collection", things.get, things.list)
    output = output_of(ctx)
    rows = [
        {
            "id": entry.id,
            "provider_id": entry.provider_id,
            "weight": entry.weight,
            "threshold": entry.pass_criteria.threshold if entry.pass_criteria else None,
        }
        for entry in found.benchmarks
    ]
    if output.is_text:
        write(f"Collection:  {found.id}\nName:        {clean(found.name)}\n")
        write(f"Description: {clean(found.description)}\n")
        if found.pass_criteria is not None:
            write(f"Passes at:   {found.pass_criteria.threshold}\n")
        write("\n")
    output.show([found.to_wire()], rows=rows, columns=("id", "provider_id", "weight", "threshold"))


@collections.command("run")
@click.argument("id_", metavar="ID", shell_complete=collection_ids)
@click.option("-m", "--model-url", required=True, help="Address of the model.")
@click.option("-n", "--model-name", required=True, help="Name of the model.")
@click.option("--model-auth-secret", help="Secret with the model's credentials.")
@click.option("--name", help="Name of the job.")
@click.option("--queue", help="Kueue queue.")
@click.option("--wait", is_flag=True, help="Wait until the job has ended.")
@click.option("--watch", is_flag=True, help="Wait, and write the log to stdout.")
@click.option("--gate", is_flag=True, help="Wait; exit 3 unless the job has passed.")
@click.option("--timeout", type=seconds(zero=True), help="Seconds to wait at most.")
@click.option("--poll-interval", type=seconds(), default=5.0, help="Seconds between looks.")
@formats
@connects
@click.pass_context
@examples(
    "evalhub collections run sums --model-url http://vllm:8000/v1 --model-name llama3 --wait",
)
def run(ctx: click.Context, /, id_: str, **given: Any) -> None:
    """Run a model through a collection."""
    from evalhub.cli.run import finish, submitted
    from evalhub.cli.submission import job_of

    if given["wait"] and given["watch"]:
        raise click.UsageError("give either --wait or --watch")
    things = resource(ctx, "collection")
    found = find(id_, "collection", things.get, things.list)
    given["name"] = given["name"] or f"{found.name} ({found.id})"
    client = client_of(ctx)
    entry = client.jobs.submit(job_of({**given, "collection": found.id}))
    waits = given["wait"] or given["watch"] or given["gate"]
    submitted(ctx, entry, hint=not waits)
    if waits:
        finish(ctx, client, entry, given, logs=given["watch"])
    elif not output_of(ctx).is_text:
        output_of(ctx).show([entry.to_wire()], rows=[{"id": entry.id, "name": entry.name}])


add_changes(collections, "collection", collection_ids)
