"""Each case ends a real process: what happens at exit can be seen in no other way."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.recorder import EventRecorder

SCRIPT = """
import os, sys
from evalhub.adapter import DefaultCallbacks, JobStatus, JobStatusUpdate
callbacks = DefaultCallbacks("j", "b", "p", sidecar_url=sys.argv[1])
def say(status): callbacks.report_status(JobStatusUpdate(status=JobStatus(status)))
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where reports are kept that are not delivered


def ends(code, url, **environment):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT + code, url],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.fixture
def recorder():
    with EventRecorder() as running:
        yield running


def said(recorder):
    event = recorder.last
    return event["status"], event.get("error_message", {}).get("message")


def test_crash_after_a_report(recorder):
    assert ends("say('running')\nraise ValueError('bad')", recorder.url).returncode == 1
    assert said(recorder) == ("failed", "the adapter's process ended: ValueError: bad")


def test_crash_before_the_first_report(recorder):
    ends("raise ValueError('bad')", recorder.url)
    assert said(recorder) == ("failed", "the adapter's process ended: ValueError: bad")


@pytest.mark.parametrize("name", ["last_value", "last_exc"])
def test_an_exception_that_a_debugger_was_shown_did_not_end_the_process(recorder, name):
    ends(f"sys.{name} = ValueError('a test that failed, a cell of a notebook')", recorder.url)
    assert recorder.events == []


HOOK = "sys.excepthook = lambda kind, error, traceback: print('shown', error)\n"


def test_another_exception_hook_still_shows_the_exception(recorder):
    script = f"import sys\n{HOOK}{SCRIPT}raise ValueError('bad')"
    shown = subprocess.run(
        [sys.executable, "-c", script, recorder.url], capture_output=True, text=True, check=False
    )
    assert shown.stdout == "shown bad\n"
    assert said(recorder) == ("failed", "the adapter's process ended: ValueError: bad")


def test_a_hook_that_replaces_ours_hides_nothing(recorder):
    assert ends(f"{HOOK}raise ValueError('bad')", recorder.url).stdout == "shown bad\n"
    assert said(recorder) == ("failed", "the adapter's process ended: ValueError: bad")


def test_end_without_a_result(recorder):
    ends("say('running')", recorder.url)
    assert said(recorder) == ("failed", "the adapter's process ended: it reported no result")


def test_success_that_was_held_back(recorder):
    ends("say('completed')", recorder.url)
    assert said(recorder) == ("completed", None)


def test_nothing_was_begun(recorder):
    ends("pass", recorder.url)
    assert recorder.events == []


def test_end_that_was_reported(recorder):
    ends("say('failed')", recorder.url)
    assert [event["status"] for event in recorder.events] == ["failed"]


def test_child_process_leaves_the_end_to_its_parent(recorder):
    code = "say('running')\nif os.fork() == 0: sys.exit(0)\nos.wait()\nsay('completed')"
    ends(code, recorder.url)
    assert [event["status"] for event in recorder.events if event["status"] != "running"] == [
        "completed"
    ]


def test_service_that_is_away_does_not_hold_up_the_exit():
    ended = ends("say('running')", "http://127.0.0.1:9", EVALHUB_TERMINATION_GRACE="600")
    assert "was not delivered" in ended.stderr


def test_what_may_take_its_time_comes_after_the_report(recorder):
    code = """
from evalhub.adapter._report.at_exit import after_settling
after_settling(lambda: print("reported:", callbacks.delivery.state.name))
say('running')
raise ValueError('bad')
"""
    assert ends(code, recorder.url).stdout == "reported: RECORDED\n"
