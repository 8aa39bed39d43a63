"""Compatibility: the clients. New code imports them from `evalhub`."""

from __future__ import annotations

from evalhub.client._client import AsyncEvalHubClient, EvalHubClient, SyncEvalHubClient
from evalhub.client._client import AsyncEvalHubClient as BaseAsyncClient
from evalhub.client._client import EvalHubClient as BaseSyncClient
from evalhub.client.resources import (
    AsyncBenchmarksResource,
    AsyncCollectionsResource,
    AsyncJobsResource,
    AsyncProvidersResource,
    SyncBenchmarksResource,
    SyncCollectionsResource,
    SyncJobsResource,
    SyncProvidersResource,
)

__all__ = [
    "AsyncBenchmarksResource",
    "AsyncCollectionsResource",
    "AsyncEvalHubClient",
    "AsyncJobsResource",
    "AsyncProvidersResource",
    "BaseAsyncClient",
    "BaseSyncClient",
    "EvalHubClient",
    "SyncBenchmarksResource",
    "SyncCollectionsResource",
    "SyncEvalHubClient",
    "SyncJobsResource",
    "SyncProvidersResource",
]
