"""Saving to MLflow: names, values, paths, and failures that cost no result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from evalhub.adapter._mlflow.names import (
    artifact_root,
    artifact_segments,
    legal_names,
    metric_value,
)
from evalhub.adapter.mlflow import (
    Metric,
    MLflowAPIError,
    MlflowArtifact,
    MlflowClient,
    MlflowSaver,
    sanitize_metric_key_for_api,
)
from evalhub.errors import ConfigurationError, TransportError
from evalhub.models.result import JobResults
from evalhub.testing import job_spec

if TYPE_CHECKING:
    from evalhub.models.spec import JobSpec


def results(spec: JobSpec) -> JobResults:
    return JobResults.for_job(
        spec, {"accuracy": 0.5}, num_examples_evaluated=1, duration_seconds=1.0
    )


def unreachable(until: float) -> MlflowClient:
    return MlflowClient("http://127.0.0.1:9", timeout=0.2, until=until - 29.8)


def test_names_are_legal_and_stay_apart():
    assert sanitize_metric_key_for_api("acc,none") == "acc_none"
    names = legal_names(["acc@none", "acc,none", "", "x" * 300, "a/../b", "acc_none", "/é/", "_a_"])

    assert names["acc_none"] == "acc_none"
    assert names["_a_"] == "_a_"
    assert names["/é/"] == "_é_"
    assert len(set(names.values())) == len(names)
    assert all(0 < len(name) <= 250 and ".." not in name for name in names.values())


def test_values_that_json_lacks_are_sent_by_name():
    assert metric_value(True) == 1.0
    assert metric_value(math.nan) == "NaN"
    assert metric_value(-math.inf) == "-Infinity"
    assert metric_value("0.5") is None
    assert metric_value([1]) is None


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "", "a//b", "..\\x"])
def test_a_path_out_of_the_run_is_refused(path: str):
    with pytest.raises(ConfigurationError, match="not a path below"):
        artifact_segments(path)


def test_paths_are_quoted_and_lie_below_the_run():
    assert artifact_segments("a b/é#.json") == "a%20b/%C3%A9_.json"
    root = artifact_root("mlflow-artifacts:/workspaces/w/1/r/artifacts")
    assert root == "/api/2.0/mlflow-artifacts/artifacts/workspaces/w/1/r/artifacts"
    with pytest.raises(ConfigurationError, match="--serve-artifacts"):
        artifact_root("s3://bucket/x")


def test_without_an_experiment_nothing_is_connected():
    spec = job_spec(experiment_name=None)
    saver = MlflowSaver(lambda _: pytest.fail("connected"), warn=pytest.fail)

    assert saver.save(results(spec), spec, [MlflowArtifact("a", b"")]) is None


def test_a_failure_is_a_warning_and_strict_raises():
    spec = job_spec(experiment_name="e")
    warnings: list[str] = []
    saver = MlflowSaver(unreachable, warn=warnings.append)

    assert saver.save(results(spec), spec) is None
    assert len(warnings) == 1
    assert warnings[0].startswith("not saved to MLflow: ")
    with pytest.raises(TransportError):
        saver.save(results(spec), spec, strict=True)


def test_a_server_that_is_not_http_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ConfigurationError, match="set MLFLOW_TRACKING_URI"):
        MlflowClient()
    with pytest.raises(ConfigurationError, match="'sqlite'"):
        MlflowClient("sqlite:///x.db")


def test_batches_stay_within_the_limits():
    sent: list[dict[str, list[object]]] = []

    class Recorded(MlflowClient):
        def post(self, path: str, body: Any, **_: object) -> dict[str, Any]:
            assert path == "/runs/log-batch"
            sent.append({k: v for k, v in body.items() if isinstance(v, list)})
            return {}

    client = Recorded("http://127.0.0.1:9")
    client.log_batch("r", [Metric(f"m{i}", 1.0) for i in range(2500)], tags={"a": "b"})

    assert sum(len(body.get("metrics", ())) for body in sent) == 2500
    assert all(sum(len(items) for items in body.values()) <= 1000 for body in sent)
    assert len(sent) == 3


def test_an_error_shows_code_and_status():
    error = MLflowAPIError(404, "", "gone")
    assert str(error) == "[UNKNOWN] gone (HTTP 404)"
