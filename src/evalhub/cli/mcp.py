"""`evalhub mcp`: the service for agents."""

from __future__ import annotations

import json
import shutil
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

import click

from evalhub.cli.connection import Connection, connection_of
from evalhub.cli.documents import read_mapping
from evalhub.cli.errors import ExitCode, say
from evalhub.cli.options import connects, examples, options_of
from evalhub.cli.output import clean, write
from evalhub.cli.service_process import ServiceFolder, port_is_open
from evalhub.errors import ConfigurationError, EvalHubError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.cli.service_process import ServiceProcess

__all__ = ["mcp"]

DEFAULT_PORT = 3001
_PATIENCE = 30.0
_POLL = 0.1
_CONNECTION_KEYS = ("base_url", "token", "tenant", "insecure")


@click.group("mcp")
def mcp() -> None:
    """Serve EvalHub to agents: Claude, Cursor, VS Code and every other MCP client."""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--allowed-origin", "allowed_origins", multiple=True, help="Origin that may call."
        ),
        click.option(
            "--allowed-host", "allowed_hosts", multiple=True, help="Name it is called by."
        ),
        click.option("--port", type=click.IntRange(1, 65535), help="Port; 3001."),
        click.option("--host", help="Address to listen on; 127.0.0.1."),
        click.option("--transport", type=click.Choice(["stdio", "http"]), help="How it is called."),
        connects,
    ):
        command = option(command)
    return command


def _settings(ctx: click.Context, given: dict[str, Any]) -> tuple[Connection, dict[str, Any]]:
    """Return the connection and how to serve: options, then the profile's file, then defaults."""
    from evalhub.cli.profile import ConfigFile

    connection = connection_of(options_of(ctx))
    file = ConfigFile().profiles.get(connection.profile or "", {}).get("mcp_config_file")
    content = read_mapping(str(file)) if file else {}
    for key in _CONNECTION_KEYS:
        if content.get(key) not in (None, "") and connection.sources.get(key) != "option":
            setattr(connection, key, content[key])
    serving = {key: content[key] for key in ("transport", "host", "port") if content.get(key)}
    serving.update({key: value for key, value in given.items() if value})
    if serving.get("transport") == "http-sse":
        raise ConfigurationError("transport http-sse is gone from MCP: set transport to http")
    return connection, serving


@mcp.command("run")
@_options
@click.pass_context
@examples(
    "evalhub mcp run",
    "evalhub mcp run --profile staging --transport http --port 3001",
)
def run(ctx: click.Context, /, **given: Any) -> None:
    """Serve in the foreground: over stdio, as clients start it, or over HTTP.

    Over stdio the profile's token and tenant are used. Over HTTP each caller sends its own, and the
    profile's are never sent.
    """
    connection, serving = _settings(ctx, given)
    if serving.pop("transport", "stdio") == "stdio":
        _serve_stdio(connection)
    else:
        _serve_http(connection, serving)


def _serve_stdio(connection: Connection) -> None:
    try:
        from evalhub.mcp.server import create_server
    except ImportError as error:
        _lacks_extra(error)
    from evalhub.client import AsyncEvalHubClient

    client = AsyncEvalHubClient(connection.base_url, **connection.arguments())
    create_server(client).run("stdio")


def _serve_http(connection: Connection, serving: dict[str, Any]) -> None:
    try:
        from evalhub.mcp.http import serve_http
    except ImportError as error:
        _lacks_extra(error)
    arguments = {"base_url": connection.base_url, **connection.arguments()}
    shared = {
        key: value for key, value in arguments.items() if not key.startswith(("auth_", "tenant"))
    }
    say(f"agents call {_url(serving)}; Ctrl-C ends it")
    serve_http(shared, **serving)


def _lacks_extra(error: ImportError) -> NoReturn:
    raise MissingExtraError("evalhub mcp", "mcp") from error


def _url(serving: dict[str, Any]) -> str:
    return f"http://{serving.get('host') or '127.0.0.1'}:{serving.get('port') or DEFAULT_PORT}/mcp"


