"""What an adapter returns: metrics, metadata and artifacts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field

from evalhub.models._base import Details, Model, OpenEnum
from evalhub.models._two_names import TwoNames
from evalhub.models.card import EnvironmentCard, EvalCardMetadata
from evalhub.models.oci import OCIArtifactResult
from evalhub.models.trajectory import TrajectoryScore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.models.spec import JobSpec

__all__ = ["EvaluationResult", "JobResults", "MetricSchema", "ResultType"]


class ResultType(OpenEnum):
    """Type of a metric's value."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    ARRAY_ORDERED = "array_ordered"
    ARRAY_UNORDERED = "array_unordered"
    TIME_SERIES = "time_series"


class MetricSchema(Model):
    """The declared type of one metric."""

    _tolerant = True

    name: str
    type: ResultType


def _as_text(name: Any) -> Any:
    return name if isinstance(name, str) else str(name)


def _without_bounds(interval: Any) -> Any:
    """A framework that computes no interval often hands over a pair of `None`."""
    return None if interval in ((None, None), [None, None]) else interval


def _within_float(number: Any) -> Any:
    if isinstance(number, int) and abs(number) >= 2**1024:
        return math.inf if number > 0 else -math.inf
    return number


class EvaluationResult(Model):
    """One metric."""

    _tolerant = True

    metric_name: Annotated[str, BeforeValidator(_as_text)]
    metric_value: Any
    """A number, string, bool, list or dict, or a value that converts to one of them."""

    metric_type: str = "float"
    """Free text, such as float, count, accuracy or latency."""

    confidence_interval: Annotated[tuple[float, float] | None, BeforeValidator(_without_bounds)] = (
        None
    )
    """Lower and upper bound, in the unit of the metric."""

    num_samples: int | None = None
    metadata: Annotated[Details, BeforeValidator(lambda value: value or {})] = Field(
        default_factory=dict[str, Any]
    )


class JobResults(TwoNames):
    """The results of a job: the return value of `run_benchmark_job`.

    An unknown field is a warning, not an error; what is assigned is checked.
    """

    model_config = ConfigDict(validate_assignment=True)
    _tolerant = True

    job_id: str = Field(validation_alias=AliasChoices("job_id", "id"), serialization_alias="id")
    benchmark_id: str
    benchmark_index: int = 0
    model_name: str
    results: list[EvaluationResult]
    overall_score: Annotated[float | None, BeforeValidator(_within_float)] = None
    num_examples_evaluated: int
    duration_seconds: float
    completed_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    evaluation_metadata: Details = Field(default_factory=dict[str, Any])
    oci_artifact: OCIArtifactResult | None = None
    mlflow_run_id: str | None = None
    eval_card: EvalCardMetadata | None = None
    env_card: EnvironmentCard | None = None
    metrics_schema: list[MetricSchema] | None = None
    """Declared types of metrics; the others are inferred from the values."""

    trajectory_results: list[TrajectoryScore] = Field(default_factory=list[TrajectoryScore])
    """Scores of an agent's trajectories; the trajectories themselves go into the artifact."""

    additional_info: Details | None = None

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
        """Return the results of a job from a dictionary of metrics.

        Args:
            spec: The job.
            metrics: Values by name, or metrics as they are.
            num_examples_evaluated: Number of examples evaluated.
            duration_seconds: Duration of the evaluation.
            more: Further fields of `JobResults`.
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
        """Same as `job_id`: the service's name for it."""
        return self.job_id

    @id.setter
    def id(self, value: str) -> None:
        self.job_id = value
