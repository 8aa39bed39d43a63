"""Providers: sets of benchmarks, and how the service starts their adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from evalhub.client._changes import operations, request_body
from evalhub.client._endpoint import API, D, EndpointGroup, endpoint, stream
from evalhub.client._paging import (
    Cursor,
    all_items,
    iter_items,
    join_values,
    refuse_unknown,
)
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
    from evalhub.wire.flow import Flow, Stream

__all__ = ["ProviderFilters", "Providers"]


class ProviderFilters(TypedDict, total=False):
    """Filters for providers; values match exactly."""

    name: str
    tags: str | Sequence[str]
    """With several tags: providers that have all of them."""

    owner: str
    scope: str
    """`system`: from the service's configuration; `tenant`: created over the API."""

    benchmarks: bool
    """Whether to include each provider's benchmarks; `True` by default."""


class Providers(EndpointGroup[D]):
    """Read, create and change providers."""

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
        """Return the providers that match the filters.

        Args:
            limit: Maximum number to return.
            target_type: What the provider evaluates: `model`, `agent` or `inference_server`.
            evaluates: A quality the provider declares to evaluate.
            tenant: Tenant of the providers, in place of the client's.
            filters: Further filters.

        Raises:
            ConfigurationError: A filter does not exist.
        """
        # The service has no filter for `agent`: these two are applied here.
        here = target_type is not None or evaluates is not None
        cursor = Cursor(f"{API}/providers", None if here else limit, _filters(filters), tenant)
        providers = yield from all_items(ProviderList, cursor, self._policy)
        if not here:
            return providers
        return [found for found in providers if _matches(found, target_type, evaluates)][:limit]

    @stream
    def iter(
        self,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[ProviderFilters],
    ) -> Stream[Provider]:
        """Yield providers as `list` selects them, page by page."""
        cursor = Cursor(f"{API}/providers", limit, _filters(filters), tenant)
        yield from iter_items(ProviderList, cursor, self._policy)

    @endpoint
    def get(self, provider_id: str, *, tenant: str | None = None) -> Flow[Provider]:
        """Return a provider and the benchmarks it offers.

        Raises:
            NotFoundError: No such provider, or it belongs to another tenant.
        """
        return (yield from self._fetch(Provider, Call("GET", _path(provider_id), tenant=tenant)))

    @endpoint
    def get_by_name(self, name: str, *, tenant: str | None = None) -> Flow[Provider]:
        """Return the provider of this name.

        Raises:
            NotFoundError: No provider has this name.
            ConfigurationError: Several providers have it; names are not unique.
        """
        cursor = Cursor(f"{API}/providers", None, {"name": name}, tenant)
        found = yield from all_items(ProviderList, cursor, self._policy)
        if not found:
            raise NotFoundError(f"no provider is named {name!r}", status=404)
        if len(found) > 1:
            ids = ", ".join(provider.id for provider in found)
            raise ConfigurationError(
                f"several providers are named {name!r}; get one by its id: {ids}"
            )
        return found[0]

    @endpoint
    def create(
        self, data: ProviderCreateRequest | Mapping[str, Any], *, tenant: str | None = None
    ) -> Flow[Provider]:
        """Create a provider; in local mode jobs can use it at once.

        Raises:
            ConfigurationError: A field is invalid.
        """
        json = request_body(ProviderCreateRequest, data, "provider")
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
        """Replace a provider as a whole.

        Raises:
            ConfigurationError: A field is invalid.
            BadRequestError: The provider is read-only: part of the service's configuration
                (`read_only_provider`).
        """
        json = request_body(ProviderUpdateRequest, data, "provider")
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
        """Change some fields of a provider.

        Args:
            provider_id: Id of the provider.
            data: Patch operations, or a dictionary of new values (`None` removes a field).
            tenant: Tenant of the provider, in place of the client's.
        """
        call = Call("PATCH", _path(provider_id), json=operations(data), tenant=tenant)
        return (yield from self._fetch(Provider, call))

    @endpoint
    def delete(self, provider_id: str, *, tenant: str | None = None) -> Flow[None]:
        """Delete a provider; its running jobs go on, without the provider's pass criteria."""
        yield from self._remove(Call("DELETE", _path(provider_id), tenant=tenant))


def _path(provider_id: str) -> str:
    return f"{API}/providers/{segment(provider_id, 'provider_id')}"


def _filters(filters: ProviderFilters) -> dict[str, str | bool | None]:
    refuse_unknown(filters, ProviderFilters)
    return {
        "name": filters.get("name"),
        "tags": join_values("tags", filters.get("tags")),
        "owner": filters.get("owner"),
        "scope": filters.get("scope"),
        "benchmarks": filters.get("benchmarks"),
    }


def _matches(provider: Provider, target_type: str | None, evaluates: str | None) -> bool:
    agent = provider.agent
    if agent is None:
        return False
    return target_type in (None, agent.target_type) and (
        evaluates is None or evaluates in agent.evaluates
    )
