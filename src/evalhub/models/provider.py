"""Providers of benchmarks: what they offer, and how the service starts them.

A provider travels under two sets of names. Over REST `runtime.k8s` speaks `CPURequest`, in a file
of the service's configuration it speaks `cpu_request`; either is dropped without a word where the
other belongs (wire contract 1.8 and 8). The models take both, `to_wire` gives the first and
`ProviderFile.to_yaml_dict` the second.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from evalhub.models._base import ListOf, Model, OpenEnum, Received, on_build
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
    """What scores in a range mean."""

    range: str
    meaning: str


class BenchmarkAgentMetadata(Model):
    """How an agent should read a benchmark's scores."""

    result_interpretation: str | None = None
    score_ranges: ListOf[ScoreRange] = Field(default_factory=list[ScoreRange])


class TargetType(OpenEnum):
    """What a provider evaluates."""

    MODEL = "model"
    AGENT = "agent"
    INFERENCE_SERVER = "inference_server"


class AgentMetadata(Model):
    """What an agent that chooses among providers or collections should know."""

    evaluates: ListOf[str] = Field(default_factory=list)
    recommended_when: ListOf[str] = Field(default_factory=list)
    target_type: TargetType | None = None
    """Of a provider; a collection has none."""

    summary: Annotated[str | None, on_build(at_most(200))] = None
    complements: ListOf[str] = Field(default_factory=list)
    hints: ListOf[str] = Field(default_factory=list)
    result_interpretation: ListOf[str] = Field(default_factory=list)


class Benchmark(Model):
    """A benchmark that a provider offers."""

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
    """The metric that is judged where a job names none."""

    pass_criteria: PassCriteria | None = None
    agent: BenchmarkAgentMetadata | None = None
    domains: ListOf[str] = Field(default_factory=list)
    tasks: ListOf[str] = Field(default_factory=list)
    modalities: ListOf[str] = Field(default_factory=list)
    evaluation_targets: ListOf[str] = Field(default_factory=list)


class BenchmarksList(Model):
    """Benchmarks of any number of providers."""

    total_count: int = 0
    items: ListOf[Benchmark] = Field(default_factory=list[Benchmark])


class EnvVar(Model):
    """An environment variable of the adapter."""

    name: str = Field(validation_alias=AliasChoices("name", "Name"), serialization_alias="Name")
    value: str = Field(
        default="", validation_alias=AliasChoices("value", "Value"), serialization_alias="Value"
    )


class K8sGPU(Model):
    """Accelerators of the adapter's pod."""

    resource: str | None = None
    """Name of the resource, such as `nvidia.com/gpu`."""

    count: Annotated[int | None, on_build(at_least(1))] = None
    node_selector: dict[str, str] | None = None


class ImagePullPolicy(OpenEnum):
    """When the adapter's image is pulled."""

    IF_NOT_PRESENT = "if_not_present"
    ALWAYS = "always"


def _both(name: str, rest_name: str, *, default: Any = None) -> Any:
    """Return a field with one name in files and another over REST."""
    return Field(
        default=default,
        validation_alias=AliasChoices(name, rest_name),
        serialization_alias=rest_name,
    )


class K8sRuntime(Model):
    """How the service starts the adapter in a cluster."""

    image: str | None = _both("image", "Image")
    entrypoint: ListOf[str] = _both("entrypoint", "Entrypoint", default=[])
    cpu_request: str | None = _both("cpu_request", "CPURequest")
    memory_request: str | None = _both("memory_request", "MemoryRequest")
    cpu_limit: str | None = _both("cpu_limit", "CPULimit")
    memory_limit: str | None = _both("memory_limit", "MemoryLimit")
    env: ListOf[EnvVar] = _both("env", "Env", default=[])
    gpu: K8sGPU | None = None
    image_pull_policy: ImagePullPolicy | None = None


class LocalRuntime(Model):
    """How the service starts the adapter in local mode: as a process of its own."""

    command: str = ""
    """A shell command. It runs with the rights of the service."""

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
    """What a provider is to be from now on: all of it, since an update replaces everything."""


class ProviderFile(ProviderCreateRequest):
    """A provider as a file of the service's configuration, `providers/NAME.yaml`."""

    id: Annotated[str, on_build(not_empty), on_build(at_most(36))]

    def to_yaml_dict(self) -> dict[str, Any]:
        """Return what to write to the file: the names the configuration uses."""
        return self.model_dump(mode="json", exclude_none=True)


class Provider(ProviderCreateRequest, Received):
    """A provider as the service knows it."""

    resource: Resource
    name: str = ""

    @property
    def id(self) -> str:
        """The id of the provider."""
        return self.resource.id


class ProviderList(Page):
    """One page of providers."""

    items: ListOf[Provider] = Field(default_factory=list[Provider])
