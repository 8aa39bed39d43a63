"""Fixtures of the artifact tests: result files, and an independent tool to read artifacts."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support.process import find

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.registry import Registry


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A directory as an evaluation leaves it behind."""
    directory = tmp_path / "results"
    (directory / "samples").mkdir(parents=True)
    (directory / "results.json").write_text('{"accuracy": 0.85}')
    (directory / "samples" / "results.json").write_text('{"samples": 3}')
    (directory / "samples" / "täglich 100 %.csv").write_text("a,b\n1,2\n")
    (directory / "empty.log").write_bytes(b"")
    (directory / "weights.bin").write_bytes(os.urandom(3 << 20))
    return directory


class Skopeo:
    """The `skopeo` program, which shares no code with this package."""

    def __init__(self, directory: Path) -> None:
        self._program = find("skopeo")
        self._directory = directory

    def manifest(self, image: str, *options: str) -> dict[str, Any]:
        """Return a manifest."""
        manifest: dict[str, Any] = json.loads(self._run("inspect", *options, "--raw", image))
        return manifest

    def files(self, image: str, *options: str) -> dict[str, bytes]:
        """Copy an artifact to a directory and return its files by title."""
        target = self._directory / f"copy{len(list(self._directory.glob('copy*')))}"
        self._run("copy", *options, image, f"dir:{target}")
        manifest = json.loads((target / "manifest.json").read_bytes())
        return {
            layer["annotations"]["org.opencontainers.image.title"]: (
                target / layer["digest"].partition(":")[2]
            ).read_bytes()
            for layer in manifest["layers"]
        }

    def access(self, registry: Registry, *, prefix: str = "") -> list[str]:
        """Return the options that reach a registry."""
        options = []
        if registry.ca is None:
            options.append(f"--{prefix}tls-verify=false")
        else:
            directory = self._directory / f"certs-{registry.host.replace(':', '-')}"
            directory.mkdir(exist_ok=True)
            (directory / "ca.crt").write_bytes(registry.ca.read_bytes())
            options.append(f"--{prefix}cert-dir={directory}")
        if registry.username:
            options.append(f"--{prefix}creds={registry.username}:{registry.password}")
        return options

    def _run(self, *arguments: str) -> bytes:
        command = [self._program, "--insecure-policy", *arguments]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout


@pytest.fixture
def skopeo(tmp_path: Path) -> Skopeo:
    """The `skopeo` program, which shares no code with this package."""
    return Skopeo(tmp_path)


@pytest.fixture
def content() -> Callable[[Path], dict[str, bytes]]:
    """Return the files below a directory, by relative name."""

    def read(directory: Path) -> dict[str, bytes]:
        return {
            path.relative_to(directory).as_posix(): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file()
        }

    return read
