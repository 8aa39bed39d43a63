"""The service on this machine: its files, its process, its port."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evalhub.cli.documents import read_mapping
from evalhub.cli.profile import folder, write_private
from evalhub.errors import ConfigurationError, EvalHubError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ServiceFolder",
    "ServiceProcess",
    "adapter_file",
    "adapter_provider",
    "port_is_open",
]

DEFAULT_PORT = 8080
_PATIENCE = 30.0
_POLL = 0.05
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A service that was started: what its pid file says."""

    pid: int
    started: str
    """When the process began, which a later process with the same number does not share."""

    port: int

    @property
    def url(self) -> str:
        """Address of the service."""
        return f"http://localhost:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return bool(self.started) and _started(self.pid) == self.started

    def stop(self) -> None:
        """End the process: SIGTERM, five seconds, SIGKILL."""
        for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _GRACE)):
            deadline = time.monotonic() + patience
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
            while self.alive and time.monotonic() < deadline:
                time.sleep(_POLL)
            if not self.alive:
                return
        raise EvalHubError(f"process {self.pid} does not end")


class ServiceFolder:
    """The files of a profile's service, or of its MCP server."""

    def __init__(self, profile: str, kind: str = "server") -> None:
        self.path = folder() / kind / profile
        self.log = self.path / f"{kind}.log"
        self._pid = self.path / "pid.json"

    def running(self) -> ServiceProcess | None:
        """Return the service that runs, if there is one; a pid file of a dead one is removed."""
        try:
            found = ServiceProcess(**json.loads(self._pid.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        if found.alive:
            return found
        self.forget()
        return None

    def forget(self) -> None:
        """Remove the pid file."""
        self._pid.unlink(missing_ok=True)

    def configure(
        self, *, port: int, config_file: str | None, providers: Sequence[dict[str, Any]]
    ) -> Path:
        """Write the configuration and return its folder."""
        target = self.path / "config"
        shutil.rmtree(target, ignore_errors=True)
        for name in ("providers", "collections"):
            (target / name).mkdir(parents=True)
        for provider in providers:
            path = target / "providers" / f"{provider['id']}.yaml"
            write_private(path, json.dumps(provider))  # JSON is YAML
        config: dict[str, Any] = {
            "database": {"driver": "sqlite", "url": "file::memory:?mode=memory&cache=shared"}
        }
        if config_file:
            config.update(read_mapping(config_file))
        service: Any = config.get("service") or {}
        config["service"] = {"host": "127.0.0.1", **service, "port": port}
        write_private(target / "config.yaml", json.dumps(config))
        return target

    def start(self, config: Path, port: int, *, foreground: bool) -> subprocess.Popen[bytes]:
        """Start the service."""
        command = [executable(), "-local", "-configdir", str(config)]
        return self.launch(command, port, foreground=foreground)

    def launch(
        self, command: Sequence[str], port: int, *, foreground: bool
    ) -> subprocess.Popen[bytes]:
        """Start a program; in the background it is a session of its own and writes a log."""
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                command,
                stdin=subprocess.DEVNULL,
                stdout=None if foreground else log,
                stderr=None if foreground else log,
                start_new_session=not foreground,
                cwd=self.path,
            )
        found = ServiceProcess(process.pid, _started(process.pid), port)
        write_private(self._pid, json.dumps(asdict(found)))
        return process

    def wait_until_healthy(self, process: subprocess.Popen[bytes], port: int) -> None:
        """Wait until the service answers.

        Raises:
            EvalHubError: It ended, or does not answer within half a minute.
        """
        deadline = time.monotonic() + _PATIENCE
        while health(port) is None:
            if process.poll() is not None:
                raise EvalHubError(
                    f"the service ended with {process.returncode}: {self.last_lines()}"
                )
            if time.monotonic() > deadline:
                raise EvalHubError(f"the service does not answer on port {port}: see {self.log}")
            time.sleep(_POLL)

    def last_lines(self) -> str:
        """Return the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return f"{lines[-1][:300] if lines else 'no log'} (all: {self.log})"


def executable() -> str:
    """Return the service's program."""
    from evalhub.settings import CliSettings

    given = CliSettings.from_env().server_bin
    if given is not None:
        return str(given)
    beside_python = shutil.which("eval-hub-server", path=str(Path(sys.executable).parent))
    found = beside_python or shutil.which("eval-hub-server")
    if found is None:
        raise MissingExtraError("evalhub server", "server")
    return found


def free_port(wanted: int | None) -> int:
    """Return the port to listen on: the one given, else 8080, else any that is free.

    Raises:
        ConfigurationError: The port that was given is in use.
    """
    for port in (wanted,) if wanted else (DEFAULT_PORT, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)) as listener:
            return int(listener.getsockname()[1])
    raise ConfigurationError(f"port {wanted} is in use: give another --port, or none")


def port_is_open(port: int) -> bool:
    """Return whether something listens on a port of this machine."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def health(port: int) -> dict[str, Any] | None:
    """Return what the service on a port of this machine says of itself; `None` if nothing."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/api/v1/health")
        found: Any = json.load(connection.getresponse())
        return cast("dict[str, Any]", found) if isinstance(found, dict) else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()


def adapter_provider(adapter: str, benchmarks: Sequence[str]) -> dict[str, Any]:
    """Return the provider that runs an adapter: `FILE.py:CLASS` or `MODULE:CLASS`.

    Raises:
        ConfigurationError: There is no such file, or the form is another.
    """
    place, colon, name = adapter.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise ConfigurationError(f"{adapter!r} must be FILE.py:CLASS or MODULE:CLASS")
    directory, module = Path.cwd(), place
    if place.endswith(".py"):
        file = adapter_file(place)
        directory, module = file.parent, file.stem
    run = shlex.join([sys.executable, "-m", "evalhub.adapter", f"{module}:{name}"])
    path = f"PYTHONPATH={shlex.quote(str(directory))}${{PYTHONPATH:+:$PYTHONPATH}}"
    identity = module.rpartition(".")[2].replace("_", "-")[:36]
    return {
        "id": identity,
        "name": identity,
        "benchmarks": [{"id": entry, "name": entry} for entry in benchmarks or ("default",)],
        "runtime": {"local": {"command": f"{path} {run}"}},
    }


def adapter_file(place: str) -> Path:
    """Return the file of an adapter, which is imported as a module of its name.

    Raises:
        ConfigurationError: There is no such file, or another module has the name.
    """
    file = Path(place).resolve()
    if not file.is_file():
        raise ConfigurationError(f"there is no adapter file {place}")
    known = file.stem in sys.stdlib_module_names or file.stem in sys.modules
    if known or not file.stem.isidentifier():
        why = "is the name of another module" if known else "cannot name a module"
        raise ConfigurationError(f"{file.stem!r} {why}: rename {place}, such as my_adapter.py")
    return file


def _started(pid: int) -> str:
    with suppress(OSError, IndexError):
        # The name in brackets may hold spaces; the state follows it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    if Path("/proc/self").exists():
        return ""
    done = subprocess.run(  # noqa: S603 - macOS has no /proc
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
