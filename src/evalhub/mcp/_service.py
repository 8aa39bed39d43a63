"""The client of whoever calls, and errors in the service's words."""

from __future__ import annotations

from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from evalhub.client import AsyncEvalHubClient
from evalhub.errors import APIError, EvalHubError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

__all__ = ["CALLER", "Caller", "Service"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls over HTTP: the token and the tenant are theirs and are passed on."""

    token: str | None = field(default=None, repr=False)
    tenant: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Caller:
        """Return the caller that the headers of a request name."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return cls(
            token=token.strip() or None if scheme.lower() == "bearer" else None,
            tenant=headers.get("x-tenant") or None,
        )


CALLER: ContextVar[Caller] = ContextVar("caller")
"""The caller of the request at hand; unset over stdio."""


class Service:
    """The service that tools ask.

    Args:
        client: Client of the one user of a server over stdio; `None` opens one for each request,
            with the caller's token and tenant.
        connection: Arguments of those clients, besides token and tenant.
    """

    def __init__(
        self,
        client: AsyncEvalHubClient | None = None,
        connection: Mapping[str, Any] | None = None,
    ) -> None:
        self._client = client
        self._connection = dict(connection or {})

    @property
    def is_shared(self) -> bool:
        """Whether callers are strangers: what is on this machine is not theirs to read."""
        return self._client is None

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[AsyncEvalHubClient]:
        """Yield the caller's client; an error becomes that of a tool."""
        try:
            async with self._open() as client:
                yield client
        except EvalHubError as error:
            raise ToolError(words(error)) from error

    @asynccontextmanager
    async def reader(self) -> AsyncGenerator[AsyncEvalHubClient]:
        """Yield the caller's client; an error becomes that of a resource."""
        try:
            async with self._open() as client:
                yield client
        except NotFoundError as error:
            raise ResourceNotFoundError(words(error)) from error
        except EvalHubError as error:
            raise ResourceError(words(error)) from error

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[AsyncEvalHubClient]:
        if self._client is not None:
            yield self._client
            return
        caller = CALLER.get(Caller())
        # An empty tenant, because none would be that of the pod this runs in.
        client = AsyncEvalHubClient(
            **self._connection, auth_token=caller.token, tenant=caller.tenant or ""
        )
        async with client:
            yield client


def words(error: EvalHubError) -> str:
    """Return an error as the service worded it, else as this package does."""
    return error.message if isinstance(error, APIError) and error.message else str(error)
