"""An adapter that does in a pod what its parameter `act` says."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from evalhub.adapter import (
    BenchmarkError,
    EvaluationResult,
    FrameworkAdapter,
    JobPhase,
    JobResults,
    JobStatus,
    JobStatusUpdate,
    OCIArtifactSpec,
    resolve_model_credentials,
)
from evalhub.adapter.chat import ChatModel

if TYPE_CHECKING:
    from evalhub.adapter import JobCallbacks, JobSpec, OCIArtifactResult

DATA = Path("/data")
SHARED = Path("/shared")


class MyAdapter(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.RUNNING_EVALUATION)
        )
        artifact = None
        for act in str(config.parameters.get("act", "return")).split():
            if act == "store":
                artifact = store(config, callbacks)
            else:
                ACTS[act](config)
        return JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            benchmark_index=config.benchmark_index,
            model_name=config.model.name,
            results=[EvaluationResult(metric_name="accuracy", metric_value=0.75)],
            num_examples_evaluated=4,
            duration_seconds=0.1,
            oci_artifact=artifact,
        )


def ask(config: JobSpec) -> None:
    with ChatModel(config.model, credentials=resolve_model_credentials()) as model:
        reply = model.ask([{"role": "user", "content": "2 + 2?"}])
    if reply.text != "4":
        raise BenchmarkError(f"the model said {reply.text!r}")


def store(config: JobSpec, callbacks: JobCallbacks) -> OCIArtifactResult:
    folder = DATA / "results"
    folder.mkdir(exist_ok=True)
    (folder / "answers.json").write_text(json.dumps({"job": config.job_id}))
    coordinates = config.exports.oci.coordinates if config.exports and config.exports.oci else None
    spec = OCIArtifactSpec(files_path=folder, coordinates=coordinates)
    return callbacks.create_oci_artifact(spec)


def describe(config: JobSpec) -> None:
    """Tell what this process may do."""
    writable = []
    for folder in ("/", "/app", "/data", "/meta", "/opt/app-root/src", "/shared", "/tmp"):
        try:
            (Path(folder) / "probe").write_text("")
        except OSError:
            continue
        writable.append(folder)
    status = Path("/proc/self/status").read_text().splitlines()
    facts = {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "passwd": [line.split(":")[2] for line in Path("/etc/passwd").read_text().splitlines()],
        "writable": writable,
        "capabilities": [line.split()[1] for line in status if line.startswith("Cap")],
    }
    (SHARED / "facts.json").write_text(json.dumps(facts))


def wait(config: JobSpec) -> None:
    """Wait until the test says go."""
    (SHARED / "waiting").touch()
    try:
        while not (SHARED / "go").exists():
            time.sleep(0.05)
    finally:
        (SHARED / "cleaned").touch()


def compute(config: JobSpec) -> None:
    """Compute in C, where no signal is seen."""
    (SHARED / "waiting").touch()
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1_000_000_000)


def allocate(config: JobSpec) -> None:
    kept = []
    while True:
        kept.append(bytearray(os.urandom(1 << 20)))


def fill(config: JobSpec) -> None:
    """Fill the data volume to its last byte."""
    with (DATA / "filling").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def fail(config: JobSpec) -> NoReturn:
    raise BenchmarkError("the data set is empty")


def leave(config: JobSpec) -> NoReturn:
    os._exit(7)


ACTS = {
    "allocate": allocate,
    "ask": ask,
    "compute": compute,
    "describe": describe,
    "fail": fail,
    "fill": fill,
    "leave": leave,
    "return": lambda config: None,
    "wait": wait,
}

if __name__ == "__main__":
    MyAdapter.main()
