"""Providers: who offers benchmarks, and how the service starts their adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from evalhub.client._changes import body, operations
from evalhub.client._endpoint import API, Resource, endpoint, stream
from evalhub.client._paging import Cursor, each, every, refuse_unknown, together
from evalhub.errors import ConfigurationError, NotFoundError
from evalhub.models.provider import (
    Provider,
    ProviderCreateRequest,
    ProviderList,
    ProviderUpdateRequest,
)
from evalhub.wire.flow import Call, segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.models.patch import PatchOperation
    from evalhub.models.provider import TargetType
    from evalhub.wire.drive import AsyncDriver, Driver
    from evalhub.wire.flow import Flow, Stream

__all__ = ["ProviderFilters", "Providers"]

D = TypeVar("D", bound="Driver | AsyncDriver")


class ProviderFilters(TypedDict, total=False):
    """What providers may be selected by; values match exactly."""

    name: str
    tags: str | Sequence[str]
    """Several: providers that have all of them."""

    owner: str
    scope: str
    """`system` for those the service was configured with, `tenant` for the others."""

    benchmarks: bool
    """Whether to list each provider's benchmarks; yes unless said otherwise."""


class Providers(Resource[D]):
    """Providers of the service."""

    @endpoint
    def list(
        self,
        limit: int | None = None,
        *,
        target_type: TargetType | str | None = None,
        evaluates: str | None = None,
        tenant: str | None = None,
        **filters: Unpack[ProviderFilters],
    ) -> Flow[list[Provider]]:
        """Return all providers, or those that the filters select.

        Args:
            limit: How many to return in all.
            target_type: What they evaluate: a model, an agent, an inference server.
            evaluates: A quality that they say they evaluate.
            tenant: Tenant of the providers, in place of the client's.
            filters: What else to select by.
        """
        # The service cannot select by what is in `agent`: it is looked at here.
        here = target_type is not None or evaluates is not None
        cursor = Cursor(f"{API}/providers", None if here else limit, _filters(filters), tenant)
        providers = yield from every(ProviderList, cursor, self._policy)
        if not here:
            return providers
        return [found for found in providers if _suits(found, target_type, evaluates)][:limit]

    @stream
    def iter(
        self,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[ProviderFilters],
    ) -> Stream[Provider]:
        """Yield providers, page by page."""
        cursor = Cursor(f"{API}/providers", limit, _filters(filters), tenant)
        yield from each(ProviderList, cursor, self._policy)

    @endpoint
    def get(self, provider_id: str, *, tenant: str | None = None) -> Flow[Provider]:
        """Return a provider and the benchmarks it offers.

        Raises:
            NotFoundError: No such provider, or it belongs to another tenant.
        """
        return (yield from self._fetch(Provider, Call("GET", _path(provider_id), tenant=tenant)))

    @endpoint
    def get_by_name(self, name: str, *, tenant: str | None = None) -> Flow[Provider]:
        """Return the one provider of this name.

        Raises:
            NotFoundError: No provider has it.
            ConfigurationError: Several have it: names are not unique.
        """
        cursor = Cursor(f"{API}/providers", None, {"name": name}, tenant)
        found = yield from every(ProviderList, cursor, self._policy)
        if not found:
            raise NotFoundError(f"no provider is named {name!r}", status=404)
        if len(found) > 1:
            ids = ", ".join(provider.id for provider in found)
            raise ConfigurationError(f"several providers are named {name!r}: get one of {ids}")
        return found[0]

    @endpoint
    def create(
        self, data: ProviderCreateRequest | Mapping[str, Any], *, tenant: str | None = None
    ) -> Flow[Provider]:
        """Create a provider. In local mode its command can be run at once."""
        json = body(ProviderCreateRequest, data)
        call = Call("POST", f"{API}/providers", json=json, tenant=tenant)
        return (yield from self._fetch(Provider, call))

    @endpoint
    def update(
        self,
        provider_id: str,
        data: ProviderCreateRequest | Mapping[str, Any],
        *,
        tenant: str | None = None,
    ) -> Flow[Provider]:
        """Replace all of a provider.

        Raises:
            BadRequestError: It belongs to the service's configuration (`read_only_provider`).
        """
        json = body(ProviderUpdateRequest, data)
        call = Call("PUT", _path(provider_id), json=json, tenant=tenant)
        return (yield from self._fetch(Provider, call))

    @endpoint
    def patch(
        self,
        provider_id: str,
        data: Mapping[str, Any] | Sequence[PatchOperation | Mapping[str, Any]],
        *,
        tenant: str | None = None,
    ) -> Flow[Provider]:
        """Change parts of a provider.

        Args:
            provider_id: The provider.
            data: Operations, or fields and their new values (`None` removes a field).
            tenant: Tenant of the provider, in place of the client's.
        """
        call = Call("PATCH", _path(provider_id), json=operations(data), tenant=tenant)
        return (yield from self._fetch(Provider, call))

    @endpoint
    def delete(self, provider_id: str, *, tenant: str | None = None) -> Flow[None]:
        """Delete a provider. Jobs that use it go on, without the provider's pass criteria."""
        yield from self._remove(Call("DELETE", _path(provider_id), tenant=tenant))


def _path(provider_id: str) -> str:
    return f"{API}/providers/{segment(provider_id, 'provider_id')}"


def _filters(filters: ProviderFilters) -> dict[str, str | bool | None]:
    refuse_unknown(filters, ProviderFilters)
    return {
        "name": filters.get("name"),
        "tags": together(filters.get("tags")),
        "owner": filters.get("owner"),
        "scope": filters.get("scope"),
        "benchmarks": filters.get("benchmarks"),
    }


def _suits(provider: Provider, target_type: str | None, evaluates: str | None) -> bool:
    agent = provider.agent
    if agent is None:
        return False
    return target_type in (None, agent.target_type) and (
        evaluates is None or evaluates in agent.evaluates
    )
