"""Saving to real MLflow servers, read back by MLflow's own client."""

from __future__ import annotations

import json
import math
import platform
import resource
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.mlflow_server import PASSWORD, WORKSPACE, MlflowPython
from support.recorder import EventRecorder
from support.server import QuietHandler, serving
from support.sidecar import runtime_sidecar

from evalhub.adapter import DefaultCallbacks
from evalhub.adapter._mlflow.backends import saver
from evalhub.adapter._mlflow.upstream import UpstreamStore
from evalhub.adapter.mlflow import (
    Metric,
    MLflowAPIError,
    MlflowArtifact,
    MlflowClient,
    MlflowFileArtifact,
    MlflowSaver,
    Param,
    RunInfo,
)
from evalhub.errors import ConfigurationError
from evalhub.models.card import CapabilityEvalEntry, EnvironmentCard, EvalCardMetadata
from evalhub.models.result import EvaluationResult, JobResults
from evalhub.testing import job_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.models.spec import JobSpec
    from evalhub.testing.faults import Faults

pytestmark = pytest.mark.e2e


@pytest.fixture
def events() -> Iterator[EventRecorder]:
    with EventRecorder() as recorder:
        yield recorder


def callbacks_of(spec: JobSpec, url: str) -> DefaultCallbacks:
    return DefaultCallbacks(
        spec.job_id, spec.benchmark_id, spec.provider_id, spec.benchmark_index, url
    )


def results_of(spec: JobSpec, **more: Any) -> JobResults:
    fields = {"num_examples_evaluated": 3, "duration_seconds": 1.0, **more}
    return JobResults.for_job(spec, fields.pop("metrics", {"accuracy": 0.75}), **fields)


METRICS = [
    EvaluationResult(
        metric_name="acc,none", metric_value=1.0, confidence_interval=(0.5, 1.0), num_samples=3
    ),
    EvaluationResult(metric_name="acc@none", metric_value=0.5),
    EvaluationResult(metric_name="größe/日本", metric_value=True),
    EvaluationResult(metric_name="lost", metric_value=math.nan),
    EvaluationResult(metric_name="answer", metric_value="text"),
    EvaluationResult(metric_name="curve", metric_value=[1, 2]),
]
CARDS = {
    "eval_card": EvalCardMetadata(
        languages=["de", "fr"],
        capability_evaluations=[
            CapabilityEvalEntry(ability="arithmetic", benchmark="b", metric="acc")
        ],
    ),
    "env_card": EnvironmentCard(framework_name="quiz", dataset_hash="sha256:" + "a" * 64),
}
ALL_OF_A_RUN = """(lambda run: {
    "metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags,
    "status": run.info.status, "name": run.info.run_name,
    "inputs": [[i.dataset.name, i.dataset.digest] for i in run.inputs.dataset_inputs],
    "files": sorted(f.path for at in [None, "evalhub", "sub"]
                    for f in client.list_artifacts(run_id, at) if not f.is_dir),
    "others": mlflow.artifacts.load_dict(run.info.artifact_uri + "/evalhub/metrics.json"),
    "text": mlflow.artifacts.load_text(run.info.artifact_uri + "/sub/ü _.txt"),
})(client.get_run(run_id))"""


def test_mlflows_own_client_reads_all_of_a_run(
    mlflow: Faults,
    mlflow_urls: dict[str, str],
    mlflow_python: MlflowPython,
    events: EventRecorder,
    tmp_path: Path,
):
    spec = job_spec(job_id="j'1", experiment_name="all", tags={"a,b": "c"})
    callbacks = callbacks_of(spec, events.url)
    callbacks.samples.add("q1", 1, input="1+1")
    file = tmp_path / "report.txt"
    file.write_text("streamed")
    artifacts: list[MlflowArtifact | MlflowFileArtifact] = [
        MlflowArtifact("pieces", (bytes([65]) for _ in range(3))),
        MlflowArtifact("empty", b""),
        MlflowFileArtifact("sub/ü #.txt", file),
    ]

    results = results_of(spec, metrics=METRICS, overall_score=0.9, **CARDS)
    run_id = callbacks.mlflow.save(results, spec, artifacts, strict=True)

    assert run_id is not None
    found = mlflow_python.says(
        ALL_OF_A_RUN, mlflow_urls["spaces"], run_id=run_id, MLFLOW_WORKSPACE=WORKSPACE
    )
    metrics, tags = found["metrics"], found["tags"]
    assert metrics["acc_none"] == 1.0
    assert (metrics["acc_none.ci_low"], metrics["acc_none.ci_high"]) == (0.5, 1.0)
    assert metrics["acc_none.n"] == 3
    assert metrics["größe/日本"] == 1.0
    assert math.isnan(metrics["lost"])
    assert metrics["overall_score"] == 0.9
    assert 0.5 in metrics.values()
    assert set(json.loads(tags["evalhub.metric_names"]).values()) >= {"acc,none", "acc@none"}
    assert (tags["a_b"], tags["evalhub.job_id"]) == ("c", "j'1")
    assert found["params"]["eval_card.primary_ability"] == "arithmetic"
    assert found["params"]["env_card.framework_name"] == "quiz"
    assert (found["name"], found["status"]) == ("j'1_0", "FINISHED")
    assert found["inputs"] == [[spec.benchmark_id, "a" * 36]]
    assert found["others"] == {"answer": "text", "curve": [1, 2]}
    assert found["text"] == "streamed"
    assert found["files"] == [
        "empty", "evalhub/env_card.json", "evalhub/eval_card.json", "evalhub/metrics.json",
        "manifest.json", "pieces", "samples.jsonl", "sub/ü _.txt",
    ]  # fmt: skip


