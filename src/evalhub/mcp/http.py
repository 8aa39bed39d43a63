"""Serve many callers over streamable HTTP, each with the token and the tenant of its own."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from mcp.server.transport_security import TransportSecuritySettings

from evalhub.errors import ConfigurationError
from evalhub.mcp.server import create_server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.applications import Starlette

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "http_app", "serve_http"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 3001
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def http_app(
    connection: Mapping[str, Any],
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
) -> Starlette:
    """Return the ASGI application; the endpoint is `/mcp`.

    A request whose `Host` is neither this machine, nor `host`, nor one of those allowed is answered
    with 421, one of a foreign `Origin` with 403: a page in somebody's browser cannot call it.

    Args:
        connection: Arguments of the clients of callers besides token and tenant: `base_url`, ...
        host: Where it will listen.
        port: Where it will listen.
        allowed_hosts: Further values of `Host`, such as the name of a route: `name` or `name:port`.
        allowed_origins: Further values of `Origin`.

    Raises:
        ConfigurationError: It would listen beyond this machine, and no host is allowed.
    """
    if not _is_loopback(host) and not allowed_hosts:
        raise ConfigurationError(
            f"a server on {host} needs the names it is called by: --allowed-host NAME"
        )
    hosts = [f"{name}:{port}" for name in _LOOPBACK] if _is_loopback(host) else []
    origins = [f"http://{name}" for name in hosts]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*hosts, *allowed_hosts, *(f"{name}:*" for name in allowed_hosts)],
        allowed_origins=[*origins, *allowed_origins],
    )
    server = create_server(connection=connection)
    return server.streamable_http_app(host=host, transport_security=security)


def serve_http(
    connection: Mapping[str, Any],
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    allowed_hosts: Sequence[str] = (),
    allowed_origins: Sequence[str] = (),
) -> None:
    """Serve until SIGINT or SIGTERM; the arguments are those of `http_app`."""
    import uvicorn

    app = http_app(
        connection,
        host=host,
        port=port,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
    )
    uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
