"""The command `evalhub`: global options, the list of commands, the last resort for errors."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

import click

from evalhub.cli.errors import ExitCode, problem_of, show, wants_json
from evalhub.cli.lazy import LazyGroup
from evalhub.cli.options import Options, examples
from evalhub.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["root", "run"]

COMMANDS = {
    "run": ("evalhub.cli.run:run", "Submit an evaluation; wait for it, gate on it."),
    "jobs": ("evalhub.cli.jobs:jobs", "List, follow, judge and stop jobs."),
    "benchmarks": ("evalhub.cli.benchmarks:benchmarks", "Find benchmarks."),
    "providers": ("evalhub.cli.providers:providers", "Browse and manage providers."),
    "collections": ("evalhub.cli.collections:collections", "Browse, manage and run collections."),
    "artifacts": ("evalhub.cli.artifacts:artifacts", "List, fetch and check stored artifacts."),
    "compare": ("evalhub.cli.comparing:compare", "Compare two jobs: better, worse, the same?"),
    "gate": ("evalhub.cli.comparing:gate", "Stop a pipeline if a job is not good enough."),
    "report": ("evalhub.cli.comparing:report", "Write a report: HTML, Markdown, JUnit, JSON."),
    "baseline": ("evalhub.cli.comparing:baseline", "Keep jobs to compare later ones with."),
    "eval": ("evalhub.cli.eval:eval_", "Jobs, by the names of earlier releases."),
    "validate": ("evalhub.cli.validate:validate", "Check a file without a service."),
    "adapter": ("evalhub.cli.adapter:adapter", "Run and check adapters without a service."),
    "server": ("evalhub.cli.server:server", "Run the service on this machine."),
    "mcp": ("evalhub.cli.mcp:mcp", "Serve EvalHub to agents."),
    "doctor": ("evalhub.cli.doctor:doctor", "Find out why something does not work."),
    "config": ("evalhub.cli.config:config", "Profiles: addresses, tokens, tenants."),
    "health": ("evalhub.cli.service:health", "Ask the service whether it is well."),
    "info": ("evalhub.cli.service:info", "Show what is installed and connected."),
    "schema": ("evalhub.cli.schema:schema", "Describe a command as JSON."),
    "completion": ("evalhub.cli.completion:completion", "Completion for your shell."),
    "version": ("evalhub.cli.service:version", "Print the version."),
}
ALIASES = {
    "job": "jobs",
    "benchmark": "benchmarks",
    "provider": "providers",
    "collection": "collections",
    "artifact": "artifacts",
}


def _print_version(ctx: click.Context, _: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        from evalhub._version import __version__

        click.echo(f"evalhub, version {__version__}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    aliases=ALIASES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--profile", metavar="NAME", help="Profile to use in place of the active one.")
@click.option("--base-url", metavar="URL", help="Address of the service.")
@click.option("--token", metavar="TOKEN", help="Bearer token; `-` reads it from stdin.")
@click.option("--tenant", metavar="NAME", help="Tenant of every call.")
@click.option("--insecure", is_flag=True, default=None, help="Do not verify certificates.")
@click.option("--ca-file", metavar="FILE", help="Certificates to trust.")
@click.option("-v", "--verbose", count=True, help="Show the log; twice: every request, tracebacks.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
@examples(
    "evalhub config set base_url http://localhost:8080",
    "evalhub run -m http://vllm:8000/v1 -n llama3 -b gsm8k --wait",
    "evalhub jobs list",
)
def root(ctx: click.Context, /, **given: object) -> None:
    """Run evaluations of language models with EvalHub."""
    options = ctx.ensure_object(Options)
    options.update(given)
    options.configure_logging()


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; no exception leaves it."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale of C
    try:
        code = root.main(words, prog_name="evalhub", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit:  # click's answer to a closed pipe
        return _closed_pipe()
    except click.Abort as error:
        interrupted = isinstance(error.__cause__, KeyboardInterrupt)
        return ExitCode.INTERRUPTED if interrupted else ExitCode.FAILED
    except BrokenPipeError:
        return _closed_pipe()
    except Exception as error:  # noqa: BLE001 - the last resort: never a traceback
        return _report(error, words)
    return code if isinstance(code, int) else ExitCode.DONE


def _report(error: Exception, words: list[str]) -> int:
    if any(word.startswith("-vv") for word in words) or words.count("-v") > 1:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    if isinstance(error, AuthenticationError):
        from evalhub.cli.token_command import forget

        forget()
    problem = problem_of(error)
    show(problem, as_json=wants_json(words))
    if isinstance(error, OSError):
        _let_go_of_stdout()
    return problem.exit_code


def _closed_pipe() -> int:
    """Whoever reads the output has seen enough, as `head` has."""
    _let_go_of_stdout()
    return ExitCode.DONE


def _let_go_of_stdout() -> None:
    # The interpreter flushes at exit what could not be written, and complains.
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
