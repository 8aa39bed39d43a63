"""The adapter of the soak: it reports, logs, stores an artifact, and may fail or be killed.

The service starts it; it stands alone, beside nothing of this package.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from evalhub.adapter import (
    BenchmarkError,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    JobStatus,
    JobStatusUpdate,
    OCIArtifactSpec,
)

STEPS = 10


class SoakAdapter(FrameworkAdapter):
    """Take a fifth of a second, and do what the parameters say."""

    def __init__(self) -> None:
        super().__init__()
        dies_after = self.job_spec.parameters["dies_after"]
        if dies_after is not None:
            death = threading.Timer(dies_after, os.kill, [os.getpid(), signal.SIGKILL])
            death.daemon = True
            death.start()

    def _load_job_spec(self) -> JobSpec:
        spec = super()._load_job_spec()
        spec.callback_url = os.environ["SOAK_PROXY"]
        return spec

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        number = config.parameters["number"]
        for step in range(STEPS):
            print(f"step {step} of {number}", flush=True)
            callbacks.report_status(
                JobStatusUpdate(
                    status=JobStatus.RUNNING,
                    phase=JobPhase.RUNNING_EVALUATION,
                    completed_steps=step,
                    total_steps=STEPS,
                )
            )
            time.sleep(0.02)
        if config.parameters["fails"]:
            raise BenchmarkError(f"failed as told: {number}")
        artifact = None
        if config.parameters["stores"]:
            with TemporaryDirectory(prefix="soak-adapter-") as folder:
                Path(folder, "answers.txt").write_text(f"{number}\n" * 1000)
                artifact = callbacks.create_oci_artifact(
                    OCIArtifactSpec(
                        files_path=Path(folder), job_id=config.id, benchmark_id=config.benchmark_id
                    )
                )
        return JobResults.for_job(
            config,
            {"number": number, "index": config.benchmark_index},
            num_examples_evaluated=STEPS,
            duration_seconds=0.2,
            oci_artifact=artifact,
        )
