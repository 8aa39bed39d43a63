"""`evalhub run` and `evalhub eval run`: submit a job, wait for it, gate on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.errors import ExitCode, say
from evalhub.cli.job_options import job_options
from evalhub.cli.options import client_of, connects, examples, options_of, seconds
from evalhub.cli.output import clean, formats, output_of, write
from evalhub.cli.submission import benchmarks_of, job_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.client import EvalHubClient
    from evalhub.models import EvaluationJob

__all__ = ["eval_run", "follow_logs", "run", "submitted"]


@click.command("run")
@click.argument("file", required=False)
@click.option("-n", "--model-name", help="Name of the model.")
@click.option("-m", "--model-url", help="Address of the model.")
@click.option("--name", help="Name of the job; made of the model and the benchmarks if absent.")
@click.option("--metric", "metrics", multiple=True, help="Metric to compute.")
@click.option("--poll-interval", type=seconds(), help="Seconds between looks.")
@job_options
@formats
@connects
@click.pass_context
@examples(
    "evalhub run -m http://vllm:8000/v1 -n llama3 -b gsm8k --wait",
    "evalhub run -m http://vllm:8000/v1 -n llama3 -b mmlu@lm_evaluation_harness -p limit=10",
    "evalhub run job.yaml --gate --timeout 3600",
    "evalhub run job.yaml --dry-run",
)
def run(ctx: click.Context, /, **given: Any) -> None:
    """Submit an evaluation from options, a FILE, or both: options win. `-` reads stdin."""
    _perform(ctx, given, logs=False)


@click.command("run")
@click.option(
    "--config", "file", metavar="FILE", help="The whole job; its options are ignored then."
)
@click.option("--model-name", help="Name of the model.")
@click.option("--model-url", help="Address of the model.")
@click.option("--name", help="Name of the job.")
@click.option("-m", "--metric", "metrics", multiple=True, help="Metric to compute.")
@click.option(
    "--poll-interval", type=seconds(), default=5.0, show_default=True, help="Seconds between looks."
)
@job_options
@formats
@connects
@click.pass_context
@examples(
    "evalhub eval run --config eval.yaml --wait",
    "evalhub eval run --config eval.yaml --watch",
)
def eval_run(ctx: click.Context, /, **given: Any) -> None:
    """Submit an evaluation, as earlier releases do; `evalhub run` is the shorter way."""
    given["file_alone"] = True
    _perform(ctx, given, logs=True)


def _perform(ctx: click.Context, given: dict[str, Any], *, logs: bool) -> None:
    if given["wait"] and given["watch"]:
        raise click.UsageError("give either --wait or --watch")
    job = job_of(given)
    client = None if given["dry_run"] else client_of(ctx)
    waits = any(given[name] for name in ("wait", "watch", "gate", "baseline", "report", "junit"))
    _default_provider(ctx, job)
    if client is None:
        write(json.dumps(_checked(job), indent=2) + "\n")
        return
    afterwards = _afterwards(ctx, given)
    entry = _submit(client, job)
    submitted(ctx, entry, hint=not waits, aside=waits and not logs)
    if not waits:
        _show(ctx, entry)
        return
    finish(ctx, client, entry, given, logs=logs and given["watch"], afterwards=afterwards)


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What is done with a job that has ended, besides showing it."""

    baseline: Any = None
    reports: Sequence[str] = ()

    def __call__(self, job: EvaluationJob) -> ExitCode:
        """Compare the job and write the reports; return the exit code of a gate."""
        from evalhub.cli.comparing import save_reports

        code = ExitCode.DONE
        if self.baseline is not None:
            from evalhub.analysis import gate

            result = gate(job, baseline=self.baseline)
            say(clean(str(result)))
            if result.exit_code or job.passed is False:
                code = ExitCode.VERDICT
        if self.reports:
            for file in save_reports([job], self.reports, baseline=self.baseline):
                say(f"written: {file}")
        return code


def _afterwards(ctx: click.Context, given: dict[str, Any]) -> Afterwards:
    """Return what is asked for; what cannot be done is an error before the job is submitted."""
    reports = [given[name] for name in ("report", "junit") if given[name]]
    for file in reports:
        from evalhub.report.document import form_of

        form_of(file)
    if given["junit"] and Path(given["junit"]).suffix.lower() != ".xml":
        raise click.UsageError(f"--junit writes XML: end {given['junit']} with .xml")
    if not given["baseline"]:
        return Afterwards(None, reports)
    from evalhub.cli.comparing import side

    return Afterwards(side(ctx, given["baseline"]), reports)


