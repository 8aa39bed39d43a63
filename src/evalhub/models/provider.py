"""Providers: their benchmarks, and how the service starts their adapters.

`runtime.k8s` has two sets of names: `CPURequest` over REST, `cpu_request` in a file of the
service's configuration. The service silently drops either where it expects the other (wire
contract 1.8 and 8). The models accept both; `to_wire` returns the first and
`ProviderFile.to_yaml_dict` the second.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, Field

from evalhub.models._base import ListOf, Model, OpenEnum, ServiceModel, on_build
from evalhub.models._two_names import TwoNames
from evalhub.models.benchmark import PassCriteria
from evalhub.models.page import Page, Resource
from evalhub.models.rules import Description, Tags, at_least, at_most, not_empty
from evalhub.models.spec import PrimaryScore

__all__ = [
    "AgentMetadata",
    "Benchmark",
    "BenchmarkAgentMetadata",
    "BenchmarksList",
    "EnvVar",
    "ImagePullPolicy",
    "K8sGPU",
    "K8sRuntime",
    "LocalRuntime",
    "Provider",
    "ProviderCreateRequest",
    "ProviderFile",
    "ProviderList",
    "ProviderUpdateRequest",
    "Runtime",
    "ScoreRange",
    "TargetType",
]


class ScoreRange(Model):
    """Meaning of the scores in a range."""

    range: str
    meaning: str


class BenchmarkAgentMetadata(Model):
    """How to interpret a benchmark's scores, for agents."""

    result_interpretation: str | None = None
    score_ranges: ListOf[ScoreRange] = Field(default_factory=list[ScoreRange])


class TargetType(OpenEnum):
    """Kind of target that a provider evaluates."""

    MODEL = "model"
    AGENT = "agent"
    INFERENCE_SERVER = "inference_server"


class AgentMetadata(Model):
    """Description of a provider or a collection, for agents that choose one."""

    evaluates: ListOf[str] = Field(default_factory=list)
    recommended_when: ListOf[str] = Field(default_factory=list)
    target_type: TargetType | None = None
    """Only for providers, not for collections."""

    summary: Annotated[str | None, on_build(at_most(200))] = None
    complements: ListOf[str] = Field(default_factory=list)
    hints: ListOf[str] = Field(default_factory=list)
    result_interpretation: ListOf[str] = Field(default_factory=list)


class Benchmark(Model):
    """A benchmark that a provider offers."""

    _identified_by: ClassVar[tuple[str, ...]] = ("id", "name", "category")

    id: str = ""
    url: str | None = None
    name: str = ""
    description: Description | None = None
    category: str = ""
    metrics: ListOf[str] = Field(default_factory=list)
    num_few_shot: int = 0
    dataset_size: int = 0
    tags: Tags = Field(default_factory=list)
    primary_score: PrimaryScore | None = None
    """The metric compared with the threshold if a job names none."""

    pass_criteria: PassCriteria | None = None
    agent: BenchmarkAgentMetadata | None = None
    domains: ListOf[str] = Field(default_factory=list)
    tasks: ListOf[str] = Field(default_factory=list)
    modalities: ListOf[str] = Field(default_factory=list)
    evaluation_targets: ListOf[str] = Field(default_factory=list)


class ListedBenchmark(Benchmark):
    """A benchmark in a list of those of several providers."""

    provider_id: str


class BenchmarksList(Model):
    """A list of benchmarks."""

    total_count: int = 0
    items: ListOf[ListedBenchmark | Benchmark] = Field(
        default_factory=list[ListedBenchmark | Benchmark]
    )


class EnvVar(TwoNames):
    """An environment variable of the adapter."""

    name: str = Field(validation_alias=AliasChoices("name", "Name"), serialization_alias="Name")
    value: str = Field(
        default="", validation_alias=AliasChoices("value", "Value"), serialization_alias="Value"
    )


class K8sGPU(Model):
    """Accelerators of the adapter's pod."""

    resource: str | None = None
    """Name of the Kubernetes resource, such as `nvidia.com/gpu`."""

    count: Annotated[int | None, on_build(at_least(1))] = None
    node_selector: dict[str, str] | None = None


class ImagePullPolicy(OpenEnum):
    """Pull policy of the adapter's image."""

    IF_NOT_PRESENT = "if_not_present"
    ALWAYS = "always"


def _two_names(name: str, rest_name: str, *, default: Any = None) -> Any:
    """Return a field with one name in files and another over REST."""
    return Field(
        default=default,
        validation_alias=AliasChoices(name, rest_name),
        serialization_alias=rest_name,
    )


class K8sRuntime(TwoNames):
    """How the service starts the adapter in a cluster."""

    image: str | None = _two_names("image", "Image")
    entrypoint: ListOf[str] = _two_names("entrypoint", "Entrypoint", default=[])
    cpu_request: str | None = _two_names("cpu_request", "CPURequest")
    memory_request: str | None = _two_names("memory_request", "MemoryRequest")
    cpu_limit: str | None = _two_names("cpu_limit", "CPULimit")
    memory_limit: str | None = _two_names("memory_limit", "MemoryLimit")
    env: ListOf[EnvVar] = _two_names("env", "Env", default=[])
    gpu: K8sGPU | None = None
    image_pull_policy: ImagePullPolicy | None = None


class LocalRuntime(Model):
    """How the service starts the adapter in local mode: as a process."""

    command: str = ""
    """A shell command; it runs with the service's permissions."""

    env: ListOf[EnvVar] = Field(default_factory=list[EnvVar])


class Runtime(Model):
    """How the service starts a provider's adapter."""

    local: LocalRuntime | None = None
    k8s: K8sRuntime | None = None


class ProviderCreateRequest(Model):
    """A provider to create."""

    name: str
    title: str = ""
    description: Description | None = None
    tags: Tags = Field(default_factory=list)
    runtime: Runtime | None = None
    benchmarks: ListOf[Benchmark] = Field(default_factory=list[Benchmark])
    agent: AgentMetadata | None = None


class ProviderUpdateRequest(ProviderCreateRequest):
    """All fields of a provider: an update replaces it as a whole."""


class ProviderFile(ProviderCreateRequest):
    """A provider as a file of the service's configuration, `providers/NAME.yaml`."""

    id: Annotated[str, on_build(not_empty), on_build(at_most(36))]

    def to_yaml_dict(self) -> dict[str, Any]:
        """Return the content of the file, with the names of the configuration."""
        return self._dump(exclude_none=True)


class Provider(ProviderCreateRequest, ServiceModel):
    """A provider, as the service returns it."""

    _identified_by = ("id", "name")

    resource: Resource
    name: str = ""

    @property
    def id(self) -> str:
        """The id of the provider."""
        return self.resource.id


class ProviderList(Page):
    """One page of providers."""

    items: ListOf[Provider] = Field(default_factory=list[Provider])
