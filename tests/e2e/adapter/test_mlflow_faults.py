"""What the service and MLflow hold when something is wrong with MLflow.

Each case runs a benchmark's report in full: save to the real MLflow server through the proxy,
report the results to the real service. `docs/mlflow.md` has the table.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from support.mlflow_server import PASSWORD

from evalhub.adapter import DefaultCallbacks
from evalhub.adapter._mlflow.backends import saver
from evalhub.adapter.mlflow import MlflowArtifact, MlflowClient, MlflowFileArtifact
from evalhub.errors import EvalHubError
from evalhub.models.result import JobResults
from evalhub.models.spec import JobSpec
from evalhub.testing.faults import Answer, Faults, Hang, Reset, Truncate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

SECONDS = 3.0
"""What a save may take here, in place of 30 s."""

LOGIN_PAGE = Answer(200, b"<html><title>Log in</title>", {"Content-Type": "text/html"})
TO_LOGIN = Answer(302, headers={"Location": "https://sso.example/login?state=secret"})

Arrange = Callable[[Faults], None]


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and what must come of it."""

    name: str
    arrange: Arrange = lambda proxy: None
    warning: str | None = None
    """Part of the warning; `None` where there is none."""

    is_saved: bool = False
    status: str | None = None
    """Of the run, where it exists although the save failed."""

    env: dict[str, str] = field(default_factory=dict)
    server: str = "spaces"


def always(action: Any, path: str = "*") -> Arrange:
    return lambda proxy: proxy.always(action, path=path)


def script(*actions: Any, path: str = "*") -> Arrange:
    return lambda proxy: proxy.script(*actions, path=path)


