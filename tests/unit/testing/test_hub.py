"""The service in memory, by what its users see; the rules are held to the real service in e2e."""

from __future__ import annotations

import asyncio
import json
import socket
from urllib.parse import urlsplit

import pytest

from evalhub import AsyncEvalHubClient, EvalHubClient
from evalhub.errors import ConfigurationError
from evalhub.testing import FakeEvalHub, job_spec
from evalhub.testing._loopback import Request

EVENTS = "/api/v1/evaluations/jobs/{}/events"


def post(hub, spec, **fields):
    event = {
        "provider_id": spec.provider_id,
        "id": spec.benchmark_id,
        "benchmark_index": spec.benchmark_index,
        **fields,
    }
    body = json.dumps({"benchmark_status_event": event}).encode()
    return hub.respond(Request.of("POST", EVENTS.format(spec.job_id), body)).status


def test_takes_the_events_of_an_adapter():
    hub, spec = FakeEvalHub(), job_spec(primary_score={"metric": "acc"})
    hub.add_job(spec)
    assert post(hub, spec, status="running") == 204
    assert post(hub, spec, status="sleeping") == 400
    assert post(hub, spec, status="completed", metrics={"acc": 1}) == 204
    assert post(hub, spec, status="completed") == 409
    assert [event["status"] for event in hub.events(spec.job_id)] == ["running", "completed"]
    assert [one.status for one in hub.received] == [204, 400, 204, 409]
    assert hub.received[1].event == {}
    assert "status must be one of" in hub.received[1].refusal
    assert hub.received[3].is_accepted is False
    assert hub.job(spec.job_id)["status"]["state"] == "completed"


def test_an_adapter_may_be_one_of_several():
    hub, spec = FakeEvalHub(), job_spec(benchmark_index=2)
    hub.add_job(spec)
    assert post(hub, spec, status="completed") == 204
    assert hub.job(spec.job_id)["status"]["state"] == "running"


def test_a_job_there_is_not():
    with pytest.raises(KeyError):
        FakeEvalHub().job("nope")


def test_a_request_that_cannot_be_read_is_kept():
    hub, spec = FakeEvalHub(), job_spec()
    hub.add_job(spec)
    assert hub.respond(Request.of("POST", EVENTS.format(spec.job_id), b"{")).status == 400
    assert hub.received[0].body == b"{"


def test_a_request_that_is_too_large_is_noted():
    hub, spec = FakeEvalHub(), job_spec()
    hub.add_job(spec)
    body = b" " * 10_485_761
    assert hub.respond(Request.of("POST", EVENTS.format(spec.job_id), body)).status == 413
    assert (hub.received[0].status, hub.received[0].body) == (413, b"")


def test_experiments_are_a_switch():
    benchmark = {"id": "b", "provider_id": "p"}
    body = {"name": "j", "model": {"name": "m", "url": "http://m"}, "benchmarks": [benchmark]}
    content = json.dumps({**body, "experiment": {"name": "e"}}).encode()
    for mlflow, status in ((False, 400), (True, 202)):
        hub = FakeEvalHub(providers=[{"id": "p", "benchmarks": [{"id": "b"}]}], mlflow=mlflow)
        request = Request.of("POST", "/api/v1/evaluations/jobs", content)
        assert hub.respond(request).status == status


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"name": "P"}, "invalid provider: it has no id"),
        ({"id": "p", "name": 1}, "invalid provider: .* name must have the type string"),
    ],
)
def test_providers_that_no_service_has_are_refused(content, problem):
    with pytest.raises(ConfigurationError, match=problem):
        FakeEvalHub(providers=[content])


def test_is_a_transport_for_the_client():
    hub = FakeEvalHub(providers=[{"id": "p", "name": "P"}])
    with EvalHubClient(transport=hub.transport, tenant="") as client:
        assert [provider.id for provider in client.providers.list()] == ["p"]


def test_is_a_transport_for_the_asynchronous_client():
    async def names():
        hub = FakeEvalHub(providers=[{"id": "p", "name": "P"}])
        async with AsyncEvalHubClient(transport=hub.transport, tenant="") as client:
            return [provider.name for provider in await client.providers.list()]

    assert asyncio.run(names()) == ["P"]


def test_serves_over_loopback():
    with FakeEvalHub() as hub, EvalHubClient(base_url=hub.url, tenant="") as client:
        assert client.health().status == "healthy"


def test_traces_are_the_callers():
    request = Request.of("GET", "/api/v1/evaluations/jobs/x", X_Global_Transaction_Id="mine")
    answer = FakeEvalHub().respond(request)
    assert json.loads(b"".join(answer.blocks()))["trace"] == "mine"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01",  # the start of TLS, without a line end
        b"hello\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"\r\n",
    ],
)
def test_bytes_that_are_no_http_are_answered_with_400(sent):
    with FakeEvalHub() as hub:
        address = urlsplit(hub.url)
        with socket.create_connection((address.hostname, address.port), timeout=5) as client:
            client.sendall(sent)
            assert client.recv(100).startswith(b"HTTP/1.1 400 Bad Request")
