"""Exit codes, and errors as people and programs read them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from evalhub.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    EvalHubError,
    NotFoundError,
    PermissionDeniedError,
    ResponseError,
    TransportError,
    WaitTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ExitCode", "Problem", "exit_code_of", "problem_of", "say", "show", "wants_json"]


class ExitCode(IntEnum):
    """How a command ended; docs/reliability.md holds the table for the whole package."""

    DONE = 0
    FAILED = 1
    """The job failed or was cancelled, or the command could not do its work."""

    USAGE = 2
    VERDICT = 3
    REFUSED = 4
    UNREACHABLE = 5
    TIMEOUT = 124
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error says: its text, where the service's log has it, and what to do next."""

    message: str
    code: str = ""
    trace: str = ""
    hint: str = ""
    exit_code: ExitCode = ExitCode.FAILED

    def to_json(self) -> str:
        """Return the problem as one line of JSON."""
        import json

        fields = {
            "error": self.message,
            "code": self.code,
            "trace": self.trace,
            "hint": self.hint,
            "exit_code": int(self.exit_code),
        }
        return json.dumps({name: value for name, value in fields.items() if value != ""})

    def to_text(self) -> str:
        """Return the problem in up to three lines."""
        lines = [f"error: {self.message}"]
        if self.code or self.trace:
            parts = (("code", self.code), ("trace", self.trace))
            lines.append(", ".join(f"{name}: {value}" for name, value in parts if value))
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (WaitTimeoutError, ExitCode.TIMEOUT),
    (ConfigurationError, ExitCode.USAGE),
    (click.UsageError, ExitCode.USAGE),
    (APIError, ExitCode.REFUSED),
    (ResponseError, ExitCode.REFUSED),
    (TransportError, ExitCode.UNREACHABLE),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
)


def exit_code_of(error: BaseException) -> ExitCode:
    """Return the exit code that stands for an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)


def problem_of(error: BaseException) -> Problem:
    """Return what an error says to whoever typed the command."""
    code = exit_code_of(error)
    notes = "; ".join(getattr(error, "__notes__", ()))
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        hint = f"{context.command_path} --help" if context is not None else ""
        return Problem(error.format_message(), hint=notes or hint, exit_code=code)
    if isinstance(error, APIError):
        return Problem(
            f"{error.message} ({error.status})",
            code=error.message_code,
            trace=error.trace,
            hint=notes or _hint(error),
            exit_code=code,
        )
    if isinstance(error, OSError) and not isinstance(error, EvalHubError):
        where = f"{error.filename}: " if error.filename else ""
        return Problem(f"{where}{error.strerror or error}", hint=notes)
    return Problem(str(error) or type(error).__name__, hint=notes or _hint(error), exit_code=code)


def _hint(error: BaseException) -> str:
    match error:
        case AuthenticationError():
            return "give a token: evalhub config set token -, EVALHUB_TOKEN or token_command"
        case PermissionDeniedError():
            return "evalhub doctor shows the tenant and the user the token stands for"
        case NotFoundError():
            return "it may belong to another tenant: give --tenant, or look with list"
        case TransportError() | ResponseError():
            return "evalhub doctor; evalhub config set base_url URL, or --base-url"
        case WaitTimeoutError(job=job) if job is not None:
            return f"evalhub jobs wait {job.id}"
        case _:
            return ""


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether the output was asked for as JSON, and errors with it."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(
        word.partition("=")[0] in {"--json", "--jq"}
        or word in {"--format=json", "--format=ndjson", "-ojson", "-ondjson"}
        or (word in {"-o", "--format"} and following in {"json", "ndjson"})
        for word, following in pairs
    )


def show(problem: Problem, *, as_json: bool = False) -> None:
    """Write a problem to stderr."""
    say(problem.to_json() if as_json else problem.to_text())


def say(text: str) -> None:
    """Write a remark to stderr: never data, and never a reason to fail."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return
