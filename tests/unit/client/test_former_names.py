"""Names of 1.0 on the client's side, and what they do."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from evalhub import client
from evalhub.client import AsyncEvalHubClient, ClientError, EvalHubClient, JobLogOptions, JobLogs
from evalhub.client import evalhub as clients
from evalhub.client.job_logs import (
    DEFAULT_LOG_TAIL_LINES,
    MAX_LOG_TAIL_LINES,
    TERMINAL_JOB_STATES,
    build_log_query_params,
    build_logs_path,
    fetch_job_logs,
    fetch_job_logs_sync,
    is_terminal_job,
    log_delta,
)
from evalhub.client.resources.jobs import AsyncJobsResource, SyncJobsResource
from evalhub.errors import (
    APIError,
    EvalHubError,
    JobCanNotBeCancelledError,
    JobNotFoundError,
    TransportTimeoutError,
)
from evalhub.models import JobStatus


def test_base_classes_are_the_clients():
    assert client.BaseSyncClient is clients.BaseSyncClient is EvalHubClient
    assert client.BaseAsyncClient is clients.BaseAsyncClient is AsyncEvalHubClient
    assert isinstance(EvalHubClient("http://hub").jobs, SyncJobsResource)
    assert isinstance(AsyncEvalHubClient("http://hub").jobs, AsyncJobsResource)
    with pytest.raises(AttributeError, match="no attribute 'BaseClient'"):
        _ = client.base.BaseClient


def test_token_is_the_one_in_use(tmp_path):
    file = tmp_path / "token"
    file.write_text("first\n")
    rotated = EvalHubClient("http://hub", auth_token_path=file)
    assert rotated.auth_token == "first"
    file.write_text("second, longer\n")
    assert rotated.auth_token == "second, longer"
    assert "second" not in repr(rotated)
    assert EvalHubClient("http://hub", auth_token="fixed", max_retries=0).auth_token == "fixed"


@pytest.mark.parametrize(
    ("seen", "current", "new"),
    [
        ("", "a\n", "a\n"),
        ("a\n", "a\nb\n", "b\n"),
        ("a\nb\n", "b\nc\n", "c\n"),
        ("abc", "bcdef", "def"),
        ("a\nb\n", "x\ny\n", "x\ny\n"),
        ("a\nb\n", "", ""),
        ("a\n", "a\n", ""),
        ("a\nb\nc\n", "b\n", "b\n"),
        ("x\na\n", "a\na\nb\n", "a\nb\n"),
        ("b\0c", "c\0c", "\0c"),
        ("\0", "\0\0a", "\0a"),
    ],
)
def test_new_part_of_a_log(seen, current, new):
    assert log_delta(seen, current) == new


def test_requests_for_logs_by_hand():
    assert build_logs_path("j/1") == "/evaluations/jobs/j%2F1/logs"
    assert build_logs_path("j", 3) == "/evaluations/jobs/j/benchmarks/3/logs"
    assert (DEFAULT_LOG_TAIL_LINES, MAX_LOG_TAIL_LINES) == (1000, 10_000)
    assert build_log_query_params(JobLogOptions()) == {"tail_lines": "1000"}
    options = JobLogOptions(5, timestamps=True, since_seconds=3)
    expected = {"tail_lines": "5", "timestamps": "true", "since_seconds": "3"}
    assert build_log_query_params(options) == expected


def test_logs_are_fetched_and_know_whether_they_are_whole(world):
    job_id = world.submit()
    world.hub.write_log(job_id, "one\n")
    fetch = fetch_job_logs_sync if world.kind == "sync" else fetch_job_logs
    text = world.run(lambda c: fetch(c, job_id, benchmark_index=0), world.client)
    assert text == "one"
    job = world.run(lambda c: c.jobs.get(job_id))
    assert not is_terminal_job(job)
    assert {status for status in JobStatus if status.is_terminal} == TERMINAL_JOB_STATES


def test_truncated_log_says_so_once(world, caplog):
    headers = {"X-Log-Truncated": "true"}
    world.faults.append({"status_code": 200, "text": "half", "headers": headers})
    logs = world.run(lambda c: c.jobs.logs("j"))

    assert (logs, logs.truncated) == ("half", True)
    said = "/jobs/j/logs: the service truncated this log; request fewer lines"
    assert [record.message[-len(said) :] for record in caplog.records] == [said]
    assert JobLogs("whole").truncated is False


def test_errors_are_made_as_tests_of_1_0_make_them():
    cause = ValueError("why")
    missing = JobNotFoundError("j", cause)
    assert (missing.job_id, missing.cause, missing.status) == ("j", cause, 404)
    assert str(missing) == "404: Job 'j' not found"

    ended = JobCanNotBeCancelledError("j", reason="it has ended", cause=cause)
    assert (ended.job_id, ended.reason, ended.cause) == ("j", "it has ended", cause)
    assert str(ended) == "409: Job 'j' cannot be cancelled: it has ended"
    assert JobCanNotBeCancelledError("j").reason is None

    error = ClientError("m", cause=cause)
    assert (str(error), error.cause, error.__cause__) == ("m", cause, cause)
    assert EvalHubError("m").cause is None
    assert isinstance(TransportTimeoutError("late"), TimeoutError)


def test_errors_of_the_service_name_the_job(world):
    with pytest.raises(JobNotFoundError) as caught:
        world.run(lambda c: c.jobs.logs("no job/1"))
    assert caught.value.job_id == "no job/1"

    job_id = world.submit()
    world.report(job_id, "completed", metrics={"accuracy": 1.0})
    with pytest.raises(JobCanNotBeCancelledError) as refused:
        world.run(lambda c: c.jobs.cancel(job_id))
    assert (refused.value.job_id, refused.value.status) == (job_id, 409)
    assert refused.value.reason == refused.value.message
    assert "can not be cancelled because it is 'completed'" in str(refused.value)
    assert issubclass(JobCanNotBeCancelledError, APIError)


def test_logging_is_set_up_as_in_1_0():
    code = """
import logging, sys
from evalhub.utils import setup_logging
logger = setup_logging("debug", "%(name)s %(message)s", sys.stderr)
logger.debug("ours")
logging.getLogger("theirs").debug("too")
setup_logging(stream=sys.stdout).debug("hidden")
setup_logging("loud")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.stderr.startswith("evalhub ours\ntheirs too\nTraceback")
    assert done.stderr.endswith("ValueError: Unknown level: 'LOUD'\n")


def test_event_loop_is_not_needed_for_the_names():
    assert asyncio.iscoroutinefunction(fetch_job_logs)
    assert not asyncio.iscoroutinefunction(fetch_job_logs_sync)
