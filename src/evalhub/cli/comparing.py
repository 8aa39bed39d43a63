"""`evalhub compare`, `gate`, `report`, `baseline`: is it better?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.complete import job_ids
from evalhub.cli.errors import ExitCode
from evalhub.cli.options import client_of, connects, examples
from evalhub.cli.output import clean, formats, output_of, write
from evalhub.cli.resolve import find_job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evalhub.models import EvaluationJob

__all__ = ["baseline", "compare", "gate", "report", "save_reports", "side"]

_SUFFIXES = (".json", ".json.gz")
_COLUMNS = ("benchmark_id", "verdict", "metric", "baseline", "candidate", "difference")
_BASELINE_COLUMNS = ("name", "job", "saved_at", "digest")


def _rules(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--paired",
            type=click.Choice(["auto", "require", "off"]),
            default="auto",
            help="Whether to compare samples in pairs.",
        ),
        click.option("--policy", metavar="FILE", help="Requirements and tolerances: gate.yaml."),
    ):
        command = option(command)
    return command


@click.command("compare")
@click.argument("baseline", shell_complete=job_ids)
@click.argument("candidate", shell_complete=job_ids)
@_rules
@formats
@connects
@click.pass_context
@examples(
    "evalhub compare last-week tonight",
    "evalhub compare .evalhub/baselines/good.json.gz JOB --policy gate.yaml",
)
def compare(ctx: click.Context, /, baseline: str, candidate: str, **rules: Any) -> None:
    """Compare two jobs: better, worse, the same, or no way to tell.

    Each side is the id or name of a job, a file with a job, or the name of a baseline. Exits with
    3 if the candidate is worse.
    """
    client, output = client_of(ctx), output_of(ctx)
    found = client.jobs.compare(side(ctx, baseline), side(ctx, candidate), **rules)
    if output.is_text:
        write(clean(str(found)) + "\n")
    else:
        record = found.model_dump(mode="json")
        output.show([record], rows=found.to_rows(), columns=_COLUMNS, name="benchmark_id", one=True)
    if found.passed is False:
        ctx.exit(ExitCode.VERDICT)


@click.command("gate")
@click.argument("job", shell_complete=job_ids)
@click.option("--baseline", help="Job, file or baseline that the job must not be worse than.")
@click.option("--strict", is_flag=True, help="Exit with 3 where no verdict is possible, too.")
@_rules
@connects
@click.pass_context
@examples(
    "evalhub gate JOB",
    "evalhub gate JOB --baseline good --policy gate.yaml",
)
def gate(ctx: click.Context, /, job: str, baseline: str | None, **rules: Any) -> None:
    """Stop a pipeline: exit with 3 if a job is not good enough, with 1 if it did not complete.

    Without a baseline the service's own verdict counts; without either, the gate stays closed.
    """
    from evalhub.analysis import gate as judge

    before = side(ctx, baseline) if baseline else None
    result = judge(find_job(client_of(ctx), job), baseline=before, **rules)
    write(clean(str(result)) + "\n")
    if result.exit_code:
        did_not_complete = result.exit_code == ExitCode.FAILED
        ctx.exit(ExitCode.FAILED if did_not_complete else ExitCode.VERDICT)


@click.command("report")
@click.argument("jobs", nargs=-1, required=True, shell_complete=job_ids)
@click.option("--to", "file", required=True, metavar="FILE", help=".html, .md, .xml or .json.")
@click.option("--baseline", help="Job, file or baseline to compare the first job with.")
@click.option("--policy", metavar="FILE", help="Requirements and tolerances: gate.yaml.")
@click.option("--title", help="Title of the report.")
@connects
@click.pass_context
@examples(
    "evalhub report JOB --to report.html",
    "evalhub report JOB --baseline good --to junit.xml",
)
def report(
    ctx: click.Context, /, jobs: tuple[str, ...], file: str, baseline: str | None, **more: Any
) -> None:
    """Write a report on jobs; the suffix of the file chooses the form.

    In a GitHub workflow the report is appended to the summary of the step as well.
    """
    client = client_of(ctx)
    before = side(ctx, baseline) if baseline else None
    found = [find_job(client, name) for name in jobs]
    (saved,) = save_reports(found, [file], baseline=before, **more)
    write(f"{saved}\n")


def save_reports(jobs: list[EvaluationJob], files: Sequence[str], **more: Any) -> list[Path]:
    """Write a report in the form that each file's suffix names, and the summary of a workflow."""
    from evalhub.report import append_summary, report
    from evalhub.settings import CliSettings

    made = report(jobs, **more)
    saved = [made.save(file) for file in files]
    summary = CliSettings.from_env().step_summary
    if summary is not None:
        append_summary(made, summary)
    return saved


@click.group("baseline")
def baseline() -> None:
    """Keep jobs as files to commit, and compare later jobs with them."""


@baseline.command("set")
@click.argument("name")
@click.argument("job", shell_complete=job_ids)
@connects
@click.pass_context
@examples(
    "evalhub baseline set good JOB",
)
def set_(ctx: click.Context, name: str, job: str) -> None:
    """Save a job as a baseline in .evalhub/baselines."""
    from evalhub.analysis import save_baseline

    write(f"{save_baseline(name, find_job(client_of(ctx), job)).path}\n")


@baseline.command("list")
@formats
@click.pass_context
@examples(
    "evalhub baseline list",
)
def list_(ctx: click.Context) -> None:
    """List the baselines in .evalhub/baselines."""
    from evalhub.analysis import list_baselines

    rows = [_row(one) for one in list_baselines()]
    output_of(ctx).show(rows, columns=_BASELINE_COLUMNS, name="name")


@baseline.command("show")
@click.argument("name")
@formats
@click.pass_context
@examples(
    "evalhub baseline show good",
)
def show(ctx: click.Context, name: str) -> None:
    """Show the job of a baseline."""
    from evalhub.analysis import load_baseline

    found = load_baseline(name)
    output_of(ctx).show(
        [found.job.to_wire()], rows=[_row(found)], columns=_BASELINE_COLUMNS, name="name", one=True
    )


def _row(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "job": one.job.id,
        "saved_at": f"{one.saved_at:%Y-%m-%d %H:%M}",
        "digest": one.digest,
    }


def side(ctx: click.Context, name: str) -> Any:
    """Return the baseline, the file or the job of this name."""
    from evalhub.analysis import BASELINES, load_baseline

    if name.endswith(_SUFFIXES):
        return name
    if (Path(BASELINES) / f"{name}.json.gz").exists():
        return load_baseline(name)
    return find_job(client_of(ctx), name)
