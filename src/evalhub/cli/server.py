"""`evalhub server`: run the real service on this machine, with adapters of one's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli._errors import ExitCode
from evalhub.errors import ConfigurationError
from evalhub.settings import CliSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["server"]

_START_TIMEOUT = 40.0
_STOP_TIMEOUT = 15.0


@click.group()
def server() -> None:
    """Run the service on this machine: for development, not for a team.

    Jobs live in memory and are gone when the service stops.
    """


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True),
        click.option(
            "--adapter", "adapters", multiple=True, metavar="FILE.py:CLASS",
            help="Adapter of your own; its provider is called after the file.",
        ),
        click.option(
            "--benchmark", "benchmarks", multiple=True, help="Benchmarks of --adapter."
        ),
        click.option("--provider", "providers", multiple=True, metavar="FILE"),
        click.option("--collection", "collections", multiple=True, metavar="FILE"),
    ):  # fmt: skip
        command = option(command)
    return command


@server.command("run")
@_options
def run(
    port: int,
    adapters: Sequence[str],
    benchmarks: Sequence[str],
    providers: Sequence[str],
    collections: Sequence[str],
) -> None:
    """Run the service until Ctrl-C.

    \b
    Examples:
      evalhub server run --adapter my_adapter.py:MyAdapter
      evalhub server run --provider provider.yaml --port 9090
    """
    from evalhub.cli._files import read_mapping
    from evalhub.testing import RealEvalHub

    _refuse_used(port)
    own = [_provider_of(name, benchmarks) for name in adapters]
    service = RealEvalHub(
        providers=[*own, *map(read_mapping, providers)],
        collections=list(map(read_mapping, collections)),
        port=port,
    )
    # SIGTERM ends the service as Ctrl-C does, and leaves nothing running.
    signal.signal(signal.SIGTERM, _leave)
    with service:
        click.echo(service.url)
        for provider in own:
            names = ", ".join(one["id"] for one in provider["benchmarks"])
            click.echo(f"provider {provider['id']}: {names}", err=True)
        click.echo("Ctrl-C stops it", err=True)
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)


@server.command("start")
@_options
def start(port: int, **options: Any) -> None:
    """Run the service in the background."""
    place = _Place.of_user()
    if (running := place.running()) is not None:
        raise ConfigurationError(f"the service is running already: process {running['pid']}")
    _refuse_used(port)
    arguments = [f"--port={port}"]
    for name, flag in (
        ("adapters", "--adapter"),
        ("benchmarks", "--benchmark"),
        ("providers", "--provider"),
        ("collections", "--collection"),
    ):
        arguments += [f"{flag}={value}" for value in options[name]]
    place.folder.mkdir(parents=True, exist_ok=True)
    with place.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this command
            [sys.executable, "-m", "evalhub.cli", "server", "run", *arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    url = _wait_for_url(place, process)
    place.remember(process.pid, url)
    click.echo(url)
    click.echo(f"process {process.pid}, log {place.log}; evalhub server stop ends it", err=True)


@server.command("stop")
def stop() -> None:
    """Stop the service that runs in the background."""
    place = _Place.of_user()
    running = place.running()
    if running is None:
        click.echo("the service is not running")
        return
    os.kill(running["pid"], signal.SIGTERM)
    until = time.monotonic() + _STOP_TIMEOUT
    while place.running() is not None and time.monotonic() < until:
        time.sleep(0.1)
    if place.running() is not None:
        os.kill(running["pid"], signal.SIGKILL)
    place.state.unlink(missing_ok=True)
    click.echo("the service has stopped")


@server.command("status")
def status() -> None:
    """Show whether the service runs in the background."""
    place = _Place.of_user()
    running = place.running()
    if running is None:
        click.echo("the service is not running")
        return
    click.echo(f"{running['url']} (process {running['pid']}, log {place.log})")


@dataclass(frozen=True)
class _Place:
    """Where the process in the background is remembered."""

    folder: Path

    @classmethod
    def of_user(cls) -> _Place:
        return cls(CliSettings.from_env().state_folder)

    @property
    def state(self) -> Path:
        return self.folder / "process.json"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def remember(self, pid: int, url: str) -> None:
        self.state.write_text(json.dumps({"pid": pid, "started": _started(pid), "url": url}))

    def running(self) -> dict[str, Any] | None:
        """Return the process if it is alive, and no other that has got its number since."""
        try:
            known: dict[str, Any] = json.loads(self.state.read_text())
            os.kill(known["pid"], 0)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return known if _started(known["pid"]) == known["started"] else None


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's own unit; empty where that is not told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _leave(number: int, frame: object) -> None:
    del number, frame
    sys.exit(ExitCode.DONE)


def _wait_for_url(place: _Place, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < until:
        lines = place.log.read_text(errors="replace").splitlines()
        found = next((line for line in lines if line.startswith("http")), None)
        if found is not None:
            return found
        if process.poll() is not None:
            last = "\n".join(lines[-5:])
            raise ConfigurationError(
                f"the service did not start; its log {place.log} ends:\n{last}"
            )
        time.sleep(0.1)
    process.terminate()
    raise ConfigurationError(f"the service did not start in {_START_TIMEOUT:g} s; see {place.log}")


def _refuse_used(port: int) -> None:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ConfigurationError(
                f"port {port} is in use; choose another with --port, or 0 for a free one"
            ) from None


def _provider_of(name: str, benchmarks: Sequence[str]) -> dict[str, Any]:
    """Return a provider whose adapter is a class in a file."""
    file, _, attribute = name.partition(":")
    path = Path(file).absolute()
    if not attribute or path.suffix != ".py":
        raise ConfigurationError(f"--adapter {name!r} must be FILE.py:CLASS")
    if not path.is_file():
        raise ConfigurationError(f"--adapter: there is no file {file}")
    provider = path.stem.replace("_", "-")
    return {
        "id": provider,
        "name": provider,
        "benchmarks": [{"id": one, "name": one} for one in benchmarks or [provider]],
        "runtime": {
            "local": {
                "command": f"{sys.executable} -m evalhub.adapter {path.stem}:{attribute}",
                "env": [{"name": "PYTHONPATH", "value": str(path.parent)}],
            }
        },
    }
