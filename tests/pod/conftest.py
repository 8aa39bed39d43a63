"""Images once for the whole run, and a pod for each test, before the real service and registries."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest
from support.pods.images import Images
from support.pods.pod import TENANT, Pod, Settings
from support.pods.program import BUILD, ROOT, Store, require_programs
from support.registry import docker_registry

from evalhub.testing.faults import Faults
from evalhub.testing.model import FakeModel
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from support.registry import Registry

HERE = Path(__file__).parent
FRAMEWORKS = ROOT / "examples" / "adapters"
REPOSITORY = "team/results"
KEY = "sk-known-to-the-sidecar-alone"
SMALL_VOLUME = "256k"


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


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    """A folder of this boot alone, with a short path; one run at a time in each clone."""
    require_programs()
    BUILD.mkdir(parents=True, exist_ok=True)
    clone = hashlib.sha256(os.fsencode(BUILD)).hexdigest()[:8]
    with (BUILD / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.fail(f"another `make pod` is running in this clone: it holds {lock.name}")
        yield Path(tempfile.gettempdir()) / f"evalhub-pod-{clone}"


@pytest.fixture(scope="session")
def node(state: Path) -> Iterator[Store]:
    """Where pods run; empty at the start and gone at the end, even after a run that was killed."""
    folders = (BUILD / "node", state / "node")
    before = Store(*folders)
    before.podman("rm", "--all", "--force", "--time", "0")
    before.delete()
    store = Store(*folders)
    yield store
    store.podman("pod", "rm", "--all", "--force", "--time", "0")
    store.delete()


@pytest.fixture(scope="session")
def builder(state: Path) -> Iterator[Store]:
    """Where images are built; the Debian base stays for the next run."""
    store = Store(BUILD / "images", state / "images")
    store.buildah("rm", "--all")
    yield store
    store.close()


@pytest.fixture(scope="session")
def image_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Where images are pushed to and pods pull them from."""
    with docker_registry(tmp_path_factory.mktemp("image-registry")) as running:
        yield running


@pytest.fixture(scope="session")
def built(
    builder: Store, image_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    images = Images(builder, image_registry.host, tmp_path_factory.mktemp("images"))
    example = images.build("example", ROOT / "Dockerfile.example", HERE / "image")
    with ThreadPoolExecutor(max_workers=1) as worker:
        yield Built(
            example,
            images.sidecar(),
            {
                name: worker.submit(
                    images.build, name, FRAMEWORKS / name / "Containerfile", FRAMEWORKS / name
                )
                for name in ("lm_eval", "inspect_ai", "guidellm", "garak")
            },
        )
        worker.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def hub() -> Iterator[RealEvalHub]:
    """A service whose providers start nothing: pods are started here."""
    benchmarks = {
        "kit": "first",
        "lm_eval": "sums",
        "inspect_ai": "sums",
        "guidellm": "concurrent",
        "garak": "dan.Ablation_Dan_11_0",
    }
    providers = [
        {
            "id": provider,
            "name": provider,
            "benchmarks": [{"id": benchmark, "name": benchmark}],
            "runtime": {"local": {"command": "true"}},
        }
        for provider, benchmark in benchmarks.items()
    ]
    with RealEvalHub(providers=providers) as running:
        yield running


@pytest.fixture(scope="session")
def artifact_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for tokens, as hosted ones do."""
    with docker_registry(tmp_path_factory.mktemp("artifacts"), auth="token") as running:
        yield running


@pytest.fixture
def make_world(
    node: Store,
    built: Built,
    hub: RealEvalHub,
    artifact_registry: Registry,
    tmp_path: Path,
) -> Iterator[Callable[..., World]]:
    """Return a function that makes a world around an image and a model."""
    pods: list[Pod] = []

    def make(model: FakeModel, faults: Faults, *, image: str = built.example) -> World:
        pod = Pod(node, tmp_path, adapter=image, sidecar=built.sidecar)
        pods.append(pod)
        return World(pod, hub, faults, model, artifact_registry)

    yield make
    for pod in pods:
        pod.remove()


@pytest.fixture
def faults(hub: RealEvalHub) -> Iterator[Faults]:
    with Faults(hub.url) as proxy:
        yield proxy


@pytest.fixture
def world(make_world: Callable[..., World], faults: Faults) -> Iterator[World]:
    """The adapter of these tests, and a model that wants the real key."""
    with FakeModel("4", api_key=KEY) as model:
        yield make_world(model, faults)


@pytest.fixture
def small_volume(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own that is soon full."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = f"size={SMALL_VOLUME},mode=1777"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
