"""The JSON sent to the sidecar: (benchmark, update or results) -> event -> `Report`. Pure.

Wire contract 2. The service replaces what it holds with each event, so every function
takes the event before and repeats from it what would otherwise be erased.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from evalhub.adapter._report.cards import cards_of
from evalhub.adapter._report.jsonable import Changes, plain_text, to_json
from evalhub.adapter._report.metrics import metric_types, metrics_by_name
from evalhub.models.event import BenchmarkStatusEvent
from evalhub.models.state import JobPhase, JobStatus, MessageInfo, MessageOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from evalhub.models.event import JobStatusUpdate
    from evalhub.models.result import EvaluationResult, JobResults
    from evalhub.models.spec import BenchmarkRef

__all__ = ["Report", "failure_event", "listed", "result_event", "status_event", "with_warning"]

logger = logging.getLogger(__name__)

_NAMES_SHOWN = 10


@dataclass(frozen=True)
class Report:
    """An event, and the request body that carries it: made once, when it is first needed."""

    event: BenchmarkStatusEvent

    @cached_property
    def body(self) -> bytes:
        """The event as a request body."""
        content = {"benchmark_status_event": self.event.to_wire()}
        # Replaced, because the ids come from a file whose escapes may be lone surrogates.
        return json.dumps(content, allow_nan=False, ensure_ascii=False).encode(errors="replace")


def status_event(
    benchmark: BenchmarkRef,
    update: JobStatusUpdate,
    *,
    before: BenchmarkStatusEvent | None = None,
) -> BenchmarkStatusEvent:
    """Return the event for a status update."""
    event = _event(benchmark, _reportable(update.status), before, at=update.timestamp)
    event.phase = update.phase or event.phase
    if event.status is JobStatus.COMPLETED:
        event.phase = JobPhase.COMPLETED
    event.error_message = _error(update)
    if update.warning_message is not None:
        event.warning_message = _message(update.warning_message, code="warning")
    return event


def result_event(
    benchmark: BenchmarkRef,
    results: JobResults,
    *,
    before: BenchmarkStatusEvent | None = None,
    extra_info: Mapping[str, Any] | None = None,
) -> BenchmarkStatusEvent:
    """Return the event that carries an evaluation's results.

    Args:
        benchmark: The benchmark that was evaluated.
        results: What the adapter returned.
        before: The last event sent.
        extra_info: More for `additional_info`; what `results` says itself wins.
    """
    changes = Changes()
    found = metrics_by_name(results.results, changes)
    metrics = {name: value for name, (value, _) in found.items()}
    details = {name: more for name, (_, result) in found.items() if (more := _details(result))}
    info = _additional_info(results, details, extra_info or {}, dict(changes.non_finite))

    event = _event(benchmark, JobStatus.COMPLETED, before, at=results.completed_at)
    event.phase = JobPhase.COMPLETED
    event.metrics = metrics
    event.metrics_schema = metric_types(metrics, results.metrics_schema or ())
    event.additional_info = cast("dict[str, Any]", to_json(info, changes=changes))
    event.mlflow_run_id = results.mlflow_run_id or None
    event.artifacts = _artifacts(results, changes)
    return _with_result_warnings(event, changes)


def failure_event(
    benchmark: BenchmarkRef,
    message: str,
    *,
    code: str,
    origin: MessageOrigin = MessageOrigin.ADAPTER,
    before: BenchmarkStatusEvent | None = None,
    at: datetime | None = None,
) -> BenchmarkStatusEvent:
    """Return the event that says why an evaluation ended without results."""
    event = _event(benchmark, JobStatus.FAILED, before, at=at)
    event.error_message = MessageInfo(
        message=plain_text(message).strip() or code, message_code=code, message_origin=origin
    )
    return event


def with_warning(event: BenchmarkStatusEvent, text: str, *, code: str) -> BenchmarkStatusEvent:
    """Return the event with one more warning beside those it has."""
    before = f"{event.warning_message.message}; " if event.warning_message else ""
    warning = MessageInfo(
        message=before + text, message_code=code, message_origin=MessageOrigin.SDK
    )
    return event.model_copy(update={"warning_message": warning})


def listed(names: list[str]) -> str:
    """Return the first of the names in one line, each shortened, and the number of the others."""
    shown = ", ".join(name[:100] for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _with_result_warnings(event: BenchmarkStatusEvent, changes: Changes) -> BenchmarkStatusEvent:
    if not event.metrics:
        event = with_warning(event, "the adapter reported no metric", code="no_metrics")
    if changes:
        text = f"not sent as measured: {listed(changes.lines())}"
        logger.warning("%s", text)
        event = with_warning(event, text, code="values_changed")
    return event


def _event(
    benchmark: BenchmarkRef,
    status: JobStatus,
    before: BenchmarkStatusEvent | None,
    *,
    at: datetime | None,
) -> BenchmarkStatusEvent:
    return BenchmarkStatusEvent(
        provider_id=benchmark.provider_id,
        benchmark_id=benchmark.benchmark_id,
        benchmark_index=benchmark.benchmark_index,
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
        message=plain_text(message.message) or code,
        message_code=message.message_code or code,
        message_origin=message.message_origin or MessageOrigin.ADAPTER,
    )


def _error(update: JobStatusUpdate) -> MessageInfo | None:
    reported = update.error_message or update.error
    if reported is not None:
        error = _message(reported, code="adapter_error")
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
    results: JobResults,
    details: Mapping[str, Any],
    extra: Mapping[str, Any],
    non_finite: Mapping[str, str],
) -> dict[Any, Any]:
    """Everything the service has no field of its own for."""
    info: dict[str, Any] = {
        "num_examples_evaluated": results.num_examples_evaluated,
        "duration_seconds": results.duration_seconds,
        "model_name": results.model_name,
        "overall_score": results.overall_score,
        "evaluation_metadata": _without_artifacts(results.evaluation_metadata),
        "metric_details": details,
        "non_finite_metrics": non_finite,
        "trajectory_results": [one.summary() for one in results.trajectory_results] or None,
    }
    kept = {key: value for key, value in info.items() if value is not None and value != {}}
    return {**kept, **extra, **(results.additional_info or {})}


def _artifacts(results: JobResults, changes: Changes) -> dict[str, Any] | None:
    """Where readers look for the artifact and the cards; what the adapter itself names wins."""
    found: dict[str, Any] = {}
    if results.oci_artifact is not None:
        found["oci_reference"] = results.oci_artifact.reference
        found["oci_digest"] = results.oci_artifact.digest
    found |= cards_of(results, changes)
    named = _own_artifacts(results.evaluation_metadata)
    found |= cast("dict[str, Any]", to_json(named, at="artifacts", changes=changes))
    return found or None


def _own_artifacts(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What an adapter adds to the artifacts, as those written for 1.0 do."""
    named = metadata.get("artifacts")
    return cast("dict[str, Any]", named) if isinstance(named, dict) else {}


def _without_artifacts(metadata: Mapping[str, Any]) -> dict[str, Any]:
    named = _own_artifacts(metadata)
    return {key: value for key, value in metadata.items() if key != "artifacts" or not named}


def _details(result: EvaluationResult) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if result.confidence_interval is not None:
        details["confidence_interval"] = list(result.confidence_interval)
    if result.num_samples is not None:
        details["num_samples"] = result.num_samples
    if result.metadata:
        details["metadata"] = result.metadata
    return details
