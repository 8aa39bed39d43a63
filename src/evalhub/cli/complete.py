"""Ids for the shell's completion: from a short cache, within a second, silent on errors."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    from evalhub.client import EvalHubClient

__all__ = ["benchmark_ids", "collection_ids", "job_ids", "profile_names", "provider_ids"]

_LIFETIME = 30.0
_LIMIT = 0.8


def job_ids(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Return jobs, each with its name and state."""
    return _offer(
        ctx,
        "jobs",
        incomplete,
        lambda client: [
            (job.id, f"{job.name} ({job.state})") for job in client.jobs.list(limit=200)
        ],
    )


def provider_ids(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Return providers."""
    return _offer(
        ctx,
        "providers",
        incomplete,
        lambda client: [
            (entry.id, entry.name) for entry in client.providers.list(benchmarks=False)
        ],
    )


def collection_ids(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Return collections."""
    return _offer(
        ctx,
        "collections",
        incomplete,
        lambda client: [(entry.id, entry.name) for entry in client.collections.list()],
    )


def benchmark_ids(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Return benchmarks, each with its provider."""
    return _offer(
        ctx,
        "benchmarks",
        incomplete,
        lambda client: [(entry.id, entry.provider_id) for entry in client.benchmarks.list()],
    )


def profile_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[Any]:
    """Return the profiles of the configuration file."""
    from click.shell_completion import CompletionItem

    from evalhub.cli.profile import ConfigFile

    del ctx
    with suppress(Exception):
        return [
            CompletionItem(name) for name in ConfigFile().profiles if name.startswith(incomplete)
        ]
    return []


def _offer(
    ctx: click.Context,
    kind: str,
    incomplete: str,
    fetch: Callable[[EvalHubClient], list[tuple[str, str]]],
) -> list[Any]:
    from click.shell_completion import CompletionItem

    with suppress(Exception):  # a completion that complains spoils the line that is typed
        found = _cached(ctx, kind, fetch)
        return [
            CompletionItem(name, help=text) for name, text in found if name.startswith(incomplete)
        ]
    return []


def _cached(
    ctx: click.Context, kind: str, fetch: Callable[[EvalHubClient], list[tuple[str, str]]]
) -> list[tuple[str, str]]:
    from evalhub.cli.connection import connection_of
    from evalhub.cli.options import options_of
    from evalhub.cli.profile import write_private
    from evalhub.cli.token_command import cache_folder

    connection = connection_of(options_of(ctx))
    place = hashlib.sha256(f"{connection.base_url}\0{connection.tenant}".encode()).hexdigest()[:12]
    file = cache_folder() / f"complete-{kind}-{place}.json"
    with suppress(OSError, ValueError, KeyError):
        kept = json.loads(file.read_text())
        if time.time() - kept["at"] < _LIFETIME:
            return [(name, text) for name, text in kept["entries"]]
    with connection.client(timeout=_LIMIT, max_retries=0) as client:
        entries = fetch(client)
    with suppress(OSError):
        write_private(file, json.dumps({"at": time.time(), "entries": entries}))
    return entries
