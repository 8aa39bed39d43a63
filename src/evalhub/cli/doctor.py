"""`evalhub doctor`: one table of what is right and wrong, and what to do."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import click

from evalhub._version import __version__
from evalhub.cli.errors import ExitCode
from evalhub.cli.options import connects, examples, options_of
from evalhub.cli.output import formats, output_of
from evalhub.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    EvalHubError,
    PermissionDeniedError,
    TransportError,
)

if TYPE_CHECKING:
    from evalhub.cli.connection import Connection

__all__ = ["doctor"]

OK, WARNING, WRONG = "ok", "warning", "wrong"
Row = tuple[str, str, str, str]


@click.command("doctor")
@formats
@connects
@click.pass_context
@examples(
    "evalhub doctor",
)
def doctor(ctx: click.Context) -> None:
    """Check the configuration, the service, the token and the tenant; say what to do."""
    rows = _examine(ctx)
    found: list[dict[str, Any]] = [
        dict(zip(("check", "result", "found", "do"), row, strict=True)) for row in rows
    ]
    output_of(ctx).show(found, columns=("check", "result", "found", "do"), name="check", wrap=True)
    if any(row[1] == WRONG for row in rows):
        ctx.exit(ExitCode.FAILED)


def _examine(ctx: click.Context) -> list[Row]:
    from evalhub.cli.connection import connection_of

    rows: list[Row] = [("sdk", OK, __version__, "")]
    try:
        connection = connection_of(options_of(ctx))
    except EvalHubError as error:
        return [*rows, ("configuration", WRONG, str(error), "evalhub config list")]
    rows.append(_file(connection))
    rows.append(("address", OK, f"{connection.base_url} ({_source(connection, 'base_url')})", ""))
    rows.append(_proxy(connection))
    rows.append(_token(connection))
    rows.append(
        ("tenant", OK, f"{connection.tenant or 'none'} ({_source(connection, 'tenant')})", "")
    )
    rows.append(_tls(connection))
    return [*rows, *_service(connection), _registry()]


def _source(connection: Connection, key: str) -> str:
    return connection.sources.get(key, "default")


def _file(connection: Connection) -> Row:
    from evalhub.cli.profile import ConfigFile

    file = ConfigFile()
    if file.readable_by_others():
        return ("configuration", WARNING, f"others can read {file.path}", f"chmod 600 {file.path}")
    missing = "" if file.path.exists() else " (not there: defaults)"
    place = str(file.path).replace(str(Path.home()), "~", 1)
    return ("configuration", OK, f"profile {connection.profile}, {place}{missing}", "")


def _proxy(connection: Connection) -> Row:
    parts = urlsplit(connection.base_url)
    proxy = getproxies().get(parts.scheme)
    if proxy is None or proxy_bypass(parts.hostname or ""):
        return ("proxy", OK, "none", "")
    host = urlsplit(proxy).hostname or "?"
    return ("proxy", OK, host, f"if it is in the way: export NO_PROXY={parts.hostname}")


def _token(connection: Connection) -> Row:
    if connection.token_path:
        return ("token", OK, f"in {connection.token_path}", "")
    if not connection.token:
        return ("token", OK, "none", "if the service asks for one: evalhub config set token -")
    from evalhub.cli.token_command import expiry

    until = expiry(connection.token)
    if until is None:
        return ("token", OK, f"from {_source(connection, 'token')}", "")
    when = datetime.fromtimestamp(until, UTC).isoformat(timespec="minutes")
    if until < time.time():
        return ("token", WRONG, f"expired {when}", "get a new one: evalhub config set token -")
    return ("token", OK, f"from {_source(connection, 'token')}, until {when}", "")


def _tls(connection: Connection) -> Row:
    if urlsplit(connection.base_url).scheme != "https":
        return ("tls", OK, "not used", "")
    if connection.insecure:
        return (
            "tls",
            WARNING,
            "certificates are not verified",
            "--ca-file FILE in place of --insecure",
        )
    return ("tls", OK, connection.ca_file or "the system's certificates", "")


def _service(connection: Connection) -> list[Row]:
    try:
        with connection.client(timeout=5.0, max_retries=0) as client:
            started = time.monotonic()
            health = client.health()
            took = f"{(time.monotonic() - started) * 1000:.0f} ms"
            state = OK if health.status == "healthy" else WRONG
            rows: list[Row] = [("service", state, f"{health.status}, {took}", "")]
            rows.append(_version(str(health.get("version") or "")))
            rows.append(_access(client))
    except ConfigurationError as error:
        return [("service", WRONG, str(error), "evalhub config set base_url URL")]
    except TransportError as error:
        return [("service", WRONG, str(error), "evalhub server start, or config set base_url URL")]
    except EvalHubError as error:
        text = f"no EvalHub there: {error}"
        return [("service", WRONG, text, "check host, port and path of base_url")]
    return rows


def _version(version: str) -> Row:
    if not version:
        return ("version", OK, "the service does not say", "")
    known = version.lstrip("v").startswith(("1.0.", "0."))
    return ("version", OK if known else WARNING, version, "" if known else "upgrade eval-hub-sdk")


def _access(client: Any) -> Row:
    try:
        count = len(client.providers.list(benchmarks=False))
    except AuthenticationError as error:
        return ("access", WRONG, error.message, "the token is refused: evalhub config set token -")
    except PermissionDeniedError as error:
        return ("access", WRONG, error.message, "another --tenant, or ask for the right to use it")
    except APIError as error:
        return ("access", WRONG, error.message, "evalhub config set tenant NAME")
    remedy = "" if count else "evalhub server start --adapter FILE:CLASS, or providers create"
    return ("access", OK if count else WARNING, f"{count} providers", remedy)


def _registry() -> Row:
    from evalhub.settings import AdapterSettings

    path = AdapterSettings.usable().docker_config_path
    if path is None or not path.is_file():
        return ("registry", OK, "no credentials", "if a registry asks: oras login HOST")
    return ("registry", OK, f"credentials in {path}", "")
