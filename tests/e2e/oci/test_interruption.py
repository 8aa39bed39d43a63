"""A push to a registry that never answers ends with a signal, not with a timeout."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from evalhub.testing.faults import Faults, Hang

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.registry import Registry

pytestmark = pytest.mark.e2e

SOON = 15.0
"""Seconds; a request to a silent registry takes 60, and is retried four times."""

PUSH = """\
import sys
from evalhub.adapter import OCIArtifactPersister, OCIArtifactSpec
OCIArtifactPersister(sys.argv[1]).persist(OCIArtifactSpec(files_path=sys.argv[2], job_id="j"))
"""
DEADLINE = """\
import signal, sys, threading
from evalhub.adapter import OCIArtifactPersister, OCIArtifactSpec

class OutOfTime(Exception):
    pass

def ring(*_):
    raise OutOfTime

signal.signal(signal.SIGALRM, ring)
print("ready", flush=True)
sys.stdin.readline()
signal.alarm(1)
try:
    OCIArtifactPersister(sys.argv[1]).persist(OCIArtifactSpec(files_path=sys.argv[2], job_id="j"))
except OutOfTime:
    print("out of time", flush=True)
"""


@contextmanager
def _script(code: str, url: str, files: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", code, url, str(files)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as script:
        try:
            yield script
        finally:
            script.kill()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A socket that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _url(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_ctrl_c_before_the_first_answer(silent: socket.socket, results: Path) -> None:
    with _script(PUSH, _url(silent), results) as script:
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1 << 16).startswith(b"HEAD /v2/eval-results/blobs/")
            script.send_signal(signal.SIGINT)
            _, log = script.communicate(timeout=SOON)

    assert script.returncode == -signal.SIGINT
    assert log.rstrip().endswith("KeyboardInterrupt")


def test_ctrl_c_during_the_uploads(registry: Registry, results: Path) -> None:
    with Faults(registry.url) as proxy:
        proxy.always(Hang(), method="PUT")
        with _script(PUSH, proxy.url, results) as script:
            while not any(seen.method == "PUT" for seen in list(proxy.seen)):
                assert script.poll() is None
                time.sleep(0.01)
            script.send_signal(signal.SIGINT)
            _, log = script.communicate(timeout=SOON)

    assert script.returncode == -signal.SIGINT
    assert log.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize("method", ["PUT", "HEAD"])
def test_an_exception_of_a_signal_handler(registry: Registry, results: Path, method: str) -> None:
    with Faults(registry.url) as proxy:
        proxy.always(Hang(), method=method)
        with _script(DEADLINE, proxy.url, results) as script:
            output, log = script.communicate("\n", timeout=SOON)

    assert (output, log) == ("ready\nout of time\n", "")
    assert script.returncode == 0
