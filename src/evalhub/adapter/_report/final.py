"""Send a benchmark's terminal event until the service has recorded it, once. No I/O here.

A benchmark whose terminal event is lost stays "running" for ever (wire contract 4.1), so this flow
gives up only when its time is over. If an answer was lost, it checks the job before it resends.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from evalhub.adapter._report.progress import TRANSIENT_ERRORS
from evalhub.adapter._report.size import essential
from evalhub.errors import (
    APIError,
    BadRequestError,
    ConflictError,
    EvalHubError,
    RequestTooLargeError,
    ResponseError,
    ServerError,
    TransportError,
    UnprocessableError,
)
from evalhub.models.event import timestamp
from evalhub.wire.flow import Call, Flow, Pause
from evalhub.wire.send import Policy, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from evalhub.adapter._report.event import Report
    from evalhub.models.event import BenchmarkStatusEvent

__all__ = ["REFUSALS", "REQUEST_TIMEOUT", "post", "record"]

logger = logging.getLogger(__name__)

REQUEST_TIMEOUT = 20.0
"""How long an answer may take: the service drops a connection after 15 s (wire contract 2.6)."""

REFUSALS = (BadRequestError, RequestTooLargeError, UnprocessableError)
"""The service read the report and refuses its content."""

_SHORTEST_TIMEOUT = 1.0
_ONCE = Policy(retries=0)
_BETWEEN = Policy(first_delay=0.5, max_delay=5.0)


def post(report: Report, path: str, *, timeout: float) -> Flow[None]:
    """Send one report, once.

    Args:
        report: The report to send.
        path: Path of the job's events.
        timeout: Seconds to wait for the answer.

    Raises:
        EvalHubError: It was not accepted; `ResponseError` if the response is not from EvalHub.
    """
    headers = {"Content-Type": "application/json"}
    call = Call(
        "POST", path, content=report.body, headers=headers, timeout=timeout, repeatable=True
    )
    reply = yield from send(call, _ONCE)
    if reply.content.strip() and _document(reply.content) is None:
        raise ResponseError(
            f"{reply.url} answered {reply.status}, but the response is not from EvalHub",
            status=reply.status,
            url=reply.url,
        )


def record(
    report: Report,
    path: str,
    *,
    remaining: Callable[[], float],
    pauses: Policy = _BETWEEN,
) -> Flow[None]:
    """Send a terminal event until the service has recorded it.

    Args:
        report: The benchmark's terminal event.
        path: Path of the job's events.
        remaining: Returns the seconds left; one attempt is made in any case.
        pauses: How long to wait between attempts.

    Raises:
        EvalHubError: The service refused it for good, or the time is over.
    """
    retry = 0
    was_reduced = must_look = False
    conflict: ConflictError | None = None
    while True:
        try:
            if must_look and (yield from _is_recorded(report.event, path)):
                return None
            if conflict is not None:
                raise conflict
            timeout = min(REQUEST_TIMEOUT, max(_SHORTEST_TIMEOUT, remaining()))
            return (yield from post(report, path, timeout=timeout))
        except ConflictError as error:
            if error is conflict:
                raise
            # An earlier attempt may have ended the job: look until the service says.
            conflict, must_look = error, True
            continue
        except REFUSALS as error:
            if was_reduced:
                raise
            logger.warning("the service refused the report, metrics alone follow: %s", error)
            report, was_reduced = essential(report, error.message), True
            continue
        except (*TRANSIENT_ERRORS, ResponseError) as error:
            failure = error
        must_look = must_look or _is_ambiguous(failure)
        if (left := remaining()) <= 0:
            raise failure
        pause = min(pauses.pause(retry, _asked(failure)), left)
        log = logger.warning if retry == 0 else logger.debug
        log("the report did not reach the service, trying again in %.1f s: %s", pause, failure)
        yield Pause(pause)
        retry += 1


def _asked(error: EvalHubError) -> float | None:
    """Return the seconds of the service's `Retry-After`, if it sent one."""
    return error.retry_after if isinstance(error, APIError) else None


def _is_ambiguous(error: EvalHubError) -> bool:
    """Whether the service may have acted although no good answer came back."""
    if isinstance(error, TransportError):
        return error.sent
    return isinstance(error, ServerError | ResponseError)


def _is_recorded(event: BenchmarkStatusEvent, path: str) -> Flow[bool]:
    """Return whether the service holds this very event; `False` where it cannot be asked."""
    try:
        reply = yield from send(Call("GET", path.removesuffix("/events")), _ONCE)
    except TRANSIENT_ERRORS:
        raise
    except EvalHubError as error:
        logger.debug("cannot tell whether the report was recorded: %s", error)
        return False
    return _holds(_document(reply.content), event)


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _holds(job: Any, event: BenchmarkStatusEvent) -> bool:
    """Compare state and time of completion, which the service keeps as we wrote it."""
    completed_at = timestamp(event.completed_at) if event.completed_at else None
    try:
        return any(
            entry["provider_id"] == event.provider_id
            and entry["id"] == event.benchmark_id
            and entry.get("benchmark_index", 0) == event.benchmark_index
            and entry["status"] == event.status
            and entry.get("completed_at") == completed_at
            for entry in job["status"]["benchmarks"]
        )
    except (AttributeError, KeyError, TypeError):
        return False  # not a job as we know it