BATCH, PUT, CREATE = "*/runs/log-batch", "*/mlflow-artifacts/*", "*/runs/create"
CASES = [
    Case("no server", warning="cannot connect", env={"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}),
    Case("hangs from the start", always(Hang()), "timed out"),
    Case("hangs once the run is made", always(Hang(), BATCH), "timed out", status="FAILED"),
    Case("429 once", script(Answer(429, headers={"Retry-After": "0"}), path=BATCH), is_saved=True),
    Case("429 for ever", always(Answer(429), BATCH), "busy: save again later", status="FAILED"),
    Case("503 twice", script(Answer(503), Answer(503)), is_saved=True),
    Case("500 for the metrics", always(Answer(500), BATCH), "log of the MLflow server",
         status="FAILED"),
    Case("502 for ever", always(Answer(502, b"bad gateway")), "log of the MLflow server"),
    Case("401", always(Answer(401)), "check MLFLOW_TRACKING_TOKEN"),
    Case("403", always(Answer(403), BATCH), "ask for permission", status="FAILED"),
    Case("404 of a gateway", always(Answer(404, b"<html>")), "check MLFLOW_TRACKING_URI"),
    Case("409", always(Answer(409), BATCH), "another process", status="FAILED"),
    Case("redirect to a login page", always(TO_LOGIN), "redirects to https://sso.example/login, "),
    Case("a login page with status 200", always(LOGIN_PAGE), "did not answer in JSON"),
    Case("truncated answer", always(Truncate(5), "*/get-by-name"), "connection closed before"),
    Case("the answer to runs/create is lost", script(Reset(forwarded=True), path=CREATE),
         is_saved=True),
    Case("one artifact breaks", script(*[Reset(after=1)] * 3, path="*/a"), "'a' not saved",
         is_saved=True),
    Case("one artifact is too large", script(Answer(413), path=PUT), "size limit", is_saved=True),
    Case("artifacts hang", always(Hang(), PUT), "no time was left", is_saved=True),
    Case("unknown workspace", warning="check MLFLOW_WORKSPACE", env={"MLFLOW_WORKSPACE": "none"}),
    Case("a workspace where there are none", warning="unset MLFLOW_WORKSPACE", server="login",
         env={"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": PASSWORD}),
    Case("wrong password", warning="check MLFLOW_TRACKING_TOKEN", server="login",
         env={"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": "wrong",
              "MLFLOW_WORKSPACE": ""}),
    Case("not an HTTP address", warning="the scheme 'sqlite'",
         env={"MLFLOW_TRACKING_URI": "sqlite:///runs.db"}),
    Case("token file is missing", warning="cannot read the token file",
         env={"MLFLOW_TRACKING_TOKEN_PATH": "/none/token"}),
    Case("the experiment is deleted", lambda _: delete_experiment(), "restore it"),
]  # fmt: skip


def experiment_of(case: Case) -> str:
    return f"fault: {case.name}"


def delete_experiment() -> None:
    with MlflowClient() as client:
        found = client.get_or_create_experiment("fault: the experiment is deleted")
        client.post("/experiments/delete", {"experiment_id": found})


def run_of(spec: JobSpec, url: str) -> str | None:
    """Return the state of the benchmark's run, past the proxy."""
    with MlflowClient(url) as client:
        experiment = client.get_experiment_by_name(str(spec.experiment_name))
        if experiment is None:
            return None
        query = {"experiment_ids": [experiment.experiment_id]}
        runs = client.post("/runs/search", query).get("runs", [])
        assert len(runs) <= 1, "two runs of one benchmark"
        return str(runs[0]["info"]["status"]) if runs else None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_fault_costs_the_results(
    case: Case, job: Any, mlflow: Faults, mlflow_urls: dict[str, str],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
):  # fmt: skip
    if case.server == "login":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_urls["login"])
    for name, value in case.env.items():
        monkeypatch.setenv(name, value)
    spec = JobSpec.model_validate(job.spec(experiment_name=experiment_of(case)))
    results = JobResults.for_job(
        spec, {"accuracy": 0.75}, num_examples_evaluated=4, duration_seconds=0.1
    )
    callbacks = DefaultCallbacks(
        spec.job_id, spec.benchmark_id, spec.provider_id, spec.benchmark_index, spec.callback_url
    )
    callbacks.mlflow = saver("odh", callbacks, warn=callbacks._warn_of_mlflow, seconds=SECONDS)
    file = tmp_path / "b"
    file.write_bytes(b"x" * 100_000)
    case.arrange(mlflow)

    started = time.monotonic()
    artifacts: list[MlflowArtifact | MlflowFileArtifact] = [
        MlflowArtifact("a", b"xyz"),
        MlflowFileArtifact("b", file),
    ]
    results.mlflow_run_id = callbacks.mlflow.save(results, spec, artifacts)
    seconds = time.monotonic() - started
    callbacks.report_results(results)

    mlflow.clear()
    print(f"{case.name}: {seconds:.1f} s, run {results.mlflow_run_id}, {case.warning}")
    assert job.state == "completed"
    assert job.metrics == {"accuracy": 0.75}
    assert (results.mlflow_run_id is not None) is case.is_saved
    assert job.results().get("mlflow_run_id") == results.mlflow_run_id
    warning = job.status().get("warning_message", {}).get("message", "")
    assert (case.warning or "") in warning
    assert bool(warning) is (case.warning is not None)
    assert "secret" not in warning
    # Injected clocks bound each request; this is what the thread that saves may add.
    assert seconds < SECONDS + 2
    if not case.env:
        expected = "FINISHED" if case.is_saved else case.status
        assert run_of(spec, mlflow_urls["spaces"]) == expected


def test_strict_raises(mlflow: Faults, job: Any):
    mlflow.always(Answer(500))
    spec = JobSpec.model_validate(job.spec(experiment_name="strict"))
    results = JobResults.for_job(spec, {"a": 1}, num_examples_evaluated=4, duration_seconds=0.1)
    callbacks = DefaultCallbacks(spec.job_id, spec.benchmark_id, spec.provider_id)
    with pytest.raises(EvalHubError, match="HTTP 500"):
        callbacks.mlflow.save(results, spec, strict=True)
