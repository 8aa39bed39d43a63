"""The providers and collections of a service (wire contract 1.8 to 1.10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evalhub.errors import ConfigurationError
from evalhub.testing._hub.catalog_shapes import CATEGORY_OR_DOMAINS, COLLECTION, PROVIDER
from evalhub.testing._hub.patch import (
    COLLECTION_PATHS,
    PROVIDER_PATHS,
    PatchError,
    apply,
    operations,
)
from evalhub.testing._hub.schema import Struct, decode, decode_types, show
from evalhub.testing._hub.values import Json, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Catalog", "Collections", "Entry", "Owner", "Providers", "now"]

_FACETS = ("domains", "tasks", "modalities", "evaluation_targets")
_K8S_YAML = {
    "cpu_request": "CPURequest",
    "memory_request": "MemoryRequest",
    "cpu_limit": "CPULimit",
    "memory_limit": "MemoryLimit",
}


def now() -> str:
    """Return the current time in the service's format."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Owner:
    """Tenant and user of a request, from its headers."""

    tenant: str = ""
    user: str = ""

    def sees(self, resource: Json) -> bool:
        """Return whether a resource is visible to this tenant."""
        tenants = ("", resource.get("tenant"))
        return self.tenant in tenants or resource.get("owner") == "system"

    def resource(self, ident: str | None = None) -> Json:
        """Return the metadata of a new resource."""
        made: Json = {"id": ident or str(uuid4()), "created_at": now(), "updated_at": now()}
        known = {"tenant": self.tenant, "owner": self.user}
        return made | {name: value for name, value in known.items() if value}


SYSTEM = Owner(user="system")


@dataclass(slots=True)
class Entry:
    """One provider or collection."""

    resource: Json
    content: Json
    extra: Json = field(default_factory=dict[str, Any])
    """Fields that the service adds, such as `derived_from`."""

    @property
    def is_read_only(self) -> bool:
        """Whether the entry is read-only."""
        return self.resource.get("owner") == "system" or bool(self.content.get("curation_order"))


class Catalog:
    """The entries of one kind.

    Attributes:
        noun: Name of the kind in messages.
        struct: The fields of an entry.
        paths: The operations that PATCH allows, by path.
    """

    noun: str
    struct: Struct
    paths: Mapping[str, tuple[str, ...]]

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def shown(self, entry: Entry) -> Json:
        """Return an entry as responses show it."""
        return {"resource": entry.resource, **entry.extra, **show(self.struct, entry.content)}

    def find(self, ident: str, owner: Owner) -> Entry:
        """Return an entry.

        Raises:
            Refusal: It does not exist, or belongs to another tenant.
        """
        entry = self.entries.get(ident)
        if entry is None or not owner.sees(entry.resource):
            message = f"The {self.noun} resource '{ident}' was not found."
            raise Refusal(404, "resource_not_found", message)
        return entry

    def seen_by(self, owner: Owner) -> list[Entry]:
        """Return the entries visible to a tenant."""
        return [entry for entry in self.entries.values() if owner.sees(entry.resource)]

    def load(self, content: Mapping[str, Any]) -> None:
        """Add an entry of the service's configuration.

        Raises:
            ConfigurationError: It has no id, or is invalid.
        """
        try:
            self._add(Entry(SYSTEM.resource(content["id"]), decode(self.struct, dict(content))))
        except KeyError:
            raise ConfigurationError(f"invalid {self.noun}: it has no id") from None
        except Refusal as refusal:
            raise ConfigurationError(f"invalid {self.noun}: {refusal}") from None

    def create(self, value: Any, owner: Owner) -> Entry:
        """Add the entry of a request body."""
        return self._add(Entry(owner.resource(), self.complete(decode(self.struct, value))))

    def replace(self, ident: str, value: Any, owner: Owner) -> Entry:
        """Replace an entry with that of a request body."""
        content = self.complete(decode(self.struct, value))
        entry = self._changeable(ident, owner)
        entry.content = content
        return entry

    def patch(self, ident: str, value: Any, owner: Owner) -> Entry:
        """Apply the operations of a request body to an entry."""
        steps = operations(value, self.paths)
        entry = self._changeable(ident, owner)
        self.change(entry, steps)
        return entry

    def delete(self, ident: str, owner: Owner) -> None:
        """Remove an entry, even if it is in use."""
        self._changeable(ident, owner)
        del self.entries[ident]

    def complete(self, content: Json) -> Json:
        """Return the content of a new entry with the fields that the service adds."""
        return content

    def change(self, entry: Entry, steps: list[Json]) -> None:
        """Apply allowed operations to an entry."""
        raise NotImplementedError

    def _add(self, entry: Entry) -> Entry:
        self.entries[entry.resource["id"]] = entry
        return entry

    def _changeable(self, ident: str, owner: Owner) -> Entry:
        entry = self.find(ident, owner)
        if entry.is_read_only:
            message = f"{self.noun.capitalize()} '{ident}' cannot be modified or deleted."
            raise Refusal(400, f"read_only_{self.noun}", message)
        return entry


