"""Compatibility: the classes behind `client.jobs` and the others, by their names in 1.0.

One class serves both clients here. They are made by a client; their constructors differ.
"""

from evalhub.client.resources.benchmarks import AsyncBenchmarksResource, SyncBenchmarksResource
from evalhub.client.resources.collections import AsyncCollectionsResource, SyncCollectionsResource
from evalhub.client.resources.jobs import AsyncJobsResource, SyncJobsResource
from evalhub.client.resources.providers import AsyncProvidersResource, SyncProvidersResource

__all__ = [
    "AsyncBenchmarksResource",
    "AsyncCollectionsResource",
    "AsyncJobsResource",
    "AsyncProvidersResource",
    "SyncBenchmarksResource",
    "SyncCollectionsResource",
    "SyncJobsResource",
    "SyncProvidersResource",
]