@mcp.command("start")
@_options
@click.pass_context
@examples("evalhub mcp start --port 3001")
def start(ctx: click.Context, /, **given: Any) -> None:
    """Serve over HTTP in the background."""
    connection, serving = _settings(ctx, given)
    if serving.pop("transport", "http") == "stdio":
        raise ConfigurationError("a server in the background needs transport http, not stdio")
    files = ServiceFolder(connection.profile, "mcp")
    running = files.running()
    if running is not None:
        raise ConfigurationError(
            f"the MCP server of profile {connection.profile} runs already, on port"
            f" {running.port}: evalhub mcp stop"
        )
    port = int(serving.get("port") or DEFAULT_PORT)
    if port_is_open(port):
        raise ConfigurationError(f"port {port} is in use: give another --port")
    command = [sys.executable, "-m", "evalhub.cli", "--base-url", connection.base_url]
    chosen = options_of(ctx).profile
    command += ["--profile", chosen] if chosen else []
    command += ["mcp", "run", "--transport", "http", "--port", str(port)]
    command += [] if not serving.get("host") else ["--host", str(serving["host"])]
    for name in ("allowed_hosts", "allowed_origins"):
        for value in serving.get(name, ()):
            command += [f"--{name.replace('_', '-').removesuffix('s')}", value]
    process = files.launch(command, port, foreground=False)
    deadline = time.monotonic() + _PATIENCE
    while not port_is_open(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            files.forget()
            raise EvalHubError(f"the MCP server did not start: {files.last_lines()}")
        time.sleep(_POLL)
    write(f"MCP server started: pid {process.pid}, {_url({**serving, 'port': port})}\n")
    write(f"Log: {files.log}\n")


@mcp.command("stop")
@click.pass_context
def stop(ctx: click.Context) -> None:
    """Stop the server in the background."""
    files, running = _running(ctx)
    running.stop()
    files.forget()
    write(f"MCP server stopped: pid {running.pid}\n")


@mcp.command("status")
@click.pass_context
def status(ctx: click.Context) -> None:
    """Show the server in the background, and ask it for its version."""
    files, running = _running(ctx)
    url = f"http://127.0.0.1:{running.port}/mcp"
    write(f"MCP server: pid {running.pid}\nURL:     {url}\nLog:     {files.log}\n")
    try:
        about = _ask_version(url)
    except Exception as error:  # noqa: BLE001 - whatever it is, it does not answer
        say(f"it does not answer: {error}")
        ctx.exit(ExitCode.UNREACHABLE)
    service: dict[str, Any] = about.get("service") or {}
    write(f"Version: {clean(about.get('version'))}\nService: {clean(service.get('status'))}\n")


def _running(ctx: click.Context) -> tuple[ServiceFolder, ServiceProcess]:
    """Return the profile's files and the server it started; end well where none runs."""
    from evalhub.cli.profile import ConfigFile
    from evalhub.settings import CliSettings

    name = options_of(ctx).profile or CliSettings.from_env().profile
    files = ServiceFolder(name or ConfigFile().active, "mcp")
    running = files.running()
    if running is None:
        write("MCP server is not running.\n")
        ctx.exit(ExitCode.DONE)
    return files, running


def _ask_version(url: str) -> dict[str, Any]:
    import anyio
    from mcp.client import Client

    async def ask() -> dict[str, Any]:
        with anyio.fail_after(10):
            async with Client(url) as client:
                found: Any = await client.read_resource("evalhub://server/version")
                about: dict[str, Any] = json.loads(found.contents[0].text)
                return about

    return anyio.run(ask)


@mcp.command("config")
@click.option(
    "--client",
    "kind",
    type=click.Choice(["claude", "cursor", "vscode"]),
    required=True,
    help="Program to configure.",
)
@click.option("--url", help="Of a server over HTTP; without it the program starts one itself.")
@click.pass_context
@examples(
    "evalhub mcp config --client claude",
    "evalhub mcp config --client vscode --url http://127.0.0.1:3001/mcp",
)
def config(ctx: click.Context, kind: str, url: str | None) -> None:
    """Print what to paste into a client's configuration, and say where."""
    entry: dict[str, Any]
    if url:
        entry = {"type": "http", "url": url, "headers": {"Authorization": "Bearer YOUR-TOKEN"}}
    else:
        # A program with windows has not the PATH of a shell.
        found = shutil.which("evalhub")
        command = [found] if found else [sys.executable, "-m", "evalhub.cli"]
        profile = options_of(ctx).profile
        arguments = [*command[1:], *(["--profile", profile] if profile else []), "mcp", "run"]
        entry = {"command": command[0], "args": arguments}
        if kind == "vscode":
            entry = {"type": "stdio", **entry}
    group = "servers" if kind == "vscode" else "mcpServers"
    write(json.dumps({group: {"evalhub": entry}}, indent=2) + "\n")
    say(f"put this into {_PLACES[kind]}")


_PLACES = {
    "claude": "claude_desktop_config.json of Claude Desktop, or .mcp.json of a project",
    "cursor": "~/.cursor/mcp.json, or .cursor/mcp.json of a project",
    "vscode": ".vscode/mcp.json of a workspace",
}
