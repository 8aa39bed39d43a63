"""Requests for jobs: the full form, and a short one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from evalhub.errors import ConfigurationError
from evalhub.models._base import Model, on_build
from evalhub.models.benchmark import (
    BenchmarkConfig,
    HardwareConfig,
    PassCriteria,
    QueueConfig,
    TestDataType,
)
from evalhub.models.oci import OCICoordinates
from evalhub.models.rules import NotBlank, Tags, at_most, check_url, not_empty
from evalhub.models.spec import ModelConfig

__all__ = [
    "CollectionRef",
    "EvaluationExports",
    "EvaluationExportsOCI",
    "EvaluationRequest",
    "ExperimentConfig",
    "ExperimentTag",
    "JobSubmissionRequest",
    "OCIConnectionConfig",
    "OCISigningConfig",
]


class CollectionRef(Model):
    """A collection to run, with this job's changes to its benchmarks.

    The collection's own parameters override those given here (wire contract 3.2).
    """

    id: NotBlank
    benchmarks: list[BenchmarkConfig] | None = None
    collection_updated_at: str | None = None
    """Time of the collection's last change; set by the service."""


class ExperimentTag(Model):
    """A tag of an experiment."""

    key: Annotated[str, on_build(not_empty), on_build(at_most(250))]
    value: Annotated[str, on_build(not_empty), on_build(at_most(5000))]


class ExperimentConfig(Model):
    """The MLflow experiment of a job; the service must be configured with an MLflow server."""

    name: NotBlank
    tags: Annotated[list[ExperimentTag], on_build(at_most(20))] = Field(
        default_factory=list[ExperimentTag]
    )
    """Passed to the adapter, unlike the tags of the job."""

    artifact_location: str | None = None


class OCIConnectionConfig(Model):
    """The cluster's connection to the registry."""

    connection: NotBlank
    """Name of a Secret of type `kubernetes.io/dockerconfigjson`."""


class OCISigningConfig(Model):
    """How to sign artifacts."""

    type: Literal["key-pair"]
    secret_ref: NotBlank | None = None
    """Secret in the tenant's namespace that contains `private.key`."""


class EvaluationExportsOCI(Model):
    """The registry for the artifacts of a job.

    In a cluster `k8s` is required: without it the job's sidecar does not start.
    """

    coordinates: OCICoordinates
    k8s: OCIConnectionConfig | None = None
    signing: OCISigningConfig | None = None


class EvaluationExports(Model):
    """Destinations of results besides the service."""

    oci: EvaluationExportsOCI | None = None


