from __future__ import annotations

import logging

from evalhub.adapter.mlflow import MlflowArtifact, MlflowFileArtifact, NoMlflow
from evalhub.models.result import JobResults
from evalhub.testing import job_spec


def test_artifacts_are_given_by_position_as_adapters_do():
    artifact = MlflowArtifact("plots/a.png", b"PNG", "image/png")
    assert (artifact.path, artifact.content, artifact.content_type) == (
        "plots/a.png", b"PNG", "image/png",
    )  # fmt: skip
    assert MlflowArtifact("a", b"").content_type == "application/octet-stream"
    assert MlflowFileArtifact("a", "/tmp/a").content_type is None


def test_saving_makes_no_run_and_says_so(caplog):
    spec = job_spec(job_id="job-1")
    results = JobResults.for_job(
        spec, {"accuracy": 0.5}, num_examples_evaluated=1, duration_seconds=1.0
    )
    with caplog.at_level(logging.INFO, logger="evalhub.adapter"):
        run_ids = (
            NoMlflow().save(results, spec),
            NoMlflow().save(results, spec, artifacts=[MlflowArtifact("a", b"")]),
        )
    assert run_ids == (None, None)
    assert caplog.messages == [
        f"MLflow is not available here: 1 metrics and {count} artifacts of job job-1 are not saved"
        for count in (0, 1)
    ]
