"""What the proxy does to requests, seen from both of its ends."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, IncompleteRead
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from evalhub.errors import ConfigurationError
from evalhub.testing import Answer, Delay, Faults, Hang, Pass, Reset, Truncate
from evalhub.testing._loopback import Double, Request, Response

if TYPE_CHECKING:
    from collections.abc import Generator


class Echo(Double):
    """Answers with the request's body and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.seen: list[Request] = []
        self.bodies: list[bytes] = []

    def _respond(self, request: Request) -> Response:
        self.seen.append(request)
        if request.path == "/early":
            return Response(413, b"too large", {"Connection": "close"})
        self.bodies.append(request.body.read())
        if request.path == "/stream":
            return Response(200, iter([b"one", b"two"]))
        return Response(200, self.bodies[-1] or b"0123456789")


@pytest.fixture
def echo() -> Generator[Echo]:
    with Echo() as started:
        yield started


@pytest.fixture
def faults(echo: Echo) -> Faults:
    return echo.faults


def ask(faults, method="GET", path="/", body=None, timeout=5.0, **headers):
    connection = HTTPConnection(urlsplit(faults.url).netloc, timeout=timeout)
    try:
        connection.request(method, path, body, headers, encode_chunked=True)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_passes_what_is_not_scripted(echo, faults):
    assert ask(faults, "POST", "/a?b=c", b"hello", X_One="1") == (200, b"hello")
    assert echo.seen[0].target == "/a?b=c"
    assert echo.seen[0].headers["x_one"] == "1"
    (exchange,) = faults.seen
    assert (exchange.method, exchange.path, exchange.action) == ("POST", "/a?b=c", Pass())
    assert (exchange.forwarded, exchange.status, exchange.request_bytes) == (True, 200, 5)


def test_passes_chunks_in_both_directions(echo, faults):
    status, body = ask(
        faults, "POST", "/stream", iter([b"a" * 70_000, b"b"]), Transfer_Encoding="x"
    )
    assert (status, body) == (200, b"onetwo")
    assert echo.bodies == [b"a" * 70_000 + b"b"]


def test_an_early_answer_to_a_body_that_is_still_sent_does_not_hang(faults):
    # It may arrive before the body has left, or the connection breaks: both are what a server
    # does that refuses a large body.
    with suppress(OSError, HTTPException):
        assert ask(faults, "POST", "/early", b"x" * 50_000_000)[0] == 413
    assert ask(faults)[0] == 200


def test_answers_in_the_servers_place(echo, faults):
    faults.script(Answer(503, b"busy", {"Retry-After": "1"}), Answer(799))
    connection = HTTPConnection(urlsplit(faults.url).netloc, timeout=5)
    connection.request("POST", "/", b"x" * 100_000)
    reply = connection.getresponse()
    assert (reply.status, reply.read(), reply.headers["Retry-After"]) == (503, b"busy", "1")
    assert ask(faults)[0] == 799
    assert echo.seen == []
    assert [one.request_bytes for one in faults.seen] == [100_000, 0]


@pytest.mark.parametrize(
    ("action", "reached"), [(Reset(), 0), (Reset(forwarded=True), 1), (Reset(after=10), 0)]
)
def test_resets_the_connection(action, reached, echo, faults):
    faults.script(action)
    with pytest.raises(ConnectionError):
        ask(faults, "POST", "/", b"x" * 1_000)
    assert len(echo.bodies) == reached
    assert faults.seen[0].status == (200 if reached else None)
    assert ask(faults)[0] == 200


def test_breaks_in_the_middle_of_a_body(echo, faults):
    faults.script(Reset(after=0), Reset(after=100_000))
    with pytest.raises(ConnectionError):
        ask(faults, "POST", "/", b"x" * 1_000)
    with pytest.raises(ConnectionError):
        ask(faults, "POST", "/", b"x" * 10_000_000)
    assert faults.seen[0].request_bytes == 0
    assert 100_000 <= faults.seen[1].request_bytes < 10_000_000
    assert echo.bodies == []


def test_a_reset_that_is_cut_short_cannot_be_forwarded():
    with pytest.raises(ConfigurationError, match="is not forwarded"):
        Reset(forwarded=True, after=1)


def test_holds_an_answer_back(echo, faults):
    faults.script(Delay(0.05))
    started = time.monotonic()
    assert ask(faults)[0] == 200
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize("forwarded", [False, True])
def test_hangs_until_the_caller_gives_up(forwarded, echo, faults):
    faults.script(Hang(forwarded=forwarded))
    with pytest.raises(TimeoutError):
        ask(faults, "POST", "/", b"x", timeout=0.1)
    assert len(echo.bodies) == int(forwarded)


