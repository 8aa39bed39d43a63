"""A job as the service knows it: what was asked for, how it goes, what came out, the verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AliasChoices, Field

from evalhub.models._base import ListOf, Model, Received
from evalhub.models._notebook import Scores, columns_of, job_html
from evalhub.models.benchmark import BenchmarkConfig, HardwareConfig, PassCriteria, QueueConfig
from evalhub.models.page import Page, Stored
from evalhub.models.request import CollectionRef, EvaluationExports, ExperimentConfig
from evalhub.models.result import MetricSchema
from evalhub.models.score import find, rows_of, scores_of
from evalhub.models.spec import ModelConfig
from evalhub.models.state import JobPhase, JobStatus, MessageInfo

__all__ = [
    "BenchmarkResult",
    "BenchmarkStatus",
    "BenchmarkTest",
    "EvaluationJob",
    "EvaluationJobResource",
    "EvaluationJobResults",
    "EvaluationJobStatus",
    "EvaluationOCIResults",
    "EvaluationTest",
    "JobsList",
    "OCIArtifactReference",
    "OCIProcessingStatus",
    "OCISigningResult",
]


class EvaluationJobResource(Stored):
    """What the service says about a job."""

    created_at: datetime
    """To the nanosecond in the reply to a submission, of which Python keeps microseconds; to the
    second afterwards. Do not compare the two."""

    mlflow_experiment_id: str | None = None
    message: MessageInfo | None = None


class BenchmarkStatus(Model):
    """How one benchmark of a job is getting on."""

    provider_id: str
    id: str
    benchmark_index: int = 0
    """Position of the benchmark in its job or collection."""

    status: JobStatus
    phase: JobPhase | None = None
    error_message: MessageInfo | None = None
    warning_message: MessageInfo | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def state(self) -> JobStatus:
        """The status, by the name it has on a job."""
        return self.status


class EvaluationJobStatus(Model):
    """How a job is getting on."""

    state: JobStatus
    message: MessageInfo | None = None
    benchmarks: ListOf[BenchmarkStatus] = Field(default_factory=list[BenchmarkStatus])
    """The benchmarks that have reported, in the order in which they did; the others are missing.
    Find one with `EvaluationJob.benchmark_status`, never by position."""


class BenchmarkTest(Model):
    """The verdict on one benchmark; its numbers are 32-bit floats."""

    primary_score: float | None = None
    primary_score_metric: str | None = None
    threshold: float | None = None
    passed: bool = Field(
        validation_alias=AliasChoices("passed", "pass"), serialization_alias="pass"
    )


class EvaluationTest(Model):
    """The verdict on a job; its numbers are 32-bit floats."""

    score: float | None = None
    """Weighted mean of the primary scores of the benchmarks that have a verdict."""

    threshold: float | None = None
    passed: bool = Field(
        validation_alias=AliasChoices("passed", "pass"), serialization_alias="pass"
    )


class BenchmarkResult(Model):
    """What one benchmark of a job has measured."""

    id: str
    provider_id: str
    benchmark_index: int = 0
    """Position of the benchmark in its job or collection."""

    metrics: dict[str, Any] = Field(default_factory=dict)
    metrics_schema: list[MetricSchema] | None = None
    """Types of the metrics, in no order. The service calls `numeric` whatever the adapter did
    not declare."""

    additional_info: dict[str, Any] | None = None
    artifacts: dict[str, Any] = Field(default_factory=dict)
    mlflow_run_id: str | None = None
    logs_path: str | None = None
    contacts: Any = None
    test: BenchmarkTest | None = None
    """The verdict; absent where the benchmark has no primary score, no threshold for it, or no
    number in that metric."""


class OCIArtifactReference(Model):
    """An artifact the service has stored."""

    oci_digest: str
    oci_reference: str


class OCIProcessingStatus(Model):
    """How storing a job's artifacts is getting on."""

    state: str
    message: MessageInfo


class OCISigningResult(Model):
    """How artifacts were signed."""

    type: str


class EvaluationOCIResults(Model):
    """A job's artifacts in the registry."""

    status: OCIProcessingStatus | None = None
    evaluation_card: OCIArtifactReference | None = None
    evaluation_bundle: OCIArtifactReference | None = None
    signing: OCISigningResult | None = None


class EvaluationJobResults(Model):
    """What a job has measured."""

    benchmarks: ListOf[BenchmarkResult] = Field(default_factory=list[BenchmarkResult])
    """The benchmarks that have ended, in the order in which they did. Find one with
    `EvaluationJob.result`, never by position."""

    mlflow_experiment_url: str | None = None
    """An API root of MLflow, not a page for people."""

    test: EvaluationTest | None = None
    oci: EvaluationOCIResults | None = None


class EvaluationJob(Received):
    """A job as the service knows it."""

    resource: EvaluationJobResource
    status: EvaluationJobStatus
    results: EvaluationJobResults = Field(default_factory=EvaluationJobResults)
    name: str
    description: str | None = None
    tags: ListOf[str] = Field(default_factory=list)
    model: ModelConfig
    benchmarks: ListOf[BenchmarkConfig] = Field(default_factory=list[BenchmarkConfig])
    """Empty for a job that runs a collection: the service does not list what is in it."""

    collection: CollectionRef | None = None
    pass_criteria: PassCriteria | None = None
    experiment: ExperimentConfig | None = None
    exports: EvaluationExports | None = None
    hardware_config: HardwareConfig | None = None
    queue: QueueConfig | None = None
    custom: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """The id of the job."""
        return self.resource.id

    @property
    def state(self) -> JobStatus:
        """The state of the job as a whole, as the service judges it."""
        return self.status.state

    @property
    def effective_state(self) -> JobStatus:
        """The state of the job, by a name that scripts for earlier releases use."""
        return self.state

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended, in whichever way."""
        return self.state.is_terminal

    @property
    def passed(self) -> bool | None:
        """The service's verdict on the job; `None` where it gives none.

        It gives one for a completed job that has a primary score and a threshold to judge by:
        `None` is not a pass.
        """
        return self.results.test.passed if self.results.test else None

    def scores(self) -> Scores:
        """Return every metric of every benchmark, in the order of the benchmarks in the job."""
        return Scores(scores_of(self.results.benchmarks))

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one row for each score, for a table or a data frame.

        A benchmark that has reported and has no metrics gets one row, so that failures show.
        """
        return rows_of(self)

    def to_columns(self) -> dict[str, list[Any]]:
        """Return the rows as columns, for a data frame."""
        return columns_of(self.to_rows())

    def _repr_html_(self) -> str:
        return job_html(self)

    def result(
        self,
        benchmark_id: str | None = None,
        *,
        provider_id: str | None = None,
        index: int | None = None,
    ) -> BenchmarkResult | None:
        """Return what one benchmark has measured, or `None` if it has not ended.

        Raises:
            ValueError: More than one benchmark matches; give its index.
        """
        return find(self.results.benchmarks, benchmark_id, provider_id=provider_id, index=index)

    def benchmark_status(
        self,
        benchmark_id: str | None = None,
        *,
        provider_id: str | None = None,
        index: int | None = None,
    ) -> BenchmarkStatus | None:
        """Return how one benchmark is getting on, or `None` if it has not reported.

        Raises:
            ValueError: More than one benchmark matches; give its index.
        """
        return find(self.status.benchmarks, benchmark_id, provider_id=provider_id, index=index)


class JobsList(Page):
    """One page of jobs, in the order of their ids, which is random."""

    items: ListOf[EvaluationJob] = Field(default_factory=list[EvaluationJob])
