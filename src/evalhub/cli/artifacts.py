"""`evalhub artifacts`: what jobs have stored in a registry or an image layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evalhub.cli.complete import job_ids
from evalhub.cli.options import client_of, connects, examples
from evalhub.cli.output import formats, output_of, write
from evalhub.cli.resolve import find_job
from evalhub.errors import ConfigurationError

__all__ = ["artifacts"]


@click.group("artifacts")
def artifacts() -> None:
    """List, fetch and check stored artifacts."""


@artifacts.command("list")
@click.argument("job", shell_complete=job_ids)
@formats
@connects
@click.pass_context
@examples(
    "evalhub artifacts list JOB",
)
def list_(ctx: click.Context, job: str) -> None:
    """List the artifacts of a job."""
    found = find_job(client_of(ctx), job)
    rows: list[dict[str, Any]] = [
        {
            "benchmark": entry.id,
            "provider": entry.provider_id,
            "reference": entry.artifacts.get("oci_reference"),
            "digest": entry.artifacts.get("oci_digest"),
        }
        for entry in found.results.benchmarks
        if entry.artifacts.get("oci_reference")
    ]
    columns = ("benchmark", "reference", "digest", "provider")
    output_of(ctx).show(rows, columns=columns, name="reference")


def _check(reference: str) -> None:
    """Raise `ConfigurationError` of what cannot be a reference, before anything is looked for."""
    from evalhub.errors import ArtifactError
    from evalhub.oci._reference import parse

    try:
        parse(reference)
    except ArtifactError as error:
        raise ConfigurationError(str(error)) from error


@artifacts.command("pull")
@click.argument("reference")
@click.option("--to", type=click.Path(path_type=Path), default=Path(), help="Folder to write to.")
@examples(
    "evalhub artifacts pull oci:evalhub-artifacts@sha256:... --to results",
)
def pull(reference: str, to: Path) -> None:
    """Fetch the files of an artifact, checked against their digests."""
    from evalhub import oci

    _check(reference)
    found = oci.pull(reference, to)
    write(f"{found.reference}\t{to}\n")


@artifacts.command("verify")
@click.argument("reference")
@examples(
    "evalhub artifacts verify quay.io/org/results@sha256:...",
)
def verify(reference: str) -> None:
    """Check every file of an artifact against its digest."""
    from evalhub import oci

    _check(reference)
    found = oci.verify(reference)
    write(f"{found.reference}\t{found.digest}\n")