class JobSubmissionRequest(Model):
    """A job: a model, and the benchmarks or the collection to evaluate it with."""

    name: NotBlank
    description: str | None = None
    tags: Tags = Field(default_factory=list)
    model: ModelConfig
    benchmarks: Annotated[list[BenchmarkConfig] | None, on_build(not_empty)] = None
    collection: CollectionRef | None = None
    pass_criteria: PassCriteria | None = None
    """Threshold for the job as a whole: for the weighted mean of the primary scores."""

    experiment: ExperimentConfig | None = None
    exports: EvaluationExports | None = None
    hardware_config: HardwareConfig | None = None
    queue: QueueConfig | None = None
    """Deprecated by the service in favour of `hardware_config.queue`."""

    custom: dict[str, Any] | None = None
    """Stored with the job; the service does not interpret it."""

    @field_validator("model")
    @classmethod
    def _check_model(cls, model: ModelConfig) -> ModelConfig:
        if model.url:
            check_url(model.url)
        return model

    @model_validator(mode="after")
    def _benchmarks_or_collection(self) -> Self:
        if (self.benchmarks is None) == (self.collection is None):
            raise ValueError("set either benchmarks or collection")
        return self

    @model_validator(mode="after")
    def _check_model_url(self) -> Self:
        if not self.model.url and any(map(_calls_the_model, self.benchmarks or ())):
            raise ValueError(
                "model.url is required unless test_data_ref.type of every benchmark is"
                f" {TestDataType.PRE_RECORDED_DATA.value!r}"
            )
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object the service reads.

        A benchmark read from a job may be submitted again: its read-only fields are left out.
        """
        wire = super().to_wire()
        if not self.model.url:
            del wire["model"]["url"]
        overrides = wire.get("collection", {}).get("benchmarks", ())
        for benchmark in (*wire.get("benchmarks", ()), *overrides):
            benchmark.get("test_data_ref", {}).pop("resolved_sha", None)
        return wire


def _calls_the_model(benchmark: BenchmarkConfig) -> bool:
    data = benchmark.test_data_ref
    return data is None or data.type != TestDataType.PRE_RECORDED_DATA


class EvaluationRequest(Model):
    """A short request: a model, and the benchmarks to evaluate it with.

    `client.jobs.submit` looks up the provider of each benchmark given as an id.

    ```python
    EvaluationRequest(model=ModelConfig(url=..., name=...), benchmarks=["mmlu", "gsm8k"])
    ```
    """

    model: ModelConfig
    benchmark_id: NotBlank | None = None
    """The benchmark, if there is only one."""

    benchmarks: list[NotBlank | BenchmarkConfig] = Field(
        default_factory=list[str | BenchmarkConfig]
    )
    """Ids of benchmarks, or their configurations."""

    provider_id: str | None = None
    """Provider of the benchmarks given as ids; looked up if absent."""

    name: str | None = None
    """Name of the job; by default the names of the model and the benchmarks."""

    description: str | None = None
    num_examples: Annotated[int | None, Field(ge=1)] = None
    """Number of examples of each benchmark; `None` means all."""

    num_few_shot: Annotated[int | None, Field(ge=0)] = None
    """Number of solved examples in each prompt; `None` means the benchmark's default."""

    benchmark_config: dict[str, Any] = Field(default_factory=dict)
    """Further parameters, for the adapter of each benchmark."""

    pass_criteria: PassCriteria | None = None
    experiment_name: NotBlank | None = None
    tags: dict[str, str] | Tags = Field(default_factory=dict)
    """A dictionary becomes tags of the experiment, or `key=value` tags of the job if no experiment
    is named; a list becomes tags of the job."""

    exports: EvaluationExports | None = None

    @model_validator(mode="after")
    def _name_benchmarks_once(self) -> Self:
        if bool(self.benchmarks) == (self.benchmark_id is not None):
            raise ValueError("set either benchmark_id or benchmarks")
        return self

    @property
    def benchmark_ids(self) -> list[str]:
        """The benchmarks given as ids, which need a provider."""
        if self.benchmark_id is not None:
            return [self.benchmark_id]
        return [entry for entry in self.benchmarks if isinstance(entry, str)]

    def to_job(self, provider_id: str | Mapping[str, str] | None = None) -> JobSubmissionRequest:
        """Return the full form of the job.

        Args:
            provider_id: Provider of the benchmarks given as ids, or a provider for each id; not
                needed if the request has one.

        Raises:
            ConfigurationError: A benchmark has no provider.
        """
        benchmarks = [
            self._benchmark(entry, self.provider_id or provider_id)
            for entry in (self.benchmarks or self.benchmark_ids)
        ]
        ids = ", ".join(benchmark.id for benchmark in benchmarks)
        tags, experiment = self._tags()
        return JobSubmissionRequest(
            name=self.name or f"{self.model.name}: {ids}",
            description=self.description,
            tags=tags,
            model=self.model,
            benchmarks=benchmarks,
            pass_criteria=self.pass_criteria,
            experiment=experiment,
            exports=self.exports,
        )

    def _benchmark(
        self, entry: str | BenchmarkConfig, provider_id: str | Mapping[str, str] | None
    ) -> BenchmarkConfig:
        parameters = dict(self.benchmark_config)
        if self.num_examples is not None:
            parameters["num_examples"] = self.num_examples
        if self.num_few_shot is not None:
            parameters["num_few_shot"] = self.num_few_shot
        if isinstance(entry, BenchmarkConfig):
            return entry.model_copy(update={"parameters": parameters | entry.parameters})
        provider = provider_id.get(entry) if isinstance(provider_id, Mapping) else provider_id
        if not provider:
            raise ConfigurationError(f"benchmark {entry!r} has no provider; set provider_id")
        return BenchmarkConfig(id=entry, provider_id=provider, parameters=parameters)

    def _tags(self) -> tuple[list[str], ExperimentConfig | None]:
        """Return the tags of the job, and the experiment."""
        named = self.tags if isinstance(self.tags, dict) else {}
        listed = self.tags if isinstance(self.tags, list) else []
        if self.experiment_name is None:
            return [*listed, *(f"{key}={value}" for key, value in named.items())], None
        pairs = [ExperimentTag(key=key, value=value) for key, value in named.items()]
        return listed, ExperimentConfig(name=self.experiment_name, tags=pairs)
