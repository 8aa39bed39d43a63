"""A real MLflow server, from the environment that `make mlflow-server` makes."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

PROGRAM = Path(__file__).parents[2] / "build" / "mlflow" / "bin" / "mlflow"
_START_SECONDS = 120


@contextmanager
def mlflow_server(folder: Path, *options: str) -> Generator[str, None, None]:
    """Run a server that keeps its data in a folder, and yield its URL."""
    assert PROGRAM.exists(), "no MLflow server: `make mlflow-server` installs one"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PROGRAM), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts"), *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment["PATH"] = f"{PROGRAM.parent}:{environment.get('PATH', '')}"
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, server, folder / "server.log")
            yield url
        finally:
            server.terminate()
            server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.3)
    raise AssertionError(f"the MLflow server did not start:\n{log.read_text()[-2000:]}")
