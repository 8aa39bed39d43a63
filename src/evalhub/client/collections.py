"""Collections: named sets of benchmarks that are run and judged together."""

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
from evalhub.models.collection import (
    Collection,
    CollectionCloneRequest,
    CollectionCreateRequest,
    CollectionList,
    CollectionUpdateRequest,
)
from evalhub.wire.flow import Call, Since, segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.models.patch import PatchOperation
    from evalhub.wire.flow import Flow, Stream

__all__ = ["CollectionFilters", "Collections"]


class CollectionFilters(TypedDict, total=False):
    """Filters for collections; values match exactly, and of several all must match."""

    name: str
    category: str
    tags: str | Sequence[str]
    owner: str
    scope: str
    """`system`: from the service's configuration; `tenant`: created over the API."""

    domains: str | Sequence[str]
    tasks: str | Sequence[str]
    modalities: str | Sequence[str]
    industries: str | Sequence[str]
    evaluation_targets: str | Sequence[str]
    sort_by: str


class Collections(EndpointGroup[D]):
    """Read, create, copy and change collections."""

    @endpoint
    def list(
        self,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[CollectionFilters],
    ) -> Flow[list[Collection]]:
        """Return the collections that match the filters.

        Args:
            limit: Maximum number to return.
            tenant: Tenant of the collections, in place of the client's.
            filters: Further filters.

        Raises:
            ConfigurationError: A filter does not exist.
        """
        cursor = Cursor(f"{API}/collections", limit, _filters(filters), tenant)
        return (yield from all_items(CollectionList, cursor, self._policy))

    @stream
    def iter(
        self,
        limit: int | None = None,
        *,
        tenant: str | None = None,
        **filters: Unpack[CollectionFilters],
    ) -> Stream[Collection]:
        """Yield collections as `list` selects them, page by page."""
        cursor = Cursor(f"{API}/collections", limit, _filters(filters), tenant)
        yield from iter_items(CollectionList, cursor, self._policy)

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
        """Create a collection; its benchmarks are looked up only when a job runs it.

        Raises:
            ConfigurationError: A field is invalid.
            ServiceTooOldError: There is no category, which a service before 1.0.3 requires.
        """
        json = request_body(CollectionCreateRequest, data, "collection")
        call = Call("POST", f"{API}/collections", json=json, tenant=tenant, since=_since(json))
        return (yield from self._fetch(Collection, call))

    @endpoint
    def clone(
        self,
        collection_id: str,
        changes: CollectionCloneRequest | Mapping[str, Any] | None = None,
        *,
        tenant: str | None = None,
    ) -> Flow[Collection]:
        """Copy a collection; a copy of a read-only collection can be changed.

        Args:
            collection_id: Id of the collection to copy.
            changes: Fields that differ in the copy.
            tenant: Tenant of the copy, in place of the client's.
        """
        json = request_body(CollectionCloneRequest, changes or {}, "collection")
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
        """Replace a collection as a whole; the service validates it, unlike a patch.

        Raises:
            ConfigurationError: A field is invalid.
            BadRequestError: The collection is read-only: part of the service's configuration
                (`read_only_collection`).
        """
        json = request_body(CollectionUpdateRequest, data, "collection")
        call = Call("PUT", _path(collection_id), json=json, tenant=tenant, since=_since(json))
        return (yield from self._fetch(Collection, call))

    @endpoint
    def patch(
        self,
        collection_id: str,
        data: Mapping[str, Any] | Sequence[PatchOperation | Mapping[str, Any]],
        *,
        tenant: str | None = None,
    ) -> Flow[Collection]:
        """Change some fields of a collection; the service does not validate them, unlike `update`.

        Args:
            collection_id: Id of the collection.
            data: Patch operations, or a dictionary of new values (`None` removes a field).
            tenant: Tenant of the collection, in place of the client's.
        """
        call = Call("PATCH", _path(collection_id), json=operations(data), tenant=tenant)
        return (yield from self._fetch(Collection, call))

    @endpoint
    def delete(self, collection_id: str, *, tenant: str | None = None) -> Flow[None]:
        """Delete a collection; jobs that are running it can then never end."""
        yield from self._remove(Call("DELETE", _path(collection_id), tenant=tenant))


def _since(json: Mapping[str, Any]) -> Since | None:
    """Return what an older service refuses: a collection whose domains stand for its category."""
    if "category" in json:
        return None
    feature = "collections without a category"
    return Since("1.0.3", feature, code="request_validation_failed", word="category")


def _path(collection_id: str) -> str:
    return f"{API}/collections/{segment(collection_id, 'collection_id')}"


def _filters(filters: CollectionFilters) -> dict[str, str | None]:
    refuse_unknown(filters, CollectionFilters)
    return {
        "name": filters.get("name"),
        "category": filters.get("category"),
        "tags": join_values("tags", filters.get("tags")),
        "owner": filters.get("owner"),
        "scope": filters.get("scope"),
        "domains": join_values("domains", filters.get("domains")),
        "tasks": join_values("tasks", filters.get("tasks")),
        "modalities": join_values("modalities", filters.get("modalities")),
        "industries": join_values("industries", filters.get("industries")),
        "evaluation_targets": join_values("evaluation_targets", filters.get("evaluation_targets")),
        "sort_by": filters.get("sort_by"),
    }
