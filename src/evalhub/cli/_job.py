"""Jobs on the command line: their tables, waiting for them, and what their end means."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._errors import ExitCode, VerdictError
from evalhub.cli._output import Column, field_of, safe
from evalhub.models.state import JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalhub.cli._output import Output
    from evalhub.client import EvalHubClient
    from evalhub.models import EvaluationJob

__all__ = ["JOB_COLUMNS", "SCORE_COLUMNS", "end", "score_rows", "show_scores", "wait_for"]


def _benchmarks(job: Mapping[str, Any]) -> str:
    if collection := field_of(job, "collection.id"):
        return f"collection {collection}"
    names = [str(one.get("id")) for one in job.get("benchmarks") or ()]
    return ", ".join(names)


def _verdict(job: Mapping[str, Any]) -> str:
    passed = field_of(job, "results.test.pass")
    return "" if passed is None else "passed" if passed else "failed"


JOB_COLUMNS = (
    Column("id", lambda job: field_of(job, "resource.id"), keep=True),
    Column("name", lambda job: job.get("name")),
    Column("state", lambda job: field_of(job, "status.state")),
    Column("verdict", _verdict),
    Column("benchmarks", _benchmarks),
    Column("model", lambda job: field_of(job, "model.name")),
    Column("created", lambda job: str(field_of(job, "resource.created_at") or "")[:19]),
)


def score_rows(job: EvaluationJob) -> list[dict[str, Any]]:
    """Return the scores of a job as rows, with interval and number of samples if reported."""
    details = {
        (result.id, result.benchmark_index): (result.additional_info or {}).get("metric_details")
        for result in job.results.benchmarks
    }
    rows: list[dict[str, Any]] = []
    for score in job.scores():
        known = details.get((score.benchmark_id, score.benchmark_index))
        interval = field_of({"d": known}, f"d.{score.metric}.confidence_interval")
        rows.append(
            {
                "benchmark": score.benchmark_id,
                "provider": score.provider_id,
                "metric": score.metric,
                "value": score.value,
                "confidence_interval": interval,
                "num_samples": field_of({"d": known}, f"d.{score.metric}.num_samples"),
                "threshold": score.threshold,
                "verdict": {None: "", True: "passed", False: "failed"}[score.passed],
            }
        )
    return rows


def _interval(row: Mapping[str, Any]) -> str:
    bounds = row["confidence_interval"]
    return f"{bounds[0]:.4g} to {bounds[1]:.4g}" if bounds else ""


SCORE_COLUMNS = (
    Column("benchmark", lambda row: row["benchmark"], keep=True),
    Column("provider", lambda row: row["provider"]),
    Column("metric", lambda row: row["metric"], keep=True),
    Column("value", lambda row: row["value"], keep=True),
    Column("interval", _interval),
    Column("n", lambda row: row["num_samples"]),
    Column("threshold", lambda row: row["threshold"]),
    Column("verdict", lambda row: row["verdict"]),
)


def show_scores(job: EvaluationJob, output: Output) -> None:
    """Print the scores of a job."""
    output.show(score_rows(job), SCORE_COLUMNS, id_field="metric")


def wait_for(
    client: EvalHubClient,
    job: EvaluationJob,
    *,
    timeout: float | None,
    poll: float | None,
    output: Output,
) -> EvaluationJob:
    """Wait for a job, with a line on stderr for each change; its log's end if it fails."""
    try:
        done = client.jobs.wait(
            job, timeout, poll, on_update=lambda seen: output.note(progress_line(seen))
        )
    except KeyboardInterrupt as interruption:
        interruption.add_note(f"wait again with: evalhub jobs wait {job.id}")
        raise
    if done.state in (JobStatus.FAILED, JobStatus.PARTIALLY_FAILED):
        _show_failure(client, done, output)
    return done


def progress_line(job: EvaluationJob) -> str:
    """Return the state of a job and of its benchmarks in one line."""
    parts = [
        f"{one.id} {one.status.value}" + (f" ({one.phase.value})" if one.phase else "")
        for one in job.status.benchmarks
    ]
    more = f": {', '.join(parts)}" if parts else ""
    return safe(f"{job.id} {job.state.value}{more}")


def end(job: EvaluationJob, *, gate: bool) -> None:
    """End the command as the job did.

    Raises:
        VerdictError: The job did not complete, or missed its threshold and a gate was asked for.
    """
    if job.state is not JobStatus.COMPLETED:
        raise VerdictError(ExitCode.FAILED)
    if gate and job.passed is not True:
        reason = "has no verdict" if job.passed is None else "missed its threshold"
        click.echo(f"gate: job {job.id} {reason}", err=True)
        raise VerdictError(ExitCode.VERDICT)


def _show_failure(client: EvalHubClient, job: EvaluationJob, output: Output) -> None:
    for one in job.status.benchmarks:
        if one.error_message is not None:
            output.note(safe(f"{one.id}: {one.error_message.message}"))
    tail = client.jobs.logs(job, tail=20)
    if tail.strip():
        output.note("the end of the log:")
        for line in tail.rstrip().splitlines():
            output.note("  " + safe(line))
    sys.stderr.flush()
