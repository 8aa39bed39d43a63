"""The endpoints of the service (wire contract 1.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from evalhub.models.rules import MAX_BODY_BYTES
from evalhub.testing._hub.catalog import Catalog, Collections, Owner, Providers, now
from evalhub.testing._hub.computing import Computations
from evalhub.testing._hub.listing import Query, page
from evalhub.testing._hub.schema import decode
from evalhub.testing._hub.shapes import EVENT
from evalhub.testing._hub.values import Json, Refusal, parse
from evalhub.testing._loopback import Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalhub.testing._hub.board import Board
    from evalhub.testing._hub.jobs import Job

__all__ = ["PLAIN", "ROUTES", "EventRequest", "Hub", "ParsedRequest"]


@dataclass(frozen=True, slots=True)
class EventRequest:
    """A request that reports an event, accepted or refused."""

    job_id: str
    body: bytes
    """As received; empty if it is too large."""

    event: Json
    """The `benchmark_status_event`; empty if the body is not an event."""

    status: int
    """HTTP status of the response: 204 if the event was accepted."""

    refusal: str = ""
    """The message of the response if the event was refused."""

    @property
    def is_accepted(self) -> bool:
        """Whether the service accepted the event."""
        return self.status == HTTPStatus.NO_CONTENT


@dataclass(frozen=True, slots=True)
class Hub:
    """The state of a service."""

    providers: Providers
    collections: Collections
    board: Board
    computations: Computations = field(default_factory=Computations)
    version: str = "1.0.2"
    received: list[EventRequest] = field(default_factory=list[EventRequest])


class ParsedRequest:
    """A request, with the ids in its path."""

    def __init__(self, request: Request, ident: str = "", part: str = "") -> None:
        self.request = request
        self.ident = ident
        self.part = part
        # Before the service is locked: a slow caller must not block the others.
        self._body = request.body.read(MAX_BODY_BYTES + 1)
        headers = request.headers
        self.owner = Owner(headers.get("x-tenant", ""), headers.get("x-user", ""))

    def body(self) -> bytes:
        """Return the body.

        Raises:
            Refusal: The body is too large.
        """
        if len(self._body) > MAX_BODY_BYTES:
            message = (
                f"The request body exceeds the maximum allowed size of {MAX_BODY_BYTES} bytes."
            )
            raise Refusal(413, "request_body_too_large", message)
        return self._body

    def json(self) -> Any:
        """Return the JSON value of the body.

        Raises:
            Refusal: The body is too large, or not JSON.
        """
        return parse(self.body())


_Endpoint: TypeAlias = Callable[[Hub, ParsedRequest], Response]
_Reader: TypeAlias = Callable[[Json], Any]

_Routes: TypeAlias = list[tuple[re.Pattern[str], dict[str, _Endpoint]]]

OLDEST = "1.0.2"
PLAIN = "text/plain; charset=utf-8"


def _health(_: Hub, __: ParsedRequest) -> Response:
    return Response.of_json(200, {"status": "healthy", "timestamp": now()})


def _info(hub: Hub, _: ParsedRequest) -> Response:
    shown = {"version": hub.version, "build": "fake", "build_date": now(), "git_hash": "fake"}
    return Response.of_json(200, {**shown, "hardware_profiles": []})


def _submit(hub: Hub, parsed: ParsedRequest) -> Response:
    shown = hub.board.shown(hub.board.submit(parsed.json(), parsed.owner))
    shown["resource"] = {**shown["resource"]}
    del shown["resource"]["updated_at"]
    return Response.of_json(202, shown)


def _list_jobs(hub: Hub, parsed: ParsedRequest) -> Response:
    query = Query(parsed.request)
    filters = _JOB_FILTERS if hub.version == OLDEST else {**_JOB_FILTERS, **_NEWER_JOB_FILTERS}
    query.refuse_others(("limit", "offset", *filters))
    jobs = [job for job in hub.board.jobs.values() if parsed.owner.sees(job.resource)]
    shown = [_shown_job(hub, job) for job in jobs]
    found = [job for job in shown if query.matches(filters, job)]
    return Response.of_json(200, page(parsed.request, query, found))


def _get_job(hub: Hub, parsed: ParsedRequest) -> Response:
    return Response.of_json(200, _shown_job(hub, hub.board.find(parsed.ident, parsed.owner)))


def _shown_job(hub: Hub, job: Job) -> Json:
    shown = hub.board.shown(job)
    if ref := hub.computations.of(job):
        shown["results"] = {**shown["results"], "post_processing_ref": {"id": ref}}
    return shown


def _delete_job(hub: Hub, parsed: ParsedRequest) -> Response:
    job = hub.board.find(parsed.ident, parsed.owner)
    if Query(parsed.request).flag("hard_delete", default=False):
        del hub.board.jobs[job.id]
    else:
        job.cancel()
    return _nothing()


def _report_event(hub: Hub, parsed: ParsedRequest) -> Response:
    body, event = b"", dict[str, Any]()
    try:
        body = parsed.body()
        event = decode(EVENT, parse(body))["benchmark_status_event"]
        job = hub.board.running(parsed.ident, parsed.owner)
        job.apply(event)
    except Refusal as refusal:
        refused = EventRequest(parsed.ident, body, event, refusal.status, refusal.message)
        hub.received.append(refused)
        raise
    hub.received.append(EventRequest(parsed.ident, body, event, HTTPStatus.NO_CONTENT))
    return _nothing()


def _job_logs(hub: Hub, parsed: ParsedRequest) -> Response:
    lines = _lines(parsed)
    job = hub.board.running(parsed.ident, parsed.owner)
    sections: list[str] = []
    for index, benchmark in enumerate(job.benchmarks):
        where = f"pod={job.id}-{index} container=local benchmark_id={benchmark['id']}"
        log = job.log(index, lines=lines)
        sections.append(f"=== {where} ===\n{log}")
    return Response(200, "\n".join(sections).encode(), {"Content-Type": PLAIN})


def _benchmark_logs(hub: Hub, parsed: ParsedRequest) -> Response:
    lines = _lines(parsed)
    if not parsed.part.isdecimal():
        kind = "is not a valid non-negative integer"
        message = f"The query parameter 'benchmark_index' {kind}: '{parsed.part}'."
        raise Refusal(400, "query_parameter_invalid", message)
    job = hub.board.running(parsed.ident, parsed.owner)
    log = job.log(int(parsed.part), lines=lines)
    return Response(200, log.encode(), {"Content-Type": PLAIN})


def _list_providers(hub: Hub, parsed: ParsedRequest) -> Response:
    query = Query(parsed.request)
    query.refuse_others(_PROVIDER_PARAMETERS)
    in_full = query.flag("benchmarks", default=True)
    found = _found(parsed, query, hub.providers, _PROVIDER_FILTERS)
    shown: list[Json] = found if in_full else [{**one, "benchmarks": []} for one in found]
    return Response.of_json(200, page(parsed.request, query, shown))


def _list_collections(hub: Hub, parsed: ParsedRequest) -> Response:
    query = Query(parsed.request)
    query.refuse_others(_COLLECTION_PARAMETERS)
    found = _found(parsed, query, hub.collections, _COLLECTION_FILTERS)
    return Response.of_json(200, page(parsed.request, query, found))


def _found(
    parsed: ParsedRequest, query: Query, catalog: Catalog, filters: Mapping[str, _Reader]
) -> list[Json]:
    query.check_scope()
    scope = query.text("scope")
    found: list[Json] = []
    for entry in catalog.seen_by(parsed.owner):
        owned = entry.resource.get("owner") == "system"
        # Filters apply to what is stored, not to what responses fill in.
        stored = {**entry.content, "resource": entry.resource}
        if scope in ("", "system" if owned else "tenant") and query.matches(filters, stored):
            found.append(catalog.shown(entry))
    return found


def _clone(hub: Hub, parsed: ParsedRequest) -> Response:
    body = parsed.body()
    changes: Any = parse(body) if body.strip() else {}
    entry = hub.collections.clone(parsed.ident, changes, parsed.owner)
    return Response.of_json(201, hub.collections.shown(entry))


def _compute(hub: Hub, parsed: ParsedRequest) -> Response:
    request: Any = parsed.json()
    try:
        job_id = request["operations"]["confidence_interval"]["results_data_ref"]["eval_job"]["id"]
    except (KeyError, TypeError):
        source = None
    else:
        source = hub.board.find(job_id, parsed.owner)
    made = hub.computations.create(request, parsed.owner, source)
    return Response.of_json(202, made.show())


def _compute_for_job(hub: Hub, parsed: ParsedRequest) -> Response:
    job = hub.board.find(parsed.ident, parsed.owner)
    is_new = hub.computations.create_for(job, parsed.json(), parsed.owner)
    return Response.of_json(202 if is_new else 200, _shown_job(hub, job))


def _computation(hub: Hub, parsed: ParsedRequest) -> Response:
    ident, job_id = _computation_id(parsed)
    found = hub.computations.find(ident, parsed.owner, job_id)
    shown = found.show()
    found.advance()
    return Response.of_json(200, shown)


def _delete_computation(hub: Hub, parsed: ParsedRequest) -> Response:
    ident, job_id = _computation_id(parsed)
    hub.computations.delete(ident, parsed.owner, job_id)
    return _nothing()


def _computation_id(parsed: ParsedRequest) -> tuple[str, str | None]:
    return (parsed.part, parsed.ident) if parsed.part else (parsed.ident, None)


def _nothing() -> Response:
    return Response(204, headers={"Content-Type": "application/json"})


def _lines(parsed: ParsedRequest) -> int | None:
    query = Query(parsed.request)
    lines = query.tail_lines()
    query.flag("timestamps", default=False)
    query.check_since()
    return lines


def _field(name: str) -> _Reader:
    return lambda item: item.get(name)


def _of_resource(name: str) -> _Reader:
    return lambda item: item["resource"].get(name)


_JOB_FILTERS: dict[str, _Reader] = {
    "status": lambda item: item["status"]["state"],
    "name": _field("name"),
    "tags": _field("tags"),
    "owner": _of_resource("owner"),
    "experiment_id": _of_resource("mlflow_experiment_id"),
}
_NEWER_JOB_FILTERS: dict[str, _Reader] = {
    "collection_id": lambda item: item.get("collection", {}).get("id"),
}
_PROVIDER_FILTERS: dict[str, _Reader] = {
    "name": _field("name"),
    "tags": _field("tags"),
    "owner": _of_resource("owner"),
}
_COLLECTION_FILTERS: dict[str, _Reader] = {
    "name": _field("name"),
    "category": _field("category"),
    "tags": _field("tags"),
    "owner": _of_resource("owner"),
    "domains": _field("domains"),
    "tasks": _field("tasks"),
    "modalities": _field("modalities"),
    "industries": _field("industries"),
    "evaluation_targets": _field("evaluation_targets"),
}
_PROVIDER_PARAMETERS = ("limit", "offset", "benchmarks", "name", "tags", "owner", "scope")
_COLLECTION_PARAMETERS = (
    *("limit", "offset", "name", "category", "tags", "owner", "scope"),
    *("domains", "tasks", "modalities", "industries", "evaluation_targets", "sort_by"),
)


def _catalog_routes(
    path: str, catalog: Callable[[Hub], Catalog], listing: _Endpoint
) -> dict[str, dict[str, _Endpoint]]:
    def shown(status: int, change: Callable[[Catalog, ParsedRequest], Any]) -> _Endpoint:
        def answer(hub: Hub, parsed: ParsedRequest) -> Response:
            entries = catalog(hub)
            return Response.of_json(status, entries.shown(change(entries, parsed)))

        return answer

    def delete(hub: Hub, parsed: ParsedRequest) -> Response:
        catalog(hub).delete(parsed.ident, parsed.owner)
        return _nothing()

    return {
        path: {
            "GET": listing,
            "POST": shown(201, lambda entries, parsed: entries.create(parsed.json(), parsed.owner)),
        },
        f"{path}/([^/]+)": {
            "GET": shown(200, lambda entries, parsed: entries.find(parsed.ident, parsed.owner)),
            "PUT": shown(
                200,
                lambda entries, parsed: entries.replace(parsed.ident, parsed.json(), parsed.owner),
            ),
            "PATCH": shown(
                200,
                lambda entries, parsed: entries.patch(parsed.ident, parsed.json(), parsed.owner),
            ),
            "DELETE": delete,
        },
    }


_BY_PATH: dict[str, dict[str, _Endpoint]] = {
    "/health": {"GET": _health},
    "/evaluations/jobs": {"GET": _list_jobs, "POST": _submit},
    "/evaluations/jobs/([^/]+)": {"GET": _get_job, "DELETE": _delete_job},
    "/evaluations/jobs/([^/]+)/events": {"POST": _report_event},
    "/evaluations/jobs/([^/]+)/logs": {"GET": _job_logs},
    "/evaluations/jobs/([^/]+)/benchmarks/([^/]+)/logs": {"GET": _benchmark_logs},
    "/evaluations/collections/([^/]+)/clones": {"POST": _clone},
    **_catalog_routes("/evaluations/providers", lambda hub: hub.providers, _list_providers),
    **_catalog_routes("/evaluations/collections", lambda hub: hub.collections, _list_collections),
}
_NEWER: dict[str, dict[str, _Endpoint]] = {
    "/info": {"GET": _info},
    "/evaluations/post-processing": {"POST": _compute},
    "/evaluations/post-processing/([^/]+)": {"GET": _computation, "DELETE": _delete_computation},
    "/evaluations/jobs/([^/]+)/post-processing": {"POST": _compute_for_job},
    "/evaluations/jobs/([^/]+)/post-processing/([^/]+)": {
        "GET": _computation,
        "DELETE": _delete_computation,
    },
}


def _routes(by_path: Mapping[str, dict[str, _Endpoint]]) -> _Routes:
    return [(re.compile(f"/api/v1{path}"), endpoints) for path, endpoints in by_path.items()]


ROUTES: dict[str, _Routes] = {OLDEST: _routes(_BY_PATH), "1.0.3": _routes({**_BY_PATH, **_NEWER})}
"""The endpoints of each version of the service."""
