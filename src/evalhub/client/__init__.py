"""The client of the service: submit jobs, wait for them, read their scores.

`EvalHubClient` is synchronous; `SyncEvalHubClient` is another name for it. `AsyncEvalHubClient` has
the same methods, to be awaited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub.client._client import AsyncEvalHubClient, EvalHubClient, SyncEvalHubClient
    from evalhub.client.base import BaseAsyncClient, BaseSyncClient, ClientError
    from evalhub.client.logs import JobLogOptions, JobLogs, JobLogUpdate
    from evalhub.errors import JobCanNotBeCancelledError, JobNotFoundError

__all__ = [
    "AsyncEvalHubClient",
    "BaseAsyncClient",
    "BaseSyncClient",
    "ClientError",
    "EvalHubClient",
    "JobCanNotBeCancelledError",
    "JobLogOptions",
    "JobLogUpdate",
    "JobLogs",
    "JobNotFoundError",
    "SyncEvalHubClient",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub.client.base": ("BaseAsyncClient", "BaseSyncClient", "ClientError"),
        "evalhub.client._client": ("AsyncEvalHubClient", "EvalHubClient", "SyncEvalHubClient"),
        "evalhub.client.logs": ("JobLogOptions", "JobLogUpdate", "JobLogs"),
        "evalhub.errors": ("JobCanNotBeCancelledError", "JobNotFoundError"),
    },
)
