"""Waits: what interrupts them, what they end with, what a terminal shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND = [sys.executable, "-m", "evalhub.cli"]


@pytest.fixture
def waiting(submit) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Wait for a job that nobody runs; the process has shown its state."""
    job = submit()
    process = subprocess.Popen(
        [*COMMAND, "jobs", "wait", job],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == f"{job} pending\n"
        yield process, job
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_says_how_to_go_on(waiting):
    process, job = waiting

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert out == ""
    assert f"the job goes on; wait again: evalhub jobs wait {job}" in err
    assert f"stop: evalhub jobs cancel {job}" in err
    assert "Traceback" not in err


def test_without_a_gate_a_missed_threshold_is_said_and_ends_with_0(evalhub, submit, report):
    job = submit()
    report(job, 0.2)

    ran = evalhub("jobs", "wait", job)

    assert ran.code == 0
    assert "the exit code is 0 all the same: with --gate it is 3" in ran.err


def test_with_a_gate_a_missed_threshold_ends_with_3(evalhub, submit, report):
    job = submit()
    report(job, 0.2)

    ran = evalhub("jobs", "wait", job, "--gate")

    assert ran.code == 3
    assert "all the same" not in ran.err


def test_the_reason_of_a_failure_comes_last(evalhub, submit, report):
    job = submit()
    report(job, None, "out of memory")

    ran = evalhub("jobs", "wait", job)

    assert ran.code == 1
    assert ran.err.rstrip().endswith("sums: out of memory")


def test_a_baseline_that_is_none_is_found_before_the_job_is_submitted(evalhub):
    words = ["run", "-m", "http://model/v1", "-n", "m", "-b", "sums@alpha", "--baseline", "gone"]

    assert evalhub(*words).code == 4
    assert evalhub("jobs", "list", "-q").out == ""


def test_a_job_that_has_ended_keeps_its_files(evalhub, submit, report):
    job = submit()
    report(job, 0.7)

    ran = evalhub("jobs", "cancel", job, "--yes")

    assert ran.code == 1
    assert f"job {job} is completed, and there is nothing to cancel" in ran.err


@pytest.fixture
def pager(tmp_path: Path) -> str:
    """Return a pager that says that it was used."""
    script = tmp_path / "pager"
    script.write_text("#!/bin/sh\necho PAGER; cat\n")
    script.chmod(0o755)
    return str(script)


def on_a_terminal(*words: str, pager: str) -> str:
    """Run a command line on a terminal of 24 lines and return what it shows."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    env = {**os.environ, "PAGER": pager, "TERM": "xterm"}
    process = subprocess.Popen(
        [*COMMAND, *words], stdin=follower, stdout=follower, stderr=follower, env=env
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            read = os.read(leader, 65536)
        except OSError:  # the other side is closed
            break
        if not read:
            break
        shown += read
    os.close(leader)
    assert process.wait(30) == 0
    return shown.decode()


@pytest.mark.parametrize(("count", "paged"), [(30, True), (3, False)])
def test_a_list_longer_than_the_terminal_goes_through_a_pager(hub, submit, pager, count, paged):
    jobs = [submit(f"job {number}") for number in range(count)]

    shown = on_a_terminal("jobs", "list", pager=pager)

    assert ("PAGER" in shown) is paged
    assert all(job in shown for job in jobs)


def test_a_pipe_has_no_pager(evalhub, submit, pager, monkeypatch):
    monkeypatch.setenv("PAGER", pager)
    for number in range(30):
        submit(f"job {number}")

    done = subprocess.run([*COMMAND, "jobs", "list"], capture_output=True, text=True, check=True)

    assert "PAGER" not in done.stdout
    assert len(done.stdout.splitlines()) == 31
