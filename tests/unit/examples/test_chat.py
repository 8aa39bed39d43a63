from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from evalhub.adapter.credentials import ModelCredentials
from evalhub.adapter.examples.chat import ChatModel, chat_url
from evalhub.errors import BenchmarkError, ConfigurationError
from evalhub.models.spec import ModelConfig
from evalhub.testing.faults import Answer, Reset
from evalhub.testing.model import FakeModel

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = [{"role": "user", "content": "2 + 2?"}]


@pytest.fixture
def fake() -> Iterator[FakeModel]:
    with FakeModel("4", name="tiny") as model:
        yield model


def chat(fake: FakeModel, pauses: list[float] | None = None, **more: Any) -> ChatModel:
    parameters = more.pop("parameters", None)
    return ChatModel(
        ModelConfig(name="tiny", url=more.pop("url", fake.url), parameters=parameters),
        pause=([] if pauses is None else pauses).append,
        **more,
    )


def test_asks_for_one_most_likely_answer(fake) -> None:
    with chat(fake) as model:
        reply = model.ask(QUESTION)
    assert reply.text == "4"
    assert reply.latency_seconds > 0
    assert reply.completion_tokens is not None
    (request,) = fake.requests
    assert request.body == {
        "model": "tiny",
        "messages": QUESTION,
        "temperature": 0,
        "max_tokens": 256,
    }
    assert "authorization" not in request.headers


def test_parameters_of_the_model_go_along_and_null_leaves_one_out(fake) -> None:
    parameters = {"max_tokens": None, "max_completion_tokens": 9, "temperature": 0.5}
    with chat(fake, parameters=parameters) as model:
        model.ask(QUESTION)
    body = fake.requests[0].body
    assert (body["max_completion_tokens"], body["temperature"]) == (9, 0.5)
    assert "max_tokens" not in body


def test_the_key_is_sent_as_it_is(fake) -> None:
    with chat(fake, credentials=ModelCredentials(api_key="api-key:ref")) as model:
        model.ask(QUESTION)
    assert fake.requests[0].headers["authorization"] == "Bearer api-key:ref"


def test_a_query_in_the_url_goes_along_and_is_not_shown(fake) -> None:
    with chat(fake, url=f"{fake.url}?api-version=2&code=s3cret") as model:
        model.ask(QUESTION)
    assert fake.faults.seen[0].path.endswith("/chat/completions?api-version=2&code=s3cret")
    assert "s3cret" not in model.url


def test_tries_again_when_the_model_is_overloaded_or_the_connection_breaks(fake) -> None:
    fake.faults.script(Answer(429, headers={"Retry-After": "7"}), Answer(503), Reset())
    pauses: list[float] = []
    with chat(fake, pauses, retries=3) as model:
        assert model.ask(QUESTION).text == "4"
    assert len(pauses) == 3
    assert pauses[0] == 7.0


def test_gives_up_after_its_retries(fake) -> None:
    fake.faults.always(Answer(503, b"loading"))
    pauses: list[float] = []
    with (
        chat(fake, pauses, retries=2) as model,
        pytest.raises(
            BenchmarkError, match=r"/v1/chat/completions answered 503: loading"
        ) as raised,
    ):
        model.ask(QUESTION)
    assert len(pauses) == 2
    assert (raised.value.code, raised.value.retryable) == ("model_refused_request", True)


def test_a_request_the_model_refuses_is_not_sent_again(fake) -> None:
    refusal = json.dumps({"error": {"message": "unknown model", "code": "x"}}).encode()
    fake.faults.always(Answer(404, refusal))
    pauses: list[float] = []
    with (
        chat(fake, pauses) as model,
        pytest.raises(BenchmarkError, match=r"answered 404: .*unknown model") as raised,
    ):
        model.ask(QUESTION)
    assert pauses == []
    assert raised.value.retryable is False


def test_an_unreachable_model_is_named(fake) -> None:
    with (
        fake.faults.down(),
        chat(fake, retries=1) as model,
        pytest.raises(BenchmarkError, match="cannot be reached") as raised,
    ):
        model.ask(QUESTION)
    assert f"{fake.url}/chat/completions" in str(raised.value)
    assert (raised.value.code, raised.value.retryable) == ("model_unreachable", True)


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}", b'{"choices": []}', b"", b"[1]"])
def test_an_endpoint_that_is_no_chat_endpoint_is_named(fake, body) -> None:
    fake.faults.always(Answer(200, body))
    with (
        chat(fake) as model,
        pytest.raises(BenchmarkError, match="does not answer as an OpenAI-compatible") as raised,
    ):
        model.ask(QUESTION)
    assert fake.url in str(raised.value)
    assert raised.value.code == "model_response_invalid"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": None, "refusal": "I cannot."}, "I cannot."),
        ({"content": None}, ""),
        ({}, ""),
    ],
)
def test_a_message_without_text(fake, message, text) -> None:
    fake.faults.always(Answer(200, json.dumps({"choices": [{"message": message}]}).encode()))
    with chat(fake) as model:
        reply = model.ask(QUESTION)
    assert (reply.text, reply.completion_tokens) == (text, None)


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://host:8000", "http://host:8000/v1/chat/completions"),
        ("http://host:8000/", "http://host:8000/v1/chat/completions"),
        ("http://host/v1", "http://host/v1/chat/completions"),
        ("https://host/v1/", "https://host/v1/chat/completions"),
        ("https://host/v1/chat/completions", "https://host/v1/chat/completions"),
        ("https://host/v1beta/openai", "https://host/v1beta/openai/chat/completions"),
        ("http://host/model/0f-1/v1", "http://host/model/0f-1/v1/chat/completions"),
        ("http://host/llm", "http://host/llm/v1/chat/completions"),
        ("https://host/api/v1", "https://host/api/v1/chat/completions"),
    ],
)
def test_the_url_may_name_the_server_the_api_or_the_endpoint(url, endpoint) -> None:
    assert chat_url(ModelConfig(name="m", url=url)) == endpoint


@pytest.mark.parametrize("url", [None, ""])
def test_a_model_without_url(url) -> None:
    with pytest.raises(ConfigurationError, match="model 'm' has no url"):
        chat_url(ModelConfig(name="m", url=url))


@pytest.mark.parametrize("url", ["host:8000", "ftp://host/v1", "http://", "/v1"])
def test_a_model_with_something_else_for_url(url) -> None:
    with pytest.raises(ConfigurationError, match="needs a scheme and a host"):
        chat_url(ModelConfig(name="m", url=url))
