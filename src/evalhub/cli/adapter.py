"""`evalhub adapter`: start, run and check adapters, and deliver kept reports."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from evalhub.cli._errors import ExitCode, VerdictError
from evalhub.cli._files import parameter

__all__ = ["adapter"]


@click.group()
def adapter() -> None:
    """Start, run and check adapters, and deliver kept reports."""


@adapter.command("new")
@click.argument("directory")
def new(directory: str) -> None:
    """Write a project with an adapter, its tests and its image."""
    from evalhub.adapter._template import write_template

    for file in write_template(directory):
        click.echo(file)


@adapter.command("run")
@click.argument("name", metavar="MODULE:CLASS")
@click.option("-b", "--benchmark", default="benchmark", help="Benchmark to evaluate.")
@click.option("-m", "--model-url", help="Address of the model.")
@click.option("-n", "--model-name", default="model", help="Name of the model.")
@click.option(
    "-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="JSON, @FILE, or text."
)
@click.option("--num-examples", type=click.IntRange(1))
@click.option("--folder", type=click.Path(file_okay=False), help="Keeps job file and artifact.")
def run(name: str, folder: str | None, params: tuple[str, ...], **options: Any) -> None:
    """Run an adapter once, without a service: shows scores, keeps the artifact.

    \b
    Example:
      evalhub adapter run my_adapter:MyAdapter -b arithmetic -m http://localhost:8000/v1 -n m
    """
    place = Path(folder or tempfile.mkdtemp(prefix="evalhub-job-"))
    spec = place / "meta" / "job.json"
    spec.parent.mkdir(parents=True, exist_ok=True)
    job: dict[str, Any] = {
        "id": "local",
        "provider_id": "local",
        "benchmark_id": options["benchmark"],
        "model": {"name": options["model_name"], "url": options["model_url"]},
        "parameters": dict(map(parameter, params)),
        "callback_url": None,
    }
    if options["num_examples"]:
        job["num_examples"] = options["num_examples"]
    spec.write_text(json.dumps(job, indent=1))
    click.echo(f"job file, samples and artifact: {place}", err=True)
    done = _python("-m", "evalhub.adapter", name, "--job-spec", str(spec))
    if done:
        raise VerdictError(ExitCode(done) if done in set(ExitCode) else ExitCode.FAILED)


@adapter.command("validate")
@click.argument("name", metavar="FILE|MODULE:CLASS")
def validate(name: str) -> None:
    """Check that an adapter can be imported and is one; a provider file, that it is valid."""
    if name.endswith((".yaml", ".yml", ".json")):
        from evalhub.cli._files import read_mapping
        from evalhub.cli.validate import check

        check("provider", read_mapping(name))
        click.echo(f"{name}: a valid provider")
        return
    from evalhub.adapter.__main__ import adapter_class

    found = adapter_class(name)
    click.echo(f"{name}: {found.__doc__ or 'an adapter'}".splitlines()[0])


@adapter.command("resend")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--url", help="Address of the service, in place of the file's.")
def resend(files: tuple[str, ...], url: str | None) -> None:
    """Deliver reports that were kept because the service could not be reached."""
    code = _python("-m", "evalhub.adapter", "resend", *files, *(["--url", url] if url else []))
    if code:
        raise VerdictError(ExitCode.NO_CONNECTION if code == ExitCode.VERDICT else ExitCode.USAGE)


def _python(*arguments: str) -> int:
    """Run Python on this terminal, and return its exit code."""
    return subprocess.run([sys.executable, *arguments], check=False).returncode  # noqa: S603 - this interpreter
