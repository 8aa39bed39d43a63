"""Run the programs that make images and pods; what they print tells why they failed."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]
BUILD = ROOT / "build" / "pod"

PACKAGES = {
    "buildah": "buildah",
    "catatonit": "catatonit",
    "debootstrap": "debootstrap",
    "docker-registry": "docker-registry",
    "openssl": "openssl",
    "podman": "podman",
    "runc": "runc",
}
"""Debian's package of each program that the tests run."""

# Root may be a container itself here: runc must not ask for more than it may have.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""


def require_programs() -> None:
    """Fail, and say what to install, unless everything is there that the tests need."""
    if os.geteuid() != 0:
        pytest.fail("pods are run as root: sudo make pod")
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/libexec/podman"))
    missing = sorted(
        package for program, package in PACKAGES.items() if shutil.which(program, path=path) is None
    )
    if missing:
        pytest.fail(
            f"missing: {', '.join(missing)} "
            f"(Debian: apt-get install --no-install-recommends {' '.join(missing)})"
        )


def run(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    merged: bool = False,
    timeout: float = 1800,
) -> str:
    """Run a program to its end and return what it printed; a failure fails the test.

    Args:
        command: The program and its arguments.
        env: Further environment variables.
        merged: Return standard error as well.
        timeout: Seconds it may take.
    """
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        output = f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        pytest.fail(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{output}")
    return done.stdout + done.stderr if merged else done.stdout


def unmount_below(*folders: Path) -> None:
    """Unmount these folders and what is mounted below them, so that they can be deleted."""
    places = {str(folder.resolve()) for folder in folders}
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, key=len, reverse=True):  # the innermost first
        if any(mount == place or mount.startswith(f"{place}/") for place in places):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)


class Store:
    """A place for images and containers, and the options that name it to buildah and podman."""

    def __init__(self, graph: Path, state: Path) -> None:
        """Make a store.

        Args:
            graph: Where images and containers are; may be kept for the next run.
            state: What belongs to this boot; podman wants a short path.
        """
        self.graph = graph
        self._state = state
        graph.mkdir(parents=True, exist_ok=True)
        state.mkdir(parents=True, exist_ok=True)
        self._config = state / "containers.conf"
        self._config.write_text(_CONTAINERS_CONF)
        self._options = [
            *("--root", str(graph), "--runroot", str(state / "run")),
            *("--storage-driver", "overlay"),
        ]

    def buildah(self, *arguments: str | Path) -> str:
        return run("buildah", *self._options, *arguments, env=self._env)

    def podman(self, *arguments: str | Path, merged: bool = False) -> str:
        options = [*self._options, "--tmpdir", str(self._state / "libpod")]
        return run("podman", *options, *arguments, env=self._env, merged=merged)

    def close(self) -> None:
        """Unmount what the programs left mounted, so that the folders can be deleted."""
        unmount_below(self.graph, self._state)

    def delete(self) -> None:
        """Remove everything."""
        self.close()
        for folder in (self.graph, self._state):
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)

    @property
    def _env(self) -> dict[str, str]:
        return {"CONTAINERS_CONF": str(self._config), "BUILDAH_LAYERS": "false"}
