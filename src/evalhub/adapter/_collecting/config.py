"""What to ask, of whom, and how."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, Field, model_validator

from evalhub.errors import ConfigurationError
from evalhub.models._base import Model
from evalhub.models._problems import validated

__all__ = ["CollectedRecord", "CollectionManifest", "CollectorConfig", "CollectorProtocol"]

PARAMETER = "live_collection"
"""The benchmark parameter that configures a collection."""


class CollectorProtocol(StrEnum):
    """How the endpoint is asked."""

    OPENAI_CHAT = "openai_chat_completions"
    GENERIC_HTTP = "generic_http"


def _address(url: str) -> str:
    url = url.strip()
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    # Without the URL, which may hold a password.
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL with a scheme and a host, as in https://HOST/v1")
    return url.rstrip("/")


class CollectorConfig(Model):
    """How to collect the answers to a file of questions."""

    _identified_by = ("protocol", "model", "questions_path", "output_dir")

    questions_path: Path
    output_dir: Path
    """Where `responses.jsonl` and `manifest.json` go."""

    endpoint_url: Annotated[str, AfterValidator(_address)]
    """Of a chat endpoint `https://HOST/v1`, to which `/chat/completions` is added."""

    protocol: CollectorProtocol = CollectorProtocol.OPENAI_CHAT
    question_column: str = "question"
    id_column: str = "id"
    model: str | None = None
    """Required by chat endpoints."""

    system_prompt: str | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict[str, Any])
    """More for the body of a chat request, such as `temperature`."""

    request_template: dict[str, Any] | None = None
    """Body of a generic request; `{question}` and `{question_id}` are replaced."""

    response_path: str | None = None
    """Where the answer is in a generic response, as in `result.answers.0`."""

    extra_response_paths: dict[str, str] | None = None
    """More columns of the output, each from a path in the response."""

    api_key_env: str | None = None
    """The environment variable with the key; it wins over the model's credentials."""

    request_headers: dict[str, str] = Field(default_factory=dict[str, str])
    """They win over both."""

    use_model_credentials: bool = True
    ca_bundle: Path | None = None
    insecure: bool = False
    fail_fast: bool = False
    """Whether the first question without an answer ends the collection."""

    timeout_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    max_retries: int = Field(default=0, ge=0)
    """After 429, 5xx and errors of the connection."""

    retry_backoff_seconds: float = Field(default=0.25, ge=0, allow_inf_nan=False)
    max_retry_backoff_seconds: float = Field(default=5.0, ge=0, allow_inf_nan=False)
    concurrency: int = Field(default=8, ge=1)
    """How many questions are asked at a time."""

    resume: bool = True
    """Whether answers of an earlier run, to the same questions in the same way, are kept."""

    @model_validator(mode="after")
    def _has_what_the_protocol_needs(self) -> Self:
        if self.protocol is CollectorProtocol.OPENAI_CHAT:
            if not self.model:
                raise ValueError(f"protocol {self.protocol} needs a model")
        elif self.request_template is None or not self.response_path:
            raise ValueError(f"protocol {self.protocol} needs request_template and response_path")
        return self

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Read the configuration from a benchmark's parameters.

        Raises:
            ConfigurationError: `live_collection` is missing or invalid.
        """
        given = parameters.get(PARAMETER)
        if not isinstance(given, Mapping):
            raise ConfigurationError(f"the parameter {PARAMETER!r} is missing, or is no object")
        return validated(cls, dict(cast("Mapping[str, Any]", given)), PARAMETER)

    @property
    def public_url(self) -> str:
        """The URL without user, password and query: those may be secrets."""
        parts = urlsplit(self.endpoint_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")

    @property
    def request_path(self) -> str:
        """The path of a request."""
        path = urlsplit(self.endpoint_url).path.rstrip("/")
        if self.protocol is CollectorProtocol.OPENAI_CHAT:
            path = path.removesuffix("/chat/completions") + "/chat/completions"
        return path or "/"

    @property
    def query(self) -> dict[str, str]:
        """The query of a request, such as the version of an API."""
        return dict(parse_qsl(urlsplit(self.endpoint_url).query, keep_blank_values=True))

    @property
    def fingerprint(self) -> str:
        """A digest of what an answer depends on, besides the question; no secret is in it."""
        asked = self.model_dump(
            mode="json",
            include={
                "protocol", "model", "system_prompt", "extra_body", "request_template",
                "response_path", "extra_response_paths",
            },
        )  # fmt: skip
        text = json.dumps([self.public_url, asked], sort_keys=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class CollectedRecord(BaseModel):
    """What the endpoint said to one question."""

    source_fields: dict[str, Any] = Field(default_factory=dict[str, Any])
    response: str | None = None
    extra_fields: dict[str, Any] = Field(default_factory=dict[str, Any])
    raw_response: Any = None
    error: str | None = None
    """Why there is no answer."""

    latency_ms: float | None = None
    """From asking to the whole answer, retries included."""

    error_cause: Any = Field(default=None, exclude=True, repr=False)


class CollectionManifest(BaseModel):
    """How a collection went: the content of `manifest.json`."""

    created_at: datetime
    experimental: bool = True
    protocol: str
    endpoint_url: str
    model: str | None = None
    questions_path: str
    output_path: str
    total: int
    completed: int
    """Questions with an answer."""

    failed: int
    reused: int = 0
    """Answers that an earlier run had collected."""

    fingerprint: str | None = None
    """A digest of the configuration that the answers depend on."""
