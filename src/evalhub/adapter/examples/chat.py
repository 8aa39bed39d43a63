"""Ask a model through an OpenAI-compatible chat endpoint."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, Field

from evalhub.errors import (
    APIError,
    BenchmarkError,
    ConfigurationError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
)
from evalhub.wire.drive import Driver
from evalhub.wire.flow import Call
from evalhub.wire.identity import Identity, Token
from evalhub.wire.send import Policy, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evalhub.adapter.credentials import ModelCredentials
    from evalhub.adapter.examples.prompts import Message
    from evalhub.models.spec import ModelConfig

__all__ = ["ChatModel", "ChatReply", "chat_url"]

_LONGEST_PAUSE = 30.0

_SAMPLING = {"temperature": 0, "max_tokens": 256}
"""One most likely answer, so that an evaluation can be repeated; `model.parameters` overrides."""


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What the model said.

    Attributes:
        text: Its words; empty if it said nothing.
        latency_seconds: From asking to the whole answer, retries included.
        completion_tokens: Length of the answer, where the endpoint says it.
    """

    text: str
    latency_seconds: float
    completion_tokens: int | None = None


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
        )
        identity = Identity(
            f"{parts.scheme}://{parts.netloc}",
            token=Token(credentials.api_key if credentials else None),
            ca_bundle=credentials.ca_cert_path if credentials else None,
        )
        self._driver = Driver(identity, timeout=timeout, pause=pause)

    def ask(self, messages: Sequence[Message]) -> ChatReply:
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
            completion = self._driver.run(fetch(_Completion, call, self._policy))
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
        except ResponseError as error:
            raise BenchmarkError(
                f"the model does not answer as an OpenAI-compatible chat endpoint does: {error}",
                code="model_response_invalid",
            ) from error
        return ChatReply(
            text=completion.choices[0].message.said,
            latency_seconds=time.perf_counter() - started,
            completion_tokens=completion.usage.completion_tokens if completion.usage else None,
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


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None

    @property
    def said(self) -> str:
        # A model that refuses may say so in a field of its own.
        return self.content or self.refusal or ""


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    completion_tokens: int | None = None


class _Completion(BaseModel):
    """As much of a chat completion as is used here."""

    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None
