from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from evalhub.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    JobNotFoundError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
    TransportTimeoutError,
)
from evalhub.models.page import HealthResponse
from evalhub.wire.flow import Call, Pause, Renew, Reply, segment
from evalhub.wire.send import Policy, exchange, fetch, send

OK = (200, b'{"status": "healthy"}')
GET = Call("GET", "/things")
POST = Call("POST", "/things", json={"a": 1})


@dataclass
class World:
    """Performs a flow against scripted outcomes; time passes only in its pauses."""

    outcomes: list[Any]
    renews: bool = False
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def policy(self, **options):
        options = {"draw": lambda: 1.0, "wall": lambda: 1_000_000_000.0, **options}
        return Policy(clock=lambda: self.now, **options)

    def run(self, flow):
        step = next(flow)
        try:
            while True:
                match step:
                    case Call():
                        self.calls.append(step)
                        outcome = self.outcomes.pop(0)
                        if isinstance(outcome, Exception):
                            step = flow.throw(outcome)
                        else:
                            step = flow.send(reply(*outcome))
                    case Pause(seconds):
                        self.pauses.append(seconds)
                        self.now += seconds
                        step = flow.send(None)
                    case Renew():
                        step = flow.send(self.renews)
        except StopIteration as end:
            return end.value


def reply(status, content=b"", headers=None):
    return Reply(status, headers or {}, content, "http://service/things")


def error(code, message="no"):
    return json.dumps({"message_code": code, "message": message, "trace": "t-1"}).encode()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_repeatable_call_is_sent_again_when_the_service_is_unavailable(method, status):
    world = World([(status,), (status,), OK])

    assert world.run(send(Call(method, "/x"), world.policy())).status == 200

    assert world.pauses == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 404, 409, 500, 501])
def test_other_errors_are_answers(status):
    world = World([(status,)])

    with pytest.raises(APIError):
        world.run(send(GET, world.policy()))

    assert world.pauses == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_call_that_may_not_repeat_is_sent_once(method, status):
    world = World([(status,)])

    with pytest.raises(APIError):
        world.run(send(Call(method, "/x"), world.policy()))

    assert len(world.calls) == 1


def test_call_that_may_not_repeat_is_sent_again_if_there_was_no_connection():
    world = World([TransportError("refused", sent=False), OK])

    assert world.run(send(POST, world.policy())).repeated is False


@pytest.mark.parametrize("lost", [TransportError("reset"), TransportTimeoutError("late")])
def test_call_that_may_not_repeat_is_not_sent_again_if_it_may_have_arrived(lost):
    world = World([lost])

    with pytest.raises(TransportError, match=str(lost)):
        world.run(send(POST, world.policy()))


def test_post_marked_repeatable_is_sent_again():
    world = World([TransportError("reset"), (503,), OK])

    got = world.run(send(Call("POST", "/x", repeatable=True), world.policy()))

    assert (got.status, got.repeated) == (200, True)


def test_get_marked_unrepeatable_is_not_sent_again():
    world = World([(503,)])

    with pytest.raises(ServerError):
        world.run(send(Call("GET", "/x", repeatable=False), world.policy()))


def test_reply_says_whether_an_earlier_attempt_may_have_been_applied():
    lost = World([TransportError("reset"), (404,)])
    never_made = World([TransportError("refused", sent=False), (404,)])

    assert lost.run(exchange(GET, lost.policy())).repeated is True
    assert never_made.run(exchange(GET, never_made.policy())).repeated is False


def test_retries_are_bounded_in_number():
    world = World([(503,)] * 3)

    with pytest.raises(ServerError):
        world.run(send(GET, world.policy(retries=2)))

    assert len(world.calls) == 3


def test_retries_are_bounded_in_time():
    world = World([(503,)] * 5)

    with pytest.raises(ServerError):
        world.run(send(GET, world.policy(retries=100, first_delay=10, budget=25)))

    assert world.pauses == [10.0]


