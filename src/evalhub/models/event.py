"""Status updates of an adapter, and the events sent to the service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, PlainSerializer

from evalhub.models._base import Details, Model
from evalhub.models._two_names import TwoNames
from evalhub.models.result import MetricSchema
from evalhub.models.state import ErrorInfo, JobPhase, JobStatus, MessageInfo

__all__ = ["BenchmarkStatusEvent", "JobStatusUpdate", "StatusEvent"]


def timestamp(moment: datetime) -> str:
    """Return a time as the service reads it: with seconds and a zone; a naive time is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.isoformat()


Timestamp = Annotated[datetime, PlainSerializer(timestamp, when_used="json-unless-none")]


class NoMessage(MessageInfo):
    """Stands for a message that was not given: it is false, and has a text all the same."""

    message: str = "status update"
    message_code: str = "status_update"

    def __bool__(self) -> bool:
        return False


def _message_or_none_given(value: Any) -> Any:
    return NoMessage() if value is None else value


class JobStatusUpdate(Model):
    """The progress, a warning or the end of an evaluation, as its adapter reports it."""

    _tolerant = True

    status: JobStatus
    phase: JobPhase | None = None
    progress: float | None = None
    """Fraction of the work that is done, 0 to 1."""

    message: Annotated[MessageInfo | str, BeforeValidator(_message_or_none_given)] = Field(
        default_factory=NoMessage
    )
    """What is done; false if it was not given, but with a text for those who show it."""

    current_step: str | None = None
    total_steps: int | None = None
    completed_steps: int | None = None
    error: ErrorInfo | None = None
    error_message: MessageInfo | str | None = None
    warning_message: MessageInfo | str | None = None
    error_details: Details | None = None
    timestamp: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def resolved_error(self) -> MessageInfo | str | None:
        """The error, in whichever of the two fields it was reported."""
        return self.error_message or self.error


class BenchmarkStatusEvent(TwoNames):
    """State of one benchmark, for `POST /evaluations/jobs/{id}/events`.

    Each event replaces the one before: the service erases what an event leaves out (wire contract
    2.3).
    """

    provider_id: str | None = None
    benchmark_id: str = Field(
        validation_alias=AliasChoices("benchmark_id", "id"), serialization_alias="id"
    )
    benchmark_index: int = 0
    status: JobStatus
    phase: JobPhase | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    metrics: dict[str, Any] | None = None
    metrics_schema: list[MetricSchema] | None = None
    artifacts: dict[str, Any] | None = None
    additional_info: dict[str, Any] | None = None
    mlflow_run_id: str | None = None
    logs_path: str | None = None
    error_message: MessageInfo | None = None
    warning_message: MessageInfo | None = None


class StatusEvent(Model):
    """The body of an event request."""

    benchmark_status_event: BenchmarkStatusEvent
