"""`evalhub adapter`: run and check adapters without a service and without a job file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.errors import ExitCode, say
from evalhub.cli.options import examples
from evalhub.cli.output import formats, output_of, write
from evalhub.cli.submission import parameters

if TYPE_CHECKING:
    from evalhub.adapter import FrameworkAdapter
    from evalhub.testing import Outcome

__all__ = ["adapter"]


@click.group("adapter")
def adapter() -> None:
    """Run and check adapters without a service."""


def _load(name: str) -> type[FrameworkAdapter]:
    from evalhub.adapter.__main__ import adapter_class

    place, _, attribute = name.rpartition(":")
    if place.endswith(".py"):
        from evalhub.cli.service_process import adapter_file

        file = adapter_file(place)
        sys.path.insert(0, str(file.parent))
        name = f"{file.stem}:{attribute}"
    return adapter_class(name)


@adapter.command("new")
@click.argument("directory")
@examples(
    "evalhub adapter new my-framework",
)
def new(directory: str) -> None:
    """Write a project with an adapter, its tests and its image."""
    from evalhub.adapter._template import write_template

    write("".join(f"{file}\n" for file in write_template(directory)))


@adapter.command("run")
@click.argument("name", metavar="MODULE:CLASS")
@click.option("-b", "--benchmark", required=True, help="Benchmark to run.")
@click.option("-m", "--model-url", required=True, help="Address of the model.")
@click.option("-n", "--model-name", required=True, help="Name of the model.")
@click.option("-p", "--param", "params", multiple=True, metavar="K=V", help="Parameter.")
@click.option("--limit", type=click.IntRange(min=1), help="Examples to evaluate.")
@click.option("--events", is_flag=True, help="Show what the adapter reported, on stderr.")
@formats
@click.pass_context
@examples(
    "evalhub adapter run my_adapter.py:MyAdapter -b gsm8k -m http://127.0.0.1:8000/v1 -n llama3",
)
def run(ctx: click.Context, /, name: str, **given: Any) -> None:
    """Run an adapter on one benchmark: no service, no job file. Scores go to stdout."""
    from evalhub.testing import AdapterHarness, job_spec

    spec = job_spec(
        benchmark_id=given["benchmark"],
        model={"name": given["model_name"], "url": given["model_url"]},
        parameters=parameters(given["params"]),
        num_examples=given["limit"],
    )
    _show(ctx, AdapterHarness(_load(name)).run(spec), events=given["events"])


def _show(ctx: click.Context, outcome: Outcome, *, events: bool) -> None:
    if events:
        for event in outcome.events:
            say(f"{event.get('status')} {event.get('phase', '')}".rstrip())
    rows = [{"metric": metric, "value": value} for metric, value in outcome.metrics.items()]
    if rows:
        output_of(ctx).show(rows, columns=("metric", "value"), name="metric")
    if outcome.results is not None and outcome.results.oci_artifact is not None:
        say(f"artifact: {outcome.results.oci_artifact.reference}")
    if outcome.exit_code:
        say(f"error: {outcome.error or outcome.exception or 'the adapter failed'}")
        for line in outcome.logs.splitlines()[-20:]:
            say(f"  {line}")
        ctx.exit(outcome.exit_code)


@adapter.command("validate")
@click.argument("name", metavar="MODULE:CLASS")
@click.option("-b", "--benchmark", default="test-benchmark", help="Benchmark to try.")
@click.option("-p", "--param", "params", multiple=True, metavar="K=V", help="Parameter.")
@click.pass_context
@examples(
    "evalhub adapter validate my_adapter.py:MyAdapter -b gsm8k",
)
def validate(ctx: click.Context, name: str, benchmark: str, params: tuple[str, ...]) -> None:
    """Run an adapter once against a model that is made up, and check what it reports."""
    from evalhub.testing import AdapterHarness, FakeModel, job_spec

    found = _load(name)
    with FakeModel() as model:
        spec = job_spec(
            benchmark_id=benchmark,
            model={"name": "fake-model", "url": model.url},
            parameters=parameters(params),
        )
        outcome = AdapterHarness(found).run(spec)
    problems = [f"the service refuses: {entry.event.get('status')}" for entry in outcome.refused]
    if outcome.exit_code:
        problems.append(f"it ends with {outcome.exit_code}: {outcome.error or outcome.exception}")
    elif not outcome.metrics:
        problems.append("it reports no metric")
    for problem in problems:
        say(f"error: {problem}")
    if problems:
        ctx.exit(ExitCode.FAILED)
    write(f"{name}: {len(outcome.events)} events, {len(outcome.metrics)} metrics, well-formed\n")


@adapter.command("resend")
@click.argument("files", nargs=-1, required=True)
@click.option("--url", help="Address of the service, in place of the file's.")
@click.pass_context
@examples(
    "evalhub adapter resend spool/*.json",
)
def resend(ctx: click.Context, files: tuple[str, ...], url: str | None) -> None:
    """Send reports that were kept because the service could not be reached."""
    from evalhub.adapter.__main__ import main

    try:
        main(["resend", *files, *(("--url", url) if url else ())])
    except SystemExit as end:
        ctx.exit(end.code if isinstance(end.code, int) else ExitCode.FAILED)