def test_transport_error_is_raised_when_retries_are_used_up():
    world = World([TransportError("one"), TransportError("two")])

    with pytest.raises(TransportError, match="two"):
        world.run(send(GET, world.policy(retries=1)))


def test_untrusted_certificate_is_not_tried_again():
    untrusted = TransportError("no connection", sent=False)
    untrusted.__cause__ = ssl.SSLCertVerificationError("self-signed")
    world = World([untrusted])

    with pytest.raises(TransportError):
        world.run(send(GET, world.policy()))


def test_pauses_grow_up_to_a_cap_and_are_drawn():
    policy = Policy(first_delay=1, factor=3, max_delay=5, draw=lambda: 0.5)

    assert [policy.pause(retry) for retry in range(4)] == [0.5, 1.5, 2.5, 2.5]


def test_pauses_without_jitter_are_the_longest():
    policy = Policy(first_delay=1, factor=2, max_delay=3, jitter=False)

    assert [policy.pause(retry) for retry in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Sun, 09 Sep 2001 01:46:49 GMT"}, 9.0),
        (
            {
                "retry-after": "Sun, 09 Sep 2001 01:46:49 GMT",
                "date": "Sun, 09 Sep 2001 01:46:46 GMT",
            },
            3.0,
        ),
        ({"retry-after": "Sun, 09 Sep 2001 01:00:00 GMT"}, 0.5),
        ({"retry-after": "soon"}, 0.5),
        ({"retry-after": "0"}, 0.5),
        ({}, 0.5),
    ],
)
def test_service_is_left_alone_as_long_as_it_asks(headers, pause):
    world = World([(429, b"", headers), OK])

    world.run(send(GET, world.policy()))

    assert world.pauses == [pause]


def test_a_service_that_asks_for_more_time_than_there_is_gets_no_retry():
    world = World([(429, b"", {"retry-after": "600"})])

    with pytest.raises(RateLimitError) as caught:
        world.run(send(GET, world.policy(budget=30)))

    assert caught.value.retry_after == 600


def test_a_day_that_a_service_asks_for_is_waited_a_minute_at_a_time():
    day = (503, b"", {"retry-after": "86400"})
    world = World([day, day, OK])

    assert world.run(send(GET, world.policy(budget=300))).status == 200
    assert world.pauses == [60, 60]


def test_the_end_of_a_deadline_bounds_the_request_in_flight():
    world = World([OK, OK])

    world.run(send(GET, world.policy(until=world.now + 3)))
    world.run(send(replace(GET, timeout=2), world.policy(until=world.now + 3)))

    assert [call.timeout for call in world.calls] == [3, 2]


def test_refused_token_is_renewed_once_even_for_a_post():
    world = World([(401,), OK], renews=True)

    assert world.run(send(POST, world.policy())).status == 200

    world = World([(401,), (401,)], renews=True)
    with pytest.raises(AuthenticationError):
        world.run(send(POST, world.policy()))


def test_refused_token_that_is_the_same_is_an_error_at_once():
    world = World([(401,)])

    with pytest.raises(AuthenticationError):
        world.run(send(GET, world.policy()))


def test_json_is_encoded_once_and_keeps_given_headers():
    world = World([OK])

    world.run(send(Call("POST", "/x", json={"ä": None}, headers={"A": "b"}), world.policy()))

    sent = world.calls[0]
    assert isinstance(sent.content, bytes)
    assert json.loads(sent.content) == {"ä": None}
    assert sent.headers == {"Content-Type": "application/json", "A": "b"}


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, {"deep": [float("inf")]}])
def test_what_json_cannot_say_is_an_error_before_anything_is_sent(value):
    world = World([])

    with pytest.raises(ConfigurationError, match="the body of POST /x"):
        world.run(send(Call("POST", "/x", json=value), world.policy()))


