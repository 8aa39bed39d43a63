"""A job, as the service returns it: request, status, results and verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AliasChoices, Field

from evalhub.models._base import ListOf, Model, ServiceModel
from evalhub.models._notebook import Scores, columns_of, job_html
from evalhub.models.benchmark import BenchmarkConfig, HardwareConfig, PassCriteria, QueueConfig
from evalhub.models.card import ENV_CARD, EVAL_CARD, EnvironmentCard, EvalCardMetadata
from evalhub.models.page import Page, Stored
from evalhub.models.post_processing import Interval, PostProcessing, PostProcessingRef
from evalhub.models.request import CollectionRef, EvaluationExports, ExperimentConfig
from evalhub.models.result import MetricSchema
from evalhub.models.score import find, intervals_of, rows_of, scores_of
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
    """Metadata of a job."""

    created_at: datetime
    """With microseconds in the reply to a submission, in whole seconds afterwards: do not compare
    the two."""

    mlflow_experiment_id: str | None = None
    message: MessageInfo | None = None


class BenchmarkStatus(Model):
    """Status of one benchmark of a job."""

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
        """Same as `status`: the name used for jobs."""
        return self.status


class EvaluationJobStatus(Model):
    """Status of a job and of its benchmarks."""

    state: JobStatus
    message: MessageInfo | None = None
    benchmarks: ListOf[BenchmarkStatus] = Field(default_factory=list[BenchmarkStatus])
    """The benchmarks that have reported, in the order of their reports; others are missing. Find
    one with `EvaluationJob.benchmark_status`, not by position."""


class BenchmarkTest(Model):
    """Verdict on one benchmark; the numbers are 32-bit floats."""

    primary_score: float | None = None
    primary_score_metric: str | None = None
    threshold: float | None = None
    passed: bool = Field(
        validation_alias=AliasChoices("passed", "pass"), serialization_alias="pass"
    )


class EvaluationTest(Model):
    """Verdict on a job; the numbers are 32-bit floats."""

    score: float | None = None
    """Weighted mean of the primary scores of the benchmarks that have a verdict."""

    threshold: float | None = None
    passed: bool = Field(
        validation_alias=AliasChoices("passed", "pass"), serialization_alias="pass"
    )


class BenchmarkResult(Model):
    """Results of one benchmark of a job."""

    id: str
    provider_id: str
    benchmark_index: int = 0
    """Position of the benchmark in its job or collection."""

    metrics: dict[str, Any] = Field(default_factory=dict)
    metrics_schema: list[MetricSchema] | None = None
    """Types of the metrics, in no particular order; `numeric` for those the adapter did not
    declare."""

    additional_info: dict[str, Any] | None = None
    artifacts: dict[str, Any] = Field(default_factory=dict)
    mlflow_run_id: str | None = None
    logs_path: str | None = None
    contacts: Any = None
    test: BenchmarkTest | None = None
    """The verdict; absent if the benchmark has no primary score, no threshold for it, or a primary
    metric that is not a number."""

    @property
    def eval_card(self) -> EvalCardMetadata | None:
        """The adapter's description of the evaluation, if there is one."""
        return EvalCardMetadata.read(self.artifacts.get(EVAL_CARD))

    @property
    def env_card(self) -> EnvironmentCard | None:
        """The machine and the software that the evaluation ran on, if they are known."""
        return EnvironmentCard.read(self.artifacts.get(ENV_CARD))


class OCIArtifactReference(Model):
    """An artifact stored by the service."""

    oci_digest: str
    oci_reference: str


class OCIProcessingStatus(Model):
    """Status of storing a job's artifacts."""

    state: str
    message: MessageInfo


class OCISigningResult(Model):
    """Signature of the artifacts."""

    type: str


class EvaluationOCIResults(Model):
    """A job's artifacts in the registry."""

    status: OCIProcessingStatus | None = None
    evaluation_card: OCIArtifactReference | None = None
    evaluation_bundle: OCIArtifactReference | None = None
    signing: OCISigningResult | None = None


class EvaluationJobResults(Model):
    """Results of a job."""

    benchmarks: ListOf[BenchmarkResult] = Field(default_factory=list[BenchmarkResult])
    """The benchmarks that have ended, in the order of their ends. Find one with
    `EvaluationJob.result`, not by position."""

    mlflow_experiment_url: str | None = None
    """URL of the MLflow API, not of a web page."""

    test: EvaluationTest | None = None
    oci: EvaluationOCIResults | None = None
    post_processing_ref: PostProcessingRef | None = None
    """The computation of confidence intervals; a service before 1.0.3 has none."""


class EvaluationJob(ServiceModel):
    """A job, as the service returns it."""

    _identified_by = ("id", "name", "state", "passed")

    resource: EvaluationJobResource
    status: EvaluationJobStatus = Field(
        default_factory=lambda: EvaluationJobStatus(state=JobStatus.PENDING)
    )
    results: EvaluationJobResults = Field(default_factory=EvaluationJobResults)
    name: str
    description: str | None = None
    tags: ListOf[str] = Field(default_factory=list)
    model: ModelConfig
    benchmarks: ListOf[BenchmarkConfig] = Field(default_factory=list[BenchmarkConfig])
    """Empty for a job that runs a collection, where 1.0 had `None`: the service does not list the
    collection's, and `if job.benchmarks` and a loop are right for both kinds of job."""

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
        """State of the job as a whole."""
        return self.status.state

    @property
    def effective_state(self) -> JobStatus:
        """The state, or the one that follows from the benchmarks if all of them have ended.

        For scripts written for earlier releases: the service's own state follows its benchmarks.
        A benchmark that has not reported counts as running.
        """
        states = {status.status for status in self.status.benchmarks}
        unreported = not self.benchmarks or len(self.status.benchmarks) < len(self.benchmarks)
        if self.is_terminal or unreported or not all(state.is_terminal for state in states):
            return self.state
        return states.pop() if len(states) == 1 else JobStatus.PARTIALLY_FAILED

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended: completed, failed or cancelled."""
        return self.state.is_terminal

    @property
    def passed(self) -> bool | None:
        """The service's verdict on the job; `None` is not a pass.

        There is a verdict if the job is completed and has a primary score and a threshold.
        """
        return self.results.test.passed if self.results.test else None

    def scores(self) -> Scores:
        """Return every metric of every benchmark, in the order of the benchmarks in the job."""
        return Scores(scores_of(self.results.benchmarks))

    def confidence_intervals(self, processing: PostProcessing | None = None) -> list[Interval]:
        """Return the confidence intervals of the scores, in the order of the benchmarks.

        Those that the adapters reported, and those that the service computed, if its computation
        is given: `client.post_processing.get(job)`.
        """
        return intervals_of(self, processing)

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
        """Return the results of one benchmark, or `None` if it has not ended.

        Raises:
            ValueError: More than one benchmark matches; pass its index.
        """
        return find(self.results.benchmarks, benchmark_id, provider_id=provider_id, index=index)

    def benchmark_status(
        self,
        benchmark_id: str | None = None,
        *,
        provider_id: str | None = None,
        index: int | None = None,
    ) -> BenchmarkStatus | None:
        """Return the status of one benchmark, or `None` if it has not reported.

        Raises:
            ValueError: More than one benchmark matches; pass its index.
        """
        return find(self.status.benchmarks, benchmark_id, provider_id=provider_id, index=index)


class JobsList(Page):
    """One page of jobs, in the order of their ids, which is random."""

    items: ListOf[EvaluationJob] = Field(default_factory=list[EvaluationJob])
