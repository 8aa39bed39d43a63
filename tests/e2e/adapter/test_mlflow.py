"""Saving to a real MLflow server."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from support.mlflow_server import mlflow_server

from evalhub.adapter.mlflow import (
    MlflowArtifact,
    MlflowClient,
    MlflowFileArtifact,
    MlflowSaver,
)
from evalhub.errors import ConfigurationError
from evalhub.models.result import JobResults
from evalhub.testing import job_spec

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from evalhub.models.spec import JobSpec

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


def results(spec: JobSpec, **more: Any) -> JobResults:
    metrics = {"acc,none": 1.0, "acc@none": 0.5, "lost": float("nan"), "answer": "text"}
    return JobResults.for_job(
        spec, metrics, num_examples_evaluated=3, **{"duration_seconds": 1.0, **more}
    )


def read(url: str, path: str, **query: str | None) -> Any:
    address = f"{url}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address) as answer:
        return json.load(answer)


def test_a_second_save_writes_into_the_same_run(url: str, tmp_path: Path):
    spec = job_spec(job_id="j'1", experiment_name="twice")
    file = tmp_path / "report.bin"
    file.write_bytes(b"x" * 1000)
    warnings: list[str] = []
    saver = MlflowSaver(lambda until: MlflowClient(url, until=until), warn=warnings.append)
    artifacts: list[MlflowArtifact | MlflowFileArtifact] = [
        MlflowArtifact("a b#.json", b"{}"),
        MlflowFileArtifact("sub/é.bin", file),
    ]

    first = saver.save(results(spec), spec, artifacts, strict=True)
    second = saver.save(results(spec, duration_seconds=2.0), spec, artifacts, strict=True)

    assert first == second is not None
    run = read(url, "runs/get", run_id=first)["run"]
    metrics = {m["key"]: m["value"] for m in run["data"]["metrics"]}
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert metrics["acc_none"] == 1.0
    assert len([name for name in metrics if name.startswith("acc_none")]) == 2
    assert "lost" in metrics
    assert run["info"]["status"] == "FINISHED"
    assert tags["evalhub.param.duration_seconds"] == "2.0"
    assert "acc,none" in tags["evalhub.metric_names"]
    files = read(url, "artifacts/list", run_id=first)["files"]
    assert {f["path"] for f in files} == {"a b_.json", "sub", "evalhub"}
    assert warnings == []


def test_one_bad_artifact_costs_neither_the_run_nor_the_others(url: str, tmp_path: Path):
    spec = job_spec(job_id="bad", experiment_name="bad artifacts")
    warnings: list[str] = []
    saver = MlflowSaver(lambda until: MlflowClient(url, until=until), warn=warnings.append)
    artifacts: list[MlflowArtifact | MlflowFileArtifact] = [
        MlflowArtifact("../../x", b""),
        MlflowFileArtifact("gone", tmp_path / "gone"),
        MlflowArtifact("empty", b""),
    ]

    run_id = saver.save(results(spec), spec, artifacts)

    assert run_id is not None
    assert len(warnings) == 2
    files = read(url, "artifacts/list", run_id=run_id)["files"]
    assert "empty" in {file["path"] for file in files}


def test_a_deleted_experiment_is_named(url: str):
    with MlflowClient(url) as client:
        experiment = client.get_or_create_experiment("gone")
    body = json.dumps({"experiment_id": experiment}).encode()
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/experiments/delete", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request):
        pass
    spec = job_spec(experiment_name="gone")
    saver = MlflowSaver(lambda until: MlflowClient(url, until=until), warn=pytest.fail)

    with pytest.raises(ConfigurationError, match="is deleted; restore it"):
        saver.save(results(spec), spec, strict=True)
