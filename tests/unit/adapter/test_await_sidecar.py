from __future__ import annotations

import logging

import httpx

from evalhub.adapter._report.connection import until_healthy
from evalhub.wire.drive import Driver
from evalhub.wire.identity import Identity


class Sidecar:
    """Answers each request with the next status, `None` with no connection, and counts time."""

    def __init__(self, *statuses):
        self.requests: list[httpx.Request] = []
        self.now = 0.0
        self._statuses = iter(statuses)
        transport = httpx.MockTransport(self._answer)
        identity = Identity("http://localhost:8080")
        self._driver = Driver(identity, transport=transport, pause=self._pass)

    def _answer(self, request):
        self.requests.append(request)
        status = next(self._statuses)
        if status is None:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(status)

    def _pass(self, seconds):
        self.now += seconds

    def becomes_healthy(self, seconds):
        return self._driver.run(until_healthy(lambda: seconds - self.now))


def test_a_healthy_sidecar_is_asked_once():
    sidecar = Sidecar(200)
    assert sidecar.becomes_healthy(60.0) is True
    (request,) = sidecar.requests
    assert (request.method, str(request.url)) == ("GET", "http://localhost:8080/health")
    assert request.extensions["timeout"]["read"] == 2.0
    assert sidecar.now == 0.0


def test_it_is_asked_until_it_answers_well():
    sidecar = Sidecar(None, 502, 404, 200)
    assert sidecar.becomes_healthy(60.0) is True
    assert (len(sidecar.requests), sidecar.now) == (4, 0.75)


def test_the_evaluation_goes_on_without_it_when_the_time_is_over(caplog):
    sidecar = Sidecar(None, None, None, None)
    with caplog.at_level(logging.WARNING, logger="evalhub.adapter._report.connection"):
        assert sidecar.becomes_healthy(0.6) is False
    assert (len(sidecar.requests), sidecar.now) == (3, 0.5)
    (message,) = caplog.messages
    assert message.startswith("the sidecar is not healthy, going on without it: ")
    assert "http://localhost:8080/health" in message


def test_it_is_asked_once_even_if_there_is_no_time():
    assert Sidecar(200).becomes_healthy(0.0) is True
    assert Sidecar(503).becomes_healthy(0.0) is False