class Providers(Catalog):
    """The providers."""

    noun = "provider"
    struct = PROVIDER
    paths = PROVIDER_PATHS

    def load(self, content: Mapping[str, Any]) -> None:
        """Add a provider with the content of its YAML file, in snake case."""
        runtime = dict(content.get("runtime") or {})
        if k8s := runtime.get("k8s"):
            runtime["k8s"] = {_K8S_YAML.get(name, name): value for name, value in k8s.items()}
        super().load({**content, "runtime": runtime} if runtime else content)

    def benchmark(self, provider_id: str, benchmark_id: str, owner: Owner) -> Json:
        """Return a provider's benchmark.

        Raises:
            Refusal: The provider or the benchmark does not exist.
        """
        provider = self.find(provider_id, owner)
        for benchmark in provider.content.get("benchmarks") or ():
            if benchmark.get("id") == benchmark_id:
                found: Json = benchmark
                return found
        message = f"The benchmark with id '{benchmark_id}' does not exist."
        raise Refusal(400, "resource_does_not_exist", message)

    def change(self, entry: Entry, steps: list[Json]) -> None:
        """Apply operations; the result must be a valid provider."""
        try:
            patched = apply(steps, show(PROVIDER, entry.content))
        except PatchError as error:
            raise Refusal.of_json(str(error)) from None
        entry.content = decode(PROVIDER, patched)


class Collections(Catalog):
    """The collections."""

    noun = "collection"
    struct = COLLECTION
    paths = COLLECTION_PATHS

    def __init__(self, providers: Providers, *, category_required: bool = True) -> None:
        super().__init__()
        self._providers = providers
        if not category_required:
            self.struct = CATEGORY_OR_DOMAINS

    def shown(self, entry: Entry) -> Json:
        """Return a collection, with the facets of its benchmarks if it has none."""
        return super().shown(Entry(entry.resource, self._with_facets(entry.content), entry.extra))

    def complete(self, content: Json) -> Json:
        """Remove the fields that the service sets, and add the facets of the benchmarks."""
        for benchmark in content.get("benchmarks") or ():
            benchmark.pop("url", None)
        return self._with_facets(content)

    def clone(self, ident: str, value: Any, owner: Owner) -> Entry:
        """Copy a collection, with the changes of a request body."""
        content = self.find(ident, owner).content
        changes = decode(COLLECTION, value, required=False)
        copied = {**content, **{name: new for name, new in changes.items() if new}}
        copied.pop("curation_order", None)
        extra: Json = {"derived_from": ident, "status": {}}
        return self._add(Entry(owner.resource(), self._with_facets(copied), extra))

    def change(self, entry: Entry, steps: list[Json]) -> None:
        """Apply operations; only types are checked, and a wrong one is a 500."""
        order = [step["value"] for step in steps if step["path"] == "/pinned_order"]
        others = [step for step in steps if step["path"] != "/pinned_order"]
        try:
            patched = apply(others, show(COLLECTION, entry.content))
            entry.content = decode_types(COLLECTION, patched)
        except PatchError as error:
            raise _unknown(str(error)) from None
        except Refusal as refusal:
            raise _unknown(str(refusal)) from None
        if order:
            entry.extra["pinned_order"] = order[-1]

    def _with_facets(self, content: Json) -> Json:
        filled = dict(content)
        for facet in _FACETS:
            if not content.get(facet):
                filled[facet] = self._facet(content, facet)
        return filled

    def _facet(self, content: Json, facet: str) -> list[str]:
        values: list[str] = []
        for benchmark in content.get("benchmarks") or ():
            provider = self._providers.entries.get(benchmark.get("provider_id", ""))
            of_provider: list[Json] = (provider.content.get("benchmarks") or []) if provider else []
            for one in of_provider:
                if one.get("id") == benchmark.get("id"):
                    values += [value for value in one.get(facet, ()) if value not in values]
        return values


def _unknown(problem: str) -> Refusal:
    return Refusal(500, "unknown_error", f"An unknown error occurred: {problem}.")
