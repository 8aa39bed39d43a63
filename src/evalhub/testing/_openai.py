"""Responses of an OpenAI-compatible endpoint: pure functions of request and model output."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = [
    "Json",
    "Output",
    "chat",
    "chunks",
    "completions",
    "embeddings",
    "error",
    "model",
    "text_of",
]

Json: TypeAlias = dict[str, Any]
Output: TypeAlias = str | Mapping[str, Any]
"""Output of a model: text, or an assistant message (with tool calls, or a refusal)."""

_CREATED = 1_700_000_000
_DIMENSIONS = 8
_LOGPROB = -0.5


def model(name: str) -> Json:
    """Return a model's entry in the list of models."""
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "evalhub"}


def error(message: str, *, code: str | None = None) -> Json:
    """Return the body of an error."""
    detail = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return {"error": detail}


def chat(name: str, request: Json, outputs: Sequence[Output]) -> Json:
    """Return a chat completion with one choice for each output."""
    choices: list[Json] = []
    for index, one in enumerate(outputs):
        message = {"role": "assistant", **({"content": one} if isinstance(one, str) else one)}
        logprobs = {"content": [_scored(token) for token in _tokens(text_of(one))]}
        choices.append(
            {
                "index": index,
                "message": message,
                "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
                "logprobs": logprobs if request.get("logprobs") else None,
            }
        )
    prompt = json.dumps([message.get("content") for message in request["messages"]])
    usage = _usage(prompt, map(text_of, outputs))
    return _envelope("chat.completion", "chatcmpl-fake", name, choices, usage)


def completions(
    name: str, request: Json, prompts: Sequence[str], outputs: Sequence[Output]
) -> Json:
    """Return text completions, one choice for each pair of prompt and output."""
    choices: list[Json] = []
    for index, (prompt, one) in enumerate(zip(prompts, outputs, strict=True)):
        # Clients request the likelihood of a text with an echo and no new tokens.
        text = "" if request.get("max_tokens") == 0 else text_of(one)
        text = prompt + text if request.get("echo") else text
        logprobs = None if request.get("logprobs") is None else _scored_text(text)
        choices.append(
            {"index": index, "text": text, "finish_reason": "stop", "logprobs": logprobs}
        )
    usage = _usage(" ".join(prompts), (choice["text"] for choice in choices))
    return _envelope("text_completion", "cmpl-fake", name, choices, usage)


def embeddings(name: str, request: Json, texts: Sequence[str]) -> Json:
    """Return a unit vector for each text; equal texts have equal vectors."""
    size: int = request.get("dimensions") or _DIMENSIONS
    pack = _packed if request.get("encoding_format") == "base64" else list[float]
    data = [
        {"object": "embedding", "index": index, "embedding": pack(_vector(text, size))}
        for index, text in enumerate(texts)
    ]
    return {"object": "list", "data": data, "model": name, "usage": _usage(" ".join(texts), ())}


def chunks(answer: Json, *, usage: bool) -> Iterator[Json]:
    """Yield the chunks of a streamed response.

    Args:
        answer: The whole response.
        usage: Whether the last chunk contains the usage.
    """
    is_chat = answer["object"] == "chat.completion"
    kind = "chat.completion.chunk" if is_chat else answer["object"]
    envelope = {**answer, "object": kind}
    del envelope["usage"]
    pieces: Callable[[Json], Iterator[Json]] = _deltas if is_chat else _texts
    for choice in answer["choices"]:
        for piece in pieces(choice):
            yield {**envelope, "choices": [{"index": choice["index"], **piece}]}
    if usage:
        yield {**envelope, "choices": [], "usage": answer["usage"]}


def text_of(outputs: Any) -> str:
    """Return the text in a message, a list of parts, or a plain string."""
    match outputs:
        case str():
            return outputs
        case {"content": content}:
            return text_of(content)
        case {"text": text}:
            return str(text)
        case [*parts]:
            return "".join(map(text_of, parts))
        case _:
            return ""


def _deltas(choice: Json) -> Iterator[Json]:
    message: Json = choice["message"]
    yield {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    for token in _tokens(text_of(message)):
        yield {"delta": {"content": token}, "finish_reason": None}
    calls: list[Json] = message.get("tool_calls") or []
    for index, call in enumerate(calls):
        yield {"delta": {"tool_calls": [{"index": index, **call}]}, "finish_reason": None}
    yield {"delta": {}, "finish_reason": choice["finish_reason"]}


def _texts(choice: Json) -> Iterator[Json]:
    for token in _tokens(choice["text"]):
        yield {"text": token, "finish_reason": None, "logprobs": None}
    yield {"text": "", "finish_reason": choice["finish_reason"], "logprobs": choice["logprobs"]}


def _envelope(kind: str, ident: str, name: str, choices: list[Json], usage: Json) -> Json:
    return {
        "id": ident,
        "object": kind,
        "created": _CREATED,
        "model": name,
        "choices": choices,
        "usage": usage,
    }


def _tokens(text: str) -> list[str]:
    """Split text into words that keep the space before them."""
    return re.findall(r"\s*\S+|\s+$", text)


def _usage(prompt: str, outputs: Iterable[str]) -> Json:
    prompt_tokens = len(_tokens(prompt))
    completion_tokens = sum(len(_tokens(text)) for text in outputs)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def _scored(token: str) -> Json:
    return {
        "token": token,
        "logprob": _LOGPROB,
        "bytes": list(token.encode()),
        "top_logprobs": [],
    }


def _scored_text(text: str) -> Json:
    tokens = _tokens(text)
    offsets = [sum(map(len, tokens[:index])) for index in range(len(tokens))]
    # The first token has no likelihood: nothing comes before it.
    scores = [None if index == 0 else _LOGPROB for index in range(len(tokens))]
    tops = [
        None if score is None else {token: score}
        for token, score in zip(tokens, scores, strict=True)
    ]
    return {
        "tokens": tokens,
        "token_logprobs": scores,
        "top_logprobs": tops,
        "text_offset": offsets,
    }


def _vector(text: str, size: int) -> list[float]:
    digest = hashlib.shake_256(text.encode()).digest(2 * size)
    numbers = [number / 65535 - 0.5 for number in struct.unpack(f"<{size}H", digest)]
    length = sum(number * number for number in numbers) ** 0.5 or 1.0
    return [number / length for number in numbers]


def _packed(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
