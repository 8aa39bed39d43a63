"""Compatibility: `client.benchmarks`. New code imports from `evalhub.client.benchmarks`."""

from __future__ import annotations

from evalhub.client._client import AsyncEvalHubClient as BaseAsyncClient
from evalhub.client._client import EvalHubClient as BaseSyncClient
from evalhub.client.benchmarks import Benchmarks as AsyncBenchmarksResource
from evalhub.client.benchmarks import Benchmarks as SyncBenchmarksResource
from evalhub.models.provider import Benchmark, ProviderList

__all__ = [
    "AsyncBenchmarksResource",
    "BaseAsyncClient",
    "BaseSyncClient",
    "Benchmark",
    "ProviderList",
    "SyncBenchmarksResource",
]
