"""Compatibility: `client.providers`. New code imports from `evalhub.client.providers`."""

from __future__ import annotations

from evalhub.client._client import AsyncEvalHubClient as BaseAsyncClient
from evalhub.client._client import EvalHubClient as BaseSyncClient
from evalhub.client.providers import Providers as AsyncProvidersResource
from evalhub.client.providers import Providers as SyncProvidersResource
from evalhub.models.provider import Provider, ProviderList

__all__ = [
    "AsyncProvidersResource",
    "BaseAsyncClient",
    "BaseSyncClient",
    "Provider",
    "ProviderList",
    "SyncProvidersResource",
]
