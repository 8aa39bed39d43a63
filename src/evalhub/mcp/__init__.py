"""EvalHub for agents: the service's operations as tools of an MCP server.

    from evalhub import AsyncEvalHubClient
    from evalhub.mcp import create_server

    create_server(AsyncEvalHubClient.from_env()).run("stdio")

`python -m evalhub.mcp` and `evalhub mcp run` do this; `serve_http` serves many callers, each with a
token of its own. It needs the extra `mcp`; importing this module does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub.mcp.http import http_app, serve_http
    from evalhub.mcp.server import create_server

__all__ = ["create_server", "http_app", "serve_http"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub.mcp.http": ("http_app", "serve_http"),
        "evalhub.mcp.server": ("create_server",),
    },
)
