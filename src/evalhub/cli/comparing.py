"""`evalhub compare`, `gate`, `report`, `baseline`: is it better?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._errors import ExitCode, VerdictError
from evalhub.cli._output import Column, Output, output_options
from evalhub.cli.jobs import find_job
from evalhub.settings import CliSettings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["baseline", "compare", "gate", "report"]

_COLUMNS = (
    Column("benchmark", lambda row: row.get("benchmark_id"), keep=True),
    Column("verdict", lambda row: row.get("verdict"), keep=True),
    Column("metric", lambda row: row.get("metric")),
    Column("baseline", lambda row: row.get("baseline")),
    Column("candidate", lambda row: row.get("candidate")),
    Column("difference", lambda row: row.get("difference")),
)


def _rules(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--paired", type=click.Choice(["auto", "require", "off"]), default="auto",
            help="Whether to compare samples in pairs.",
        ),
        click.option("--policy", metavar="FILE", help="What to require and allow: gate.yaml."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("compare")
@click.argument("baseline")
@click.argument("candidate")
@_rules
@output_options
@pass_app
def compare(app: App, /, baseline: str, candidate: str, output: Output, **rules: Any) -> None:
    """Compare two jobs: better, worse, the same, or no way to tell.

    A side is a job's id or name, a file with a job, or the name of a baseline.

    \b
    Examples:
      evalhub compare last-week tonight
      evalhub compare baseline.json.gz JOB --policy gate.yaml
    """
    before, after = _side(app, baseline), _side(app, candidate)
    comparison = app.client.jobs.compare(before, after, **rules)
    if output.wants_json or output.format in ("yaml", "ndjson"):
        output.show([comparison.model_dump(mode="json")], ())
    elif output.is_data:
        output.show(comparison.to_rows(), _COLUMNS, id_field="benchmark_id")
    else:
        click.echo(str(comparison))
    if comparison.passed is False:
        raise VerdictError(ExitCode.VERDICT)


@click.command("gate")
@click.argument("job")
@click.option("--baseline", help="Job, file or baseline that it must not be worse than.")
@click.option("--strict", is_flag=True, help="Exit with 3 if no verdict is possible.")
@_rules
@pass_app
def gate(
    app: App, /, job: str, baseline: str | None, policy: str | None, paired: str, *, strict: bool
) -> None:
    """Exit with 0 if a job is good enough, with 3 if not, with 1 if it did not complete.

    \b
    Examples:
      evalhub gate JOB
      evalhub gate JOB --baseline nightly --policy gate.yaml
    """
    from evalhub.analysis import gate as judge

    found = find_job(app.client, job)
    before = _side(app, baseline) if baseline else None
    result = judge(found, baseline=before, policy=policy, paired=paired, strict=strict)  # type: ignore[arg-type]  # click checks the choice
    click.echo(result.sentence)
    if result.exit_code:
        code = ExitCode.FAILED if result.exit_code == ExitCode.FAILED else ExitCode.VERDICT
        raise VerdictError(code)


@click.command("report")
@click.argument("jobs", nargs=-1, required=True)
@click.option(
    "-O", "--output-file", "file", required=True, metavar="FILE", help=".html, .md, .xml or .json."
)
@click.option("--baseline", help="Job, file or baseline to compare the first job with.")
@click.option("--title")
@click.option("--policy", metavar="FILE", help="What to require and allow: gate.yaml.")
@pass_app
def report(app: App, /, jobs: tuple[str, ...], file: str, **options: Any) -> None:
    """Write a report on jobs; the suffix of the file decides the form.

    In a GitHub workflow the report is appended to the summary of the step as well.

    \b
    Examples:
      evalhub report JOB -O report.html
      evalhub report JOB --baseline nightly -O junit.xml
    """
    from evalhub.report import append_summary
    from evalhub.report import report as make

    before = _side(app, options["baseline"]) if options["baseline"] else None
    found = [find_job(app.client, name) for name in jobs]
    made = make(found, baseline=before, policy=options["policy"], title=options["title"])
    click.echo(made.save(file))
    summary = CliSettings.from_env().step_summary
    if summary is not None:
        append_summary(made, summary)


@click.group("baseline")
def baseline() -> None:
    """Keep jobs as files to commit, to compare later jobs with."""


@baseline.command("set")
@click.argument("name")
@click.argument("job")
@pass_app
def baseline_set(app: App, /, name: str, job: str) -> None:
    """Save a job as a baseline."""
    from evalhub.analysis import save_baseline

    click.echo(save_baseline(name, find_job(app.client, job)).path)


_BASELINE_COLUMNS = (
    Column("name", lambda row: row["name"], keep=True),
    Column("job", lambda row: row["job"], keep=True),
    Column("saved", lambda row: row["saved_at"]),
    Column("digest", lambda row: row["digest"]),
)


@baseline.command("list")
@output_options
def baseline_list(output: Output) -> None:
    """List the baselines of this folder."""
    from evalhub.analysis import list_baselines

    output.show(
        [_baseline_row(one) for one in list_baselines()], _BASELINE_COLUMNS, id_field="name"
    )


@baseline.command("show")
@click.argument("name")
@output_options
def baseline_show(name: str, output: Output) -> None:
    """Show a baseline."""
    from evalhub.analysis import load_baseline

    output.show([_baseline_row(load_baseline(name))], _BASELINE_COLUMNS, id_field="name")


def _baseline_row(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "job": one.job.id,
        "saved_at": f"{one.saved_at:%Y-%m-%d %H:%M}",
        "digest": one.digest[:19],
    }


def _side(app: App, name: str) -> Any:
    """Return a baseline, a file, or a job, whichever the name is."""
    from evalhub.analysis import BASELINES, load_baseline

    if name.endswith((".json", ".json.gz")):
        return name
    if (Path(BASELINES) / f"{name}.json.gz").exists():
        return load_baseline(name)
    return find_job(app.client, name)
