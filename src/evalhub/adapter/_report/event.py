"""The JSON sent to the sidecar: (identity, what happened) -> event. Pure.

Wire contract 2. The service replaces what it holds with each event, so every function
takes the event before and repeats from it what would otherwise be erased.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalhub.adapter._report.jsonable import Json, NonFinite, timestamp, to_json
from evalhub.adapter._report.metrics import metric_types, metric_values
from evalhub.models.event import BenchmarkStatusEvent
from evalhub.models.state import JobPhase, JobStatus, MessageInfo, MessageOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from evalhub.models._base import Model
    from evalhub.models.event import JobStatusUpdate
    from evalhub.models.result import EvaluationResult, JobResults
    from evalhub.models.spec import JobSpec

__all__ = ["Identity", "body", "failure_event", "result_event", "status_event"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Which benchmark of which job an event is about."""

    job_id: str
    provider_id: str
    benchmark_id: str
    benchmark_index: int = 0

    @classmethod
    def of(cls, spec: JobSpec) -> Identity:
        """Return the identity a job specification gives its adapter."""
        return cls(spec.job_id, spec.provider_id or "", spec.benchmark_id, spec.benchmark_index)


def status_event(
    identity: Identity, update: JobStatusUpdate, *, before: BenchmarkStatusEvent | None = None
) -> BenchmarkStatusEvent:
    """Return the event for a status update."""
    event = _event(identity, _reportable(update.status), before, at=update.timestamp)
    event.phase = update.phase or event.phase
    if event.status is JobStatus.COMPLETED:
        event.phase = JobPhase.COMPLETED
    event.error_message = _error(update)
    if update.warning_message is not None:
        event.warning_message = _message(update.warning_message, code="warning")
    return event


def result_event(
    identity: Identity,
    results: JobResults,
    *,
    before: BenchmarkStatusEvent | None = None,
    extra_info: Mapping[str, Any] | None = None,
) -> BenchmarkStatusEvent:
    """Return the event that carries an evaluation's results.

    Args:
        identity: Whose results they are.
        results: What the adapter returned.
        before: The last event sent.
        extra_info: More for `additional_info`; what `results` says itself wins.

    Raises:
        ConfigurationError: Two metrics have the same name.
    """
    non_finite: NonFinite = {}
    metrics = metric_values(results.results, non_finite)
    event = _event(identity, JobStatus.COMPLETED, before, at=results.completed_at)
    event.phase = JobPhase.COMPLETED
    event.metrics = metrics
    event.metrics_schema = metric_types(metrics, results.metrics_schema or ())
    event.additional_info = _additional_info(results, extra_info or {}, non_finite)
    event.mlflow_run_id = results.mlflow_run_id
    if results.oci_artifact is not None:
        event.artifacts = {
            "oci_reference": results.oci_artifact.reference,
            "oci_digest": results.oci_artifact.digest,
        }
    return event


def failure_event(
    identity: Identity,
    message: str,
    *,
    code: str,
    origin: MessageOrigin = MessageOrigin.ADAPTER,
    before: BenchmarkStatusEvent | None = None,
    at: datetime | None = None,
) -> BenchmarkStatusEvent:
    """Return the event that says why an evaluation ended without results."""
    event = _event(identity, JobStatus.FAILED, before, at=at)
    event.error_message = MessageInfo(
        message=message.strip() or code, message_code=code, message_origin=origin
    )
    return event


def body(event: BenchmarkStatusEvent) -> bytes:
    """Return the request body that carries an event.

    Whatever the event holds is made fit for the service first: text for what has no JSON form,
    null for NaN.
    """
    content = {
        key: value for key, value in _plain(event).items() if value is not None and value != ""
    }
    return json.dumps(
        {"benchmark_status_event": content}, allow_nan=False, ensure_ascii=False
    ).encode(errors="replace")  # a path that is not UTF-8, quoted in an error, has lone surrogates


