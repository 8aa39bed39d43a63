"""The MCP inspector, a client that others wrote, from `make mcp-inspector`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM = Path(__file__).parents[2] / "build/mcp-inspector/node_modules/.bin/mcp-inspector"


def inspect(
    server: Sequence[str], method: str, *options: str, env: Mapping[str, str]
) -> dict[str, Any]:
    """Call a method of a server over stdio, and return the JSON that the inspector prints.

    Its exit code is 0 for results that are errors as well.
    """
    assert PROGRAM.exists(), "no MCP inspector: `make mcp-inspector` installs one"
    command = [str(PROGRAM), "--cli", *server, "--method", method, *options]
    done = subprocess.run(
        command, env=dict(env), capture_output=True, text=True, timeout=120, check=False
    )
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise AssertionError(f"no JSON: {done.stdout}{done.stderr}") from None
    return found
