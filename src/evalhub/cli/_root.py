"""The root of the command tree; every command's module is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from evalhub._version import __version__
from evalhub.cli._app import App

__all__ = ["LazyGroup", "root"]

_COMMANDS = {
    "run": ("evalhub.cli.evaluations:run", "Submit an evaluation."),
    "eval": ("evalhub.cli.evaluations:evaluations", "Submit, watch and read evaluations."),
    "jobs": ("evalhub.cli.jobs:jobs", "List, wait for, cancel and read jobs."),
    "providers": ("evalhub.cli.providers:providers", "List and change providers."),
    "collections": ("evalhub.cli.collections:collections", "List, change and run collections."),
    "benchmarks": ("evalhub.cli.benchmarks:benchmarks", "List and search benchmarks."),
    "compare": ("evalhub.cli.comparing:compare", "Compare two jobs: better, worse or the same?"),
    "gate": ("evalhub.cli.comparing:gate", "Exit with 3 if a job is not good enough."),
    "report": ("evalhub.cli.comparing:report", "Write a report on jobs: HTML, Markdown, JUnit."),
    "baseline": ("evalhub.cli.comparing:baseline", "Keep jobs as baselines to compare with."),
    "artifacts": ("evalhub.cli.artifacts:artifacts", "List, pull and verify artifacts of jobs."),
    "adapter": ("evalhub.cli.adapter:adapter", "Run an adapter, and deliver kept reports."),
    "validate": ("evalhub.cli.validate:validate", "Check a file, without a service."),
    "server": ("evalhub.cli.server:server", "Run the service on this machine."),
    "config": ("evalhub.cli.config:config", "Read and change profiles."),
    "doctor": ("evalhub.cli.doctor:doctor", "Check the connection to the service."),
    "health": ("evalhub.cli.doctor:health", "Show the state of the service."),
    "version": ("evalhub.cli.doctor:version", "Show the version of this package."),
    "completion": ("evalhub.cli.completion:completion", "Print the completion script of a shell."),
}
"""Name of each command: its module and object, and its line in the help."""

_SINGULAR = {"job": "jobs", "provider": "providers", "collection": "collections",
             "benchmark": "benchmarks", "evaluation": "eval"}  # fmt: skip


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the table."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        name = _SINGULAR.get(cmd_name, cmd_name)
        if name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the nearest one if there is none."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], _COMMANDS, n=1)
            if near:
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands from the table, which imports none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed or cancelled, 2 usage, 3 a verdict or gate failed, "
    "4 refused by the service, 5 no connection, 124 timeout, 130 interrupted.",
)
@click.option("--profile", metavar="NAME", help="Profile of the configuration file to use.")
@click.option("--base-url", metavar="URL", help="Address of the service.")
@click.option("--token", metavar="TOKEN", help="Token; better in EVALHUB_TOKEN or a profile.")
@click.option("--tenant", metavar="NAME", help="Tenant.")
@click.option("--insecure", is_flag=True, help="Do not verify the certificate of the service.")
@click.option("--ca-file", type=click.Path(dir_okay=False), help="Certificates to trust.")
@click.option("-v", "--verbose", count=True, help="Log what happens; twice for everything.")
@click.version_option(__version__, prog_name="evalhub")
@click.pass_context
def root(ctx: click.Context, /, verbose: int, **connection: Any) -> None:
    """Evaluate language models with EvalHub.

    \b
    Examples:
      evalhub run -m http://localhost:8000/v1 -n my-model -b mmlu --wait
      evalhub jobs list --status running
      evalhub compare BASELINE CANDIDATE
    """
    ctx.obj = App({name: value for name, value in connection.items() if value}, verbose)
    ctx.call_on_close(ctx.obj.close)
