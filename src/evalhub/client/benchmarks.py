"""Benchmarks: what the providers offer. The service has no list of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from evalhub.client._endpoint import API, Resource, endpoint
from evalhub.client._paging import Cursor, every
from evalhub.errors import ConfigurationError, NotFoundError
from evalhub.models.provider import Benchmark, Provider, ProviderList
from evalhub.wire.flow import Call, segment

if TYPE_CHECKING:
    from evalhub.wire.drive import AsyncDriver, Driver
    from evalhub.wire.flow import Flow

__all__ = ["Benchmarks", "OfferedBenchmark"]

D = TypeVar("D", bound="Driver | AsyncDriver")


class OfferedBenchmark(Benchmark):
    """A benchmark, and who offers it."""

    provider_id: str


class Benchmarks(Resource[D]):
    """Benchmarks of all providers."""

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
        """Return the benchmarks that are offered.

        Args:
            provider_id: One provider's.
            category: Those of a category.
            limit: How many to return in all.
            tag: Those with a tag.
            name: Those whose name is this.
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
            ConfigurationError: Several do: give the provider.
        """
        offered = yield from self._offered(provider_id, tenant)
        found = [benchmark for benchmark in offered if benchmark.id == benchmark_id]
        if not found:
            raise NotFoundError(f"no provider offers benchmark {benchmark_id!r}", status=404)
        if len(found) > 1:
            providers = ", ".join(sorted(benchmark.provider_id for benchmark in found))
            raise ConfigurationError(
                f"benchmark {benchmark_id!r} is offered by {providers}: give provider_id"
            )
        return found[0]

    def _offered(
        self, provider_id: str | None, tenant: str | None
    ) -> Flow[tuple[OfferedBenchmark, ...]]:
        providers: list[Provider]
        if provider_id is None:
            cursor = Cursor(f"{API}/providers", None, {}, tenant)
            providers = yield from every(ProviderList, cursor, self._policy)
        else:
            path = f"{API}/providers/{segment(provider_id, 'provider_id')}"
            providers = [(yield from self._fetch(Provider, Call("GET", path, tenant=tenant)))]
        return tuple(
            OfferedBenchmark(**dict(benchmark), provider_id=provider.id)
            for provider in providers
            for benchmark in provider.benchmarks
        )
