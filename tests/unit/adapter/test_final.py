from __future__ import annotations

import logging
from datetime import UTC, datetime

import httpx
import pytest
from support.memory import LOST, PATH, REFUSED, WHO, Service

from evalhub.adapter._report.event import Report, failure_event
from evalhub.adapter._report.final import REQUEST_TIMEOUT, record
from evalhub.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    ResponseError,
    ServerError,
    TransportError,
)
from evalhub.models.state import JobStatus
from evalhub.wire.send import Policy

PAUSES = Policy(first_delay=1.0, max_delay=4.0, jitter=False)


def failed():
    return failure_event(WHO, "boom", code="c", at=datetime(2026, 1, 2, tzinfo=UTC))


def completed(**fields):
    event = failed().model_copy(
        update={"status": JobStatus.COMPLETED, "error_message": None, "metrics": {"a": 1}}
    )
    return event.model_copy(update=fields)


def deliver(service, event=None, *, budget=60.0):
    flow = record(
        Report(event or failed()), PATH, remaining=lambda: budget - service.now, pauses=PAUSES
    )
    service.connect(service.connection().identity).run(flow)


def test_first_answer_is_enough():
    service = Service()
    deliver(service)
    assert [event["status"] for event in service.accepted] == ["failed"]
    assert service.gets == 0
    assert service.timeouts == [REQUEST_TIMEOUT]


@pytest.mark.parametrize("step", [429, 401, 500, 502, 503, 504, REFUSED])
def test_passing_trouble_is_outlasted(step, caplog):
    service = Service(step, step, step)
    deliver(service)
    assert len(service.accepted) == 1
    assert service.pauses == [1.0, 2.0, 4.0]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1  # the other two are for whoever debugs


def test_waits_as_long_as_the_service_asks():
    service = Service(httpx.Response(429, headers={"Retry-After": "7"}))
    deliver(service)
    assert service.pauses == [7.0]


def test_looks_before_it_sends_again():
    service = Service(LOST)
    deliver(service)
    assert len(service.accepted) == 1
    assert service.gets == 1


def test_sends_again_when_it_cannot_look():
    service = Service(LOST)
    service.get_status = 404
    deliver(service)
    assert len(service.accepted) == 2


def test_looks_until_it_sees():
    service = Service(LOST)
    service.get_script = [503, 502]
    deliver(service)
    assert len(service.bodies) == 1
    assert service.gets == 3


def test_conflict_is_looked_into_until_it_is_understood():
    service = Service(LOST, 409)
    service.get_script = [404, 503]
    deliver(service)
    assert [len(service.bodies), service.gets] == [2, 3]


def test_does_not_look_where_nothing_can_have_happened():
    service = Service(REFUSED, 429)
    deliver(service)
    assert service.gets == 0


def test_conflict_with_what_is_ours_is_success():
    service = Service(409)
    service.accepted.append(
        {
            "provider_id": "provider",
            "id": "bench",
            "benchmark_index": 0,
            "status": "failed",
            "completed_at": "2026-01-02T00:00:00+00:00",
        }
    )
    deliver(service)
    assert len(service.bodies) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"provider_id": "other"},
        {"id": "other"},
        {"benchmark_index": 1},
        {"status": "completed"},
        {"completed_at": "2026-01-02T00:00:01+00:00"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_conflict_with_what_is_not_ours_is_an_error(other):
    service = Service(409)
    ours = {
        "provider_id": "provider",
        "id": "bench",
        "benchmark_index": 0,
        "status": "failed",
        "completed_at": "2026-01-02T00:00:00+00:00",
    }
    service.accepted.append({**ours, **other})
    with pytest.raises(ConflictError):
        deliver(service)


@pytest.mark.parametrize("strange", [None, [], {"status": None}, {"status": {}}])
def test_a_job_of_another_shape_is_not_ours(strange, monkeypatch):
    service = Service(409)
    monkeypatch.setattr(service, "_job", lambda: strange)
    with pytest.raises(ConflictError):
        deliver(service)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_refused_event_is_sent_once_more_with_metrics_alone(status, caplog):
    refusal = httpx.Response(status, json={"message": "field x", "message_code": "bad"})
    service = Service(refusal)
    deliver(service, completed(additional_info={"x": 1}, artifacts={"y": 2}))
    assert service.accepted[0]["metrics"] == {"a": 1}
    assert "additional_info" not in service.accepted[0]
    assert service.accepted[0]["warning_message"]["message"] == (
        "sent without its details, which the service refused: field x"
    )
    assert "field x" in caplog.text


def test_refused_twice_is_an_error():
    service = Service(400, 400)
    with pytest.raises(BadRequestError):
        deliver(service)
    assert len(service.bodies) == 2


def test_unknown_job_is_an_error_at_once():
    service = Service(404)
    with pytest.raises(NotFoundError):
        deliver(service)
    assert len(service.bodies) == 1


def test_page_of_a_proxy_is_not_taken_for_an_answer():
    service = Service(httpx.Response(200, text="<html>log in"))
    deliver(service)
    assert len(service.accepted) == 1
    assert service.gets == 1


def test_answer_of_a_recorder_is_taken():
    service = Service(httpx.Response(200, json={}))
    deliver(service)
    assert len(service.bodies) == 1


def test_page_of_a_proxy_for_ever_is_an_error():
    service = Service(*[httpx.Response(200, text="<html>log in")] * 20)
    with pytest.raises(ResponseError, match="not from EvalHub"):
        deliver(service, budget=3)


def test_gives_up_when_the_time_is_over():
    service = Service(*[503] * 50)
    with pytest.raises(ServerError):
        deliver(service, budget=10)
    assert service.pauses == [1.0, 2.0, 4.0, 3.0]  # the last one ends with the budget


def test_tries_once_without_time_and_does_not_wait_long():
    service = Service(REFUSED)
    with pytest.raises(TransportError):
        deliver(service, budget=0)
    assert service.timeouts == [1.0]
