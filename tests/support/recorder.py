"""An events endpoint that records: what an adapter tells the service, without the service.

with EventRecorder() as recorder:
    run_adapter(callback_url=recorder.url)
assert recorder.last["status"] == "completed"
"""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, Self

from support.server import QuietHandler, serving

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVENTS = re.compile(r"/api/v1/evaluations/jobs/(?P<job_id>[^/]+)/events")
_STATES = {"pending", "running", "completed", "failed"}
_TERMINAL = {"completed", "failed"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class EventRecorder:
    """Record status events and answer as the service does, or with a fixed status.

    The service refuses what is not JSON or lacks a field (400), and every event for a job that
    has ended (409).

    Args:
        benchmarks: How many benchmarks each job has; it ends when all have reported the end.
        answer: Answer every event with this status and no body instead; 200 is what recorders
            in adapters' own tests answer.
    """

    def __init__(self, *, benchmarks: int = 1, answer: int | None = None) -> None:
        self.requests: list[Request] = []
        self.events: list[dict[str, Any]] = []
        """Each accepted event, in order."""

        self.url = ""
        self._benchmarks = benchmarks
        self._answer = answer
        self._ended: dict[str, set[int]] = {}
        self._lock = Lock()
        self._stack = ExitStack()

    @property
    def last(self) -> dict[str, Any]:
        """The newest event accepted."""
        return self.events[-1]

    def __enter__(self) -> Self:
        recorder = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - the name the base calls
                body = self.body()
                status, answer = recorder._receive(
                    Request("POST", self.path, dict(self.headers), body)
                )
                self.reply(status, answer)

            def do_GET(self) -> None:  # noqa: N802
                self.reply(404, _error("resource_not_found", "this server only records events"))

        self.url = self._stack.enter_context(serving(Handler))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _receive(self, request: Request) -> tuple[int, bytes]:
        with self._lock:
            self.requests.append(request)
            match = _EVENTS.fullmatch(request.path)
            if match is None:
                return 404, _error("resource_not_found", f"nothing is at {request.path}")
            try:
                body = json.loads(request.body, parse_constant=_refuse_constant)
            except ValueError as error:
                return 400, _error("invalid_json_request", str(error))
            if self._answer is not None:
                self.events.append(body["benchmark_status_event"])
                return self._answer, b""
            return self._accept(match["job_id"], body)

    def _accept(self, job_id: str, body: Any) -> tuple[int, bytes]:
        if not isinstance(body, dict):
            return 400, _error("invalid_json_request", "the body is no object")
        event = body.get("benchmark_status_event")
        problem = _problem(event)
        if problem:
            return 400, _error("request_validation_failed", problem)
        assert isinstance(event, dict)
        ended = self._ended.setdefault(job_id, set())
        if len(ended) == self._benchmarks:
            return 409, _error(
                "job_can_not_be_updated", f"The job {job_id} can not be running, it has ended."
            )
        if event["status"] in _TERMINAL:
            ended.add(event.get("benchmark_index") or 0)
        self.events.append(event)
        return 204, b""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _problem(event: object) -> str:
    if not isinstance(event, dict):
        return "benchmark_status_event is required"
    if missing := [name for name in ("provider_id", "id") if not event.get(name)]:
        return f"{' and '.join(missing)} required"
    if event.get("status") not in _STATES:
        return f"status {event.get('status')!r} is none of {sorted(_STATES)}"
    if not isinstance(event.get("benchmark_index", 0), int):
        return "benchmark_index must be an integer"
    unknown = {entry["name"] for entry in event.get("metrics_schema", ())}
    unknown -= set(event.get("metrics") or ())
    return f"metrics_schema names no metric: {sorted(unknown)}" if unknown else ""


def _error(code: str, message: str) -> bytes:
    return json.dumps({"message_code": code, "message": message, "trace": "recorder"}).encode()