def test_a_save_needs_nine_requests_and_a_second_one_seven(mlflow: Faults, events: EventRecorder):
    spec = job_spec(job_id="twice", experiment_name="twice")
    callbacks = callbacks_of(spec, events.url)
    artifacts = [MlflowArtifact("a", b"1"), MlflowArtifact("b", b"2")]

    first = callbacks.mlflow.save(results_of(spec), spec, artifacts, strict=True)
    count = len(mlflow.seen)
    changed = results_of(spec, duration_seconds=2.0)
    second = callbacks.mlflow.save(changed, spec, artifacts, strict=True)

    assert (count, len(mlflow.seen) - count) == (9, 7)
    assert first == second is not None
    with MlflowClient() as client:
        run = client.get("/runs/get", {"run_id": str(first)})["run"]["data"]
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["evalhub.param.duration_seconds"] == "2.0"


def test_the_card_of_the_machine_is_in_the_run(
    mlflow: Faults,
    mlflow_urls: dict[str, str],
    mlflow_python: MlflowPython,
    events: EventRecorder,
):
    spec = job_spec(job_id="card", experiment_name="card")
    results = results_of(spec)
    run_id = callbacks_of(spec, events.url).mlflow.save(results, spec, strict=True)

    found = mlflow_python.says(
        """(lambda run: {
            "params": run.data.params,
            "card": mlflow.artifacts.load_dict(run.info.artifact_uri + "/evalhub/env_card.json"),
        })(client.get_run(run_id))""",
        mlflow_urls["spaces"],
        run_id=run_id,
        MLFLOW_WORKSPACE=WORKSPACE,
    )
    assert found["card"]["python_version"] == platform.python_version()
    assert found["card"]["aggregate_results"] == {"accuracy": 0.75}
    assert found["params"]["env_card.python_version"] == platform.python_version()
    assert results.env_card is None


def test_a_card_with_values_of_any_type_costs_no_run(mlflow: Faults, events: EventRecorder):
    spec = job_spec(job_id="odd", experiment_name="odd")
    card = EnvironmentCard(framework_name="quiz")
    card.os_info = Path("/etc/os-release")  # type: ignore[assignment]
    card.key_packages = {"quiz": math.nan}  # type: ignore[dict-item]
    callbacks = callbacks_of(spec, events.url)

    run_id = callbacks.mlflow.save(results_of(spec, env_card=card), spec, strict=True)

    with MlflowClient() as client:
        params = client.get_run(str(run_id)).params
    assert params["env_card.os_info"] == "/etc/os-release"


def test_thousands_of_metrics_need_few_requests(mlflow: Faults):
    with MlflowClient() as client:
        run = client.create_run(client.get_or_create_experiment("many"))
        metrics = [Metric(f"m/{i}", i) for i in range(2500)]
        client.log_batch(run.run_id, metrics, [Param(f"p{i}", str(i)) for i in range(150)])
        found = client.get("/runs/get", {"run_id": run.run_id})["run"]["data"]

    assert (len(found["metrics"]), len(found["params"])) == (2500, 150)
    assert len([call for call in mlflow.seen if call.path.endswith("/log-batch")]) == 3


ALL_CALLS = """(lambda run: {
    "metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags,
    "status": run.info.status, "name": run.info.run_name,
    "history": [[m.step, m.value] for m in client.get_metric_history(run_id, "m")],
    "traces": [[[s.name, s.inputs, s.outputs, s.span_type, s.parent_id, s.status.status_code]
                for s in client.get_trace(trace).data.spans] for trace in traces],
    "infos": [[t.info.state, t.info.tags["team"], t.info.execution_duration, t.info.request_preview]
              for t in client.search_traces([run.info.experiment_id],
                                            filter_string="tags.team = 'x'")],
})(client.get_run(run_id))"""

