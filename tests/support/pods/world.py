"""A pod and everything around it: the real service, registries, a model, and what goes wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from support.pods.pod import TENANT, Pod, Settings

if TYPE_CHECKING:
    from concurrent.futures import Future

    from evalhub.testing.faults import Faults
    from evalhub.testing.model import FakeModel
    from evalhub.testing.service import RealEvalHub
    from support.registry import Registry

KEY = "sk-known-to-the-sidecar-alone"
REPOSITORY = "team/results"


@dataclass
class Built:
    """The names of the images, in the registry that the pods pull them from."""

    example: str
    sidecar: str
    frameworks: dict[str, Future[str]]
    """Built while other tests run; they take longer."""


@dataclass
class World:
    """A pod and everything around it."""

    pod: Pod
    service: RealEvalHub
    faults: Faults
    """Between the sidecar and the service."""

    model: FakeModel
    registry: Registry
    provider: str = "kit"
    benchmark: str = "first"
    job_id: str = ""
    settings: Settings = field(default_factory=Settings)

    def start(self, act: str = "return", **more: Any) -> Pod:
        """Submit a job and start its pod.

        Args:
            act: What the adapter of these tests does.
            more: Fields of the job file.
        """
        coordinates = {"oci_host": self.registry.url, "oci_repository": REPOSITORY}
        body = {
            "name": "kit",
            "model": {"name": self.model.name, "url": self.model.url},
            "benchmarks": [{"id": self.benchmark, "provider_id": self.provider}],
        }
        self.job_id = self._ask("POST", "", body)["resource"]["id"]
        job = {
            "id": self.job_id,
            "provider_id": self.provider,
            "benchmark_id": self.benchmark,
            "benchmark_index": 0,
            "model": {
                "url": f"{self.pod.url}/v1",
                "name": self.model.name,
                "auth": {"secret_ref": "model"},
            },
            "parameters": {"act": act},
            "callback_url": self.pod.url,
            "exports": {"oci": {"coordinates": coordinates}},
            **more,
        }
        login = {"username": self.registry.username, "password": self.registry.password}
        self.pod.start(
            job,
            {
                "eval_hub": {"base_url": self.faults.url},
                "model": {
                    "url": self.model.url,
                    "auth_secret_mount_path": "/var/run/secrets/model",
                },
            },
            docker={"auths": {self.registry.host: login}},
            model_secret={"api-key": KEY},
            settings=self.settings,
        )
        return self.pod

    @property
    def now(self) -> dict[str, Any]:
        """The job, as the service has it."""
        job: dict[str, Any] = self._ask("GET", f"/{self.job_id}")
        return job

    @property
    def state(self) -> str:
        return str(self.now["status"]["state"])

    @property
    def status(self) -> dict[str, Any]:
        """The benchmark's status; nothing was reported while it is empty."""
        return next(iter(self.now["status"].get("benchmarks") or [{}]))

    @property
    def reason(self) -> str:
        return str(self.status["error_message"]["message"])

    @property
    def results(self) -> dict[str, Any]:
        [results] = self.now["results"]["benchmarks"]
        assert isinstance(results, dict)
        return results

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        request = Request(
            f"{self.service.url}/api/v1/evaluations/jobs{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Tenant": TENANT},
            method=method,
        )
        with urlopen(request, timeout=10) as reply:
            return json.load(reply)
