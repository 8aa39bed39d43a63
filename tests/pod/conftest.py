"""Images once for the whole run, and a pod for each test, before real service and registries."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.pods.images import Images
from support.pods.pod import Pod
from support.pods.program import BUILD, ROOT, Store, require_programs
from support.pods.world import KEY, Built, World
from support.registry import docker_registry

from evalhub.testing.faults import Faults
from evalhub.testing.model import FakeModel
from evalhub.testing.service import RealEvalHub
from examples.adapters.__main__ import KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.registry import Registry

HERE = Path(__file__).parent
FRAMEWORKS = ROOT / "examples" / "adapters"
SMALL_VOLUME = "256k"


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder of this boot alone, with a short path; one run at a time in each clone."""
    require_programs()
    BUILD.mkdir(parents=True, exist_ok=True)
    clone = hashlib.sha256(os.fsencode(BUILD)).hexdigest()[:8]
    with (BUILD / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.fail(f"another `make pod` is running in this clone: it holds {lock.name}")
        folder = Path(tempfile.gettempdir()) / f"evalhub-pod-{clone}"
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def node(scratch: Path) -> Iterator[Store]:
    """Where pods run; empty at the start and gone at the end, even after a run that was killed."""
    folders = (BUILD / "node", scratch / "node")
    before = Store(*folders)
    before.podman("rm", "--all", "--force", "--time", "0")
    before.delete()
    store = Store(*folders)
    yield store
    store.podman("pod", "rm", "--all", "--force", "--time", "0")
    store.delete()


@pytest.fixture(scope="session")
def builder(scratch: Path) -> Iterator[Store]:
    """Where images are built; the Debian base stays for the next run."""
    store = Store(BUILD / "images", scratch / "images")
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
    request: pytest.FixtureRequest,
    builder: Store,
    image_registry: Registry,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Built]:
    images = Images(builder, image_registry.host, tmp_path_factory.mktemp("images"))
    example = images.build("example", ROOT / "Dockerfile.example", HERE / "image")
    asked = {
        item.callspec.params.get("name")
        for item in request.session.items
        if hasattr(item, "callspec")
    }
    with ThreadPoolExecutor(max_workers=1) as worker:
        yield Built(
            example,
            images.sidecar(),
            {
                name: worker.submit(
                    images.build, name, FRAMEWORKS / name / "Containerfile", FRAMEWORKS / name
                )
                for name in KNOWN
                if name in asked
            },
        )
        worker.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def hub() -> Iterator[RealEvalHub]:
    """A service whose providers start nothing: pods are started here."""
    benchmarks = {"kit": "first", **{name: known.benchmark for name, known in KNOWN.items()}}
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

    def make(model: FakeModel, faults: Faults, image: str = built.example) -> World:
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
