"""What the service records when adapters of this package end, one way or another."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from evalhub.testing.faults import Delay

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e


def appears(path: Path, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, f"{path} did not appear"
        time.sleep(0.02)


def waits(job, adapter, **env):
    """Start an adapter that waits to be ended, and return its process when it does."""
    ready = job.folder / "ready"
    parameters = {"ready": str(ready), "cleaned": str(job.folder / "cleaned")}
    process = job.start(adapter, env=env, parameters=parameters)
    appears(ready)
    return process


def test_results_arrive_and_are_shown(job, faults):
    ended = job.run("Good")
    assert ended.exit_code == 0
    assert job.state == "completed"
    assert job.metrics == {"accuracy": 0.75}
    assert job.results()["additional_info"]["num_examples_evaluated"] == 4
    assert "accuracy  0.75" in ended.stdout
    assert {exchange.status for exchange in faults.seen} == {204}


def test_one_of_three_benchmarks_raises(kit, faults, tmp_path, job):
    job.submit(benchmarks=3)
    assert [job.run(name, i).exit_code for i, name in enumerate(("Good", "Raises", "Odd"))] == [
        0,
        1,
        0,
    ]
    assert job.state == "partially_failed"
    assert job.status(1)["error_message"]["message"] == ("RuntimeError: the dataset has no answers")
    assert job.results(2)["metrics"] == {
        "accuracy": 0.5,
        "nan": None,
        "per_class": [0.1, 0.2],
        "matrix": [[0, 1], [2, 3]],
        "object": {"path": "/x"},
    }
    info = job.results(2)["additional_info"]
    assert info["where"] == "/data/x"
    assert info["non_finite_metrics"] == {"nan": "nan"}


def test_unexpected_exception(job):
    ended = job.run("Raises")
    assert ended.exit_code == 1
    assert job.state == "failed"
    assert job.status()["error_message"] == {
        "message": "RuntimeError: the dataset has no answers",
        "message_code": "unexpected_error",
        "message_origin": "adapter",
    }
    assert "Traceback" in ended.stderr


def test_bad_parameter(job):
    ended = job.run("BadParameter")
    assert ended.exit_code == 2
    assert job.status()["error_message"]["message_code"] == "configuration_error"
    assert "parameter 'shots' must be a number" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_bad_job_file_is_reported_where_it_says_whose_it_is(job):
    ended = job.run("Good", model="not an object", parameters={"api_key": "sk-secret"})
    assert ended.exit_code == 2
    assert job.state == "failed"
    message = job.status()["error_message"]["message"]
    assert "is invalid: 1 invalid field" in message
    assert "sk-secret" not in ended.stderr + message
    assert "Traceback" not in ended.stderr


def test_success_before_results(job):
    assert job.run("CompletedFirst").exit_code == 0
    assert job.state == "completed"
    assert job.metrics == {"accuracy": 0.75}


def test_sys_exit(job):
    assert job.run("Exits").exit_code == 1
    assert job.status()["error_message"]["message"] == "the adapter called sys.exit(0)"


def test_os_exit(job):
    assert job.run("ExitsHard").exit_code == 7
    assert job.status()["error_message"]["message"] == (
        "the adapter ended the process with os._exit(7)"
    )


def test_fork_that_raises(job, faults):
    assert job.run("Forks").exit_code == 1
    assert job.status()["error_message"]["message"] == "worker ended with 1"
    assert job.state == "failed"


def test_fork_that_returns(job):
    assert job.run("ForksWell").exit_code == 0
    assert job.metrics == {"accuracy": 0.75}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_signal(job, number, code):
    process = waits(job, "Cleans")
    process.send_signal(number)
    ended = job.wait(process)
    assert ended.exit_code == code
    assert ended.seconds < 3
    assert (job.folder / "cleaned").exists()
    assert job.status()["error_message"]["message"] == f"terminated by {number.name}"
    assert job.state == "failed"


def test_signal_that_code_in_c_does_not_hear(job):
    process = waits(job, "Deaf", EVALHUB_TERMINATION_GRACE="1")
    process.send_signal(signal.SIGTERM)
    ended = job.wait(process)
    assert ended.exit_code == 143
    assert 1 <= ended.seconds < 6
    assert job.status()["error_message"]["message"] == "terminated by SIGTERM"


@pytest.mark.parametrize("adapter", ["Loads", "LoadsInC"])
def test_signal_before_the_evaluation_begins(job, adapter):
    process = waits(job, adapter, EVALHUB_TERMINATION_GRACE="1")
    process.send_signal(signal.SIGTERM)
    ended = job.wait(process)
    assert ended.exit_code == 143
    assert ended.seconds < 6
    assert job.status()["error_message"]["message"] == "terminated by SIGTERM"


def test_os_exit_before_the_evaluation_begins(job):
    ended = job.run("LoadsAndExits", parameters={"ready": str(job.folder / "ready")})
    assert ended.exit_code == 7
    assert "os._exit(7)" in job.status()["error_message"]["message"]


def test_second_signal_ends_at_once(job):
    process = waits(job, "Deaf")
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    ended = job.wait(process)
    assert ended.exit_code == 143
    assert ended.seconds < 10  # of the 20 s of grace
    assert job.status()["error_message"]["message"] == "terminated by SIGTERM, at once"


def test_threads_that_do_not_end_are_left_behind(job):
    process = waits(job, "Lingers")
    process.send_signal(signal.SIGTERM)
    ended = job.wait(process)
    assert ended.exit_code == 143
    assert ended.seconds < 8
    assert job.state == "failed"


def test_deadline(job):
    ended = job.run("Slow", parameters={"seconds": 60}, timeout_seconds=1)
    assert ended.exit_code == 124
    assert job.status()["error_message"]["message_code"] == "deadline_exceeded"


def test_deadline_in_c_code(job):
    ended = job.run(
        "Deaf",
        parameters={"ready": str(job.folder / "ready")},
        timeout_seconds=1,
        env={"EVALHUB_TERMINATION_GRACE": "1"},
    )
    assert ended.exit_code == 124
    assert job.status()["error_message"]["message_code"] == "deadline_exceeded"


def test_retries_are_visible(job, faults):
    ended = job.run("Flaky", retry_attempts=2, parameters={"fresh": True})
    assert ended.exit_code == 0
    assert job.metrics == {"attempts": 3}
    assert job.status()["warning_message"]["message"] == "attempt 2 of 3 failed: hiccup 2"


def test_retries_are_used_up(job):
    ended = job.run("Flaky", retry_attempts=1, parameters={"fresh": True})
    assert ended.exit_code == 1
    assert job.status()["error_message"]["message"] == "hiccup 2"


def test_kill(job):
    process = waits(job, "Deaf")
    until = time.monotonic() + 20
    while job.state == "pending" and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.wait()
    # Nobody is left to tell: the operator sees a job that runs for ever.
    assert job.state == "running"


def test_too_large(job):
    ended = job.run("Large")
    assert ended.exit_code == 0
    assert job.metrics == {"accuracy": 0.75}
    assert job.results()["additional_info"]["note"] == "kept"
    assert "samples" not in job.results()["additional_info"]
    assert job.status()["warning_message"]["message"] == "left out for size: samples"
    assert "left out: samples" in ended.stderr


def test_asynchronous_adapter(job, faults):
    assert job.run("Asynchronous").exit_code == 0
    assert job.metrics == {"accuracy": 0.75}
    assert len(faults.seen) <= 5  # progress of tasks is coalesced as any other


def test_sigterm_cancels_the_task_of_an_asynchronous_adapter(job):
    process = waits(job, "Asynchronous")
    process.send_signal(signal.SIGTERM)
    assert job.wait(process).exit_code == 143
    assert job.status()["error_message"]["message"] == "terminated by SIGTERM"
    assert (job.folder / "cleaned").exists()


def test_deadline_cancels_the_task_of_an_asynchronous_adapter(job):
    parameters = {"ready": str(job.folder / "ready"), "cleaned": str(job.folder / "cleaned")}
    ended = job.run("Asynchronous", timeout_seconds=1, parameters=parameters)
    assert ended.exit_code == 124
    assert job.status()["error_message"]["message_code"] == "deadline_exceeded"
    assert (job.folder / "cleaned").exists()


def test_a_failure_reported_in_a_coroutine_does_not_block_the_loop(job, faults):
    blocked = job.folder / "blocked"
    faults.always(Delay(1.0), method="POST", path="*/events")
    ended = job.run("Asynchronous", parameters={"fails": True, "blocked": str(blocked)})
    assert ended.exit_code == 1
    assert float(blocked.read_text()) < 0.5
    assert job.status()["error_message"]["message_code"] == "no_answers"


def test_reports_of_a_forked_worker_are_refused(job):
    ended = job.run("UsesWorkers", parameters={"method": "fork"})
    assert ended.exit_code == 0
    assert "is not sent: report from the process that made the callbacks" in ended.stderr
    assert job.metrics == {"accuracy": 0.75}


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_callbacks_cannot_be_passed_to_another_process(method, job):
    ended = job.run("UsesWorkers", parameters={"method": method})
    assert ended.exit_code == 1
    message = job.status()["error_message"]["message"]
    assert message.startswith("TypeError: callbacks cannot be passed to another process")


@pytest.mark.parametrize(("mode", "exit_code"), [("k8s", 2), ("local", 0)])
@pytest.mark.parametrize("callback_url", ["", None])
def test_a_job_without_a_callback_url(callback_url, mode, exit_code, job):
    ended = job.run("Good", callback_url=callback_url, env={"EVALHUB_MODE": mode})
    assert ended.exit_code == exit_code
    assert "has no callback_url" in ended.stderr
    assert job.state == "pending"
