"""Compatibility: `client.collections`. New code imports from `evalhub.client.collections`."""

from __future__ import annotations

from evalhub.client._client import AsyncEvalHubClient as BaseAsyncClient
from evalhub.client._client import EvalHubClient as BaseSyncClient
from evalhub.client.collections import Collections as AsyncCollectionsResource
from evalhub.client.collections import Collections as SyncCollectionsResource
from evalhub.models.collection import Collection, CollectionList

__all__ = [
    "AsyncCollectionsResource",
    "BaseAsyncClient",
    "BaseSyncClient",
    "Collection",
    "CollectionList",
    "SyncCollectionsResource",
]