def _event(
    identity: Identity,
    status: JobStatus,
    before: BenchmarkStatusEvent | None,
    *,
    at: datetime | None,
) -> BenchmarkStatusEvent:
    return BenchmarkStatusEvent(
        provider_id=identity.provider_id,
        benchmark_id=identity.benchmark_id,
        benchmark_index=identity.benchmark_index,
        status=status,
        phase=before.phase if before else None,
        started_at=(before.started_at if before else None)
        or (at if status is not JobStatus.PENDING else None),
        completed_at=at if status.is_terminal else None,
        warning_message=before.warning_message if before else None,
    )


def _reportable(status: JobStatus) -> JobStatus:
    """An adapter may report neither `cancelled` nor `partially_failed` (wire contract 2.1)."""
    if status in (JobStatus.CANCELLED, JobStatus.PARTIALLY_FAILED):
        return JobStatus.FAILED
    return status


def _message(message: MessageInfo | str, *, code: str) -> MessageInfo:
    if isinstance(message, str):
        message = MessageInfo(message=message, message_code=code)
    return MessageInfo(
        message=message.message or code,
        message_code=message.message_code or code,
        message_origin=message.message_origin or MessageOrigin.ADAPTER,
    )


def _error(update: JobStatusUpdate) -> MessageInfo | None:
    said = update.error_message or update.error
    if said is not None:
        error = _message(said, code="adapter_error")
    elif update.status is JobStatus.CANCELLED:
        error = _message(update.message or "cancelled by the adapter", code="cancelled")
    elif update.status is JobStatus.FAILED:
        error = _message(update.message or "the adapter reported a failure", code="adapter_error")
    else:
        return None
    if update.error_details:
        details = json.dumps(to_json(update.error_details), ensure_ascii=False)
        error.message = f"{error.message} {details}"
    return error


def _additional_info(
    results: JobResults, extra: Mapping[str, Any], non_finite: NonFinite
) -> dict[str, Any]:
    """Everything the service has no field of its own for."""
    info: dict[str, Any] = {
        "num_examples_evaluated": results.num_examples_evaluated,
        "duration_seconds": results.duration_seconds,
        "model_name": results.model_name,
        "overall_score": results.overall_score,
        "evaluation_metadata": results.evaluation_metadata,
        "metric_details": {
            result.metric_name: details
            for result in results.results
            if (details := _details(result))
        },
        "non_finite_metrics": dict(non_finite),
        "eval_card": _card(results.eval_card) if results.eval_card else None,
        "env_card": _card(results.env_card) if results.env_card else None,
    }
    kept = {key: value for key, value in info.items() if value is not None and value != {}}
    return {**kept, **extra, **(results.additional_info or {})}


def _card(card: Model) -> dict[str, Any]:
    return card.model_dump(mode="json", exclude_defaults=True)


def _details(result: EvaluationResult) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if result.confidence_interval is not None:
        details["confidence_interval"] = list(result.confidence_interval)
    if result.num_samples is not None:
        details["num_samples"] = result.num_samples
    if result.metadata:
        details["metadata"] = result.metadata
    return details


def _plain(event: BenchmarkStatusEvent) -> dict[str, Json]:
    return {
        "provider_id": event.provider_id,
        "id": event.benchmark_id,
        "benchmark_index": event.benchmark_index,
        "status": event.status.value,
        "phase": event.phase.value if event.phase else None,
        "started_at": timestamp(event.started_at) if event.started_at else None,
        "completed_at": timestamp(event.completed_at) if event.completed_at else None,
        "metrics": to_json(event.metrics),
        "metrics_schema": [schema.to_wire() for schema in event.metrics_schema]
        if event.metrics_schema
        else None,
        "artifacts": to_json(event.artifacts),
        "additional_info": to_json(event.additional_info),
        "mlflow_run_id": event.mlflow_run_id,
        "logs_path": event.logs_path,
        "error_message": event.error_message.to_wire() if event.error_message else None,
        "warning_message": event.warning_message.to_wire() if event.warning_message else None,
    }
