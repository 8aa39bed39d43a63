from __future__ import annotations

import json

import pytest

from evalhub.adapter._run.runner import callbacks_for_invalid_job
from evalhub.models.event import JobStatusUpdate
from evalhub.models.state import JobStatus
from evalhub.settings import AdapterSettings

WHOSE = {
    "id": "job-1",
    "provider_id": "demo",
    "benchmark_id": "arith",
    "benchmark_index": 2,
    "callback_url": "http://localhost:8080",
}


@pytest.fixture
def job_file(clean_environment, tmp_path):
    """Return a writer of the job file that the environment names."""
    path = tmp_path / "job.json"
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(path), EVALHUB_SPOOL_DIR=str(tmp_path))

    def write(content):
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    return write


def test_a_file_that_says_whose_job_it_is_is_enough(job_file):
    job_file({**WHOSE, "model": "not a model"})
    callbacks = callbacks_for_invalid_job(AdapterSettings.usable())
    assert callbacks is not None
    assert callbacks.delivery is not None
    who = callbacks.delivery.benchmark
    assert (who.job_id, who.provider_id, who.benchmark_id, who.benchmark_index) == (
        "job-1", "demo", "arith", 2,
    )  # fmt: skip
    assert callbacks.sidecar_url == "http://localhost:8080"


def test_the_failure_is_reported_with_the_environment_s_token(
    job_file, clean_environment, tmp_path, recorder
):
    (tmp_path / "token").write_text("t0ken")
    clean_environment(EVALHUB_AUTH_TOKEN_PATH=str(tmp_path / "token"))
    job_file({**WHOSE, "callback_url": recorder.url})
    callbacks = callbacks_for_invalid_job(AdapterSettings.usable())
    assert callbacks is not None
    callbacks.report_status(JobStatusUpdate(status=JobStatus.FAILED, error_message="no model"))
    assert recorder.requests[-1].headers["Authorization"] == "Bearer t0ken"
    assert recorder.last["error_message"]["message"] == "no model"


def test_an_environment_that_is_not_usable_costs_no_report(job_file, clean_environment):
    clean_environment(EVALHUB_REPORT_TIMEOUT="soon", EVALHUB_MODE="moon")
    job_file(WHOSE)
    assert callbacks_for_invalid_job(AdapterSettings.usable()) is not None


def test_the_documented_name_of_the_job_is_as_good(job_file):
    documented = {**WHOSE, "job_id": "job-2"}
    job_file(documented)
    callbacks = callbacks_for_invalid_job(AdapterSettings.usable())
    assert callbacks is not None
    assert callbacks.job_id == "job-2"


def test_no_index_is_the_first(job_file):
    job_file({name: value for name, value in WHOSE.items() if name != "benchmark_index"})
    callbacks = callbacks_for_invalid_job(AdapterSettings.usable())
    assert callbacks is not None
    assert callbacks.benchmark_index == 0


@pytest.mark.parametrize("index", ["2", 2.0, True, None])
def test_an_index_is_not_guessed_because_another_benchmark_would_end(index, job_file):
    job_file({**WHOSE, "benchmark_index": index})
    assert callbacks_for_invalid_job(AdapterSettings.usable()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", ""),
        ("id", 7),
        ("id", ".."),
        ("benchmark_id", None),
        ("provider_id", ["demo"]),
        ("callback_url", None),
        ("callback_url", "localhost:8080"),
    ],
)
def test_nothing_is_reported_for_a_job_that_is_not_known(name, value, job_file):
    job_file({**WHOSE, name: value})
    assert callbacks_for_invalid_job(AdapterSettings.usable()) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 200_000])
def test_nothing_can_be_had_from_what_is_not_an_object(content, job_file):
    job_file(content)
    assert callbacks_for_invalid_job(AdapterSettings.usable()) is None


def test_nothing_can_be_had_from_a_file_there_is_not(job_file):
    assert callbacks_for_invalid_job(AdapterSettings.usable()) is None