@pytest.mark.parametrize("forwarded", [False, True])
def test_hanging_ends_with_the_client(forwarded, echo, faults):
    faults.always(Hang(forwarded=forwarded))
    before = threading.active_count()

    for _ in range(5):
        with pytest.raises(TimeoutError):
            ask(faults, "POST", "/", b"body", timeout=0.05)

    end = time.monotonic() + 5
    while threading.active_count() > before + 1:  # the echo may keep one
        assert time.monotonic() < end, threading.enumerate()
        time.sleep(0.02)


def test_truncates_an_answer(faults):
    faults.script(Truncate(after=4))
    with pytest.raises(IncompleteRead) as cut:
        ask(faults)
    assert cut.value.partial == b"0123"


def test_matches_method_and_path(faults):
    faults.script(Answer(500), Answer(501), method="POST", path="*/events")
    assert ask(faults, "GET", "/jobs/1/events")[0] == 200
    assert ask(faults, "POST", "/jobs/1")[0] == 200
    assert ask(faults, "POST", "/jobs/1/events?x=y")[0] == 500
    assert ask(faults, "POST", "/jobs/2/events")[0] == 501
    assert ask(faults, "POST", "/jobs/2/events")[0] == 200


def test_always_until_cleared(faults):
    faults.always(Answer(500))
    assert [ask(faults)[0] for _ in range(3)] == [500] * 3
    faults.clear()
    assert ask(faults)[0] == 200


def test_random_faults_repeat_with_their_seed(echo):
    def run(seed):
        with Faults(f"http://127.0.0.1:{urlsplit(echo.url).port}") as faults:
            faults.at_random(0.5, Answer(500), Answer(501), seed=seed)
            return [ask(faults)[0] for _ in range(20)]

    first = run(1)
    assert first == run(1) != run(2)
    assert {200, 500, 501} == set(first)


def test_requires_a_token_that_is_valid_at_the_time(echo, faults):
    valid = {"old"}
    faults.require_token(lambda: valid)

    assert ask(faults, Authorization="Bearer old")[0] == 200
    valid.add("new")
    valid.remove("old")
    assert ask(faults, Authorization="Bearer new")[0] == 200
    for refused in ("Bearer old", "Basic new", "Bearer", ""):
        assert ask(faults, Authorization=refused)[0] == 401
    assert ask(faults)[0] == 401
    assert len(echo.seen) == 2


def test_refuses_connections_while_down_and_comes_back_on_the_same_port(faults):
    url = faults.url
    with faults.down(), pytest.raises(ConnectionRefusedError):
        ask(faults)
    assert faults.url == url
    assert ask(faults)[0] == 200


def test_keeps_the_path_of_the_base_url(echo):
    with Faults("http://127.0.0.1:9/base/") as faults:
        assert faults.url.endswith("/base")


@pytest.mark.parametrize("url", ["https://host", "http://", "host:80", ""])
def test_the_upstream_must_be_plain_http(url):
    with pytest.raises(ConfigurationError, match="must be an http:// URL"):
        Faults(url)


def hang_up(listener):
    listener.accept()[0].close()


def test_a_server_that_says_nothing_is_a_broken_connection():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        Thread(target=hang_up, args=(silent,), daemon=True).start()
        with (
            Faults(f"http://127.0.0.1:{silent.getsockname()[1]}") as faults,
            pytest.raises((ConnectionError, HTTPException)),
        ):
            ask(faults)


def test_interim_answers_pass():
    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            connection.sendall(b"HTTP/1.1 204\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=serve, args=(listener,), daemon=True).start()
        with Faults(f"http://127.0.0.1:{listener.getsockname()[1]}") as faults:
            with socket.create_connection(("127.0.0.1", urlsplit(faults.url).port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                answer = b"".join(iter(lambda: client.recv(1 << 16), b""))
            assert answer.startswith(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204\r\n")
            assert faults.seen[0].status == 204


def test_stopping_ends_what_hangs(echo):
    faults = Faults(f"http://127.0.0.1:{urlsplit(echo.url).port}").start()
    faults.always(Hang())
    ended: list[type[BaseException]] = []

    def wait():
        try:
            ask(faults)
        except (OSError, HTTPException) as error:
            ended.append(type(error))

    thread = Thread(target=wait)
    thread.start()
    while not faults.seen:
        time.sleep(0.001)
    faults.stop()
    thread.join(5)
    assert len(ended) == 1
