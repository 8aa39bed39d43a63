"""The client of MLflow: credentials, limits, artifacts in pieces, spans, and its own errors."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from evalhub.adapter._mlflow.advice import with_advice
from evalhub.adapter._mlflow.backends import saver
from evalhub.adapter._mlflow.batches import batches
from evalhub.adapter._mlflow.content import content_of
from evalhub.adapter._mlflow.pieces import on_disk
from evalhub.adapter._mlflow.spans import span_from, trace_from
from evalhub.adapter.mlflow import (
    Metric,
    MLflowAPIError,
    MlflowArtifact,
    MlflowClient,
    MlflowFileArtifact,
    MlflowSaver,
    Param,
    RunInfo,
    TracesNamespace,
)
from evalhub.errors import ConfigurationError, MissingExtraError, TransportTimeoutError
from evalhub.models.result import EvaluationResult, JobResults
from evalhub.testing import RecordingCallbacks, job_spec
from evalhub.testing.faults import Answer, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evalhub.wire.drive import Driver
    from evalhub.wire.identity import Identity

HTTPS = "https://mlflow.example"
RUN = RunInfo("r", "1", artifact_uri="mlflow-artifacts:/1/r/artifacts")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("URI", "TOKEN", "TOKEN_PATH", "USERNAME", "PASSWORD", "SERVER_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    monkeypatch.delenv("MLFLOW_WORKSPACE", raising=False)
    return monkeypatch


@pytest.fixture
def stub() -> Iterator[Faults]:
    """A server that answers as it is told."""
    with Faults("http://127.0.0.1:9") as server:
        yield server


def answer(**body: Any) -> Answer:
    return Answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


def sent(client_of: Any) -> dict[str, str]:
    """Return the headers of a request of a client made with `connect`."""
    seen: dict[str, str] = {}

    def connect(identity: Identity) -> Driver:
        from evalhub.wire.drive import Driver, transport_of

        def reply(_: str, __: str, headers: Any, ___: bytes) -> tuple[int, dict[str, str], bytes]:
            seen.update(headers)
            return 200, {}, b"{}"

        return Driver(identity, transport=transport_of(reply))

    with client_of(connect) as client:
        client.get("/any")
    return seen


BASIC = f"Basic {base64.b64encode(b'u:p').decode()}"


@pytest.mark.parametrize(
    ("env", "given", "expected"),
    [
        ({}, {}, None),
        ({"TOKEN": "t"}, {}, "Bearer t"),
        ({"USERNAME": "u", "PASSWORD": "p", "TOKEN": "t"}, {}, BASIC),
        ({"USERNAME": "u", "PASSWORD": "p"}, {"token": "mine"}, "Bearer mine"),
        ({}, {"tracking_uri": "http://u:p@127.0.0.1:9"}, BASIC),
        ({"TOKEN": "t"}, {"headers": {"authorization": "Custom x"}}, "Custom x"),
    ],
)
def test_which_credentials_are_sent(environment, env, given, expected):
    for name, value in env.items():
        environment.setenv(f"MLFLOW_TRACKING_{name}", value)
    uri = given.pop("tracking_uri", "http://127.0.0.1:9")
    headers = sent(lambda connect: MlflowClient(uri, connect=connect, **given))
    assert headers.get("authorization") == expected


def test_a_token_file_given_wins_over_the_variable(environment, tmp_path):
    environment.setenv("MLFLOW_TRACKING_TOKEN", "variable")
    (tmp_path / "token").write_text("file\n")
    headers = sent(
        lambda connect: MlflowClient(
            "http://127.0.0.1:9", token_path=tmp_path / "token", connect=connect
        )
    )
    assert headers["authorization"] == "Bearer file"


def test_the_workspace_is_a_header_that_can_be_replaced(environment):
    environment.setenv("MLFLOW_WORKSPACE", "team")
    uri = "http://127.0.0.1:9"
    assert sent(lambda c: MlflowClient(uri, connect=c))["x-mlflow-workspace"] == "team"
    mine = {"X-Mlflow-Workspace": "mine"}
    found = sent(lambda c: MlflowClient(uri, headers=mine, connect=c))
    assert found["x-mlflow-workspace"] == "mine"


def test_a_header_with_a_line_break_is_refused_without_its_value():
    with pytest.raises(ConfigurationError, match="not allowed in a header") as caught:
        MlflowClient("http://127.0.0.1:9", headers={"X-Key": "sec\nret"})
    assert "ret" not in str(caught.value).replace("header", "")


def test_the_certificates_of_the_sidecars_target_need_not_exist(environment):
    environment.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", "/none/ca.crt")
    MlflowClient("http://localhost:8080").close()
    with pytest.raises(ConfigurationError, match=r"/none/ca\.crt does not exist"):
        MlflowClient(HTTPS)


def test_batches_keep_to_every_limit():
    metrics = [Metric("m" * 240 + str(i), 1.0) for i in range(3000)]
    params = [Param(f"p{i}", "v" * 6000) for i in range(250)]
    tags = {f"t{i}": "v" * 9000 for i in range(150)}

    made = list(batches(metrics, params, tags))

    for batch in made:
        assert len(batch.get("metrics", ())) <= 1000
        assert len(batch.get("params", ())) <= 100
        assert len(batch.get("tags", ())) <= 100
        assert sum(len(entries) for entries in batch.values()) <= 1000
        assert len(json.dumps(batch)) < 1_000_000
    for kind, count in (("metrics", 3000), ("params", 250), ("tags", 150)):
        assert sum(len(batch.get(kind, ())) for batch in made) == count
    assert list(batches([], [], {})) == []


def test_a_metric_that_is_not_a_number_is_named():
    with pytest.raises(ConfigurationError, match="'m' is not a number: 'text'"):
        list(batches([Metric("m", "text")], [], {}))  # type: ignore[arg-type]


def test_names_that_changed_and_do_not_fit_a_tag_are_a_file():
    spec = job_spec(experiment_name="e")
    values = {f"{'x' * 200},{i}": 1 for i in range(100)}
    results = JobResults.for_job(
        spec, values, num_examples_evaluated=1, duration_seconds=1.0, overall_score=1.0
    )
    content = content_of(results, spec)
    assert content.tags["evalhub.metric_names"].startswith("see the artifact evalhub/metric_names")
    file, _ = content.files
    assert file.path == "evalhub/metric_names.json"
    assert isinstance(file.content, bytes)
    assert set(json.loads(file.content).values()) == set(values)


def test_metrics_of_one_name_are_all_kept():
    spec = job_spec(experiment_name="e")
    metrics = [EvaluationResult(metric_name="acc", metric_value=v) for v in (1, 2)]
    results = JobResults.for_job(spec, metrics, num_examples_evaluated=1, duration_seconds=1.0)
    found = {metric.key: metric.value for metric in content_of(results, spec).metrics}
    assert found["acc"] == 1
    assert 2 in found.values()


def test_pieces_are_measured(tmp_path: Path):
    with on_disk(iter([b"a", b"bc"]), length=3) as path:
        assert isinstance(path, type(tmp_path))
        assert path.read_bytes() == b"abc"
    assert not path.exists()
    with pytest.raises(ConfigurationError, match="3 bytes, not 4"), on_disk(b"abc", length=4):
        pass


def test_a_download_that_fails_leaves_nothing(stub: Faults, tmp_path: Path):
    stub.always(Answer(404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}'))
    with (
        MlflowClient(stub.url) as client,
        pytest.raises(MLflowAPIError, match="RESOURCE_DOES_NOT_EXIST"),
    ):
        client.download_artifact(RUN, "a", tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_artifacts_are_listed_over_all_pages(stub: Faults):
    stub.script(
        answer(files=[{"path": "a", "is_dir": True}], next_page_token="2"),
        answer(files=[{"path": "b", "file_size": "3"}]),
    )
    with MlflowClient(stub.url) as client:
        found = client.list_artifacts("r", "of")
    assert [(f.path, f.is_dir, f.file_size) for f in found] == [("a", True, None), ("b", False, 3)]
    assert stub.seen[1].path.endswith("?run_id=r&path=of&page_token=2")


def test_a_save_that_nothing_ends_is_left_behind():
    """A name server or a disk may hang where no time limit reaches."""
    never = threading.Event()
    spec = job_spec(experiment_name="e")
    results = JobResults.for_job(spec, {"a": 1}, num_examples_evaluated=1, duration_seconds=1.0)
    warnings: list[str] = []

    def connect(_: float) -> MlflowClient:
        never.wait()
        raise AssertionError

    saving = MlflowSaver(connect, warn=warnings.append, seconds=0.1)
    assert saving.save(results, spec) is None
    assert "did not finish within 0.1 s" in warnings[0]
    with pytest.raises(TransportTimeoutError):
        saving.save(results, spec, strict=True)
    never.set()


def test_what_an_adapter_did_wrong_is_a_warning_too():
    spec = job_spec(experiment_name="e")
    results = JobResults.for_job(spec, {"a": 1}, num_examples_evaluated=1, duration_seconds=1.0)
    warnings: list[str] = []
    saving = MlflowSaver(lambda _: MlflowClient("http://127.0.0.1:9"), warn=warnings.append)
    assert saving.save(results, spec, 5) is None  # type: ignore[arg-type]
    assert "'int' object is not iterable" in warnings[0]


def test_an_unknown_backend_is_named():
    with pytest.raises(ConfigurationError, match="'mine'; expected one of odh, upstream"):
        saver("mine", RecordingCallbacks(), warn=pytest.fail)


def test_the_upstream_backend_without_its_extra_names_it(environment):
    import sys

    environment.setitem(sys.modules, "mlflow", None)
    spec = job_spec(experiment_name="e")
    results = JobResults.for_job(spec, {"a": 1}, num_examples_evaluated=1, duration_seconds=1.0)
    warnings: list[str] = []
    saving = saver("upstream", RecordingCallbacks(), warn=warnings.append)
    assert saving.save(results, spec) is None
    assert "pip install 'eval-hub-sdk[mlflow]'" in warnings[0]
    with pytest.raises(MissingExtraError):
        saving.save(results, spec, strict=True)


def test_samples_make_room_for_an_artifact_of_their_name(stub: Faults):
    stub.always(answer(experiment={"experiment_id": "1", "name": "e"}), path="*/get-by-name")
    stub.always(answer(run={"info": vars(RUN)}), path="*/runs/create")
    stub.always(answer())
    callbacks = RecordingCallbacks()
    callbacks.samples.add("q", 1)
    spec = job_spec(experiment_name="e")
    results = JobResults.for_job(spec, {"a": 1}, num_examples_evaluated=1, duration_seconds=1.0)
    ours = saver("odh", callbacks, warn=pytest.fail)._own_files
    saving = MlflowSaver(
        lambda until: MlflowClient(stub.url, until=until), warn=pytest.fail, own_files=ours
    )
    assert saving.save(results, spec, [MlflowArtifact("samples.jsonl", b"")]) == "r"
    puts = [call.path.partition("/artifacts/")[2] for call in stub.seen if call.method == "PUT"]
    assert [path.rpartition("artifacts/")[2] for path in puts] == [
        "evalhub/env_card.json", "evalhub/samples.jsonl", "manifest.json", "samples.jsonl",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (MLflowAPIError(400, "INVALID_STATE", "The run r must be in the 'active' state"),
         "deleted meanwhile"),
        (MLflowAPIError(404, "RESOURCE_DOES_NOT_EXIST", "Workspace 'x' not found"),
         "check MLFLOW_WORKSPACE"),
        (MLflowAPIError(409, None, "conflict"), "save again"),
        (RuntimeError("a\nb"), "a b; save again"),
        (MLflowAPIError(400, "BAD", "no"), "[BAD] no (HTTP 400)"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(error: Exception, advice: str):
    assert advice in with_advice(error)
    assert "\n" not in with_advice(error)


INFO = {"trace_id": "tr-1", "state": "OK", "request_time": "2026-01-02T03:04:05Z",
        "execution_duration": "0.5s", "tags": {"a": "1"},
        "trace_location": {"mlflow_experiment": {"experiment_id": "7"}}}  # fmt: skip
OLD_INFO = {"request_id": "tr-1", "status": "OK", "timestamp_ms": "1767323045000",
            "execution_time_ms": 500, "tags": [{"key": "a", "value": "1"}],
            "experiment_id": "7"}  # fmt: skip


@pytest.mark.parametrize(
    "found",
    [
        {"trace": {"trace_info": INFO, "spans": [{"name": "s", "span_id": "ab"}]}},
        {"info": OLD_INFO, "data": {"spans": [{"name": "s", "span_id": "ab"}]}},
        {"trace_info": INFO, "spans": [{"name": "s", "span_id": "AAAAAAAAAKs="}]},
        {**OLD_INFO, "spans": [{"name": "s", "span_id": "00000000000000AB"}]},
    ],
)
def test_traces_of_every_shape_are_read(found: dict[str, Any]):
    trace = trace_from(found)
    info = trace.info
    assert (info.request_id, info.experiment_id, info.status) == ("tr-1", "7", "OK")
    assert (info.timestamp_ms, info.execution_time_ms, info.tags) == (
        1767323045000, 500, {"a": "1"},
    )  # fmt: skip
    assert [span["span_id"] for span in trace.data["spans"]] == ["00000000000000ab"]


def test_attributes_in_the_form_of_opentelemetry_are_a_dictionary():
    span = span_from(
        {
            "name": "s",
            "span_id": "ab",
            "status": {"code": 2},
            "attributes": [
                {"key": "mlflow.spanType", "value": {"stringValue": '"LLM"'}},
                {"key": "n", "value": {"int_value": "5"}},
                {"key": "l", "value": {"arrayValue": {"values": [{"boolValue": True}]}}},
                {"key": "o", "value": {"kvlist_value": {"values": [
                    {"key": "a", "value": {"double_value": 0.5}}]}}},
                {"key": "broken", "value": {"string_value": '"x'}},
            ],
        }
    )  # fmt: skip
    assert span["span_type"] == "LLM"
    assert span["status"] == "ERROR"
    assert span["attributes"] == {"n": 5, "l": [True], "o": {"a": 0.5}, "broken": '"x'}


def test_a_trace_needs_spans_with_ids(stub: Faults, tmp_path: Path):
    with MlflowClient(stub.url) as client:
        with pytest.raises(ConfigurationError, match="has no spans"):
            client.traces.create("1", [])
        with pytest.raises(ConfigurationError, match="'s' has no span_id"):
            client.traces.create("1", [{"name": "s"}])
        with pytest.raises(ConfigurationError, match=r"'\?!' is not the id"):
            client.traces.create("1", [{"name": "s", "span_id": "?!"}])
        for text, problem in (("[]", "is not a trace"), ("{", "is not JSON"), ("{}", "no spans")):
            (tmp_path / "t.json").write_text(text)
            with pytest.raises(ConfigurationError, match=problem):
                client.traces.upload_trace_file("1", tmp_path / "t.json")
    assert stub.seen == []


def test_a_source_of_traces_is_configured_by_an_experiment():
    configured = TracesNamespace.is_source_configured
    assert configured({"mlflow_traces_experiment_id": 1})
    assert configured({"mlflow_traces_experiment_name": "n"})
    assert not configured({"mlflow_traces_experiment_name": "  ", "limit": 3})
    assert not configured({"mlflow_traces_experiment_id": None})
    assert not configured(None)


def test_a_trace_that_cannot_be_read_is_left_out(stub: Faults, tmp_path: Path, caplog: Any):
    traces = [{**INFO, "trace_id": name} for name in ("tr-1", "tr/2")]
    stub.always(answer(traces=traces), path="*/traces/search")
    span = {"name": "s", "span_id": "ab"}
    stub.script(
        answer(trace={"trace_info": traces[1], "spans": [span]}), Answer(500), path="*/traces/get"
    )
    stub.always(Answer(500), path="*/traces/tr*")
    with MlflowClient(stub.url) as client:
        folder = client.traces.materialize({"mlflow_traces_experiment_id": "7"}, tmp_path / "t")
        with pytest.raises(ConfigurationError, match="no MLflow experiment ''"):
            client.traces.materialize({}, tmp_path)
    assert len(list(folder.iterdir())) == 1
    assert "is left out" in caplog.text


def test_file_artifacts_are_mutable(tmp_path: Path):
    artifact = MlflowFileArtifact("a", tmp_path)
    artifact.path = "b"
    assert artifact.path == "b"
