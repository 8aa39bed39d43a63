"""What an adapter returns: metrics, how they were measured, and where the files are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import AliasChoices, Field

from evalhub.models._base import Model, OpenEnum
from evalhub.models.card import EnvironmentCard, EvalCardMetadata
from evalhub.models.oci import OCIArtifactResult

__all__ = ["EvaluationResult", "JobResults", "MetricSchema", "ResultType"]


class ResultType(OpenEnum):
    """How a metric's value is to be read."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    ARRAY_ORDERED = "array_ordered"
    ARRAY_UNORDERED = "array_unordered"
    TIME_SERIES = "time_series"


class MetricSchema(Model):
    """The declared type of one metric."""

    name: str
    type: ResultType


class EvaluationResult(Model):
    """One metric."""

    metric_name: str
    metric_value: Any
    """A number, string, bool, list, dict, or anything that converts to one of them."""

    metric_type: str = "float"
    """Free text: float, count, accuracy, latency, ..."""

    confidence_interval: tuple[float, float] | None = None
    """Lower and upper bound, in the metric's unit."""

    num_samples: int | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class JobResults(Model):
    """What `run_benchmark_job` returns."""

    job_id: str = Field(validation_alias=AliasChoices("job_id", "id"), serialization_alias="id")
    benchmark_id: str
    benchmark_index: int = 0
    model_name: str
    results: list[EvaluationResult]
    overall_score: float | None = None
    num_examples_evaluated: int
    duration_seconds: float
    completed_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    evaluation_metadata: dict[str, Any] = Field(default_factory=dict)
    oci_artifact: OCIArtifactResult | None = None
    mlflow_run_id: str | None = None
    eval_card: EvalCardMetadata | None = None
    env_card: EnvironmentCard | None = None
    metrics_schema: list[MetricSchema] | None = None
    """Declared metric types; those not declared are inferred from the values."""

    additional_info: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """The job's id, by the name the service uses."""
        return self.job_id

    @id.setter
    def id(self, value: str) -> None:
        self.job_id = value
