"""Collections: named sets of benchmarks that are run and judged together."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from evalhub.models._base import ListOf, Model, Received, on_build
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
    """One benchmark of a collection. Whether it exists is known only when a job runs it."""

    url: str | None = None
    """Where the benchmark is described; the service takes it from the provider."""


class CollectionFields(Model):
    """What every form of a collection has besides its name, category and benchmarks."""

    description: Description = ""
    tags: Tags = Field(default_factory=list)
    custom: dict[str, Any] = Field(default_factory=dict)
    pass_criteria: PassCriteria | None = None
    """When a job that runs the collection passes; at 0.5 where neither says."""

    agent: AgentMetadata | None = None
    curation_order: Order = None
    """Place among the curated collections. Whoever has one is read-only from then on; a clone
    has none."""

    domains: ListOf[str] = Field(default_factory=list)
    """Gathered from the benchmarks if empty; so are tasks, modalities and evaluation targets."""

    tasks: ListOf[str] = Field(default_factory=list)
    modalities: ListOf[str] = Field(default_factory=list)
    industries: ListOf[str] = Field(default_factory=list)
    evaluation_targets: ListOf[str] = Field(default_factory=list)


class CollectionCreateRequest(CollectionFields):
    """A collection to create."""

    name: NotBlank
    category: Category
    benchmarks: Annotated[ListOf[BenchmarkReference], on_build(not_empty)]


class CollectionUpdateRequest(CollectionCreateRequest):
    """What a collection is to be from now on: all of it, since an update replaces everything."""


class CollectionCloneRequest(CollectionFields):
    """What is to differ in a copy; everything else is taken over from the original."""

    name: NotBlank | None = None
    category: Category | None = None
    benchmarks: list[BenchmarkReference] | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object the service reads: what was set, since an empty value is one."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class CollectionFile(CollectionCreateRequest):
    """A collection as a file of the service's configuration, `collections/NAME.yaml`.

    The service lowers the case of every key in it, those of `parameters` included.
    """

    id: Annotated[str, on_build(not_empty), on_build(at_most(36))]

    def to_yaml_dict(self) -> dict[str, Any]:
        """Return what to write to the file."""
        return self.model_dump(mode="json", exclude_none=True)


class CollectionStatus(Model):
    """What the service has counted."""

    run_count: int = 0


class Collection(CollectionFields, Received):
    """A collection as the service knows it."""

    resource: Resource
    name: str = ""
    category: str = ""
    benchmarks: ListOf[BenchmarkReference] = Field(default_factory=list[BenchmarkReference])
    pinned_order: int | None = None
    derived_from: str | None = None
    """Id of the collection that this is a clone of."""

    status: CollectionStatus | None = None

    @property
    def id(self) -> str:
        """The id of the collection."""
        return self.resource.id


class CollectionList(Page):
    """One page of collections."""

    items: ListOf[Collection] = Field(default_factory=list[Collection])
