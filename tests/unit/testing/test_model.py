"""The fake model speaks as an OpenAI-compatible endpoint does."""

from __future__ import annotations

import base64
import json
import struct
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from evalhub.errors import ConfigurationError
from evalhub.testing import Answer, FakeModel

ASK = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "2 + 2?"}]}


def post(model, path, body, method="POST", **headers):
    parts = urlsplit(model.url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    content = body if isinstance(body, bytes) else json.dumps(body)
    connection.request(method, parts.path + path, content, headers)
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, json.loads(text) if text.startswith("{") else text


def chat(model, **more):
    status, answer = post(model, "/chat/completions", {"model": "m", **ASK, **more})
    assert status == 200
    return answer


def events(text):
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def test_says_one_thing():
    with FakeModel("four is 4") as model:
        answer = chat(model)
        assert answer["choices"][0]["message"] == {"role": "assistant", "content": "four is 4"}
        assert answer["model"] == "fake-model"
        assert answer["usage"]["completion_tokens"] == 3
        (asked,) = model.requests
        assert (asked.path, asked.prompt, asked.body["model"]) == (
            "/chat/completions",
            "2 + 2?",
            "m",
        )


def test_says_several_things_in_turn():
    with FakeModel(["a", "b"]) as model:
        said = [chat(model)["choices"][0]["message"]["content"] for _ in range(3)]
        assert said == ["a", "b", "a"]
        assert [one["message"]["content"] for one in chat(model, n=2)["choices"]] == ["b", "a"]
        assert len(model.requests) == 4


def test_computes_what_it_says():
    with FakeModel(lambda asked: asked.prompt.upper()) as model:
        content = [{"type": "text", "text": "hello"}, {"type": "image_url", "image_url": {}}]
        said = chat(model, messages=[{"role": "user", "content": content}])
        assert said["choices"][0]["message"]["content"] == "HELLO"


def test_says_a_whole_message():
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    with FakeModel({"content": None, "tool_calls": calls}) as model:
        choice = chat(model)["choices"][0]
        assert choice["finish_reason"] == "tool_calls"
        assert choice["message"]["tool_calls"] == calls
        pieces = events(chat(model, stream=True))
        assert pieces[1]["choices"][0]["delta"]["tool_calls"] == [{"index": 0, **calls[0]}]


def test_streams_a_chat():
    with FakeModel("one two") as model:
        pieces = events(chat(model, stream=True, stream_options={"include_usage": True}))
        deltas = [piece["choices"][0]["delta"] for piece in pieces[:-1]]
        assert "".join(delta.get("content", "") for delta in deltas) == "one two"
        assert {piece["object"] for piece in pieces} == {"chat.completion.chunk"}
        assert pieces[-2]["choices"][0]["finish_reason"] == "stop"
        assert pieces[-1]["usage"]["completion_tokens"] == 2
        assert "usage" not in pieces[0]


def test_scores_its_tokens():
    with FakeModel("one two") as model:
        assert chat(model)["choices"][0]["logprobs"] is None
        scored = chat(model, logprobs=True)["choices"][0]["logprobs"]["content"]
        assert [token["token"] for token in scored] == ["one", " two"]


def test_completes_prompts():
    with FakeModel(" end") as model:
        status, answer = post(model, "/completions", {"prompt": ["a", "b"], "echo": True, "n": 2})
        assert status == 200
        texts = [choice["text"] for choice in answer["choices"]]
        assert texts == ["a end", "a end", "b end", "b end"]
        assert model.requests[0].prompt == "a"
        _, text = post(model, "/completions", {"prompt": "a", "stream": True})
        assert "".join(piece["choices"][0]["text"] for piece in events(text)) == " end"


def test_gives_the_likelihood_of_a_text():
    with FakeModel("unused") as model:
        body = {"prompt": "a bc", "max_tokens": 0, "echo": True, "logprobs": 1}
        _, answer = post(model, "/completions", body)
        assert answer["choices"][0]["text"] == "a bc"
        assert answer["choices"][0]["logprobs"] == {
            "tokens": ["a", " bc"],
            "token_logprobs": [None, -0.5],
            "top_logprobs": [None, {" bc": -0.5}],
            "text_offset": [0, 1],
        }


def test_takes_token_ids():
    with FakeModel("x") as model:
        post(model, "/completions", {"prompt": [1, 2, 3]})
        assert model.requests[0].prompt == "1 2 3"


def test_embeds():
    with FakeModel() as model:
        _, answer = post(model, "/embeddings", {"input": ["a", "b", "a"]})
        first, second, third = (one["embedding"] for one in answer["data"])
        assert first == third != second
        assert sum(number * number for number in first) == pytest.approx(1)
        body = {"input": "a", "encoding_format": "base64", "dimensions": 3}
        _, answer = post(model, "/embeddings", body)
        packed = base64.b64decode(answer["data"][0]["embedding"])
        assert len(struct.unpack("<3f", packed)) == 3


def test_lists_its_models():
    with FakeModel(name="mine") as model:
        _, listed = post(model, "/models", b"", method="GET")
        assert [one["id"] for one in listed["data"]] == ["mine"]
        assert post(model, "/models/mine", b"", method="GET")[1]["id"] == "mine"


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/nope", {}, 404, "Invalid URL (POST /v1/nope)"),
        ("/chat/completions", b"{", 400, "could not parse"),
        ("/chat/completions", {}, 400, "'messages'"),
        ("/chat/completions", b"[]", 400, "'messages'"),
        ("/completions", {"messages": []}, 400, "'prompt'"),
        ("/embeddings", {}, 400, "'input'"),
    ],
)
def test_refuses(path, body, status, words):
    with FakeModel() as model:
        answered, error = post(model, path, body)
        assert answered == status
        assert words in error["error"]["message"]
        assert model.requests == []


def test_demands_its_key():
    with FakeModel("x", api_key="k") as model:
        assert post(model, "/chat/completions", ASK)[0] == 401
        assert post(model, "/chat/completions", ASK, Authorization="Bearer k")[0] == 200
        assert model.requests[0].headers["authorization"] == "Bearer k"


def test_fails_by_script():
    with FakeModel("x") as model:
        model.faults.script(Answer(429))
        assert post(model, "/chat/completions", ASK)[0] == 429
        assert post(model, "/chat/completions", ASK)[0] == 200


def test_has_no_url_before_it_is_started():
    model = FakeModel()
    with pytest.raises(ConfigurationError, match="FakeModel is not running"):
        model.url  # noqa: B018 - reading it is the test
    model.stop()
