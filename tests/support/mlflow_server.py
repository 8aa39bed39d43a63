"""Real MLflow servers, and MLflow's own client, from the environment of `make mlflow-server`.

with mlflow_servers(folder, team=["--enable-workspaces"]) as urls, closing(MlflowPython()) as own:
    found = own.says("client.get_run(run_id).info.status", urls["team"], run_id=run_id)
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.process import free_port

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

_ENVIRONMENT = Path(__file__).parents[2] / "build" / "mlflow" / "bin"
_START_SECONDS = 180

WORKSPACE = "team-a"
PASSWORD = "of-the-administrator"
"""Of the user `admin`, on a server with `--app-name basic-auth`."""


@contextmanager
def mlflow_servers(folder: Path, **options: Sequence[str]) -> Iterator[dict[str, str]]:
    """Run servers with these options, started together, and yield their URLs by name."""
    with ExitStack() as stack:
        started = {
            name: stack.enter_context(_started(folder / name, given))
            for name, given in options.items()
        }
        for name, (url, server) in started.items():
            _wait(url, server, folder / name / "server.log")
        yield {name: url for name, (url, _) in started.items()}


class MlflowPython:
    """A Python process with MLflow in it, which evaluates expressions.

    One process for all tests: to import MLflow takes longer than they do.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(_ENVIRONMENT / "python"), "-c", _EVALUATE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_clean(),
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)

    def says(self, expression: str, url: str, **values: Any) -> Any:
        """Return what an expression is worth, by way of JSON.

        Args:
            expression: May use `client`, an `mlflow.MlflowClient`, and the module `mlflow`.
            url: The server.
            values: Names in the expression; those in capitals are environment variables.
        """
        variables = {name: value for name, value in values.items() if name.isupper()}
        names = {name: value for name, value in values.items() if not name.isupper()}
        variables["MLFLOW_TRACKING_URI"] = url
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([expression, names, variables]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "MLflow's Python has ended"
        kind, value = json.loads(answer)
        assert kind == "value", value
        return value


_EVALUATE = """
import json, os, sys, traceback
import mlflow, mlflow.artifacts
for line in sys.stdin:
    expression, names, variables = json.loads(line)
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        del os.environ[name]
    os.environ.update(variables)
    mlflow.set_tracking_uri(variables["MLFLOW_TRACKING_URI"])
    try:
        found = ["value", eval(expression, {**globals(), "client": mlflow.MlflowClient(), **names})]
    except Exception:
        found = ["error", traceback.format_exc()]
    print(json.dumps(found), flush=True)
"""


@contextmanager
def _started(
    folder: Path, options: Sequence[str]
) -> Generator[tuple[str, subprocess.Popen[bytes]]]:
    program = _ENVIRONMENT / "mlflow"
    assert program.exists(), "no MLflow server: `make mlflow-server` installs one"
    folder.mkdir(parents=True)
    port = free_port()
    command = [str(program), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts"), *options]
    environment = {
        **_clean(),
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of-a-test",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven more processes
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)
        try:
            yield f"http://127.0.0.1:{port}", server
        finally:
            server.terminate()
            server.wait(30)


def _clean() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PYTHONPATH"))}
    return {**kept, "PATH": f"{_ENVIRONMENT}:{os.environ.get('PATH', '')}"}


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.3)
    raise AssertionError(f"the MLflow server did not start:\n{log.read_text()[-2000:]}")
