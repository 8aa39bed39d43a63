"""`evalhub mcp`: what it takes, prints and refuses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from evalhub.cli import mcp
from evalhub.cli.root import run

URL = "http://127.0.0.1:3001/mcp"


@pytest.fixture
def evalhub(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("EVALHUB_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("EVALHUB_BASE_URL", "http://127.0.0.1:9")

    def call(*words):
        code = run(list(words))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


@pytest.mark.parametrize(
    ("client", "group", "place"),
    [
        ("claude", "mcpServers", ".mcp.json"),
        ("cursor", "mcpServers", ".cursor/mcp.json"),
        ("vscode", "servers", ".vscode/mcp.json"),
    ],
)
def test_configuration_to_paste(evalhub, client, group, place):
    code, out, err = evalhub("--profile", "staging", "mcp", "config", "--client", client)

    assert code == 0
    entry = json.loads(out)[group]["evalhub"]
    assert entry["args"][-4:] == ["--profile", "staging", "mcp", "run"]
    assert place in err


def test_configuration_of_a_server_over_http_holds_no_token(evalhub, monkeypatch):
    monkeypatch.setenv("EVALHUB_TOKEN", "secret")

    code, out, _ = evalhub("mcp", "config", "--client", "cursor", "--url", URL)

    assert code == 0
    entry = json.loads(out)["mcpServers"]["evalhub"]
    assert entry["url"] == URL
    assert entry["headers"] == {"Authorization": "Bearer YOUR-TOKEN"}


def test_background_needs_http(evalhub):
    code, _, err = evalhub("mcp", "start", "--transport", "stdio")

    assert code == 2
    assert "a server in the background needs transport http, not stdio" in err


def test_nothing_runs(evalhub):
    for command in ("status", "stop"):
        assert evalhub("mcp", command)[:2] == (0, "MCP server is not running.\n")


def test_file_of_the_profile_is_read_and_its_old_transport_is_named(evalhub, tmp_path):
    file = tmp_path / "mcp.yaml"
    file.write_text("transport: http-sse\n")
    evalhub("config", "set", "mcp_config_file", str(file))

    code, _, err = evalhub("mcp", "run")

    assert code == 2
    assert "transport http-sse is gone from MCP: set transport to http" in err


def test_server_beyond_this_machine_is_refused_without_a_name(evalhub):
    code, _, err = evalhub("mcp", "run", "--transport", "http", "--host", "0.0.0.0")

    assert code == 2
    assert "needs the names it is called by: --allowed-host NAME" in err


def test_missing_extra_is_named(evalhub, monkeypatch):
    monkeypatch.setitem(sys.modules, "evalhub.mcp.server", None)

    code, _, err = evalhub("mcp", "run")

    assert code == 2
    assert "eval-hub-sdk[mcp]" in err


def test_help_does_not_import_the_library():
    code = (
        "import sys; from evalhub.cli.root import run; run(['mcp', 'run', '--help']);"
        "sys.exit('mcp' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)

    assert done.returncode == 0
    assert b"Serve in the foreground" in done.stdout


def test_commands_are_those_of_the_earlier_release():
    assert {"run", "start", "stop", "status"} <= set(mcp.mcp.commands)
