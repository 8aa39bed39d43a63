"""What an exception means to the person who submitted the job, and to the exit code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from signal import Signals
from typing import Any, cast

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
    """How an adapter's process ends; a signal adds its number to 128."""

    DELIVERED = 0
    FAILED = 1
    CONFIGURATION = 2
    NOT_DELIVERED = 3
    DEADLINE = 124


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an evaluation ended without results.

    Args:
        message: One readable text for people.
        code: What programs branch on.
        exit_code: What the process ends with once this is reported.
        origin: Who found it.
        is_expected: Whether the message says all there is, so that a traceback adds nothing.
    """

    message: str
    code: str
    exit_code: int = ExitCode.FAILED
    origin: MessageOrigin = MessageOrigin.ADAPTER
    is_expected: bool = True


class JobCancelled(KeyboardInterrupt):
    """Raised in the main thread when the process is told to end, or its time is over.

    As a `KeyboardInterrupt` it passes `except Exception`, and event loops and pools wind up as
    they do on Ctrl-C. Clean up in `finally` and let it pass.
    """

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


def by_signal(number: int) -> Failure:
    """Return the failure that a signal is."""
    name = Signals(number).name
    return Failure(f"terminated by {name}", "terminated", 128 + number, MessageOrigin.SDK)


def by_deadline(seconds: float) -> Failure:
    """Return the failure that the job's deadline is."""
    return Failure(
        f"not done within the {seconds:g} s the job allows (timeout_seconds)",
        "deadline_exceeded",
        ExitCode.DEADLINE,
        MessageOrigin.SDK,
    )


def causes_of(error: BaseException) -> list[BaseException]:
    """Return what is in a group of exceptions, cancellation first; else the exception itself."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)
    found = [cause for part in group.exceptions for cause in causes_of(part)]
    return sorted(found, key=lambda cause: not isinstance(cause, KeyboardInterrupt))


def failure_of(error: BaseException) -> Failure:
    """Return what an exception means; a group means what its first cause does."""
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
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Failure(text, "unexpected_error", is_expected=False)


def _status(code: Any) -> str:
    return "" if code is None else repr(code)
