"""`FakeEvalHub`: requests in, answers out, by the rules of the wire contract."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from evalhub.errors import ConfigurationError
from evalhub.testing._hub.board import Board
from evalhub.testing._hub.catalog import Collections, Owner, Providers
from evalhub.testing._hub.endpoints import OLDEST, PLAIN, ROUTES, EventRequest, Hub, ParsedRequest
from evalhub.testing._hub.values import Json, Refusal
from evalhub.testing._loopback import Double, Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.models.spec import JobSpec
    from evalhub.wire.drive import FunctionTransport

__all__ = ["FakeEvalHub"]


class FakeEvalHub(Double):
    """An EvalHub service in memory: jobs, events, verdicts, providers, collections, tenants.

    It starts no adapters; tests post their events. Use it over loopback (`with FakeEvalHub() as
    hub:` and `hub.url`), or without a network by passing `hub.transport` to a client.

    Args:
        providers: System providers, with the content of their YAML files (snake case, with `id`).
        collections: System collections, likewise.
        mlflow: Whether jobs may have an experiment.
        version: Version of the service: 1.0.2, whose answers are compared with the real one's, or
            1.0.3, whose post-processing, information, filter `collection_id` and collections
            without a category are written from its OpenAPI document and source alone.

    Raises:
        ConfigurationError: The version is another, or a provider or a collection is invalid.
    """

    def __init__(
        self,
        *,
        providers: Sequence[Mapping[str, Any]] = (),
        collections: Sequence[Mapping[str, Any]] = (),
        mlflow: bool = False,
        version: str = "1.0.2",
    ) -> None:
        if version not in ROUTES:
            raise ConfigurationError(
                f"unknown version {version!r}; expected one of {', '.join(ROUTES)}"
            )
        super().__init__(self.respond)
        known = Providers()
        sets = Collections(known, category_required=version == OLDEST)
        self._hub = Hub(known, sets, Board(known, sets, mlflow=mlflow), version=version)
        self._lock = RLock()
        for provider in providers:
            known.load(provider)
        for collection in collections:
            sets.load(collection)

    @property
    def received(self) -> list[EventRequest]:
        """All requests that reported events so far, refused ones included."""
        with self._lock:
            return list(self._hub.received)

    @cached_property
    def transport(self) -> FunctionTransport:
        """A transport for `EvalHubClient` and `AsyncEvalHubClient`, without network or thread."""
        from evalhub.wire.drive import transport_of

        return transport_of(self._answer)

    def add_job(self, spec: JobSpec) -> None:
        """Add the job of an adapter that runs this specification."""
        benchmark: Json = {"id": spec.benchmark_id, "provider_id": spec.provider_id or ""}
        if spec.primary_score is not None:
            benchmark["primary_score"] = spec.primary_score.to_wire()
        # The job needs this many benchmarks; the others never report.
        benchmarks = [benchmark] * (spec.benchmark_index + 1)
        config = {"name": spec.job_id, "model": spec.model.to_wire(), "benchmarks": benchmarks}
        with self._lock:
            self._hub.board.add(config, Owner(), spec.job_id)

    def job(self, job_id: str) -> Json:
        """Return a job as `GET /evaluations/jobs/{id}` does.

        Raises:
            KeyError: The job does not exist.
        """
        with self._lock:
            return self._hub.board.shown(self._hub.board.jobs[job_id])

    def events(self, job_id: str) -> list[Json]:
        """Return the accepted events of a job, in order."""
        return [one.event for one in self.received if one.is_accepted and one.job_id == job_id]

    def write_log(self, job_id: str, text: str, *, index: int = 0) -> None:
        """Append to the log of an adapter.

        Args:
            job_id: Id of the job.
            text: The text to append.
            index: Index of the benchmark.
        """
        with self._lock:
            logs = self._hub.board.jobs[job_id].logs
            logs[index] = logs.get(index, "") + text

    def respond(self, request: Request) -> Response:
        """Return the service's response to a request."""
        trace = request.headers.get("x-global-transaction-id") or str(uuid4())
        try:
            return self._route(request)
        except Refusal as refusal:
            error = {"message_code": refusal.code, "message": refusal.message, "trace": trace}
            headers = {"X-Global-Transaction-Id": trace, "X-Content-Type-Options": "nosniff"}
            return Response.of_json(refusal.status, error, headers)

    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        response = self.respond(Request.of(method, target, body, **headers))
        return response.status, response.headers, b"".join(response.blocks())

    def _route(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(204)
        for pattern, endpoints in ROUTES[self._hub.version]:
            if match := pattern.fullmatch(request.path):
                if request.method not in endpoints:
                    where = f"is not allowed for the API {request.path}"
                    message = f"The HTTP method {request.method} {where}."
                    raise Refusal(405, "method_not_allowed", message)
                parsed = ParsedRequest(request, *match.groups())
                with self._lock:
                    return endpoints[request.method](self._hub, parsed)
        headers = {"Content-Type": PLAIN, "X-Content-Type-Options": "nosniff"}
        return Response(404, b"404 page not found\n", headers)
