"""The options that every command shares, and what they make of the process."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evalhub.client import EvalHubClient

__all__ = ["Options", "client_of", "connects", "examples", "options_of", "seconds"]

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass
class Options:
    """What was given before or after the command."""

    profile: str | None = None
    base_url: str | None = None
    token: str | None = None
    tenant: str | None = None
    insecure: bool | None = None
    ca_file: str | None = None
    verbose: int = 0
    clients: list[EvalHubClient] = field(default_factory=list["EvalHubClient"])

    def update(self, given: Mapping[str, object]) -> None:
        """Take over what was given; an empty value is none, as in earlier releases."""
        known = {entry.name for entry in fields(self)}
        for name, value in given.items():
            if name in known and value not in (None, "", 0):
                setattr(self, name, value)

    def configure_logging(self) -> None:
        """Write the package's log to stderr: errors alone, with -v all, with -vv all there is."""
        import logging

        level = (logging.ERROR, logging.INFO, logging.DEBUG)[min(self.verbose, 2)]
        logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger().setLevel(logging.DEBUG if self.verbose > 1 else logging.ERROR)
        logging.getLogger("evalhub").setLevel(level)


def options_of(ctx: click.Context) -> Options:
    """Return the shared options of a command line."""
    return ctx.find_root().ensure_object(Options)


def client_of(ctx: click.Context) -> EvalHubClient:
    """Return the client; it is closed when the command has ended."""
    from evalhub.cli.connection import connect

    options = options_of(ctx)
    if not options.clients:
        client = connect(options)
        options.clients.append(client)
        ctx.find_root().call_on_close(client.close)
    return options.clients[0]


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    options_of(ctx).update({str(parameter.name): value})


_SHARED: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--profile",), {}),
    (("--base-url",), {}),
    (("--token",), {}),
    (("--tenant",), {}),
    (("--ca-file",), {}),
    (("--insecure",), {"is_flag": True, "default": None}),
)


def connects(command: F) -> F:
    """Let a command take the options of the connection after its name, too."""
    for names, settings in _SHARED:
        command = click.option(
            *names, hidden=True, expose_value=False, callback=_remember, **settings
        )(command)
    return command


def examples(*lines: str) -> Callable[[F], F]:
    """Add examples to a command's help; the tests run them."""

    def add(command: F) -> F:
        text = "\n".join(f"  {line}" for line in lines)
        command.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n\b\nExamples:\n{text}"
        command.__dict__["examples"] = lines
        return command

    return add


if TYPE_CHECKING:
    _Number = click.ParamType[float]
else:
    _Number = click.ParamType  # not generic before click 8.2


class _Seconds(_Number):
    name = "seconds"

    def __init__(self, *, zero: bool) -> None:
        self._zero = zero

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is no number of seconds", param, ctx)
        if not (0 <= number < float("inf")) or (number == 0 and not self._zero):
            least = "0 or more" if self._zero else "more than 0"
            self.fail(f"{value} must be {least} and finite", param, ctx)
        return number


def seconds(*, zero: bool = False) -> _Number:
    """Return the type of an option that takes a finite number of seconds."""
    return _Seconds(zero=zero)
