"""Benchmarks: read from the providers that offer them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from evalhub.client._endpoint import API, D, EndpointGroup, endpoint
from evalhub.client._paging import Cursor, all_items
from evalhub.errors import ConfigurationError, NotFoundError
from evalhub.models.provider import Benchmark, Provider, ProviderList
from evalhub.wire.flow import Call, segment

if TYPE_CHECKING:
    from evalhub.wire.flow import Flow

__all__ = ["Benchmarks", "OfferedBenchmark"]


class OfferedBenchmark(Benchmark):
    """A benchmark and the provider that offers it."""

    _identified_by = ("id", "provider_id", "name", "category")

    provider_id: str


_Benchmarks: TypeAlias = list[OfferedBenchmark]
"""`list` inside the class `Benchmarks` is its method."""


class Benchmarks(EndpointGroup[D]):
    """Find benchmarks among all providers."""

    @endpoint
    def list(
        self,
        provider_id: str | None = None,
        category: str | None = None,
        limit: int | None = None,
        *,
        tag: str | None = None,
        name: str | None = None,
        tenant: str | None = None,
    ) -> Flow[list[OfferedBenchmark]]:
        """Return the benchmarks that match all filters given.

        Args:
            provider_id: Id of the provider.
            category: Category of the benchmark.
            limit: Maximum number to return.
            tag: A tag the benchmark has.
            name: Name of the benchmark.
            tenant: Tenant of the providers, in place of the client's.

        Raises:
            NotFoundError: No such provider.
        """
        found = [
            benchmark
            for benchmark in (yield from self._offered(provider_id, tenant))
            if category in (None, benchmark.category)
            and name in (None, benchmark.name)
            and (tag is None or tag in benchmark.tags)
        ]
        return found[:limit]

    @endpoint
    def get(
        self, benchmark_id: str, provider_id: str | None = None, *, tenant: str | None = None
    ) -> Flow[OfferedBenchmark]:
        """Return a benchmark.

        Raises:
            NotFoundError: No provider offers it.
            ConfigurationError: Several providers offer it and `provider_id` is not given.
        """
        offered = yield from self._offered(provider_id, tenant)
        found = [benchmark for benchmark in offered if benchmark.id == benchmark_id]
        if not found:
            raise NotFoundError(f"no provider offers benchmark {benchmark_id!r}", status=404)
        if len(found) > 1:
            providers = ", ".join(sorted(benchmark.provider_id for benchmark in found))
            raise ConfigurationError(
                f"benchmark {benchmark_id!r} is offered by {providers}; set provider_id"
            )
        return found[0]

    def _offered(self, provider_id: str | None, tenant: str | None) -> Flow[_Benchmarks]:
        providers: list[Provider]
        if provider_id is None:
            cursor = Cursor(f"{API}/providers", None, {}, tenant)
            providers = yield from all_items(ProviderList, cursor, self._policy)
        else:
            path = f"{API}/providers/{segment(provider_id, 'provider_id')}"
            providers = [(yield from self._fetch(Provider, Call("GET", path, tenant=tenant)))]
        return [
            OfferedBenchmark(**dict(benchmark), provider_id=provider.id)
            for provider in providers
            for benchmark in provider.benchmarks
        ]
