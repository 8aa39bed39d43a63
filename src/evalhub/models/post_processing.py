"""Post-processing: confidence intervals that the service computes (service 1.0.3).

The shapes are those of the source of the service (wire contract 10). They are still changing
there, so that keys not known here are kept, in requests as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from evalhub.models._base import ListOf, Model, ServiceModel, is_reading, on_build
from evalhub.models.benchmark import (
    GitTestDataRef,
    HardwareConfig,
    HFTestDataRef,
    PVCTestDataRef,
    S3TestDataRef,
)
from evalhub.models.oci import OCICoordinates
from evalhub.models.page import Resource
from evalhub.models.request import OCIConnectionConfig
from evalhub.models.rules import NotBlank, at_least, not_empty
from evalhub.models.score import find
from evalhub.models.spec import PrimaryScore
from evalhub.models.state import JobStatus, MessageInfo

__all__ = [
    "CalibrationDataColumns",
    "CalibrationDataConfig",
    "CalibrationDataRef",
    "CalibrationDataSelection",
    "ConfidenceInterval",
    "ConfidenceIntervalConfig",
    "EvaluationJobDataRef",
    "Interval",
    "MLflowDataRef",
    "OCIDataRef",
    "PostProcessing",
    "PostProcessingBenchmarkResult",
    "PostProcessingOperations",
    "PostProcessingRef",
    "PostProcessingRequest",
    "PostProcessingResults",
    "PostProcessingStatus",
    "ResultsDataRef",
]


class _Draft(ServiceModel):
    """A model that users build and whose shape is still changing: unknown keys are kept."""

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Validate what a user gives."""
        return super(ServiceModel, cls).model_validate(obj, **options)


