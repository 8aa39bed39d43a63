from __future__ import annotations

import asyncio
import signal

import pytest

from evalhub.adapter._run.failure import (
    ExitCode,
    Failure,
    JobCancelled,
    by_deadline,
    by_signal,
    failure_of,
)
from evalhub.errors import (
    ArtifactError,
    BenchmarkError,
    ConfigurationError,
    JobSpecError,
    ReportError,
    TransportError,
)
from evalhub.models.state import MessageOrigin

ADAPTER, SDK = MessageOrigin.ADAPTER, MessageOrigin.SDK


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (BenchmarkError("no GPU"), Failure("no GPU", "benchmark_failed", 1, ADAPTER)),
        (BenchmarkError("no GPU", code="gpu"), Failure("no GPU", "gpu", 1, ADAPTER)),
        (
            ConfigurationError("bad settings", details=["a", "b"]),
            Failure("bad settings\n  - a\n  - b", "configuration_error", 2, ADAPTER),
        ),
        (JobSpecError("bad job"), Failure("bad job", "configuration_error", 2, ADAPTER)),
        (ArtifactError("not stored"), Failure("not stored", "artifact_error", 1, ADAPTER)),
        (ReportError("not delivered"), Failure("not delivered", "not_delivered", 3, SDK)),
        (SystemExit(), Failure("the adapter called sys.exit()", "adapter_exit", 1, ADAPTER)),
        (SystemExit(0), Failure("the adapter called sys.exit(0)", "adapter_exit", 1, ADAPTER)),
        (
            SystemExit("no data"),
            Failure("the adapter called sys.exit('no data')", "adapter_exit", 1, ADAPTER),
        ),
        (KeyboardInterrupt(), Failure("terminated by SIGINT", "terminated", 130, SDK)),
        (
            TransportError("no connection"),
            Failure("TransportError: no connection", "unexpected_error", is_expected=False),
        ),
        (
            KeyError("model"),
            Failure("KeyError: 'model'", "unexpected_error", is_expected=False),
        ),
        (
            asyncio.CancelledError(),
            Failure("CancelledError", "unexpected_error", is_expected=False),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_exception_means(error, failure):
    assert failure_of(error) == failure


@pytest.mark.parametrize(
    ("number", "name", "exit_code"),
    [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "SIGINT", 130)],
)
def test_a_signal_is_named_and_adds_its_number_to_128(number, name, exit_code):
    assert by_signal(number) == Failure(f"terminated by {name}", "terminated", exit_code, SDK)


@pytest.mark.parametrize(("seconds", "shown"), [(3600.0, "3600"), (0.5, "0.5")])
def test_a_deadline_says_how_long_the_job_allows(seconds, shown):
    assert by_deadline(seconds) == Failure(
        f"not finished within the job's time limit of {shown} s (timeout_seconds)",
        "deadline_exceeded",
        124,
        SDK,
    )


def test_a_cancelled_job_means_what_cancelled_it():
    failure = by_deadline(2.0)
    cancelled = JobCancelled(failure)
    assert failure_of(cancelled) == failure
    assert str(cancelled) == failure.message


def test_a_cancelled_job_passes_handlers_of_exceptions():
    assert not issubclass(JobCancelled, Exception)
    assert issubclass(JobCancelled, KeyboardInterrupt)


def test_the_exit_codes_are_the_documented_ones():
    assert {code.name: code.value for code in ExitCode} == {
        "DELIVERED": 0, "FAILED": 1, "CONFIGURATION": 2, "NOT_DELIVERED": 3, "DEADLINE": 124,
    }  # fmt: skip


def test_a_group_means_what_is_in_it():
    inner = BenchmarkError("no GPU", code="gpu")
    group = ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("inner", [inner])])
    assert failure_of(group) == Failure("no GPU", "gpu")


def test_the_first_causes_of_a_group_are_named_once_each():
    errors = [ValueError("a"), BenchmarkError("b"), ValueError("a"), *map(OSError, "cdef")]
    failure = failure_of(ExceptionGroup("many", errors))
    assert failure.message == "ValueError: a; b; OSError: c and 3 more"
    assert failure.code == "unexpected_error"
    assert not failure.is_expected


def test_a_group_with_a_cancellation_is_one():
    cancelled = JobCancelled(by_signal(signal.SIGTERM))
    failure = failure_of(BaseExceptionGroup("both", [ValueError("torn down"), cancelled]))
    assert failure.code == "terminated"
    assert failure.exit_code == 143
    assert failure.message == "terminated by SIGTERM; ValueError: torn down"
