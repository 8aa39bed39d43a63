"""What the service records when the way to it is broken."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from evalhub.testing.faults import Answer, Delay, Hang, Pass, Reset, Truncate

pytestmark = pytest.mark.e2e

EVENTS = {"method": "POST", "path": "*/events"}
RANDOM = (
    Answer(503),
    Answer(502, b"dial tcp: connection refused"),
    Answer(429, headers={"Retry-After": "1"}),
    Reset(forwarded=False),
    Reset(forwarded=True),
    Truncate(),
)


def recorded_once(job, ended):
    print(f"from the last word to the end of the process: {ended.seconds:.1f} s")
    assert ended.exit_code == 0, ended.stderr
    assert job.state == "completed"
    assert job.metrics == {"accuracy": 0.75}
    assert len(job.now["results"]["benchmarks"]) == 1
    assert not job.kept().exists()


def start_and_wait(job, **env):
    """Start an adapter that has evaluated and waits to report; return its process and trigger."""
    ready, go = job.folder / "ready", job.folder / "go"
    process = job.start("Waits", env=env, parameters={"ready": str(ready), "go": str(go)})
    until = time.monotonic() + 20
    while not ready.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    return process, go


@pytest.mark.parametrize("seconds", [5, 30])
def test_service_down_at_the_start(job, faults, seconds):
    with faults.down():
        process = job.start("Slow", parameters={"seconds": 1})
        time.sleep(seconds)
    recorded_once(job, job.wait(process))


def test_service_down_at_the_final_report(job, faults):
    process, go = start_and_wait(job)
    with faults.down():
        go.touch()
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
    process, go = start_and_wait(job)
    faults.script(*actions, **EVENTS)
    go.touch()
    recorded_once(job, job.wait(process))
    posts = [exchange for exchange in faults.seen if exchange.method == "POST"]
    assert [exchange.action for exchange in posts if exchange.action in actions] == actions


def test_service_never_comes_back(job, faults):
    process, go = start_and_wait(job, EVALHUB_REPORT_TIMEOUT="2")
    with faults.down():
        go.touch()
        ended = job.wait(process)
    assert ended.exit_code == 3
    assert job.state == "running"
    assert f"evalhub.adapter resend {job.kept()}" in ended.stderr
    assert stat.S_IMODE(job.kept().stat().st_mode) == 0o600

    command = [sys.executable, "-m", "evalhub.adapter", "resend", str(job.kept())]
    assert subprocess.run(command, check=False).returncode == 0
    assert job.state == "completed"
    assert job.metrics == {"accuracy": 0.75}
    assert not job.kept().exists()


def test_spool_folder_that_the_environment_names(job, faults, tmp_path):
    folder = tmp_path / "spool"
    with faults.down():
        environment = {"EVALHUB_REPORT_TIMEOUT": "0", "EVALHUB_SPOOL_DIR": str(folder)}
        assert job.run("Good", env=environment).exit_code == 3
    kept = json.loads((folder / f"{job.id}-0.json").read_text())
    assert kept["benchmark_status_event"]["metrics"] == {"accuracy": 0.75}


def test_a_spool_folder_that_cannot_be_written_falls_back_to_the_temporary_one(job, faults):
    with faults.down():
        environment = {
            "EVALHUB_REPORT_TIMEOUT": "0",
            "EVALHUB_SPOOL_DIR": "/proc/spool",
            "TMPDIR": str(job.folder),
        }
        ended = job.run("Good", env=environment)
    assert ended.exit_code == 3
    kept = job.folder / "evalhub-undelivered" / f"{job.id}-0.json"
    assert str(kept) in ended.stderr
    assert '"accuracy": 0.75' in kept.read_text()


def test_cancelled_job(job):
    process, go = start_and_wait(job)
    job.ask("DELETE", f"/api/v1/evaluations/jobs/{job.id}")
    go.touch()
    ended = job.wait(process)
    assert ended.exit_code == 3
    assert job.state == "cancelled"
    assert "409 job_can_not_be_updated" in ended.stderr


def test_thousand_reports_at_50_ms_latency(job, faults):
    faults.always(Delay(0.05), **EVENTS)
    ended = job.run("Chatty")
    assert ended.exit_code == 0
    blocked = job.metrics["blocked_seconds"]
    print(f"blocked {blocked * 1000:.0f} ms by 1000 reports, {len(faults.seen)} sent")
    assert blocked < 25  # sent one after another they take 50 s; no figure of this machine
    assert len(faults.seen) < 20


def test_eight_threads_reporting(job, faults):
    faults.always(Delay(0.05), **EVENTS)
    ended = job.run("ChattyThreads")
    assert ended.exit_code == 0
    assert job.state == "completed"
    assert job.status()["phase"] == "completed"


def test_dead_registry_does_not_delay_the_report(job):
    ended = job.run(
        "Stores",
        env={"REGISTRY_URL": "http://127.0.0.1:9", "EVALHUB_MODE": "local"},
        parameters={"file": str(job.folder / "results.json")},
    )
    assert ended.exit_code == 1
    assert job.status()["error_message"]["message_code"] == "artifact_error"


@pytest.mark.parametrize(
    "fields", [{"callback_url": "http://user:pa55word@127.0.0.1:9"}, {"callback_url": "not a URL"}]
)
def test_callback_url_that_is_refused(job, fields):
    ended = job.run("Good", **fields)
    assert ended.exit_code == 2
    assert "pa55word" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


def test_token_with_a_newline_in_it(job, tmp_path):
    token = tmp_path / "token"
    token.write_text("s3cret-one\ns3cret-two")
    environment = {
        "EVALHUB_AUTH_TOKEN_PATH": str(token),
        "EVALHUB_REPORT_TIMEOUT": "1",
        "LOG_LEVEL": "DEBUG",
    }
    ended = job.run("Good", env=environment)
    assert ended.exit_code == 3
    assert "s3cret" not in ended.stdout + ended.stderr
    assert "s3cret" not in job.kept().read_text()


def test_rotated_token(job, faults, tmp_path):
    token = tmp_path / "token"
    token.write_text("old")
    process, go = start_and_wait(job, EVALHUB_AUTH_TOKEN_PATH=str(token))
    token.write_text("new")
    faults.script(Answer(401), **EVENTS)
    go.touch()
    recorded_once(job, job.wait(process))


COUNT = int(os.environ.get("EVALHUB_TEST_REPEATS", "20"))
"""How many adapters run through the bad network in each way; the published figures are for 200."""


@pytest.mark.parametrize("at_once", [1, 20], ids=["one after another", "at once"])
def test_fifth_of_all_requests_fails(kit, faults, tmp_path, job, at_once):
    faults.at_random(0.2, *RANDOM, seed=5)

    def run(number):
        one = type(job)(kit, tmp_path, faults.url).submit()
        ended = one.run("Good")
        assert ended.exit_code == 0, ended.stderr
        recorded = one.now["results"]["benchmarks"]
        return one.state, [result.get("metrics") for result in recorded]

    with ThreadPoolExecutor(at_once) as pool:
        ended = list(pool.map(run, range(COUNT if at_once == 1 else 20)))
    assert ended == [("completed", [{"accuracy": 0.75}])] * len(ended)


@pytest.mark.parametrize("status", [400, 413])
def test_results_refused_for_good_end_the_job_as_failed(status, job, faults):
    refusal = Answer(status, b'{"message": "not these", "message_code": "bad"}')
    faults.script(Pass(), refusal, refusal, **EVENTS)
    ended = job.run("Odd")
    assert ended.exit_code == 3
    assert job.state == "failed"
    error = job.status()["error_message"]
    assert error["message_code"] == "results_refused"
    assert (
        error["message"] == f"EvalHub refused the results: not these; they are kept in {job.kept()}"
    )
    assert '"accuracy": 0.5' in job.kept().read_text()


def test_a_retry_after_of_a_day_is_waited_for_as_long_as_there_is_time(job, faults):
    day = Answer(503, headers={"Retry-After": "86400"})
    faults.script(Pass(), day, **EVENTS)
    ended = job.run("Odd", env={"EVALHUB_REPORT_TIMEOUT": "2"})
    assert ended.exit_code == 0
    assert job.metrics["accuracy"] == 0.5
