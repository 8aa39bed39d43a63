"""The real EvalHub service, from the `server` extra.

    with RealEvalHub(providers=[{"id": "demo", "benchmarks": [...], "runtime": {...}}]) as service:
        client = EvalHubClient(base_url=service.url)

It runs on loopback in local mode, with a database in memory that is gone when it stops.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from evalhub.errors import EvalHubError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["RealEvalHub"]

_EXECUTABLE = "eval-hub-server"
_JOBS = Path("/tmp/evalhub-jobs")  # noqa: S108 - the service's path in local mode
_MARK = "EVALHUB_TESTING_SERVICE"
_POLL_INTERVAL = 0.02
_CONFIG = "config"
"""A directory without other files: the service reads it again whenever one changes."""


class RealEvalHub:
    """Run `eval-hub-server -local` while the block runs.

    Args:
        providers: System providers, with the content of their YAML files (snake case, with `id`).
        collections: System collections, likewise.
        config: Further sections of `config.yaml`, such as `{"sidecar": {...}}`.
        env: Environment variables for the service and its adapters, besides this process's.
        port: Port to listen on; 0 picks a free one.
        start_timeout: Seconds to wait until the service is healthy.

    Raises:
        MissingExtraError: The `server` extra is not installed.
        EvalHubError: The service exited or was not healthy in time; the message has its log.
    """

    def __init__(
        self,
        *,
        providers: Sequence[Mapping[str, Any]] = (),
        collections: Sequence[Mapping[str, Any]] = (),
        config: Mapping[str, Any] | None = None,
        env: Mapping[str, str] | None = None,
        port: int = 0,
        start_timeout: float = 30.0,
    ) -> None:
        self._providers = providers
        self._collections = collections
        self._config = config or {}
        self._env = env or {}
        self._start_timeout = start_timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._port = port
        self._log = ""

    @property
    def url(self) -> str:
        """Base URL of the running service."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> str:
        """The service's log; kept after it has stopped."""
        return self._log if self._folder is None else _read_log(self._folder)

    def start(self) -> Self:
        """Start the service and wait until it is healthy."""
        executable = _executable()
        self._folder = TemporaryDirectory(prefix="evalhub-service-")
        folder = Path(self._folder.name)
        self._port = self._port or _free_port()
        self._write_config(folder / _CONFIG)
        self._run(executable, folder)
        return self

    def restart(self, *, down: float = 0.0) -> None:
        """Kill the service, and start it again on the same port; its adapters go on.

        It has lost all jobs, unless `config` names a database in a file.

        Args:
            down: Seconds until it is started again.
        """
        if self._process is None or self._folder is None:
            raise EvalHubError("the service is not running: start it first")
        self._process.kill()
        self._process.wait()
        time.sleep(down)
        self._run(_executable(), Path(self._folder.name))

    def stop(self) -> None:
        """Stop the service and the adapters it started, and remove their files."""
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        if process is None or folder is None:
            return
        jobs = self._job_ids()
        # A graceful shutdown takes ten seconds, and there is nothing to save.
        process.kill()
        process.wait()
        # Adapters outlive the service, each in its own process group.
        for group in _groups_marked(Path(folder.name).name):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        for job_id in jobs:
            shutil.rmtree(self.job_folder(job_id), ignore_errors=True)
        self._log = _read_log(folder)
        folder.cleanup()

    def job_folder(self, job_id: str) -> Path:
        """Return the directory of a job's files and logs."""
        return _JOBS / job_id

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _write_config(self, folder: Path) -> None:
        # JSON is YAML, and needs no YAML library.
        for name, resources in (("providers", self._providers), ("collections", self._collections)):
            (folder / name).mkdir(parents=True)
            for resource in resources:
                (folder / name / f"{resource['id']}.yaml").write_text(json.dumps(resource))
        config: dict[str, Any] = {
            "service": {"port": self._port, "host": "127.0.0.1"},
            "database": {"driver": "sqlite", "url": "file::memory:?mode=memory&cache=shared"},
        }
        for section, given in self._config.items():
            config[section] = {**config.get(section, {}), **given}
        (folder / "config.yaml").write_text(json.dumps(config))

    def _run(self, executable: str, folder: Path) -> None:
        with (folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [executable, "-local", "-configdir", str(folder / _CONFIG)],
                env={**os.environ, **self._env, _MARK: folder.name},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_healthy(self._process)
        except BaseException:
            self.stop()
            raise

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self._start_timeout
        while self._get("/api/v1/health") is None:
            if process.poll() is not None:
                raise EvalHubError(f"the service exited with {process.returncode}:\n{self.log}")
            if time.monotonic() > deadline:
                raise EvalHubError(
                    f"the service was not healthy within {self._start_timeout} s:\n{self.log}"
                )
            time.sleep(_POLL_INTERVAL)

    def _job_ids(self) -> list[str]:
        page: Any = self._get("/api/v1/evaluations/jobs?limit=0")
        return [] if page is None else [job["resource"]["id"] for job in page["items"]]

    def _get(self, path: str) -> Any:
        """Return the JSON of a response, or `None` if the request fails."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return json.load(reply) if reply.status == HTTPStatus.OK else None
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()


def _executable() -> str:
    beside_python = str(Path(sys.executable).parent)
    path = os.pathsep.join((beside_python, os.environ.get("PATH", "")))
    found = shutil.which(_EXECUTABLE, path=path)
    if found is None:
        raise MissingExtraError("A real EvalHub service for tests", "server")
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _read_log(folder: TemporaryDirectory[str]) -> str:
    return Path(folder.name, "service.log").read_text(errors="replace")


def _groups_marked(mark: str) -> set[int]:
    """Return the process groups of the service's adapters; none where there is no `/proc`."""
    wanted = f"{_MARK}={mark}".encode()
    groups: set[int] = set()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        # A process may have ended, or belong to another user.
        with suppress(OSError):
            if wanted in environ.read_bytes().split(b"\0"):
                groups.add(os.getpgid(int(environ.parent.name)))
    return groups
