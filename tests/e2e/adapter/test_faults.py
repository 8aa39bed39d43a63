"""What the service records when the way to it is broken."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from evalhub.testing.faults import Answer, Delay, Hang, Reset, Truncate

pytestmark = pytest.mark.e2e

EVENTS = {"method": "POST", "path": "*/events"}


def completions(faults, service_metrics=None):
    """How many terminal events the service accepted."""
    return [exchange for exchange in faults.seen if exchange.method == "POST"]


def recorded_once(job, ended):
    assert ended.exit_code == 0, ended.stderr
    assert job.state == "completed"
    assert job.metrics == {"accuracy": 0.75}
    assert len(job.now["results"]["benchmarks"]) == 1
    assert not job.kept().exists()


@pytest.mark.parametrize("seconds", [5, 30])
def test_service_down_at_the_start(job, faults, seconds):
    with faults.down():
        process = job.start("Slow", parameters={"seconds": 1})
        time.sleep(seconds)
    recorded_once(job, job.wait(process))


def test_service_down_at_the_end(job, faults):
    process = job.start("Slow", parameters={"seconds": 2})
    time.sleep(1.5)
    with faults.down():
        time.sleep(10)
    recorded_once(job, job.wait(process))


@pytest.mark.parametrize(
    "actions",
    [
        [Answer(503)] * 3,
        [Answer(429, headers={"Retry-After": "2"})],
        [Reset(forwarded=False)],
        [Reset(forwarded=True)],
        [Truncate(after=0)],
        [Answer(200, b"<html>")],
        [Answer(401)],
        [Answer(502, b"dial tcp: connection refused")],
        [Hang(forwarded=False)],
        [Hang(forwarded=True)],
    ],
    ids=[
        "503 three times",
        "429",
        "reset before",
        "reset after",
        "truncated",
        "html",
        "401",
        "502",
        "no answer before",
        "no answer after",
    ],
)
def test_fault_at_the_final_report(job, faults, actions):
    process = job.start("Good")
    # The final report is the one with metrics: the seventh, after a start and six phases.
    faults.script(*actions, **EVENTS)
    recorded_once(job, job.wait(process))
