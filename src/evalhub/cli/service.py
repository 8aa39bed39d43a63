"""`evalhub health`, `info` and `version`."""

from __future__ import annotations

import platform
import sys
import time
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

import click

from evalhub._version import __version__
from evalhub.cli.errors import ExitCode
from evalhub.cli.options import client_of, connects, examples, options_of
from evalhub.cli.output import clean, formats, output_of, write

__all__ = ["health", "info", "version"]


@click.command("version")
def version() -> None:
    """Print the version."""
    write(f"evalhub {__version__}\n")


@click.command("health")
@connects
@click.pass_context
@examples(
    "evalhub health",
)
def health(ctx: click.Context) -> None:
    """Ask the service whether it is well; exit 1 unless it is."""
    client = client_of(ctx)
    started = time.monotonic()
    found = client.health()
    took = (time.monotonic() - started) * 1000
    write(f"EvalHub service: {clean(found.status)} ({took:.0f}ms)\n")
    if found.status != "healthy":
        ctx.exit(ExitCode.FAILED)


@click.command("info")
@formats
@connects
@click.pass_context
@examples(
    "evalhub info -o json",
)
def info(ctx: click.Context) -> None:
    """Show what is installed and where the command line connects; nothing is sent."""
    from evalhub.cli.connection import connection_of
    from evalhub.cli.profile import config_path

    connection = connection_of(options_of(ctx))
    facts: dict[str, Any] = {
        "version": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "config": str(config_path()),
        "profile": connection.profile,
        "base_url": connection.base_url,
        "tenant": connection.tenant or "",
        "token": connection.sources.get("token") or connection.sources.get("token_path") or "none",
        "server": _installed("eval-hub-server"),
        "pydantic": _installed("pydantic"),
        "httpx": _installed("httpx"),
    }
    rows = [{"name": name, "value": value} for name, value in facts.items()]
    output_of(ctx).show([facts], rows=rows, columns=("name", "value"), name="name", one=True)


def _installed(name: str) -> str:
    try:
        return version_of(name)
    except PackageNotFoundError:
        return "not installed"
