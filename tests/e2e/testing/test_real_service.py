"""Starting and stopping the real service leaves nothing behind."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalhub import EvalHubClient, EvalHubError
from evalhub.testing import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.e2e


def test_adapters_end_with_the_service(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = f"echo $$ >> {pids}; sleep 300 & echo $! >> {pids}; wait"
    provider = {
        "id": "p",
        "benchmarks": [{"id": "b"}],
        "runtime": {"local": {"command": command}},
    }
    with RealEvalHub(providers=[provider], env={"GREETING": "hello"}) as service:
        job = {
            "name": "j",
            "model": {"name": "m", "url": "http://m"},
            "benchmarks": [{"id": "b", "provider_id": "p"}],
        }
        request = urllib.request.Request(
            f"{service.url}/api/v1/evaluations/jobs", json.dumps(job).encode()
        )
        with urllib.request.urlopen(request) as reply:
            ident = json.load(reply)["resource"]["id"]
        folder = service.job_folder(ident)
        wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
        started = [int(pid) for pid in pids.read_text().split()]
        assert all(is_running(pid) for pid in started)
        assert folder.is_dir()
    wait_for(lambda: not any(is_running(pid) for pid in started))
    assert not folder.exists()
    assert "API Server starting" in service.log


def test_two_run_side_by_side() -> None:
    with RealEvalHub() as one, RealEvalHub() as two:
        assert one.url != two.url
    with one:
        assert one.url


def test_restart_keeps_adapters_and_what_lies_in_a_file(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    provider = {
        "id": "p",
        "benchmarks": [{"id": "b"}],
        "runtime": {"local": {"command": f"echo $$ > {pids}; sleep 300"}},
    }
    database = {"database": {"url": f"file:{tmp_path}/hub.db"}}
    with (
        RealEvalHub(providers=[provider], config=database) as service,
        EvalHubClient(service.url) as client,
    ):
        job = client.jobs.submit(
            name="j",
            model={"name": "m", "url": "http://m"},
            benchmarks=[{"id": "b", "provider_id": "p"}],
        )
        wait_for(lambda: pids.exists() and bool(pids.read_text().strip()))
        url, log = service.url, service.log

        service.restart()

        assert service.url == url
        assert client.jobs.get(job).state == "pending"
        assert is_running(int(pids.read_text()))
        assert service.log.startswith(log)
        assert "API Server starting" in service.log.removeprefix(log)


def test_service_that_is_not_running_cannot_be_restarted() -> None:
    with pytest.raises(EvalHubError, match="the service is not running: start it first"):
        RealEvalHub().restart()


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