SPANS: list[dict[str, Any]] = [
    {
        "name": "root", "span_id": "00000000000000aa", "parent_span_id": None, "status": "OK",
        "start_time_unix_nano": 1_700_000_000_000_000_000,
        "end_time_unix_nano": 1_700_000_001_500_000_000,
        "attributes": {
            "mlflow.spanType": "AGENT", "mlflow.spanInputs": {"q": "1+1"},
            "mlflow.spanOutputs": "2", "tokens": 5,
        },
    },
    {
        "name": "call", "span_id": "00000000000000ab", "parent_span_id": "00000000000000aa",
        "start_time_unix_nano": 1_700_000_000_100_000_000,
        "end_time_unix_nano": 1_700_000_000_200_000_000,
        "attributes": {"mlflow.spanType": "LLM"}, "status": "ERROR",
    },
]  # fmt: skip


def test_every_call_through_basic_authentication(
    mlflow_urls: dict[str, str],
    mlflow_python: MlflowPython,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    login = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": PASSWORD}
    for name, value in login.items():
        monkeypatch.setenv(name, value)
    with MlflowClient(mlflow_urls["login"]) as client:
        assert client.get_experiment_by_name("calls") is None
        experiment = client.get_or_create_experiment("calls")
        assert client.get_experiment_by_name("calls") is not None
        with client.start_run(experiment, "named", {"t": "1"}) as run_id:
            client.log_metric(run_id, "m", 1.5)
            client.log_metric(run_id, "m", math.inf, step=1)
            client.log_param(run_id, "p", "v")
            client.set_tag(run_id, "t", "2")
            client.log_batch(run_id, [Metric("n", 2)], [Param("q", "w")], {"u": "3"})
            client.upload_artifact(run_id, "a/b.txt", iter([b"1", b"23"]), content_length=3)
        assert [f.path for f in client.list_artifacts(run_id)] == ["a"]
        (file,) = client.list_artifacts(run_id, "a")
        assert (file.path, file.file_size) == ("a/b.txt", 3)
        target = client.download_artifact(run_id, "a/b.txt", tmp_path / "b.txt")
        assert target.read_bytes() == b"123"
        with pytest.raises(ZeroDivisionError), client.start_run(experiment) as failed:
            _ = 1 / 0
        assert client.get_run(failed).status == "FAILED"
        with pytest.raises(MLflowAPIError, match=r"\[INVALID_PARAMETER_VALUE\].*\(HTTP 400\)"):
            client.log_param(run_id, "p", "another")

        traces = client.traces
        first = traces.create(experiment, SPANS, tags={"team": "x"})
        files = traces.materialize(
            {"mlflow_traces_experiment_name": "calls", "mlflow_traces_filter": "tags.team = 'x'"},
            tmp_path / "traces",
        )
        second = traces.upload_trace_file(experiment, files / f"{first}.json")
        found, token = traces.search([experiment], filter_string="tags.team = 'x'")
        assert {trace.info.request_id for trace in found} == {first, second}
        assert token is None
        span = traces.get(second).data["spans"][0]
        assert (span["span_type"], span["inputs"], span["outputs"]) == ("AGENT", {"q": "1+1"}, "2")
        assert span["attributes"]["tokens"] == 5
        with pytest.raises(ConfigurationError, match="no readable trace"):
            traces.materialize(
                {"mlflow_traces_experiment_id": experiment, "mlflow_traces_run_id": run_id},
                tmp_path,
            )

    told = mlflow_python.says(
        ALL_CALLS, mlflow_urls["login"], run_id=run_id, traces=[first, second], **login
    )
    # Infinity in a database that has none.
    assert told["metrics"] == {"m": sys.float_info.max, "n": 2.0}
    assert told["history"] == [[0, 1.5], [1, sys.float_info.max]]
    assert told["params"] == {"p": "v", "q": "w"}
    assert (told["tags"]["t"], told["tags"]["u"]) == ("2", "3")
    assert (told["status"], told["name"]) == ("FINISHED", "named")
    for spans in told["traces"]:
        assert spans == [
            ["root", {"q": "1+1"}, "2", "AGENT", None, "OK"],
            ["call", None, None, "LLM", "00000000000000aa", "ERROR"],
        ]
    assert told["infos"] == [["ERROR", "x", 1500, '{"q": "1+1"}']] * 2


def test_a_run_through_the_real_sidecar(
    mlflow: Faults, mlflow_urls: dict[str, str], events: EventRecorder,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
):  # fmt: skip
    spec = job_spec(job_id="beside", experiment_name="beside")
    token = tmp_path / "token"
    token.write_text("of-the-sidecar")
    mlflow.require_token(lambda: {"of-the-sidecar"})
    target = {"tracking_uri": mlflow.url, "token_path": str(token)}
    with runtime_sidecar(
        tmp_path / "sidecar", eval_hub=events.url, config={"mlflow": target}
    ) as sidecar:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", sidecar.url)
        callbacks = callbacks_of(spec, sidecar.url)
        run_id = callbacks.mlflow.save(
            results_of(spec), spec, [MlflowArtifact("big", b"x" * 3_000_000)], strict=True
        )
        with MlflowClient() as client:
            experiment = client.get_or_create_experiment("beside")
            trace = client.traces.create(experiment, SPANS)
            assert len(client.traces.get(trace).data["spans"]) == 2

    with MlflowClient(mlflow_urls["spaces"]) as client:
        assert client.get_run(str(run_id)).status == "FINISHED"
        sizes = {file.path: file.file_size for file in client.list_artifacts(str(run_id))}
        assert sizes == {"big": 3_000_000, "evalhub": None}


def test_a_token_that_is_replaced_is_read_again(mlflow: Faults, tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("old")
    valid = {"old"}
    mlflow.require_token(lambda: valid)
    with MlflowClient(token_path=token) as client:
        client.get_or_create_experiment("tokens")
        token.write_text("new!")
        valid.clear()
        valid.add("new!")
        client.get_or_create_experiment("tokens")


def test_the_backend_upstream_writes_the_same_run(
    mlflow: Faults, events: EventRecorder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    spec = job_spec(job_id="upstream", experiment_name="upstream")
    callbacks = callbacks_of(spec, events.url)
    file = tmp_path / "name"
    file.write_text("1")
    artifacts = [MlflowFileArtifact("sub/other", file)]
    theirs = saver("upstream", callbacks, warn=pytest.fail)

    first = theirs.save(results_of(spec, metrics=METRICS, **CARDS), spec, artifacts, strict=True)
    second = callbacks.mlflow.save(results_of(spec, metrics=METRICS), spec, strict=True)

    assert first == second is not None
    assert capfd.readouterr().out == ""
    with MlflowClient() as client:
        assert [f.path for f in client.list_artifacts(str(first), "sub")] == ["sub/other"]
        assert client.get_run(str(first)).status == "FINISHED"


def test_two_benchmarks_make_an_experiment_at_once_by_either_backend(
    mlflow: Faults, monkeypatch: pytest.MonkeyPatch
):
    for client in (MlflowClient(), UpstreamStore()):
        name = f"race {type(client).__name__}"
        with closing(client):
            first = client.get_or_create_experiment(name)
            inner = client._client if isinstance(client, UpstreamStore) else client
            look, answers = inner.get_experiment_by_name, [None]
            monkeypatch.setattr(
                inner,
                "get_experiment_by_name",
                lambda name, look=look, answers=answers: answers.pop() if answers else look(name),
            )
            assert client.get_or_create_experiment(name) == first


def test_a_run_that_is_deleted_meanwhile_is_named(mlflow: Faults):
    class Deleting(MlflowClient):
        def log_batch(self, run_id: str, *rest: Any, **more: Any) -> None:
            self.post("/runs/delete", {"run_id": run_id})
            super().log_batch(run_id, *rest, **more)

    spec = job_spec(job_id="deleted", experiment_name="deleted")
    warnings: list[str] = []
    saving = MlflowSaver(lambda until: Deleting(until=until), warn=warnings.append)
    assert saving.save(results_of(spec), spec) is None
    assert "save again" in warnings[0]
    again = MlflowSaver(lambda until: MlflowClient(until=until), warn=pytest.fail)
    assert again.save(results_of(spec), spec) is not None


def test_a_file_of_two_gibibytes_is_sent_in_constant_memory(tmp_path: Path):
    size = 2 << 30
    received = []

    class Sink(QuietHandler):
        def do_PUT(self) -> None:  # noqa: N802 - the name the base calls
            left = int(self.headers["Content-Length"])
            received.append(left)
            room = memoryview(bytearray(1 << 20))
            while left:
                left -= self.rfile.readinto(room[: min(left, len(room))])
            self.reply(200, b"{}")

    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(size)
    run = RunInfo("r", "1", artifact_uri="mlflow-artifacts:/1/r/artifacts")
    with serving(Sink) as url, MlflowClient(url) as client:
        client.upload_artifact(run, "warm", b"")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        client.upload_artifact_file(run, "large", file)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert received == [0, size]
    assert grown < 64 << 10, "kibibytes"
