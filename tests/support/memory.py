"""A service in memory that answers as it is told, and keeps what it accepts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from evalhub.adapter._report.connection import Connection
from evalhub.models.spec import BenchmarkRef
from evalhub.wire.drive import Driver
from evalhub.wire.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

WHO = BenchmarkRef("job-1", "bench", "provider")
PATH = "/api/v1/evaluations/jobs/job-1/events"
URL = "http://127.0.0.1:1"

LOST = "lost"
"""Accept the event, and break the connection before the answer."""

REFUSED = "refused"
"""Do not let the connection be made."""


class Service:
    """Answers each POST by script (a status, a response, LOST or REFUSED), then with 204."""

    def __init__(self, *script: int | str | httpx.Response) -> None:
        self.script = list(script)
        self.bodies: list[dict[str, Any]] = []
        self.accepted: list[dict[str, Any]] = []
        self.gets = 0
        self.get_status = 200
        self.get_script: list[int] = []
        self.timeouts: list[float] = []
        self.pauses: list[float] = []
        self.now = 0.0
        self.connections = 0
        self.during_pause: Callable[[], object] = lambda: None

    def connection(self) -> Connection:
        return Connection(Identity(URL), connect=self.connect)

    def connect(self, identity: Identity) -> Driver:
        self.connections += 1
        return Driver(identity, transport=httpx.MockTransport(self._answer), pause=self._pause)

    def clock(self) -> float:
        return self.now

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.during_pause()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.gets += 1
            status = self.get_script.pop(0) if self.get_script else self.get_status
            return httpx.Response(status, json=self._job())
        event = json.loads(request.content)["benchmark_status_event"]
        self.bodies.append(event)
        self.timeouts.append(request.extensions["timeout"]["read"])
        step = self.script.pop(0) if self.script else 204
        if step == REFUSED:
            raise httpx.ConnectError("refused", request=request)
        if step in (LOST, 204):
            self.accepted.append(event)
        if step == LOST:
            raise httpx.ReadError("reset", request=request)
        return step if isinstance(step, httpx.Response) else httpx.Response(int(step))

    def _job(self) -> dict[str, Any]:
        return {"status": {"benchmarks": self.accepted[-1:]}}
