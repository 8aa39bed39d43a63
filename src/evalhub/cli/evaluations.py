"""`evalhub run` and `evalhub eval`: submit, watch and read evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._app import App, pass_app
from evalhub.cli._files import parameter, read_mapping
from evalhub.cli._job import JOB_COLUMNS, end, show_scores, wait_for
from evalhub.cli._output import Output, output_options
from evalhub.cli.jobs import cancel_job, find_job, list_jobs, log_options, show_job, show_logs
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["evaluations", "run"]

_TEST_DATA = {
    "s3": ("bucket", "key", "secret"),
    "pvc": ("claim-name", "sub-path"),
    "git": ("url", "ref", "sub-path", "secret"),
    "hf": ("repo-id", "revision", "sub-path", "secret"),
}
_NEEDED = {"s3": ("bucket", "key", "secret"), "pvc": ("claim-name",), "git": ("url", "ref"),
           "hf": ("repo-id",)}  # fmt: skip


@click.group("eval")
def evaluations() -> None:
    """Submit, watch and read evaluations."""


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a job."""
    options: list[Callable[[Any], Any]] = [
        click.argument("file", required=False),
        click.option("--config", metavar="FILE", help="The job as YAML or JSON, as FILE."),
        click.option("-n", "--model-name", help="Name of the model."),
        click.option("-m", "--model-url", help="Address of the model."),
        click.option("--model-auth-secret", help="Secret with the key of the model."),
        click.option("--name", help="Name of the job; by default that of the model."),
        click.option("--description"),
        click.option("--tag", "tags", multiple=True, help="Tag of the job."),
        click.option(
            "-b", "--benchmark", "benchmarks", multiple=True, metavar="ID[@PROVIDER]",
            help="Benchmark to evaluate; its provider is looked up.",
        ),
        click.option("--provider", help="Provider of the benchmarks that name none."),
        click.option("--collection", metavar="ID", help="Collection, in place of benchmarks."),
        click.option(
            "-p", "--param", "params", multiple=True, metavar="NAME=VALUE",
            help="Parameter of every benchmark: JSON, @FILE, or text.",
        ),
        click.option("--metric", "metrics", multiple=True, help="Metric to compute."),
        click.option("--dataset", help="Data set to evaluate on."),
        click.option("--threshold", type=float, help="Score the job must reach."),
        click.option("--experiment", help="MLflow experiment."),
        click.option("--queue", help="Kueue queue."),
        click.option("--oci-host", help="Registry for the artifacts."),
        click.option("--oci-repository", help="Repository in it."),
        click.option("--oci-connection", help="Connection with its credentials."),
        *(
            click.option(f"--test-data-{kind}-{name}", metavar=name.upper())
            for kind, names in _TEST_DATA.items()
            for name in names
        ),
        click.option("--wait", is_flag=True, help="Wait for the end, and show the scores."),
        click.option("--watch", is_flag=True, help="Follow the log until the end."),
        click.option("--gate", is_flag=True, help="Wait; exit with 3 below the threshold."),
        click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds."),
        click.option("--poll-interval", type=click.FloatRange(0, min_open=True)),
        click.option("--dry-run", is_flag=True, help="Print the job; submit nothing."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command("run")
@run_options
@output_options
@pass_app
def run(app: App, /, output: Output, **options: Any) -> None:
    """Submit an evaluation.

    \b
    Examples:
      evalhub run -m http://localhost:8000/v1 -n my-model -b mmlu -b gsm8k@lm_eval
      evalhub run job.yaml --wait --timeout 3600
      evalhub run -m URL -n NAME --collection safety --gate
    """
    _run(app, output, options)


@evaluations.command("run")
@run_options
@output_options
@pass_app
def eval_run(app: App, /, output: Output, **options: Any) -> None:
    """Submit an evaluation; the same as `evalhub run`."""
    _run(app, output, options)


def _run(app: App, output: Output, options: dict[str, Any]) -> None:
    if options["wait"] and options["watch"]:
        raise click.UsageError("use either --wait or --watch")
    waiting = {name: options.pop(name) for name in ("timeout", "poll_interval")}
    waits, follows, gates = options.pop("wait"), options.pop("watch"), options.pop("gate")
    dry_run = options.pop("dry_run")
    request = job_of(options)
    if dry_run:
        from evalhub.models import JobSubmissionRequest
        from evalhub.models._problems import validated

        wire = validated(JobSubmissionRequest, request, "job").to_wire()
        Output("yaml" if output.format == "table" else output.format).show([wire], ())
        return
    job = app.client.jobs.submit(request)
    output.note(f"Job submitted: {job.id}")
    if follows:
        show_logs(
            app, job.id, follow=True, tail=10_000, timestamps=False, since=None,
            benchmark_index=None, poll_interval=waiting["poll_interval"] or 2.0,
            timeout=waiting["timeout"],
        )  # fmt: skip
        end(app.client.jobs.get(job), gate=gates)
        return
    if not (waits or gates):
        if output.is_data:
            output.show([job.to_wire()], JOB_COLUMNS, id_field="resource.id")
        else:
            click.echo(job.id)
            output.note(f"wait for it with: evalhub jobs wait {job.id}")
        return
    done = wait_for(
        app.client, job, timeout=waiting["timeout"], poll=waiting["poll_interval"], output=output
    )
    if output.is_data:
        output.show([done.to_wire()], JOB_COLUMNS, id_field="resource.id")
    else:
        show_scores(done, output)
    end(done, gate=gates)


def job_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the job that the options describe; those given override the file's.

    Raises:
        ConfigurationError: Something is missing, or two options exclude each other.
    """
    file = options["file"] or options["config"]
    job = read_mapping(file) if file else {}
    for name in ("description", "collection"):
        if options[name]:
            job[name] = options[name]
    if options["tags"]:
        job["tags"] = list(options["tags"])
    _set_model(job, options)
    _set_benchmarks(job, options)
    job.setdefault("name", options["name"] or job.get("model", {}).get("name"))
    if options["name"]:
        job["name"] = options["name"]
    if options["threshold"] is not None:
        job["pass_criteria"] = {"threshold": options["threshold"]}
    if options["experiment"]:
        job["experiment"] = {"name": options["experiment"]}
    if options["queue"]:
        job["queue"] = {"name": options["queue"]}
    _set_exports(job, options)
    if not file:
        _check_complete(job)
    return job


def _check_complete(job: Mapping[str, Any]) -> None:
    missing = [
        option
        for option, there in (
            ("--model-name", job.get("model", {}).get("name")),
            ("--model-url", job.get("model", {}).get("url")),
            ("--benchmark or --collection", job.get("benchmarks") or job.get("collection")),
        )
        if not there
    ]
    if missing:
        raise ConfigurationError(f"give a FILE, or {', '.join(missing)}")


def _set_model(job: dict[str, Any], options: Mapping[str, Any]) -> None:
    model = {"name": options["model_name"], "url": options["model_url"]}
    given: dict[str, Any] = {key: value for key, value in model.items() if value}
    if options["model_auth_secret"]:
        given["auth"] = {"secret_ref": options["model_auth_secret"]}
    if given:
        job["model"] = {**(job.get("model") or {}), **given}


def _set_benchmarks(job: dict[str, Any], options: Mapping[str, Any]) -> None:
    parameters = dict(map(parameter, options["params"]))
    if options["metrics"]:
        parameters["metrics"] = list(options["metrics"])
    if options["dataset"]:
        parameters["dataset"] = options["dataset"]
    data = _test_data(options)
    if options["benchmarks"]:
        job["benchmarks"] = [
            _benchmark(name, options["provider"]) for name in options["benchmarks"]
        ]
    elif not (parameters or data):
        return
    if not job.get("benchmarks"):
        raise ConfigurationError("--param, --metric, --dataset and test data need --benchmark")
    for place, one in enumerate(job["benchmarks"]):
        whole: dict[str, Any] = {"id": one} if isinstance(one, str) else one
        if parameters:
            whole["parameters"] = {**(whole.get("parameters") or {}), **parameters}
        if data:
            whole["test_data_ref"] = data
        job["benchmarks"][place] = whole if len(whole) > 1 else whole["id"]


def _benchmark(name: str, provider: str | None) -> dict[str, Any] | str:
    benchmark, _, named = name.partition("@")
    chosen = named or provider
    return {"id": benchmark, "provider_id": chosen} if chosen else benchmark


def _test_data(options: Mapping[str, Any]) -> dict[str, Any] | None:
    found: dict[str, dict[str, Any]] = {}
    for kind, names in _TEST_DATA.items():
        given = {
            name.replace("-", "_"): options[f"test_data_{kind}_{name.replace('-', '_')}"]
            for name in names
        }
        values = {name: value for name, value in given.items() if value}
        if values:
            missing = [n for n in _NEEDED[kind] if n.replace("-", "_") not in values]
            if missing:
                flags = ", ".join(f"--test-data-{kind}-{name}" for name in missing)
                raise ConfigurationError(f"test data from {kind} also needs {flags}")
            if "secret" in values:
                values["secret_ref"] = values.pop("secret")
            found[kind] = values
    if len(found) > 1:
        raise ConfigurationError(f"test data come from one place, not from {' and '.join(found)}")
    return found or None


def _set_exports(job: dict[str, Any], options: Mapping[str, Any]) -> None:
    host, repository = options["oci_host"], options["oci_repository"]
    if not host and not repository:
        return
    if not (host and repository):
        raise ConfigurationError("give both --oci-host and --oci-repository")
    oci: dict[str, Any] = {"coordinates": {"oci_host": host, "oci_repository": repository}}
    if options["oci_connection"]:
        oci["k8s"] = {"connection": options["oci_connection"]}
    job["exports"] = {"oci": oci}


@evaluations.command("status")
@click.argument("job", required=False)
@click.option("--status", help="Only jobs in this state.")
@click.option("--limit", type=click.IntRange(1))
@click.option("--provider")
@click.option("--since", metavar="Nh|Nd")
@click.option("--watch", is_flag=True, help="Go on until the job has ended.")
@click.option("--poll-interval", type=click.FloatRange(0, min_open=True), default=5.0)
@output_options
@pass_app
def status(
    app: App,
    /,
    job: str | None,
    output: Output,
    poll_interval: float,
    *,
    watch: bool,
    **filters: Any,
) -> None:
    """List jobs, or show one."""
    if job is None:
        list_jobs(app, output, **filters)
        return
    found = find_job(app.client, job)
    if not watch:
        show_job(found, output)
        return
    done = wait_for(app.client, found, timeout=None, poll=poll_interval, output=output)
    show_job(done, output)
    end(done, gate=False)


@evaluations.command("results")
@click.argument("job")
@output_options
@pass_app
def results(app: App, /, job: str, output: Output) -> None:
    """Show the results of a job."""
    found = find_job(app.client, job)
    if not found.is_terminal:
        output.note(f"job {found.id} is {found.state.value}: more results may follow")
    if output.wants_json or output.format == "yaml":
        rows = [result.to_wire() for result in found.results.benchmarks]
        output.show(rows, (), id_field="id")
        return
    show_scores(found, output)
    if found.results.mlflow_experiment_url:
        output.note(f"MLflow experiment: {found.results.mlflow_experiment_url}")


@evaluations.command("logs")
@click.argument("job")
@log_options
@pass_app
def logs(app: App, /, job: str, **options: Any) -> None:
    """Show the log of a job."""
    show_logs(app, job, **options)


@evaluations.command("cancel")
@click.argument("job")
@click.option("--hard-delete", is_flag=True, help="Delete the job as well.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@pass_app
def cancel(app: App, /, job: str, *, hard_delete: bool, yes: bool) -> None:
    """Cancel a job."""
    cancel_job(app, job, hard_delete=hard_delete, yes=yes)
