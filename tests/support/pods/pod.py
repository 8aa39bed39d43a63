"""A pod of adapter and sidecar, as the service would have a cluster run it (wire contract 4.2)."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from support.pods.program import Store

USER = 1000650000
"""As OpenShift chooses them: a number without a name; its group is root's."""

TENANT = "team-a"
_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsGroup": 0,
    "runAsUser": USER,
}
_WRITABLE = {"data", "message", "shared", "tmp"}
_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_MODEL_SECRET = "/var/run/secrets/model"
_DOCKER = "/etc/evalhub/.docker"


@dataclass(frozen=True)
class Settings:
    """What differs from pod to pod.

    Args:
        memory: The adapter's limit.
        env: Variables of the adapter's container.
        command: In place of the image's entry point.
        temporary: Whether `/tmp` can be written.
        data: A folder of this machine in place of an empty one as `/data`.
    """

    memory: str = "512Mi"
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    command: Sequence[str] = ()
    temporary: bool = True
    data: Path | None = None


class Pod:
    """A pod; `start` returns when its containers have been started."""

    def __init__(self, store: Store, folder: Path, *, adapter: str, sidecar: str) -> None:
        """Describe a pod.

        Args:
            store: Where it runs.
            folder: An empty folder, for files of the node.
            adapter: The adapter's image.
            sidecar: The sidecar's image.
        """
        self.port = free_port()
        self._store = store
        self._folder = folder
        self._images = {"adapter": adapter, "sidecar": sidecar}
        self._name = f"pod-{self.port}"
        self._message = folder / "termination-log"

    @property
    def url(self) -> str:
        """Where the adapter finds its sidecar."""
        return f"http://localhost:{self.port}"

    def start(
        self,
        job: Mapping[str, Any],
        sidecar: Mapping[str, Any],
        *,
        docker: Mapping[str, Any],
        model_secret: Mapping[str, str],
        settings: Settings | None = None,
    ) -> None:
        """Start the pod.

        Args:
            job: The job file.
            sidecar: The sidecar's configuration, without its address.
            docker: Credentials of the registry of artifacts.
            model_secret: The model's secret, which the sidecar alone sees.
            settings: What differs from other pods.
        """
        settings = settings or Settings()
        self._message.touch()
        self._message.chmod(0o666)
        # podman would make up an entry for the user; a cluster need not.
        shutil.copy("/etc/passwd", self._folder / "passwd")
        config = {"base_url": self.url, **sidecar}
        maps = {
            "spec": {"job.json": json.dumps(job), "sidecar_config.json": json.dumps(config)},
            "namespace": {"namespace": TENANT},
            "docker": {"config.json": json.dumps(docker)},
            "model": dict(model_secret),
            "model-ref": {key: f"{key}:ref" for key in model_secret},
        }
        documents: list[dict[str, Any]] = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": self._named(name)},
                "data": data,
            }
            for name, data in maps.items()
        ]
        manifest = self._folder / "pod.yaml"
        documents.append(self._pod(settings, maps))
        manifest.write_text("\n---\n".join(json.dumps(document) for document in documents))
        self._store.podman("kube", "play", "--tls-verify=false", manifest)

    def exit_code(self, container: str = "adapter") -> int:
        """Wait until a container has ended, and return its exit code."""
        return int(self._store.podman("wait", self._container(container)))

    def stop(self, container: str, *, grace: int) -> None:
        """Send SIGTERM, and SIGKILL after the grace period in seconds."""
        self._store.podman("stop", "--time", str(grace), self._container(container))

    def kill(self, container: str) -> None:
        """Send SIGKILL to a container's first process, which takes the others with it."""
        self._store.podman("kill", "--signal", "KILL", self._container(container))

    def start_again(self, container: str) -> None:
        self._store.podman("start", self._container(container))

    def log(self, container: str = "adapter") -> str:
        return self._store.podman("logs", self._container(container), merged=True)

    @property
    def message(self) -> str:
        """The adapter's termination message, as the kubelet reads it."""
        return self._message.read_text()

    def volume(self, path: str) -> Path:
        """Return the folder of this machine that is mounted at a path of the adapter."""
        mounts = json.loads(
            self._store.podman(
                "inspect", "--format", "{{json .Mounts}}", self._container("adapter")
            )
        )
        return next(Path(one["Source"]) for one in mounts if one["Destination"] == path)

    def remove(self) -> None:
        self._store.podman("pod", "rm", "--force", "--ignore", "--time", "0", self._name)

    def _container(self, name: str) -> str:
        return f"{self._name}-{name}"

    def _named(self, name: str) -> str:
        return f"{self._name}-{name}"

    def _pod(self, settings: Settings, maps: Mapping[str, object]) -> dict[str, Any]:
        volumes: dict[str, Any] = {
            name: {"configMap": {"name": self._named(name)}} for name in maps
        }
        volumes["data"] = (
            {"hostPath": {"path": str(settings.data), "type": "Directory"}}
            if settings.data
            else {"emptyDir": {}}
        )
        volumes |= {"shared": {"emptyDir": {}}, "tmp": {"emptyDir": {}}}
        for name, file in {"passwd": "passwd", "message": self._message.name}.items():
            volumes[name] = {"hostPath": {"path": str(self._folder / file), "type": "File"}}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": self._name},
            "spec": {
                "hostNetwork": True,
                "restartPolicy": "Never",
                "containers": [self._sidecar(), self._adapter(settings)],
                "volumes": [
                    {"name": self._named(name), **source} for name, source in volumes.items()
                ],
            },
        }

    def _mounted(self, mounts: Mapping[str, str]) -> list[dict[str, Any]]:
        # Named after the pod: podman keeps an empty volume by its name, and gives it to the next.
        return [
            {"name": self._named(name), "mountPath": path, "readOnly": name not in _WRITABLE}
            for name, path in mounts.items()
        ]

    def _sidecar(self) -> dict[str, Any]:
        mounts = {"spec": "/meta", "data": "/data", "docker": _DOCKER, "model": _MODEL_SECRET}
        return {
            "name": "sidecar",
            "image": self._images["sidecar"],
            "env": [{"name": "OCI_AUTH_CONFIG_PATH", "value": f"{_DOCKER}/config.json"}],
            "securityContext": _SECURITY,
            "volumeMounts": self._mounted(mounts),
        }

    def _adapter(self, settings: Settings) -> dict[str, Any]:
        env = {
            "EVALHUB_MODE": "k8s",
            "OCI_AUTH_CONFIG_PATH": f"{_DOCKER}/config.json",
            **settings.env,
        }
        mounts = {
            "spec": "/meta",
            "data": "/data",
            "shared": "/shared",
            "namespace": _SERVICE_ACCOUNT,
            "docker": _DOCKER,
            "model-ref": _MODEL_SECRET,
            "passwd": "/etc/passwd",
            "message": "/dev/termination-log",
        }
        if settings.temporary:
            mounts["tmp"] = "/tmp"
        return {
            "name": "adapter",
            "image": self._images["adapter"],
            **({"command": [*settings.command]} if settings.command else {}),
            "env": [{"name": name, "value": value} for name, value in env.items()],
            "resources": {"limits": {"memory": settings.memory}},
            "securityContext": _SECURITY,
            "volumeMounts": self._mounted(mounts),
        }


def until(holds: Callable[[], bool], what: str, *, seconds: float = 60.0) -> None:
    """Wait until something holds."""
    ends = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > ends:
            pytest.fail(f"after {seconds:.0f} s: not {what}")
        time.sleep(0.05)
