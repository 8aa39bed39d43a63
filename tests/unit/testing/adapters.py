"""Adapters that the tests of the harness run, here and in processes of their own."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from evalhub.adapter import (
    ConfigurationError,
    EvaluationResult,
    FrameworkAdapter,
    JobResults,
    JobStatus,
    JobStatusUpdate,
    OCIArtifactSpec,
)


class Counts(FrameworkAdapter):
    def run_benchmark_job(self, config, callbacks):
        logging.getLogger(__name__).info("logged %s", os.environ.get("GREETING"))
        print("printed")
        folder = self.local_jobs_base_path
        assert folder is not None
        (folder / "answers.json").write_text("{}")
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.RUNNING, warning_message="careful")
        )
        artifact = callbacks.create_oci_artifact(
            OCIArtifactSpec(files_path=folder / "answers.json")
        )
        return JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            model_name=config.model.name,
            results=[EvaluationResult(metric_name="count", metric_value=config.num_examples)],
            num_examples_evaluated=3,
            duration_seconds=0.1,
            oci_artifact=artifact,
        )


class Refuses(FrameworkAdapter):
    def run_benchmark_job(self, config, callbacks):
        raise ConfigurationError("shots must be a number")


class Waits(FrameworkAdapter):
    def run_benchmark_job(self, config, callbacks):
        (Path.home() / "waiting").mkdir()
        time.sleep(30)
