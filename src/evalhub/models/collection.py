"""Collections: named sets of benchmarks that one job runs."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from evalhub.models._base import ListOf, Model, ServiceModel, is_reading, on_build
from evalhub.models.benchmark import BenchmarkConfig, PassCriteria
from evalhub.models.page import Page, Resource
from evalhub.models.provider import AgentMetadata
from evalhub.models.rules import Description, NotBlank, Tags, at_least, at_most, not_empty

__all__ = [
    "BenchmarkReference",
    "Collection",
    "CollectionCloneRequest",
    "CollectionCreateRequest",
    "CollectionFile",
    "CollectionList",
    "CollectionStatus",
    "CollectionUpdateRequest",
]

CATEGORY_LENGTH = 128
Category = Annotated[str, on_build(not_empty), on_build(at_most(CATEGORY_LENGTH))]
Order = Annotated[int | None, on_build(at_least(0))]


class BenchmarkReference(BenchmarkConfig):
    """One benchmark of a collection; the service looks it up only when a job runs it."""

    url: str | None = None
    """Page that describes the benchmark; the service copies it from the provider."""


class CollectionFields(Model):
    """The fields common to all forms of a collection."""

    description: Description = ""
    tags: Tags = Field(default_factory=list)
    custom: dict[str, Any] = Field(default_factory=dict)
    pass_criteria: PassCriteria | None = None
    """Threshold for a job that runs the collection; 0.5 if neither sets one."""

    agent: AgentMetadata | None = None
    curation_order: Order = None
    """Position among the curated collections. Setting it makes the collection read-only; clones do
    not inherit it."""

    domains: ListOf[str] = Field(default_factory=list)
    """If empty, the service collects them from the benchmarks, like tasks, modalities and
    evaluation targets."""

    tasks: ListOf[str] = Field(default_factory=list)
    modalities: ListOf[str] = Field(default_factory=list)
    industries: ListOf[str] = Field(default_factory=list)
    evaluation_targets: ListOf[str] = Field(default_factory=list)


class CollectionCreateRequest(CollectionFields):
    """A collection to create."""

    name: NotBlank
    category: Category | None = None
    """Required by a service before 1.0.3; later ones take `domains` in its place."""

    benchmarks: Annotated[ListOf[BenchmarkReference], on_build(not_empty)]

    @model_validator(mode="after")
    def _category_or_domains(self) -> Self:
        if self.category is None and not self.domains and not is_reading():
            raise ValueError("set category, or domains for a service of version 1.0.3 or newer")
        return self


class CollectionUpdateRequest(CollectionCreateRequest):
    """All fields of a collection: an update replaces it as a whole."""


class CollectionCloneRequest(CollectionFields):
    """Fields that differ in a copy; the others are copied from the original."""

    name: NotBlank | None = None
    category: Category | None = None
    benchmarks: list[BenchmarkReference] | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object for the service: every field that was set, empty ones included."""
        return self._dump(by_alias=True, exclude_unset=True)


class CollectionFile(CollectionCreateRequest):
    """A collection as a file of the service's configuration, `collections/NAME.yaml`.

    The service lowers the case of every key in the file, those of `parameters` included.
    """

    id: Annotated[str, on_build(not_empty), on_build(at_most(36))]

    def to_yaml_dict(self) -> dict[str, Any]:
        """Return the content of the file."""
        return self._dump(exclude_none=True)


class CollectionStatus(Model):
    """Counters of the service."""

    run_count: int = 0


class Collection(CollectionFields, ServiceModel):
    """A collection, as the service returns it."""

    _identified_by = ("id", "name", "category")

    resource: Resource
    name: str = ""
    category: str = ""
    benchmarks: ListOf[BenchmarkReference] = Field(default_factory=list[BenchmarkReference])
    pinned_order: int | None = None
    derived_from: str | None = None
    """Id of the collection that this one was cloned from."""

    status: CollectionStatus | None = None

    @property
    def id(self) -> str:
        """The id of the collection."""
        return self.resource.id


class CollectionList(Page):
    """One page of collections."""

    items: ListOf[Collection] = Field(default_factory=list[Collection])
