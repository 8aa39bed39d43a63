"""`evalhub server`: the real service on this machine."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any

import click

from evalhub.cli.documents import read_mapping
from evalhub.cli.errors import ExitCode, say
from evalhub.cli.options import examples, options_of
from evalhub.cli.output import clean, write
from evalhub.cli.service_process import ServiceFolder, adapter_provider, free_port, health
from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.cli.service_process import ServiceProcess

__all__ = ["server"]


@click.group("server")
def server() -> None:
    """Run the service on this machine."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "-b",
            "--benchmark",
            "benchmarks",
            multiple=True,
            help="Benchmark that the adapters offer.",
        ),
        click.option(
            "--adapter",
            "adapters",
            multiple=True,
            metavar="FILE:CLASS",
            help="Adapter of yours to register.",
        ),
        click.option(
            "--provider", "providers", multiple=True, metavar="FILE", help="Provider to register."
        ),
        click.option(
            "--port", type=click.IntRange(1, 65535), help="Port; 8080, or any that is free."
        ),
    ):
        command = option(command)
    return command


def _profile(ctx: click.Context) -> tuple[str, dict[str, Any]]:
    from evalhub.cli.profile import ConfigFile
    from evalhub.settings import CliSettings

    file = ConfigFile()
    name = options_of(ctx).profile or CliSettings.from_env().profile
    return name or file.active, file.profile(name)


def _prepare(ctx: click.Context, given: dict[str, Any]) -> tuple[ServiceFolder, Any, int]:
    name, profile = _profile(ctx)
    files = ServiceFolder(name)
    running = files.running()
    if running is not None:
        raise ConfigurationError(
            f"the service of profile {name} runs already, at {running.url}: evalhub server stop"
        )
    providers = [_provider(file) for file in given["providers"]]
    providers += [adapter_provider(entry, given["benchmarks"]) for entry in given["adapters"]]
    port = free_port(given["port"])
    config_file = profile.get("server_config_file")
    config = files.configure(
        port=port, config_file=str(config_file) if config_file else None, providers=providers
    )
    return files, config, port


def _provider(file: str) -> dict[str, Any]:
    from evalhub.cli.validate import build
    from evalhub.models import ProviderFile

    return build(ProviderFile, read_mapping(file)).to_yaml_dict()


@server.command("start")
@_options
@click.pass_context
@examples(
    "evalhub server start --provider provider.yaml",
    "evalhub server start --adapter my_adapter.py:MyAdapter -b gsm8k",
)
def start(ctx: click.Context, /, **given: Any) -> None:
    """Start the service in the background, and point the profile at it."""
    files, config, port = _prepare(ctx, given)
    process = files.start(config, port, foreground=False)
    try:
        files.wait_until_healthy(process, port)
    except BaseException:
        process.kill()
        files.forget()
        raise
    write(f"Server started: pid {process.pid}, http://localhost:{port}\nLog: {files.log}\n")
    _point_profile(ctx, f"http://localhost:{port}")


def _point_profile(ctx: click.Context, url: str) -> None:
    from evalhub.cli.profile import ConfigFile

    name, profile = _profile(ctx)
    known = str(profile.get("base_url") or "")
    if known.rstrip("/") == url:
        return
    if known and not known.startswith(("http://localhost:", "http://127.0.0.1:")):
        say(f"profile {name} is for {known}; use --base-url {url}")
        return
    with ConfigFile.changing() as file:
        file.profiles.setdefault(name, {})["base_url"] = url
    say(f"profile {name} now uses {url}")


@server.command("run")
@_options
@click.pass_context
@examples(
    "evalhub server run --adapter my_adapter.py:MyAdapter -b gsm8k",
)
def run(ctx: click.Context, /, **given: Any) -> None:
    """Run the service in the foreground until Ctrl-C."""
    files, config, port = _prepare(ctx, given)
    process = files.start(config, port, foreground=True)
    say(f"the service listens on http://localhost:{port}; Ctrl-C ends it")

    def end(*_: object) -> None:
        process.terminate()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _end(process)
        files.forget()
    ctx.exit(ExitCode.DONE if code in (0, -signal.SIGTERM, -signal.SIGINT) else abs(code))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()


def _running(ctx: click.Context) -> tuple[str, ServiceFolder, ServiceProcess]:
    """Return the profile, its files and the service it started; end well where none runs."""
    name, _ = _profile(ctx)
    files = ServiceFolder(name)
    running = files.running()
    if running is None:
        write("Server is not running.\n")
        ctx.exit(ExitCode.DONE)
    return name, files, running


@server.command("stop")
@click.pass_context
def stop(ctx: click.Context) -> None:
    """Stop the service that this profile started."""
    _, files, running = _running(ctx)
    running.stop()
    files.forget()
    write(f"Server stopped: pid {running.pid}\n")


@server.command("status")
@click.pass_context
def status(ctx: click.Context) -> None:
    """Show the service that this profile started."""
    name, files, running = _running(ctx)
    found = health(running.port) or {}
    write(f"Server:  pid {running.pid}, profile {name}\n")
    write(f"Health:  {clean(found.get('status', 'does not answer'))}\n")
    for key in ("version", "build", "git_commit"):
        if found.get(key):
            write(f"{key.capitalize() + ':':<9}{clean(found[key])}\n")
    write(f"URL:     {running.url}\nLog:     {files.log}\n")
