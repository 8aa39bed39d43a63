"""Errors in three lines, and exit codes."""

from __future__ import annotations

import errno
import json
import os
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ExitCode", "VerdictError", "run"]


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    VERDICT = 3
    REFUSED = 4
    NO_CONNECTION = 5
    TIMEOUT = 124
    INTERRUPTED = 130


class VerdictError(Exception):
    """End the command with an exit code; what there is to tell has been printed."""

    def __init__(self, code: ExitCode) -> None:
        self.code = code
        super().__init__(code.name)


def run(arguments: Sequence[str]) -> int:
    """Run the command line, print what goes wrong, and return the exit code."""
    try:
        return _run(arguments)
    except KeyboardInterrupt as interruption:
        _write("interrupted", notes=_notes(interruption))
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has enough; Python would complain at exit.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until exit
        return ExitCode.DONE


def _run(arguments: Sequence[str]) -> int:
    from evalhub.cli._root import root

    wants_json = _wants_json(arguments)
    try:
        result = root.main(list(arguments), prog_name="evalhub", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.UsageError as error:
        where = f"\nhint: {error.ctx.command_path} --help" if error.ctx else ""
        _write(error.format_message(), where, as_json=wants_json)
        return ExitCode.USAGE
    except click.ClickException as error:
        _write(error.format_message(), as_json=wants_json)
        return ExitCode.USAGE
    except click.Abort:
        _write("nothing was done", as_json=wants_json)
        return ExitCode.INTERRUPTED
    except VerdictError as verdict:
        sys.stdout.flush()
        return verdict.code
    except BrokenPipeError:
        raise
    except OSError as error:
        if isinstance(error, _package_errors()):
            return _package_error(error, as_json=wants_json)
        code = errno.errorcode.get(error.errno or 0, "")
        _write(f"{error.strerror or error} ({error.filename or code})", as_json=wants_json)
        return ExitCode.FAILED
    except _package_errors() as error:
        return _package_error(error, as_json=wants_json)
    return result if isinstance(result, int) else ExitCode.DONE


def _package_errors() -> tuple[type[Exception], ...]:
    from evalhub.errors import EvalHubError

    return (EvalHubError,)


def _package_error(error: Exception, *, as_json: bool) -> int:
    from evalhub import errors

    match error:
        case errors.WaitTimeoutError():
            code = ExitCode.TIMEOUT
        case errors.ConfigurationError():
            code = ExitCode.USAGE
        case errors.TransportError():
            code = ExitCode.NO_CONNECTION
        case errors.APIError() | errors.ResponseError():
            code = ExitCode.REFUSED
        case _:
            code = ExitCode.FAILED
    details = [f"  {line}" for line in getattr(error, "details", None) or ()]
    message, more = str(error), ""
    if isinstance(error, errors.APIError):
        message = error.message
        known = {"code": error.message_code, "status": error.status, "trace": error.trace}
        shown = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        more = f"\n{shown}" if shown else ""
    elif details:
        message = str(getattr(error, "message", message))
        more = "\n" + "\n".join(details)
    hint = _hint(error)
    _write(message, more + (f"\nhint: {hint}" if hint else ""), _notes(error), as_json=as_json)
    return code


def _hint(error: Exception) -> str:
    from evalhub import errors

    match error:
        case errors.AuthenticationError():
            return "evalhub config set token - reads a token from stdin; EVALHUB_TOKEN works too"
        case errors.PermissionDeniedError():
            return "check the tenant: evalhub doctor"
        case errors.JobNotFoundError():
            return "evalhub jobs list shows the jobs of this tenant"
        case errors.NotFoundError():
            return "evalhub providers list and evalhub collections list show what there is"
        case errors.TransportError():
            return (
                "evalhub doctor checks the connection; evalhub config set base_url URL changes it"
            )
        case _:
            return ""


def _notes(error: BaseException) -> Sequence[str]:
    return getattr(error, "__notes__", ())


def _write(text: str, more: str = "", notes: Sequence[str] = (), *, as_json: bool = False) -> None:
    if as_json:
        fields: dict[str, Any] = {"error": text}
        for line in more.strip().splitlines():
            name, _, value = line.partition(": ")
            if name == "hint":
                fields["hint"] = value
            else:
                fields.setdefault("details", []).append(line.strip())
        click.echo(json.dumps({**fields, **({"notes": list(notes)} if notes else {})}), err=True)
        return
    lines = [f"error: {text}{more}", *(f"note: {note}" for note in notes)]
    click.echo("\n".join(lines), err=True)


def _wants_json(arguments: Sequence[str]) -> bool:
    joined = " ".join(arguments)
    return any(f"{name}{sep}json" in joined for name in ("--format", "-o") for sep in ("=", " "))
