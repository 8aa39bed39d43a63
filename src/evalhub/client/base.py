"""Compatibility: errors and base classes of the client.

New code imports the errors from `evalhub.errors`. The base classes are the clients themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub.errors import EvalHubError as ClientError
from evalhub.errors import JobCanNotBeCancelledError, JobNotFoundError

if TYPE_CHECKING:
    from evalhub.client._client import AsyncEvalHubClient as BaseAsyncClient
    from evalhub.client._client import EvalHubClient as BaseSyncClient

__all__ = [
    "BaseAsyncClient",
    "BaseSyncClient",
    "ClientError",
    "JobCanNotBeCancelledError",
    "JobNotFoundError",
]


def __getattr__(name: str) -> Any:
    # On first use: a script that only catches errors does not load the clients.
    if name not in ("BaseAsyncClient", "BaseSyncClient"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from evalhub.client import _client

    is_async = name == "BaseAsyncClient"
    return _client.AsyncEvalHubClient if is_async else _client.EvalHubClient