def test_error_says_what_the_service_said():
    world = World([(400, error("request_validation_failed", "name is required"))])

    with pytest.raises(BadRequestError) as caught:
        world.run(send(POST, world.policy()))

    assert str(caught.value) == (
        "400 request_validation_failed: name is required (POST http://service/things) [trace t-1]"
    )
    assert caught.value.message_code == "request_validation_failed"


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        (b"404 page not found\n", {}, "404 page not found"),
        (b'{"error": "no upstream"}', {}, "no upstream"),
        (b'{"error": {"message": "no such model", "type": "x"}}', {}, "no such model"),
        (b'{"error": {"type": "x"}}', {}, '{"error": {"type": "x"}}'),
        (b"<html><head><TITLE>Bad\n gateway</TITLE></head></html>", {}, "Bad gateway"),
        (b"<h1>Login</h1><p>needed</p>", {}, "Login needed"),
        (b"", {}, "an empty body"),
        (b"[1]", {}, "[1]"),
        (b"x" * 500, {}, "x" * 200 + "..."),
        (b"\xff\xfe", {"x-global-transaction-id": "t-2"}, "��"),
    ],
)
def test_bodies_of_others_become_one_line(body, headers, message):
    world = World([(404, body, headers)])

    with pytest.raises(NotFoundError) as caught:
        world.run(send(GET, world.policy()))

    assert caught.value.message == message
    assert caught.value.trace == headers.get("x-global-transaction-id", "")
    assert "\n" not in str(caught.value)


def test_call_names_the_errors_of_the_service_itself():
    call = Call("GET", "/jobs/x", errors={404: JobNotFoundError})
    of_service = World([(404, error("resource_not_found"))])
    of_router = World([(404, b"404 page not found")])

    with pytest.raises(JobNotFoundError):
        of_service.run(send(call, of_service.policy()))
    with pytest.raises(NotFoundError) as caught:
        of_router.run(send(call, of_router.policy()))
    assert type(caught.value) is NotFoundError


def test_redirect_is_not_followed_but_named():
    world = World([(302, b"", {"location": "https://login.example.com/"})])

    with pytest.raises(ResponseError, match=r"a redirect to https://login.example.com/, which"):
        world.run(send(GET, world.policy()))


def test_fetch_returns_a_model():
    world = World([OK])

    assert world.run(fetch(HealthResponse, GET, world.policy())).status == "healthy"


@pytest.mark.parametrize(
    ("status", "body", "headers", "problem"),
    [
        (204, b"", {}, "returned an empty body instead of HealthResponse"),
        (200, b" \n", {}, "an empty body instead of HealthResponse"),
        (200, b'{"status": "hea', {}, 'JSON that is invalid or incomplete: {"status": "hea'),
        (
            200,
            b"<html><title>Welcome</title>",
            {"content-type": "text/html; charset=utf-8"},
            "text/html instead of JSON: Welcome",
        ),
        (
            200,
            b'{"timestamp": null}',
            {},
            "an invalid HealthResponse: status is missing",
        ),
        (200, b"[]", {}, "an invalid HealthResponse: must be an object"),
    ],
)
def test_success_that_is_not_what_was_promised(status, body, headers, problem):
    world = World([(status, body, headers)])

    with pytest.raises(ResponseError) as caught:
        world.run(fetch(HealthResponse, GET, world.policy()))

    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (caught.value.status, caught.value.url) == (status, "http://service/things")


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("a?b#c%", "a%3Fb%23c%25"),
        ("é", "%C3%A9"),
    ],
)
def test_an_id_is_one_segment_of_a_path(value, quoted):
    assert segment(value) == quoted


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "job_id must not be empty"),
        ("..", r"job_id must not be a relative path: '\.\.'"),
        (".", "job_id must not be a relative path"),
        (3, "job_id must be a string, not int"),
    ],
)
def test_an_id_that_is_no_segment_is_refused(value, problem):
    with pytest.raises(ConfigurationError, match=problem):
        segment(value, "job_id")
