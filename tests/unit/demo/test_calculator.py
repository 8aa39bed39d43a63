from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from examples.demo.calculator import REFUSAL, Calculator, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMES, OVER = "\N{MULTIPLICATION SIGN}", "\N{DIVISION SIGN}"


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("What is 17 + 25?", "42"),
        (f"What is (18 + 6) {OVER} 4?", "6"),
        (f"What is 7 {TIMES} 8 + 6?", "62"),
        ("What is 3 - 8?", "-5"),
        ("7 / 2", "3.5"),
        ("What is 0.1 + 0.2?", "0.3"),
        ("What is 6 * 7?\nA) 36\nB) 42\nAnswer with the letter of the right choice.", "B"),
        ("What is 1 / 2?\nA) two\nB) 0.50", "B"),
        ("What is 6 * 7?\nA) 36\nB) 37", REFUSAL),
        ("What is the capital of Canada?", REFUSAL),
        ("How many eggs do 5 boxes of 12 hold?", REFUSAL),
        ("Which number comes next: 2, 4, 8, ...?", REFUSAL),
        ("The train leaves at 14:20.", REFUSAL),
        ("1 / 0", REFUSAL),
        ("2 ** 3", REFUSAL),
        ("(1 + 2", REFUSAL),
    ],
)
def test_rules(prompt, said) -> None:
    assert answer(prompt) == said


@pytest.fixture(scope="module")
def connection() -> Iterator[HTTPConnection]:
    with Calculator() as calculator:
        parts = urlsplit(calculator.url)
        connection = HTTPConnection(parts.hostname or "", parts.port or 0, timeout=10)
        yield connection
        connection.close()


def asked(connection: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    content = body if body is None or isinstance(body, str) else json.dumps(body)
    connection.request(method, path, content)
    reply = connection.getresponse()
    return reply.status, json.load(reply)


def test_speaks_as_an_openai_compatible_endpoint_does(connection) -> None:
    messages = [{"role": "system", "content": "9 + 9"}, {"role": "user", "content": "1 + 1"}]
    status, reply = asked(connection, "POST", "/v1/chat/completions", {"messages": messages})
    assert status == 200
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": "2"}
    assert reply["usage"] == {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}


def test_lists_itself(connection) -> None:
    status, reply = asked(connection, "GET", "/v1/models")
    assert (status, [model["id"] for model in reply["data"]]) == (200, ["calculator"])


@pytest.mark.parametrize("body", ["{", {}, {"messages": []}, {"messages": ["1 + 1"]}])
def test_refuses_what_it_cannot_read(connection, body) -> None:
    status, reply = asked(connection, "POST", "/v1/chat/completions", body)
    assert (status, reply["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/v1/completions")])
def test_has_nothing_else(connection, method, path) -> None:
    status, reply = asked(connection, method, path, {} if method == "POST" else None)
    assert (status, reply["error"]["message"]) == (404, f"there is nothing at {path}")
