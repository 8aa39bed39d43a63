"""`evalhub run` and `evalhub eval run`: submit a job, wait for it, gate on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evalhub.cli.complete import benchmark_ids, collection_ids, provider_ids
from evalhub.cli.errors import say
from evalhub.cli.options import client_of, connects, examples, options_of, seconds
from evalhub.cli.output import formats, output_of, write
from evalhub.cli.submission import benchmarks_of, job_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.client import EvalHubClient
    from evalhub.models import EvaluationJob

__all__ = ["eval_run", "follow_logs", "run", "submitted"]

F = TypeVar("F", bound="Callable[..., Any]")

_JOB: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--model-auth-secret",), {"help": "Secret with the model's credentials."}),
    (
        ("--provider",),
        {"help": "Provider of benchmarks that name none.", "shell_complete": provider_ids},
    ),
    (
        ("-b", "--benchmark", "benchmarks"),
        {
            "multiple": True,
            "help": "Benchmark: ID or ID@PROVIDER.",
            "shell_complete": benchmark_ids,
        },
    ),
    (("--collection",), {"help": "Collection to run.", "shell_complete": collection_ids}),
    (
        ("-p", "--param", "params"),
        {"multiple": True, "metavar": "K=V", "help": "Parameter: text, JSON, or @FILE."},
    ),
    (("--limit",), {"type": click.IntRange(min=1), "help": "Examples of each benchmark."}),
    (("--dataset",), {"help": "Dataset parameter."}),
    (("--description",), {"help": "Description of the job."}),
    (("--tag", "tags"), {"multiple": True, "help": "Tag of the job."}),
    (("--threshold",), {"type": float, "help": "Score the job must reach."}),
    (("--experiment",), {"help": "MLflow experiment."}),
    (("--queue",), {"help": "Kueue queue."}),
    (("--hardware-profile",), {"help": "Hardware profile of the pods."}),
    (("--set",), {"multiple": True, "metavar": "PATH=V", "help": "Any field: `custom.team=red`."}),
    (("--oci-host",), {"help": "Registry for the results."}),
    (("--oci-repository",), {"help": "Repository in it."}),
    (("--oci-connection",), {"help": "Secret with the registry's credentials."}),
    *(
        ((f"--test-data-{source}",), {"help": f"Test data: {text}."})
        for source, text in (
            ("s3-bucket", "bucket"),
            ("s3-key", "prefix in the bucket"),
            ("s3-secret", "Secret of the bucket"),
            ("pvc-claim-name", "volume claim"),
            ("pvc-sub-path", "path in the volume"),
            ("git-url", "git repository"),
            ("git-ref", "branch, tag or commit"),
            ("git-sub-path", "path in the repository"),
            ("git-secret", "Secret of the repository"),
            ("hf-repo-id", "Hugging Face repository"),
            ("hf-revision", "branch, tag or commit"),
            ("hf-sub-path", "path in the repository"),
            ("hf-secret", "Secret with the token"),
        )
    ),
    (("--wait",), {"is_flag": True, "help": "Wait until the job has ended."}),
    (("--watch",), {"is_flag": True, "help": "Wait, and show what happens."}),
    (("--gate",), {"is_flag": True, "help": "Wait; exit 3 unless the job has passed."}),
    (("--dry-run",), {"is_flag": True, "help": "Show the job and send nothing."}),
    (("--timeout",), {"type": seconds(zero=True), "help": "Seconds to wait at most."}),
)


def _with_job_options(command: F) -> F:
    for names, settings in reversed(_JOB):
        command = click.option(*names, **settings)(command)
    return command


@click.command("run")
@click.argument("file", required=False)
@click.option("-n", "--model-name", help="Name of the model.")
@click.option("-m", "--model-url", help="Address of the model.")
@click.option("--name", help="Name of the job; made of the model and the benchmarks if absent.")
@click.option("--metric", "metrics", multiple=True, help="Metric to compute.")
@click.option("--poll-interval", type=seconds(), help="Seconds between looks.")
@_with_job_options
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
@_with_job_options
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
    _default_provider(ctx, job)
    if client is None:
        write(json.dumps(_checked(job), indent=2) + "\n")
        return
    entry = _submit(client, job)
    waits = given["wait"] or given["watch"] or given["gate"]
    submitted(ctx, entry, hint=not waits, aside=waits and not logs)
    if not waits:
        _show(ctx, entry)
        return
    finish(ctx, client, entry, given, logs=logs and given["watch"])


def finish(
    ctx: click.Context,
    client: EvalHubClient,
    entry: EvaluationJob,
    given: dict[str, Any],
    *,
    logs: bool,
) -> None:
    """Wait for a job that was submitted, show what came of it, and end."""
    from evalhub.cli.waiting import conclude, wait_for

    timeout, poll = given["timeout"], given["poll_interval"]
    if logs:
        follow_logs(client, entry.id, poll=poll, timeout=timeout)
        ended = [client.jobs.get(entry.id)]
    else:
        ndjson = bool(given["watch"]) and output_of(ctx).form == "ndjson"
        ended = wait_for(client, [entry.id], timeout=timeout, poll=poll, ndjson=ndjson)
    if not output_of(ctx).is_text:
        _show(ctx, ended[0])
    conclude(ctx, client, ended, gate=bool(given.get("gate")))


def submitted(ctx: click.Context, job: EvaluationJob, *, hint: bool, aside: bool = False) -> None:
    """Say that a job was submitted: on stdout where that is all there is to say."""
    output = output_of(ctx)
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
