"""Ask the endpoint one question."""

from __future__ import annotations

import json
import logging
import os
import time
from base64 import b64encode
from math import inf
from threading import Event
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from evalhub.adapter._collecting.borrowed import Borrowed
from evalhub.adapter._collecting.config import CollectedRecord, CollectorProtocol
from evalhub.adapter._collecting.questions import LiveQuestion
from evalhub.adapter._collecting.templates import extract_by_path, substitute_template
from evalhub.errors import (
    BenchmarkError,
    ConfigurationError,
    EvalHubError,
    JobSpecError,
)
from evalhub.wire.drive import Driver
from evalhub.wire.flow import Call, Reply
from evalhub.wire.identity import Identity
from evalhub.wire.send import Policy, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evalhub.adapter._collecting.config import CollectorConfig
    from evalhub.adapter.credentials import ModelCredentials

__all__ = ["Asker", "without"]

logger = logging.getLogger(__name__)

_SERVER_ERRORS = frozenset(range(500, 600))
_SHORTEST_SECRET = 6
"""Shorter texts would be found in answers by chance."""

_NO_SECRETS = frozenset({"accept", "content-type", "user-agent"})


class Asker:
    """Asks questions; safe to use from several threads.

    Args:
        config: The endpoint.
        client: An HTTP client with `post`, as httpx's, in place of our own.
        credentials: The key and the certificates, unless the job's are to be used.
        pause: Lets seconds pass between attempts.

    Raises:
        ConfigurationError: The key's variable is not set, or a header or certificate is invalid.
    """

    def __init__(
        self,
        config: CollectorConfig,
        *,
        client: Any = None,
        credentials: ModelCredentials | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self._config = config
        self._closed = Event()
        pause = pause or self._closed.wait  # Ctrl-C need not wait for a retry
        if credentials is None and config.use_model_credentials:
            credentials = _of_job()
        self._headers = _headers(config, credentials)
        if config.protocol is CollectorProtocol.GENERIC_HTTP:
            self._body(LiveQuestion(question=""))  # a wrong template is found out at once
        parts = urlsplit(config.endpoint_url)
        base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._policy = Policy(
            retries=config.max_retries,
            first_delay=config.retry_backoff_seconds,
            max_delay=config.max_retry_backoff_seconds,
            budget=inf,
            also=_SERVER_ERRORS,
        )
        if client is not None:
            self._driver: Driver | Borrowed = Borrowed(client, base, config, pause)
            return
        identity = Identity(
            base,
            ca_bundle=config.ca_bundle or (credentials.ca_cert_path if credentials else None),
            insecure=config.insecure,
        )
        self._driver = Driver(identity, timeout=config.timeout_seconds, pause=pause)

    @property
    def secrets(self) -> list[str]:
        """What must not be in any file, should the endpoint repeat it."""
        found = [
            value.rpartition(" ")[2]
            for name, value in self._headers.items()
            if name.lower() not in _NO_SECRETS
        ]
        parts = urlsplit(self._config.endpoint_url)
        found += [*self._config.query.values(), unquote(parts.password or "")]
        return [secret for secret in found if len(secret) >= _SHORTEST_SECRET]

    def ask(self, question: LiveQuestion) -> CollectedRecord:
        """Return what the endpoint answers, or why it does not."""
        record = CollectedRecord(source_fields=question.source_row)
        started = time.perf_counter()
        try:
            call = Call(
                "POST",
                self._config.request_path,
                params=self._config.query,
                json=self._body(question),
                headers=self._headers,
                repeatable=True,
            )
            reply = self._driver.run(send(call, self._policy))
            record.latency_ms = (time.perf_counter() - started) * 1000
            record.raw_response = _parsed(reply)
            paths = self._config.extra_response_paths or {}
            record.extra_fields = {
                name: extract_by_path(record.raw_response, path) for name, path in paths.items()
            }
            record.response = self._answer(record.raw_response)
        except EvalHubError as error:
            record.latency_ms = (time.perf_counter() - started) * 1000
            record.error, record.error_cause = without(str(error), self.secrets), error
        return record

    def close(self) -> None:
        """Close the connections; a question that waits for another attempt gets none."""
        self._closed.set()
        self._driver.close()

    def _body(self, question: LiveQuestion) -> dict[str, Any]:
        config = self._config
        if config.protocol is CollectorProtocol.GENERIC_HTTP:
            known = {
                "question": question.question,
                "question_id": question.question_id or "",
            }
            return cast("dict[str, Any]", substitute_template(config.request_template, known))
        messages = [{"role": "user", "content": question.question}]
        if config.system_prompt:
            messages.insert(0, {"role": "system", "content": config.system_prompt})
        return {**config.extra_body, "model": config.model, "messages": messages}

    def _answer(self, said: Any) -> str:
        if self._config.protocol is CollectorProtocol.GENERIC_HTTP:
            path = self._config.response_path or ""
            found = extract_by_path(said, path)
            if found is None:
                raise _unanswered(f"the response has nothing at {path!r}")
            return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        found = extract_by_path(said, "choices.0.message.content")
        if isinstance(found, str):
            return found  # reasoning included: the record is of what was said
        from evalhub.adapter.endpoint import read_chat

        if text := read_chat(said).text:
            return text
        raise _unanswered("the model said nothing")


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text with the secrets in it replaced."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _of_job() -> ModelCredentials | None:
    """Return the credentials of the job's model, where this process can use them."""
    from evalhub.adapter.credentials import resolve_model_credentials
    from evalhub.settings import AdapterSettings, EvalHubMode

    if AdapterSettings.from_env().mode is EvalHubMode.K8S:
        logger.warning(
            "in a cluster the model's key is known to the sidecar alone, and the collector does "
            "not go through it; give api_key_env or request_headers, or set "
            "use_model_credentials to false"
        )
        return None
    try:
        return resolve_model_credentials()
    except JobSpecError:
        return None  # a script of its own, without a job


def _headers(config: CollectorConfig, credentials: ModelCredentials | None) -> dict[str, str]:
    """Return the headers of a request; the later of two sources wins."""
    headers: dict[str, str] = {}
    parts = urlsplit(config.endpoint_url)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    if credentials and credentials.api_key:
        headers["Authorization"] = f"Bearer {credentials.api_key}"
    if config.api_key_env:
        key = os.environ.get(config.api_key_env, "").strip()
        if not key:
            raise ConfigurationError(
                f"api_key_env names the environment variable {config.api_key_env}, which is not set"
            )
        headers["Authorization"] = f"Bearer {key}"
    if any(name.lower() == "authorization" for name in config.request_headers):
        headers.clear()
    headers |= config.request_headers
    for name, value in headers.items():
        if not (name.isascii() and value.isascii() and (value + name).isprintable()):
            raise ConfigurationError(
                f"the header {name!r} contains characters that are not allowed in a header"
            )
    return headers


def _parsed(reply: Reply) -> Any:
    try:
        return json.loads(reply.content)
    except ValueError:
        raise _unanswered("the endpoint does not answer with JSON") from None


def _unanswered(reason: str) -> BenchmarkError:
    return BenchmarkError(reason, code="model_response_invalid")