class _Sources(_Draft):
    """Exactly one source of data."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        # A source of a newer service counts: it is among the unknown keys.
        known = [name for name in type(self).model_fields if name != "data_config"]
        given = [name for name in known if getattr(self, name) is not None]
        if not is_reading() and len(given) + len(self.model_extra or ()) != 1:
            raise ValueError(f"set exactly one of {', '.join(known)}")
        return self


class CalibrationDataColumns(_Draft):
    """The columns of calibration data."""

    label: NotBlank
    """The true score, such as that of a person."""

    prediction: NotBlank
    """The score to correct, such as that of a judge model."""

    sample_id: str | None = None
    benchmark_id: str | None = None
    provider_id: str | None = None


class CalibrationDataSelection(_Draft):
    """The rows of calibration data to use."""

    metric: NotBlank


class CalibrationDataConfig(_Draft):
    """Format and columns of calibration data."""

    format: NotBlank
    """Such as `jsonl`, `json`, `csv` or `parquet`."""

    columns: CalibrationDataColumns
    selection: CalibrationDataSelection | None = None


class CalibrationDataRef(_Sources):
    """Labelled data from which the error of the scores is estimated."""

    s3: S3TestDataRef | None = None
    pvc: PVCTestDataRef | None = None
    git: GitTestDataRef | None = None
    hf: HFTestDataRef | None = None
    data_config: CalibrationDataConfig


class EvaluationJobDataRef(_Draft):
    """The results of a job that has ended."""

    id: NotBlank
    num_parallel_threads: Annotated[int | None, on_build(at_least(1))] = None


class MLflowDataRef(_Draft):
    """Results in an artifact of an MLflow run."""

    run_id: NotBlank
    artifact_path: NotBlank


class OCIDataRef(_Draft):
    """Results in an artifact of a registry."""

    coordinates: OCICoordinates
    artifact_path: NotBlank
    digest: str | None = None
    k8s: OCIConnectionConfig | None = None


class ResultsDataRef(_Sources):
    """The results to compute intervals of."""

    eval_job: EvaluationJobDataRef | None = None
    s3: S3TestDataRef | None = None
    pvc: PVCTestDataRef | None = None
    git: GitTestDataRef | None = None
    hf: HFTestDataRef | None = None
    mlflow: MLflowDataRef | None = None
    oci: OCIDataRef | None = None
    data_config: dict[str, Any] | list[dict[str, Any]] | None = None
    """Format and columns, or a list with one `selection` each; absent for canonical samples."""


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"must be between 0 and 1, such as 0.05 for 95 %, not {level:g}")


class ConfidenceIntervalConfig(_Draft):
    """How to compute confidence intervals: prediction-powered inference."""

    calibration_data_ref: Annotated[ListOf[CalibrationDataRef], on_build(not_empty)]
    significance_level: Annotated[float, on_build(_check_level)]
    """0.05 computes 95 % intervals."""

    num_parallel_threads: Annotated[int | None, on_build(at_least(1))] = None
    """Benchmarks to compute at once; only for the results of a job."""

    results_data_ref: ResultsDataRef | None = None
    """The results; absent if the request is made for a job."""

    primary_score: PrimaryScore | None = None
    """The metric; required for results that are not those of a job."""


class PostProcessingOperations(_Draft):
    """What to compute: one operation of each kind."""

    confidence_interval: ConfidenceIntervalConfig | None = None


class _Common(_Draft):
    name: str | None = None
    hardware_config: HardwareConfig | None = None
    operation_order: list[str] | None = None
    """The operations in the order in which they are carried out."""


class PostProcessingRequest(_Common):
    """A computation to start."""

    operations: PostProcessingOperations


class PostProcessingStatus(Model):
    """Status of a computation."""

    state: JobStatus
    message: MessageInfo | None = None
    error_message: MessageInfo | None = None
    warning_message: MessageInfo | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None


class ConfidenceInterval(Model):
    """Bounds of a score."""

    lower: float
    upper: float


class PostProcessingBenchmarkResult(Model):
    """The interval of one benchmark of a job."""

    id: str
    provider_id: str = ""
    benchmark_index: int = 0
    confidence_interval: ConfidenceInterval | None = None


class PostProcessingResults(Model):
    """Results of a computation: for each benchmark of a job, or one for other data."""

    benchmarks: ListOf[PostProcessingBenchmarkResult] = Field(
        default_factory=list[PostProcessingBenchmarkResult]
    )
    confidence_interval: ConfidenceInterval | None = None


class PostProcessing(_Common):
    """A computation, as the service returns it."""

    _identified_by = ("id", "name", "state")

    resource: Resource
    operations: Any = None
    """As the service sends them; drafts of it have a list here."""

    status: PostProcessingStatus
    results: PostProcessingResults | None = None
    job_id: str | None = Field(default=None, exclude=True)
    """Id of the job it belongs to, set by the client; the service does not send it."""

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read the service's data from Python objects."""
        return super(_Draft, cls).model_validate(obj, **options)

    @property
    def id(self) -> str:
        """The id of the computation."""
        return self.resource.id

    @property
    def state(self) -> JobStatus:
        """State of the computation."""
        return self.status.state

    @property
    def is_terminal(self) -> bool:
        """Whether the computation has ended: completed, failed or cancelled."""
        return self.state.is_terminal

    @property
    def confidence_interval(self) -> ConfidenceInterval | None:
        """The interval of results that are not those of a job."""
        return self.results.confidence_interval if self.results else None

    def interval(
        self,
        benchmark_id: str | None = None,
        *,
        provider_id: str | None = None,
        index: int | None = None,
    ) -> ConfidenceInterval | None:
        """Return the interval of one benchmark of a job, or `None` if there is none.

        Raises:
            ValueError: More than one benchmark matches; pass its index.
        """
        results = self.results.benchmarks if self.results else []
        found = find(results, benchmark_id, provider_id=provider_id, index=index)
        return found.confidence_interval if found else None


class PostProcessingRef(Model):
    """The computation of a job."""

    id: str


@dataclass(frozen=True, slots=True)
class Interval:
    """The confidence interval of one metric of one benchmark."""

    benchmark_id: str
    provider_id: str
    benchmark_index: int
    metric: str | None
    """`None` if the service computed it for a benchmark without a primary metric."""

    lower: float
    upper: float
    source: str
    """`adapter`: reported with the results; `service`: computed by post-processing."""
