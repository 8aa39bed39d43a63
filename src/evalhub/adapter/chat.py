"""Ask a model through an OpenAI-compatible chat endpoint."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from evalhub.adapter.endpoint import read_chat
from evalhub.errors import (
    APIError,
    BenchmarkError,
    ConfigurationError,
    RateLimitError,
    ServerError,
    TransportError,
)
from evalhub.wire.drive import Driver
from evalhub.wire.flow import Call
from evalhub.wire.identity import Identity, Token
from evalhub.wire.send import Policy, send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from evalhub.adapter.credentials import ModelCredentials
    from evalhub.models.spec import ModelConfig
    from evalhub.wire.flow import Reply

__all__ = ["ChatModel", "ChatReply", "chat_url"]

_LONGEST_PAUSE = 30.0
_OFTEN_PASSES = frozenset({500})
"""An inference server that failed on one request most often takes the next one."""

_SAMPLING = {"temperature": 0, "max_tokens": 256}
"""One most likely answer, so that an evaluation can be repeated; `model.parameters` overrides."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What the model said.

    Attributes:
        text: Its words; empty if it said nothing.
        latency_seconds: From asking to the whole answer, retries included.
        completion_tokens: Length of the answer, where the endpoint says it.
        prompt_tokens: Length of the question, where the endpoint says it.
        reasoning: What it thought before it answered, where the endpoint says it.
    """

    text: str
    latency_seconds: float
    completion_tokens: int | None = None
    prompt_tokens: int | None = None
    reasoning: str = ""


class ChatModel:
    """A chat model; safe to ask from several threads.

    Args:
        model: Name, URL and sampling parameters.
        credentials: API key and certificates, where the model needs them.
        timeout: Seconds the model may stay silent.
        retries: Attempts after the first when it is unreachable or overloaded.
        pause: Lets seconds pass between attempts.

    Raises:
        ConfigurationError: The model has no URL, or one that is none.
    """

    def __init__(
        self,
        model: ModelConfig,
        *,
        credentials: ModelCredentials | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = chat_url(model)
        parts = urlsplit(self.url)
        self._path = parts.path
        self._query = dict(parse_qsl(urlsplit(model.url or "").query))
        self._body: dict[str, Any] = {**_SAMPLING, **(model.parameters or {}), "model": model.name}
        # Each attempt may take all of its time, and each pause its longest.
        self._policy = Policy(
            retries=retries,
            max_delay=_LONGEST_PAUSE,
            budget=(retries + 1) * (timeout + _LONGEST_PAUSE),
            also=_OFTEN_PASSES,
        )
        identity = Identity(
            f"{parts.scheme}://{parts.netloc}",
            token=Token(credentials.api_key if credentials else None),
            ca_bundle=credentials.ca_cert_path if credentials else None,
        )
        self._driver = Driver(identity, timeout=timeout, pause=pause)

    def ask(self, messages: Sequence[Mapping[str, Any]]) -> ChatReply:
        """Return the model's answer to a conversation.

        Raises:
            BenchmarkError: It could not be had; the message names the URL.
        """
        # A parameter set to null is left to the endpoint: some refuse the usual names.
        body = {name: value for name, value in self._body.items() if value is not None}
        body["messages"] = list(messages)
        call = Call("POST", self._path, params=self._query, json=body, repeatable=True)
        started = time.perf_counter()
        try:
            answer = read_chat(_parsed(self._driver.run(send(call, self._policy))))
        except TransportError as error:
            raise BenchmarkError(
                f"the model at {self.url} cannot be reached: {error.__cause__ or error}",
                code="model_unreachable",
                retryable=True,
            ) from error
        except APIError as error:
            raise BenchmarkError(
                f"the model at {self.url} answered {error.status}: {error.message}",
                code="model_refused_request",
                retryable=isinstance(error, (RateLimitError, ServerError)),
            ) from error
        except BenchmarkError as error:
            raise BenchmarkError(f"{self.url}: {error.message}", code=error.code) from None
        return ChatReply(
            text=answer.text,
            latency_seconds=time.perf_counter() - started,
            completion_tokens=answer.output_tokens,
            prompt_tokens=answer.input_tokens,
            reasoning=answer.reasoning,
        )

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def chat_url(model: ModelConfig) -> str:
    """Return the address of a model's chat endpoint.

    The URL of a model may name the server (`http://host:8000`), its API (`.../v1`) or the
    endpoint itself.

    Raises:
        ConfigurationError: The model has no URL, or one that is none.
    """
    if not model.url:
        raise ConfigurationError(f"model {model.name!r} has no url; this adapter asks it over HTTP")
    parts = urlsplit(model.url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"model url {model.url!r} needs a scheme and a host: http://HOST:PORT/v1"
        )
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        has_version = any(re.fullmatch(r"v\d\w*", segment) for segment in path.split("/"))
        path += "/chat/completions" if has_version else "/v1/chat/completions"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _parsed(reply: Reply) -> Any:
    try:
        return json.loads(reply.content)
    except ValueError:
        return None
