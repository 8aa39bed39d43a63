from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from support.mlflow_server import WORKSPACE, MlflowPython, mlflow_servers

from evalhub.adapter.mlflow import MlflowClient
from evalhub.testing.faults import Faults
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVIDER = "kit"
BENCHMARKS = ("first", "second", "third")


@dataclass(frozen=True, slots=True)
class Ended:
    """How an adapter's process ended."""

    exit_code: int
    stdout: str
    stderr: str
    seconds: float


@dataclass
class Job:
    """A job on the real service, whose adapters this test starts itself."""

    service: RealEvalHub
    folder: Path
    callback_url: str
    id: str = ""
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def submit(self, benchmarks: int = 1) -> Job:
        body = {
            "name": "kit",
            "model": {"name": "m", "url": "http://127.0.0.1:9/v1"},
            "benchmarks": [{"id": b, "provider_id": PROVIDER} for b in BENCHMARKS[:benchmarks]],
        }
        self.id = self.ask("POST", "/api/v1/evaluations/jobs", body)["resource"]["id"]
        return self

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.service.url + path, data=data, method=method)
        with urlopen(request, timeout=10) as reply:
            content = reply.read()
        return json.loads(content) if content else None

    @property
    def now(self) -> dict[str, Any]:
        job: dict[str, Any] = self.ask("GET", f"/api/v1/evaluations/jobs/{self.id}")
        return job

    @property
    def state(self) -> str:
        return str(self.now["status"]["state"])

    def status(self, index: int = 0) -> dict[str, Any]:
        return _entry(self.now["status"].get("benchmarks", []), index)

    def results(self, index: int = 0) -> dict[str, Any]:
        return _entry(self.now["results"].get("benchmarks", []), index)

    @property
    def metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = self.results()["metrics"]
        return metrics

    def spec(self, index: int = 0, **fields: Any) -> dict[str, Any]:
        return {
            "id": self.id,
            "provider_id": PROVIDER,
            "benchmark_id": BENCHMARKS[index],
            "benchmark_index": index,
            "model": {"name": "m", "url": "http://127.0.0.1:9/v1"},
            "parameters": {},
            "callback_url": self.callback_url,
            **fields,
        }

    def start(
        self, adapter: str, index: int = 0, *, env: dict[str, str] | None = None, **fields: Any
    ) -> subprocess.Popen[str]:
        meta = self.folder / f"{self.id}-{index}" / "meta"
        meta.mkdir(parents=True, exist_ok=True)
        (meta / "job.json").write_text(json.dumps(self.spec(index, **fields)))
        process = subprocess.Popen(
            [sys.executable, "-m", "evalhub.adapter", f"adapters:{adapter}"],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *sys.path)),
                "EVALHUB_JOB_SPEC_PATH": str(meta / "job.json"),
                **(env or {}),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, adapter: str, index: int = 0, **more: Any) -> Ended:
        return self.wait(self.start(adapter, index, **more))

    def wait(self, process: subprocess.Popen[str], seconds: float = 120) -> Ended:
        started = time.monotonic()
        stdout, stderr = process.communicate(timeout=seconds)
        return Ended(process.returncode, stdout, stderr, time.monotonic() - started)

    def kept(self, index: int = 0) -> Path:
        return self.folder / f"{self.id}-{index}" / "undelivered" / f"{self.id}-{index}.json"


def _entry(entries: list[dict[str, Any]], index: int) -> dict[str, Any]:
    return next(entry for entry in entries if entry["benchmark_index"] == index)


@pytest.fixture(scope="session")
def kit() -> Iterator[RealEvalHub]:
    """A service whose provider starts nothing, so that tests start the adapters."""
    provider = {
        "id": PROVIDER,
        "name": PROVIDER,
        "benchmarks": [{"id": name, "name": name} for name in BENCHMARKS],
        "runtime": {"local": {"command": "true"}},
    }
    with RealEvalHub(providers=[provider]) as service:
        yield service


@pytest.fixture
def faults(kit: RealEvalHub) -> Iterator[Faults]:
    """A proxy in front of the service, through which adapters report."""
    with Faults(kit.url) as proxy:
        yield proxy


@pytest.fixture
def job(kit: RealEvalHub, faults: Faults, tmp_path: Path) -> Iterator[Job]:
    """A job of one benchmark."""
    job = Job(kit, tmp_path, faults.url).submit()
    yield job
    for process in job.processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def mlflow_python() -> Iterator[MlflowPython]:
    """A process that reads with MLflow's own client."""
    with closing(MlflowPython()) as python:
        yield python


@pytest.fixture(scope="session")
def mlflow_urls(
    tmp_path_factory: pytest.TempPathFactory,
    mlflow_python: MlflowPython,  # starts beside the servers
) -> Iterator[dict[str, str]]:
    """Two MLflow servers: `spaces` has workspaces, `login` basic authentication."""
    with mlflow_servers(
        tmp_path_factory.mktemp("mlflow"),
        spaces=["--enable-workspaces"],
        login=["--app-name", "basic-auth"],
    ) as urls:
        with MlflowClient(urls["spaces"]) as client:
            client.post("/workspaces", {"name": WORKSPACE}, api="/api/3.0/mlflow")
        yield urls


@pytest.fixture
def mlflow(mlflow_urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """A proxy before the server with workspaces; the environment names both."""
    with Faults(mlflow_urls["spaces"]) as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
        monkeypatch.setenv("MLFLOW_WORKSPACE", WORKSPACE)
        yield proxy
