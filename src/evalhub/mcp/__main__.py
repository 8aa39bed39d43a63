"""`python -m evalhub.mcp`: serve one user over stdio, or many over HTTP, from the environment.

EVALHUB_BASE_URL names the service; over stdio EVALHUB_TOKEN (or EVALHUB_AUTH_TOKEN_PATH) and
EVALHUB_TENANT say who asks. `evalhub mcp run` does the same with profiles.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from evalhub.errors import EvalHubError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve, and return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m evalhub.mcp", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--transport", choices=["stdio", "http"], default="stdio")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3001)
    parser.add_argument("--allowed-host", action="append", default=[])
    parser.add_argument("--allowed-origin", action="append", default=[])
    options = parser.parse_args(arguments)
    try:
        _serve(options)
    except EvalHubError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - stdout is the protocol's
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(options: argparse.Namespace) -> None:
    from evalhub.client import AsyncEvalHubClient
    from evalhub.settings import ClientSettings

    if options.transport == "stdio":
        from evalhub.mcp.server import create_server

        create_server(AsyncEvalHubClient.from_env()).run("stdio")
        return
    from evalhub.mcp.http import serve_http

    settings = ClientSettings.from_env()
    keys = {"base_url", "ca_bundle_path", "insecure"}
    serve_http(
        settings.model_dump(include=keys),
        host=options.host,
        port=options.port,
        allowed_hosts=options.allowed_host,
        allowed_origins=options.allowed_origin,
    )


if __name__ == "__main__":
    sys.exit(main())
