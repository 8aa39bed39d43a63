"""`evalhub doctor`, `health`, `version`: is the service there, and does it let us in?"""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from evalhub._version import __version__
from evalhub.cli._app import App, pass_app
from evalhub.cli._errors import ExitCode, VerdictError
from evalhub.cli._output import Column, Output, output_options
from evalhub.errors import EvalHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["doctor", "health", "version"]

_COLUMNS = (
    Column("check", lambda row: row["check"], keep=True),
    Column("state", lambda row: row["state"], keep=True),
    Column("found", lambda row: row["found"]),
    Column("do this", lambda row: row["hint"]),
)


@click.command("doctor")
@output_options
@pass_app
def doctor(app: App, /, output: Output) -> None:
    """Check address, connection, token, tenant and version, and say what to do."""
    rows = list(_checks(app))
    output.show(rows, _COLUMNS, id_field="check")
    if any(row["state"] == "fails" for row in rows):
        raise VerdictError(ExitCode.FAILED)


def _checks(app: App) -> Iterator[dict[str, Any]]:
    connection = app.connection
    values, sources = connection.values, connection.sources
    where = sources.get("base_url", "the default")
    yield _row("profile", connection.profile)
    yield _row("address", f"{values['base_url']} (from {where})")
    yield _row("tenant", values.get("tenant") or "none given")
    yield from _token_row(values.get("auth_token"), sources)
    started = time.monotonic()
    answer: Any = yield from _attempt(
        "connection",
        app.client.health,
        "is the service running? evalhub config set base_url URL changes the address",
        lambda health: f"{health.status} in {(time.monotonic() - started) * 1000:.0f} ms",
    )
    if answer is None:
        return
    yield _row("service version", getattr(answer, "version", None) or "not told")
    yield from _attempt(
        "access",
        lambda: app.client.jobs.list(limit=1),
        "check token and tenant: evalhub config set token, --tenant",
        lambda jobs: "may list jobs" if jobs else "may list jobs; there are none",
    )
    yield from _attempt(
        "providers",
        app.client.providers.list,
        "evalhub providers create --file provider.yaml",
        lambda found: f"{len(found)} with {sum(len(one.benchmarks) for one in found)} benchmarks",
    )


def _attempt(
    name: str, call: Callable[[], Any], hint: str, found: Callable[[Any], str]
) -> Generator[dict[str, Any], None, Any]:
    try:
        answer = call()
    except EvalHubError as error:
        yield _row(name, str(error).splitlines()[0], hint, state="fails")
        return None
    yield _row(name, found(answer))
    return answer


def _token_row(token: Any, sources: dict[str, str]) -> Iterator[dict[str, Any]]:
    name = next((key for key in ("auth_token", "auth_token_path") if key in sources), None)
    if name is None:
        command = "token_command" in sources
        yield _row("token", "from token_command" if command else "none", "")
        return
    text = token.get_secret_value() if hasattr(token, "get_secret_value") else str(token or "")
    expires = _expiry(text)
    if expires is None:
        yield _row("token", f"from {sources[name]}")
    elif expires < datetime.now(UTC):
        yield _row(
            "token", f"expired at {expires:%Y-%m-%d %H:%M} UTC", "get a new one", state="fails"
        )
    else:
        yield _row("token", f"from {sources[name]}, expires at {expires:%Y-%m-%d %H:%M} UTC")


def _expiry(token: str) -> datetime | None:
    """Return when a JSON web token expires; of other tokens that is not known."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        return None
    try:
        payload: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(payload["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None


def _row(check: str, found: object, hint: str = "", *, state: str = "ok") -> dict[str, Any]:
    return {"check": check, "state": state, "found": str(found), "hint": hint}


@click.command("health")
@pass_app
def health(app: App, /) -> None:
    """Show the state of the service; exit with 1 if it is not healthy."""
    started = time.monotonic()
    answer = app.client.health()
    milliseconds = (time.monotonic() - started) * 1000
    click.echo(f"EvalHub service: {answer.status} ({milliseconds:.0f}ms)")
    if answer.status != "healthy":
        raise VerdictError(ExitCode.FAILED)


@click.command("version")
def version() -> None:
    """Show the version of this package."""
    click.echo(f"evalhub {__version__}")