def finish(
    ctx: click.Context,
    client: EvalHubClient,
    entry: EvaluationJob,
    given: dict[str, Any],
    *,
    logs: bool,
    afterwards: Afterwards | None = None,
) -> None:
    """Wait for a job that was submitted, show what came of it, and end."""
    from evalhub.cli.waiting import conclude, wait_for

    afterwards = afterwards or Afterwards()

    timeout, poll = given["timeout"], given["poll_interval"]
    if logs:
        follow_logs(client, entry.id, poll=poll, timeout=timeout)
        ended = [client.jobs.get(entry.id)]
    else:
        ndjson = bool(given["watch"]) and output_of(ctx).form == "ndjson"
        ended = wait_for(client, [entry.id], timeout=timeout, poll=poll, ndjson=ndjson)
    if not output_of(ctx).is_text:
        _show(ctx, ended[0])
    gate, compared = bool(given["gate"]), afterwards.baseline is not None
    code = conclude(ctx, client, ended, gate=gate, compared=compared)
    verdict = afterwards(ended[0])
    ctx.exit(code or (verdict if gate else ExitCode.DONE))


def submitted(ctx: click.Context, job: EvaluationJob, *, hint: bool, aside: bool = False) -> None:
    """Say that a job was submitted: on stdout where that is all there is to say; not with -q."""
    output = output_of(ctx)
    if output.quiet:
        return
    text = f"Job submitted: {job.id}"
    if output.is_text and not aside:
        write(f"{text}\n")
    else:
        say(text)
    if hint:
        say(f"follow it: evalhub jobs watch {job.id}")


def follow_logs(
    client: EvalHubClient,
    job_id: str,
    *,
    poll: float | None,
    timeout: float | None,
    benchmark: int | None = None,
    tail: int | None = None,
) -> None:
    """Write what the log of a job gains to stdout, and what becomes of the job to stderr."""
    from evalhub.cli.waiting import taking_up
    from evalhub.client import JobLogOptions

    state = ""
    updates = client.jobs.watch_logs(
        job_id,
        benchmark_index=benchmark,
        options=None if tail is None else JobLogOptions(tail),
        poll_interval=poll or 2.0,
        timeout=timeout,
    )
    try:
        for update in updates:
            if update.logs:
                write(update.logs)
            if update.job.state != state:
                state = update.job.state
                say(f"job {job_id} {state}")
    except KeyboardInterrupt:
        say(taking_up([job_id]))
        raise


def _show(ctx: click.Context, job: EvaluationJob) -> None:
    output = output_of(ctx)
    if not output.is_text:
        row = {"id": job.id, "name": job.name, "state": str(job.state)}
        output.show([job.to_wire()], rows=[row])


def _default_provider(ctx: click.Context, job: dict[str, Any]) -> None:
    """Turn a benchmark without a provider into an id alone, which the client looks up."""
    from evalhub.cli.profile import ConfigFile

    missing = [entry for entry in benchmarks_of(job) if not entry.get("provider_id")]
    if not missing:
        return
    file = ConfigFile()
    default = file.profile(options_of(ctx).profile).get("provider")
    for entry in missing:
        entry.pop("provider_id", None)
        if default:
            entry["provider_id"] = str(default)


def _placed(client: EvalHubClient, job: dict[str, Any]) -> dict[str, Any]:
    """Find the provider of each benchmark that names none."""
    for entry in benchmarks_of(job):
        if "provider_id" not in entry and entry.get("id"):
            entry["provider_id"] = client.benchmarks.get(entry["id"]).provider_id
    return job


def _submit(client: EvalHubClient, job: dict[str, Any]) -> EvaluationJob:
    from evalhub.errors import BadRequestError, NotFoundError

    try:
        return client.jobs.submit(_checked(_placed(client, job)))
    except (BadRequestError, NotFoundError) as error:
        for text in _misspelt(client, job):
            error.add_note(text)
        raise


def _misspelt(client: EvalHubClient, job: dict[str, Any]) -> list[str]:
    """Return a remark on each benchmark that its provider does not offer, with the nearest."""
    from difflib import get_close_matches

    from evalhub.errors import EvalHubError

    try:
        known = client.benchmarks.list()
    except EvalHubError:  # the first error is the one to show
        return []
    offered = {f"{entry.id}@{entry.provider_id}" for entry in known}
    asked = [
        f"{entry.get('id')}@{entry['provider_id']}" if "provider_id" in entry else f"{entry['id']}"
        for entry in benchmarks_of(job)
        if entry.get("id")
    ]
    unknown = set(asked) - offered - {entry.id for entry in known}
    return [
        f"{name} is offered by no provider; "
        + (f"did you mean {near[0]}?" if near else "evalhub benchmarks list")
        for name in sorted(unknown)
        for near in [get_close_matches(name, offered | {entry.id for entry in known}, n=1)]
    ]


def _checked(job: dict[str, Any]) -> Any:
    from evalhub.cli.validate import build
    from evalhub.models import JobSubmissionRequest
    from evalhub.models._problems import refuse_non_finite

    refuse_non_finite("job", job)
    complete = all(entry.get("provider_id") for entry in benchmarks_of(job))
    return build(JobSubmissionRequest, job).to_wire() if complete else job
