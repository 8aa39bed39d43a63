"""A fake model: an OpenAI-compatible endpoint on loopback.

    with FakeModel(["4", "Paris"]) as model:
        spec = job_spec(model={"name": model.name, "url": model.url})
        ...
        assert model.requests[0].prompt == "2 + 2?"

Script faults on `model.faults`, as in
`model.faults.script(Answer(429, headers={"Retry-After": "1"}))`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from evalhub.testing import _openai
from evalhub.testing._loopback import Double, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.testing._openai import Json, Output

__all__ = ["FakeModel", "ModelRequest"]


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request to the model."""

    path: str
    """Path below the base URL, such as `/chat/completions`."""

    body: Json
    headers: Mapping[str, str]
    """Names in lower case."""

    prompt: str
    """Text of the last message, or of the prompt or input."""


class FakeModel(Double):
    """An OpenAI-compatible endpoint: chat, completions, embeddings, models, and streaming.

    Args:
        answer: The output: a text, texts used in turn, or a function of the request. A text may
            be replaced by an assistant message (with tool calls, or a refusal).
        name: The model's name in responses and in the list of models.
        api_key: The bearer token required; by default none.
    """

    def __init__(
        self,
        answer: Output | Sequence[Output] | Callable[[ModelRequest], Output] = "A fake answer.",
        *,
        name: str = "fake-model",
        api_key: str | None = None,
    ) -> None:
        super().__init__(self._respond, path=_BASE)
        self.name = name
        self.requests: list[ModelRequest] = []
        self._output_for = _output_function(answer)
        self._api_key = api_key
        self._lock = Lock()

    def _respond(self, request: Request) -> Response:
        if self._api_key and request.headers.get("authorization") != f"Bearer {self._api_key}":
            return _refuse(401, "Incorrect API key provided.", code="invalid_api_key")
        match request.method, request.path.removeprefix(_BASE):
            case "GET", "/models":
                models = [_openai.model(self.name)]
                return Response.of_json(200, {"object": "list", "data": models})
            case "GET", path if path == f"/models/{self.name}":
                return Response.of_json(200, _openai.model(self.name))
            case "POST", path if path in _SUBJECT:
                return self._generate(path, request)
            case method, path:
                return _refuse(404, f"Invalid URL ({method} {_BASE}{path})", code="unknown_url")

    def _generate(self, path: str, request: Request) -> Response:
        try:
            body: Any = json.load(request.body)
        except ValueError:
            return _refuse(400, "We could not parse the JSON body of your request.")
        subject = _SUBJECT[path]
        if not isinstance(body, dict) or not body.get(subject):  # pyright: ignore[reportUnknownMemberType] - JSON
            return _refuse(400, f"Missing required parameter: '{subject}'.")
        request_body: Json = cast("Json", body)
        answer = self._answer(path, request_body, request.headers)
        if not request_body.get("stream"):
            return Response.of_json(200, answer)
        options: Json = request_body.get("stream_options") or {}
        events = _events(answer, usage=bool(options.get("include_usage")))
        return Response(200, events, {"Content-Type": "text/event-stream"})

    def _answer(self, path: str, body: Json, headers: Mapping[str, str]) -> Json:
        prompts = _prompts(path, body)
        requests = [ModelRequest(path, body, headers, prompt) for prompt in prompts]
        self.requests.append(requests[0])
        if path == "/embeddings":
            return _openai.embeddings(self.name, body, prompts)
        copies: int = body.get("n") or 1
        # Texts are used in turn, and a function need not be thread-safe.
        with self._lock:
            outputs = [self._output_for(one) for one in requests for _ in range(copies)]
        if path == "/chat/completions":
            return _openai.chat(self.name, body, outputs)
        repeated = [prompt for prompt in prompts for _ in range(copies)]
        return _openai.completions(self.name, body, repeated, outputs)


_BASE = "/v1"
_SUBJECT = {"/chat/completions": "messages", "/completions": "prompt", "/embeddings": "input"}


def _output_function(
    answer: Output | Sequence[Output] | Callable[[ModelRequest], Output],
) -> Callable[[ModelRequest], Output]:
    if callable(answer):
        return answer
    turns = cycle([answer] if isinstance(answer, str | Mapping) else answer)
    return lambda _: next(turns)


def _prompts(path: str, body: Json) -> list[str]:
    match body[_SUBJECT[path]]:
        case [*_, message] if path == "/chat/completions":
            return [_openai.text_of(message)]
        case [int(), *_] as tokens:
            return [" ".join(map(str, tokens))]
        case [*several]:
            return [str(one) for one in several]
        case one:
            return [str(one)]


def _events(answer: Json, *, usage: bool) -> Iterator[bytes]:
    for chunk in _openai.chunks(answer, usage=usage):
        yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _refuse(status: int, message: str, *, code: str | None = None) -> Response:
    return Response.of_json(status, _openai.error(message, code=code))
