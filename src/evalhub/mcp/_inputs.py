"""What tools take; the service's models check it once more."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["BenchmarkInput", "ModelInput", "Submission"]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AuthInput(_Input):
    """Where the key of the model is."""

    secret_ref: str = Field(description="Name of a Kubernetes secret; never the key itself")


class ModelInput(_Input):
    """The model to evaluate."""

    name: str
    url: str | None = Field(default=None, description="Base URL of an OpenAI-compatible endpoint")
    auth: AuthInput | None = None
    parameters: dict[str, Any] | None = None
    card_url: str | None = None


class PrimaryScoreInput(_Input):
    """The metric that decides."""

    metric: str
    lower_is_better: bool | None = None


class ThresholdInput(_Input):
    """When it is good enough."""

    threshold: float


class BenchmarkInput(_Input):
    """A benchmark to run."""

    id: str
    provider_id: str | None = Field(
        default=None, description="Looked up where only one provider offers the benchmark"
    )
    parameters: dict[str, Any] | None = None
    weight: float | None = None
    primary_score: PrimaryScoreInput | None = None
    pass_criteria: ThresholdInput | None = None
    hardware_config: dict[str, Any] | None = None
    test_data_ref: dict[str, Any] | None = Field(
        default=None, description="Test data from s3, pvc, git or hf"
    )


class CollectionInput(_Input):
    """A collection to run."""

    id: str
    benchmarks: list[BenchmarkInput] | None = Field(
        default=None, description="Overrides for some of its benchmarks"
    )


class ExperimentInput(_Input):
    """The MLflow experiment of the job."""

    name: str
    tags: list[dict[str, str]] | None = None


class Submission(_Input):
    """A job, as the arguments of a tool say it."""

    name: str
    model: ModelInput
    benchmarks: list[BenchmarkInput] | None = None
    collection: CollectionInput | None = None
    description: str | None = None
    tags: list[str] | None = None
    experiment: ExperimentInput | None = None
    pass_criteria: ThresholdInput | None = None
    exports: dict[str, Any] | None = None
    hardware_config: dict[str, Any] | None = None
    queue: dict[str, Any] | None = None
    custom: dict[str, Any] | None = None

    def fields(self) -> dict[str, Any]:
        """Return what was given, without what was left out."""
        return self.model_dump(exclude_none=True)
