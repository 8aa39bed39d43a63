"""What an adapter returns: metrics, how they were measured, and where the files are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from pydantic import AliasChoices, Field

from evalhub.models._base import Model, OpenEnum
from evalhub.models.card import EnvironmentCard, EvalCardMetadata
from evalhub.models.oci import OCIArtifactResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.models.spec import JobSpec

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

    @classmethod
    def for_job(
        cls,
        spec: JobSpec,
        metrics: Mapping[str, Any] | Sequence[EvaluationResult],
        *,
        num_examples_evaluated: int,
        duration_seconds: float,
        **more: Any,
    ) -> Self:
        """Return the results of a job from metrics by name.

        Args:
            spec: The job they are of.
            metrics: Values by metric name, or metrics as they are.
            num_examples_evaluated: How many examples they come from.
            duration_seconds: How long it took.
            more: Any other field of `JobResults`.
        """
        results = (
            [
                EvaluationResult(metric_name=name, metric_value=value)
                for name, value in metrics.items()
            ]
            if isinstance(metrics, Mapping)
            else list(metrics)
        )
        return cls.model_validate(
            {
                "job_id": spec.job_id,
                "benchmark_id": spec.benchmark_id,
                "benchmark_index": spec.benchmark_index,
                "model_name": spec.model.name,
                "results": results,
                "num_examples_evaluated": num_examples_evaluated,
                "duration_seconds": duration_seconds,
                **more,
            }
        )

    @property
    def id(self) -> str:
        """The job's id, by the name the service uses."""
        return self.job_id

    @id.setter
    def id(self, value: str) -> None:
        self.job_id = value
