"""Collections: named sets of benchmarks that are run and judged together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from evalhub.client._changes import body, operations
from evalhub.client._endpoint import API, Resource, endpoint, stream
from evalhub.client._paging import Cursor, each, every, refuse_unknown, together
from evalhub.models.collection import (
    Collection,
    CollectionCloneRequest,
    CollectionCreateRequest,
    CollectionList,
    CollectionUpdateRequest,
)
from evalhub.wire.flow import Call, segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.models.patch import PatchOperation
    from evalhub.wire.drive import AsyncDriver, Driver
    from evalhub.wire.flow import Flow, Stream

__all__ = ["CollectionFilters", "Collections"]

D = TypeVar("D", bound="Driver | AsyncDriver")


class CollectionFilters(TypedDict, total=False):
    """What collections may be selected by; values match exactly, several must all be there."""

    name: str
    category: str
    tags: str | Sequence[str]
    owner: str
    scope: str
    """`system` for those the service was configured with, `tenant` for the others."""

    domains: str | Sequence[str]
    tasks: str | Sequence[str]
    modalities: str | Sequence[str]
    industries: str | Sequence[str]
    evaluation_targets: str | Sequence[str]
    sort_by: str


class Collections(Resource[D]):
    """Collections of the service."""

    @endpoint
    def list(
        self,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[CollectionFilters],
    ) -> Flow[list[Collection]]:
        """Return all collections, or those that the filters select.

        Args:
            limit: How many to return in all.
            tenant: Tenant of the collections, in place of the client's.
            filters: What to select by.
        """
        cursor = Cursor(f"{API}/collections", limit, _filters(filters), tenant)
        return (yield from every(CollectionList, cursor, self._policy))

    @stream
    def iter(
        self,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[CollectionFilters],
    ) -> Stream[Collection]:
        """Yield collections, page by page."""
        cursor = Cursor(f"{API}/collections", limit, _filters(filters), tenant)
        yield from each(CollectionList, cursor, self._policy)

    @endpoint
    def get(self, collection_id: str, *, tenant: str | None = None) -> Flow[Collection]:
        """Return a collection.

        Raises:
            NotFoundError: No such collection, or it belongs to another tenant.
        """
        call = Call("GET", _path(collection_id), tenant=tenant)
        return (yield from self._fetch(Collection, call))

    @endpoint
    def create(
        self, data: CollectionCreateRequest | Mapping[str, Any], *, tenant: str | None = None
    ) -> Flow[Collection]:
        """Create a collection. Whether its benchmarks exist shows when a job runs it."""
        json = body(CollectionCreateRequest, data)
        call = Call("POST", f"{API}/collections", json=json, tenant=tenant)
        return (yield from self._fetch(Collection, call))

    @endpoint
    def clone(
        self,
        collection_id: str,
        changes: CollectionCloneRequest | Mapping[str, Any] | None = None,
        *,
        tenant: str | None = None,
    ) -> Flow[Collection]:
        """Copy a collection, the way to change one that belongs to the service.

        Args:
            collection_id: The collection to copy.
            changes: What is to differ in the copy.
            tenant: Tenant of the copy, in place of the client's.
        """
        json = body(CollectionCloneRequest, changes or {})
        call = Call("POST", f"{_path(collection_id)}/clones", json=json, tenant=tenant)
        return (yield from self._fetch(Collection, call))

    @endpoint
    def update(
        self,
        collection_id: str,
        data: CollectionCreateRequest | Collection | Mapping[str, Any],
        *,
        tenant: str | None = None,
    ) -> Flow[Collection]:
        """Replace all of a collection; the service checks what it is given, unlike in a patch.

        Raises:
            BadRequestError: It belongs to the service's configuration (`read_only_collection`).
        """
        json = body(CollectionUpdateRequest, data)
        call = Call("PUT", _path(collection_id), json=json, tenant=tenant)
        return (yield from self._fetch(Collection, call))

    @endpoint
    def patch(
        self,
        collection_id: str,
        data: Mapping[str, Any] | Sequence[PatchOperation | Mapping[str, Any]],
        *,
        tenant: str | None = None,
    ) -> Flow[Collection]:
        """Change parts of a collection. The service does not check them: prefer `update`.

        Args:
            collection_id: The collection.
            data: Operations, or fields and their new values (`None` removes a field).
            tenant: Tenant of the collection, in place of the client's.
        """
        call = Call("PATCH", _path(collection_id), json=operations(data), tenant=tenant)
        return (yield from self._fetch(Collection, call))

    @endpoint
    def delete(self, collection_id: str, *, tenant: str | None = None) -> Flow[None]:
        """Delete a collection. Jobs that run it can then never end."""
        yield from self._remove(Call("DELETE", _path(collection_id), tenant=tenant))


def _path(collection_id: str) -> str:
    return f"{API}/collections/{segment(collection_id, 'collection_id')}"


def _filters(filters: CollectionFilters) -> dict[str, str | None]:
    refuse_unknown(filters, CollectionFilters)
    return {
        "name": filters.get("name"),
        "category": filters.get("category"),
        "tags": together(filters.get("tags")),
        "owner": filters.get("owner"),
        "scope": filters.get("scope"),
        "domains": together(filters.get("domains")),
        "tasks": together(filters.get("tasks")),
        "modalities": together(filters.get("modalities")),
        "industries": together(filters.get("industries")),
        "evaluation_targets": together(filters.get("evaluation_targets")),
        "sort_by": filters.get("sort_by"),
    }
