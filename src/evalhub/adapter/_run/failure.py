"""What an exception means to the person who submitted the job, and to the exit code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from signal import Signals
from typing import Any, cast

from evalhub.adapter._report.jsonable import safe_text
from evalhub.errors import ArtifactError, BenchmarkError, ConfigurationError, ReportError
from evalhub.models.state import MessageOrigin

__all__ = [
    "ExitCode",
    "Failure",
    "JobCancelled",
    "by_deadline",
    "by_signal",
    "causes_of",
    "failure_of",
]

_CAUSES_NAMED = 3


class ExitCode(IntEnum):
    """Exit codes of an adapter's process; a signal adds its number to 128."""

    DELIVERED = 0
    FAILED = 1
    CONFIGURATION = 2
    NOT_DELIVERED = 3
    DEADLINE = 124


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an evaluation ended without results.

    Args:
        message: The reason in one sentence, for people.
        code: The reason for programs.
        exit_code: Exit code of the process after the failure was reported.
        origin: Which part of the system found it.
        is_expected: Whether the message is complete, so that a traceback would add nothing.
    """

    message: str
    code: str
    exit_code: int = ExitCode.FAILED
    origin: MessageOrigin = MessageOrigin.ADAPTER
    is_expected: bool = True


class JobCancelled(KeyboardInterrupt):
    """Raised in the main thread on SIGTERM, on SIGINT and at the job's deadline.

    As a `KeyboardInterrupt` it passes `except Exception`, and event loops and pools shut down as
    they do on Ctrl-C. Clean up in `finally` and do not suppress it.
    """

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


def by_signal(number: int) -> Failure:
    """Return the `Failure` for a signal."""
    name = Signals(number).name
    return Failure(f"terminated by {name}", "terminated", 128 + number, MessageOrigin.SDK)


def by_deadline(seconds: float) -> Failure:
    """Return the `Failure` for a missed deadline."""
    return Failure(
        f"not finished within the job's time limit of {seconds:g} s (timeout_seconds)",
        "deadline_exceeded",
        ExitCode.DEADLINE,
        MessageOrigin.SDK,
    )


def causes_of(error: BaseException) -> list[BaseException]:
    """Return the exceptions of a group, cancellation first; of a single exception, itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)
    found = [cause for part in group.exceptions for cause in causes_of(part)]
    return sorted(found, key=lambda cause: not isinstance(cause, KeyboardInterrupt))


def failure_of(error: BaseException) -> Failure:
    """Return the `Failure` for an exception; a group has the code of its first exception."""
    failures = [_failure_of(cause) for cause in causes_of(error)]
    messages = list(dict.fromkeys(failure.message for failure in failures))
    message = "; ".join(messages[:_CAUSES_NAMED])
    if len(messages) > _CAUSES_NAMED:
        message += f" and {len(messages) - _CAUSES_NAMED} more"
    return replace(
        failures[0], message=message, is_expected=all(failure.is_expected for failure in failures)
    )


def _failure_of(error: BaseException) -> Failure:
    match error:
        case JobCancelled():
            return error.failure
        case KeyboardInterrupt():
            return by_signal(Signals.SIGINT)
        case SystemExit():
            return Failure(f"the adapter called sys.exit({_status(error.code)})", "adapter_exit")
        case ReportError():
            return Failure(str(error), "not_delivered", ExitCode.NOT_DELIVERED, MessageOrigin.SDK)
        case ConfigurationError():
            return Failure(str(error), "configuration_error", ExitCode.CONFIGURATION)
        case BenchmarkError():
            return Failure(error.message, error.code)
        case ArtifactError():
            return Failure(str(error), "artifact_error")
        case _:
            name, text = type(error).__name__, safe_text(error)
            text = f"{name}: {text}" if text else name
            return Failure(text, "unexpected_error", is_expected=False)


def _status(code: Any) -> str:
    return "" if code is None else f"{code}" if isinstance(code, int) else repr(safe_text(code))
