"""What the service records when an adapter's process dies without a word."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalhub.testing.faults import Answer

pytestmark = pytest.mark.e2e

DEATHS = {
    "SIGKILL": (137, "the adapter's process was killed by SIGKILL; peak memory "),
    "SIGSEGV": (139, "the adapter's process was killed by SIGSEGV"),
    "SIGBUS": (135, "the adapter's process was killed by SIGBUS"),
    "abort": (134, "the adapter's process was killed by SIGABRT"),
    "exit": (7, "the adapter ended the process with os._exit(7)"),
}


@pytest.mark.parametrize("when", ["made", "evaluating"])
@pytest.mark.parametrize("how", DEATHS)
def test_a_death_is_reported(how, when, job):
    exit_code, message = DEATHS[how]
    ended = job.run("Dies", parameters={"how": how, "when": when})
    assert ended.exit_code == exit_code
    assert job.state == "failed"
    error = job.status()["error_message"]
    assert error["message"].startswith(message)
    assert (error["message_code"], error["message_origin"]) == ("adapter_died", "sdk")
    assert message in ended.stderr


@pytest.mark.parametrize("how", DEATHS)
def test_results_that_were_on_their_way_arrive(how, job, faults):
    faults.script(*[Answer(503)] * 8, method="POST", path="*/events")
    ended = job.run("Dies", parameters={"how": how, "when": "reporting"})
    assert ended.exit_code == DEATHS[how][0]
    assert job.state == "completed"
    assert job.metrics == {"accuracy": 0.75}


def test_a_death_is_kept_while_the_service_is_away(job, faults):
    with faults.down():
        ended = job.run(
            "Dies",
            parameters={"how": "SIGKILL", "when": "evaluating"},
            env={"EVALHUB_REPORT_TIMEOUT": "1"},
        )
    assert ended.exit_code == 137
    assert str(job.kept()) in ended.stderr
    kept = json.loads(job.kept().read_text())["benchmark_status_event"]
    assert kept["error_message"]["message"].startswith(DEATHS["SIGKILL"][1])
    sent = subprocess.run(
        [sys.executable, "-m", "evalhub.adapter", "resend", str(job.kept())], check=False
    )
    assert sent.returncode == 0
    assert job.state == "failed"


@pytest.mark.parametrize("how", ["SIGKILL", "exit"])
def test_without_a_supervisor_os_exit_alone_is_reported(how, job):
    ended = job.run(
        "Dies",
        parameters={"how": how, "when": "evaluating"},
        env={"EVALHUB_SUPERVISE": "0"},
    )
    assert ended.exit_code == (-signal.SIGKILL if how == "SIGKILL" else 7)
    assert job.state in (["failed"] if how == "exit" else ["pending", "running"])


def test_an_orphan_does_not_hold_up_the_report(job, tmp_path):
    started = time.monotonic()
    ended = job.run("LeavesAnOrphan", parameters={"how": "SIGKILL", "pid": str(tmp_path / "pid")})
    assert ended.exit_code == 137
    assert job.state == "failed"
    assert time.monotonic() - started < 20


def test_the_adapter_ends_when_its_supervisor_is_killed(job):
    ready = job.folder / "ready"
    process = job.start(
        "Cleans", parameters={"ready": str(ready), "cleaned": str(job.folder / "cleaned")}
    )
    until = time.monotonic() + 20
    while not ready.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    process.kill()
    while job.state in ("pending", "running"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert job.status()["error_message"]["message"] == "terminated by SIGTERM"


needs_namespaces = pytest.mark.skipif(
    shutil.which("unshare") is None or os.geteuid() != 0, reason="needs root and unshare"
)


def as_init(job, adapter, **parameters):
    """Run an adapter as process 1 of a PID namespace, as a container does."""
    folder = job.folder / "init" / "meta"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps(job.spec(parameters=parameters)))
    return subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child",
         sys.executable, "-m", "evalhub.adapter", f"adapters:{adapter}"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *sys.path)),
            "EVALHUB_JOB_SPEC_PATH": str(folder / "job.json"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


@needs_namespaces
@pytest.mark.parametrize("how", DEATHS)
def test_a_death_is_reported_by_process_1(how, job):
    exit_code, message = DEATHS[how]
    process = as_init(job, "Dies", how=how, when="evaluating")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == exit_code, stderr
    assert job.status()["error_message"]["message"].startswith(message)


@needs_namespaces
def test_process_1_reaps_and_ends_without_waiting_for_orphans(job, tmp_path):
    process = as_init(job, "LeavesAnOrphan", how="exit", pid=str(tmp_path / "pid"))
    process.communicate(timeout=20)
    assert process.returncode == 7
    assert job.state == "failed"


@needs_namespaces
def test_process_1_forwards_sigterm(job):
    ready = job.folder / "ready"
    process = as_init(job, "Cleans", ready=str(ready), cleaned=str(job.folder / "cleaned"))
    until = time.monotonic() + 20
    while not ready.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    (init,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(init), signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 143, stderr
    assert job.status()["error_message"]["message"] == "terminated by SIGTERM"
