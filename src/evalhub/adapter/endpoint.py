"""Where a model is and how each framework wants to be told.

    model = config.endpoint()
    model.check()
    run_command([...], env=model.env())

Frameworks want the same thing in different forms: with and without `/v1`, as a chat URL, as
environment variables, with a key even where none is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from evalhub.adapter.credentials import read_model_auth_key, resolve_model_credentials
from evalhub.errors import (
    APIError,
    AuthenticationError,
    BenchmarkError,
    ConfigurationError,
    PermissionDeniedError,
    TransportError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from evalhub.models.spec import JobSpec
    from evalhub.wire.drive import Transport
    from evalhub.wire.flow import Flow, Reply

__all__ = ["ChatAnswer", "Endpoint", "endpoint", "read_chat"]

PLACEHOLDER_KEY = "none"
"""What a framework is given that insists on a key where the model needs none."""

_URLS = ("url", "base_url", "api_base", "model_url")
_NAMES = ("name", "model", "model_name", "id")
_ENDPOINTS = ("/chat/completions", "/completions", "/embeddings", "/responses")
_NOT_SERVED = frozenset({400, 404, 422})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible model: its name, its URLs, its key."""

    name: str
    """The model's name at the endpoint."""

    url: str
    """Base URL of the API, version included: `http://host:8000/v1`."""

    key: SecretStr | None = field(default=None, repr=False)
    """To be sent as `Authorization: Bearer`; in a cluster a reference, replaced on the way."""

    query: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the URL asked for behind `?`, such as an API version."""

    extra_headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    ca_path: Path | None = None
    """Certificates to trust when talking to the model."""

    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Sampling parameters of the job's model."""

    @property
    def server_url(self) -> str:
        """The URL without the version, for frameworks that add it."""
        return re.sub(r"/v\d\w*$", "", self.url)

    @property
    def chat_url(self) -> str:
        """The URL of chat completions."""
        return f"{self.url}/chat/completions"

    @property
    def completions_url(self) -> str:
        """The URL of text completions."""
        return f"{self.url}/completions"

    @property
    def api_key(self) -> str:
        """The key, or a placeholder where the model needs none: many frameworks insist on one."""
        return self.key.get_secret_value() if self.key else PLACEHOLDER_KEY

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request."""
        headers = dict(self.extra_headers)
        if self.key:
            headers["Authorization"] = f"Bearer {self.key.get_secret_value()}"
        return headers

    def env(self, prefix: str = "OPENAI") -> dict[str, str]:
        """Return the variables by which a framework in another process is told.

        Args:
            prefix: What `_API_KEY` and `_BASE_URL` are put behind.
        """
        variables = {f"{prefix}_API_KEY": self.api_key, f"{prefix}_BASE_URL": self.url}
        if prefix == "OPENAI":
            variables["OPENAI_API_BASE"] = self.url  # what releases before 1.0 read
        if self.ca_path:
            names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
            variables |= dict.fromkeys(names, str(self.ca_path))
        return variables

    def check(self, *, timeout: float = 10.0, transport: Transport | None = None) -> None:
        """Ask the endpoint whether it serves the model, before an hour is spent on finding out.

        Args:
            timeout: Seconds the endpoint may stay silent.
            transport: In place of the network, for tests.

        Raises:
            BenchmarkError: It cannot be reached, refuses the key, or does not serve the model.
        """
        from evalhub.wire.drive import Driver
        from evalhub.wire.identity import Identity, Token

        parts = urlsplit(self.url)
        identity = Identity(
            f"{parts.scheme}://{parts.netloc}",
            token=Token(self.key.get_secret_value() if self.key else None),
            ca_bundle=self.ca_path,
        )
        driver = Driver(identity, timeout=timeout, transport=transport)
        try:
            driver.run(self._check(parts.path))
        except TransportError as error:
            cause = error.__cause__ or error
            raise BenchmarkError(
                f"the model at {self.url} cannot be reached: {cause}",
                code="model_unreachable",
                retryable=True,
            ) from error
        except (AuthenticationError, PermissionDeniedError) as error:
            key = "the key it was given" if self.key else "a request without a key"
            raise BenchmarkError(
                f"the model at {self.url} refuses {key}: {error.status} {error.message}",
                code="model_refused_key",
            ) from error
        except APIError as error:
            raise BenchmarkError(
                f"the model at {self.url} answered {error.status}: {error.message}",
                code="model_refused_request",
                retryable=error.status >= 500,  # noqa: PLR2004 - the class of server errors
            ) from error
        finally:
            driver.close()

    def _check(self, path: str) -> Flow[None]:
        from evalhub.wire.flow import Call
        from evalhub.wire.send import Policy, exchange, send

        once = Policy(retries=0)
        listed = Call("GET", f"{path}/models", params=self.query, headers=self.extra_headers)
        served = _served((yield from exchange(listed, once)))
        if self.name in served:
            return
        # Some servers list no models, or another name than the one they answer to: ask it.
        call = Call(
            "POST",
            f"{path}/chat/completions",
            params=self.query,
            headers=self.extra_headers,
            json={
                "model": self.name,
                "messages": [{"role": "user", "content": "1"}],
                "max_tokens": 1,
            },
        )
        try:
            yield from send(call, once)
        except APIError as error:
            if error.status not in _NOT_SERVED or not served:
                raise
            raise BenchmarkError(
                f"the model at {self.url} is not {self.name!r}; it serves {', '.join(served)}",
                code="model_not_served",
            ) from error


def endpoint(spec: JobSpec, role: str = "model") -> Endpoint:
    """Return the endpoint of the job's model, or of another model that the parameters name.

    A judge, an attacker and the like are parameters of the benchmark: an object
    (`judge: {name, url}`) or names of their own (`judge_model`, `judge_url`). What they leave out
    is the job model's. Their key is `judge-api-key` (or `judge_api-key`) in the model's secret,
    else the model's own where it is the same server. `JobSpec.endpoint` is the same as a method.

    Args:
        spec: The job.
        role: `model`, or what the parameters call the other model: `judge`, `attacker`, ...

    Raises:
        ConfigurationError: There is no URL or it is none, or the parameters name no such model.
    """
    own = _own(spec)
    if role == "model":
        return own
    given = _given(spec.parameters, role)
    if not given:
        raise ConfigurationError(
            f"the parameters name no {role}; give {role}: {{name, url}}, or {role}_model"
        )
    name = next((str(given[key]) for key in _NAMES if given.get(key)), own.name)
    address = next((str(given[key]) for key in _URLS if given.get(key)), own.url)
    url, query = _normal(address, role)
    key = _key(spec, f"{role}-api-key", f"{role}_api-key", f"{role}_api_key")
    if key is None and urlsplit(url).netloc == urlsplit(own.url).netloc:
        key = own.key
    parameters: Mapping[str, Any] = given.get("parameters") or {}
    return Endpoint(
        name=name, url=url, query=query, key=key, ca_path=own.ca_path, parameters=parameters
    )


def _own(spec: JobSpec) -> Endpoint:
    if not spec.model.url:
        raise ConfigurationError(
            f"model {spec.model.name!r} has no url; this adapter asks it over HTTP"
        )
    url, query = _normal(spec.model.url, "model")
    credentials = resolve_model_credentials() if spec.model.auth else None
    key = credentials.api_key if credentials else None
    return Endpoint(
        name=spec.model.name,
        url=url,
        query=query,
        key=SecretStr(key) if key else None,
        ca_path=credentials.ca_cert_path if credentials else None,
        parameters=spec.model.parameters or {},
    )


def _normal(url: str, role: str) -> tuple[str, dict[str, str]]:
    """Return the base URL with its version, whichever form was given, and the query."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            f"{role} url {url!r} needs a scheme and a host: http://HOST:PORT/v1"
        )
    path = parts.path.rstrip("/")
    for ending in _ENDPOINTS:
        path = path.removesuffix(ending)
    if not any(re.fullmatch(r"v\d\w*", segment) for segment in path.split("/")):
        path += "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}", dict(parse_qsl(parts.query))


def _given(parameters: Mapping[str, Any], role: str) -> dict[str, Any]:
    whole = parameters.get(role)
    if isinstance(whole, Mapping):
        return dict(cast("Mapping[str, Any]", whole))
    flat = {
        key: parameters[f"{role}_{key}"]
        for key in (*_URLS, *_NAMES)
        if f"{role}_{key}" in parameters
    }
    if isinstance(whole, str):
        flat.setdefault("name", whole)
    return flat


def _key(spec: JobSpec, *names: str) -> SecretStr | None:
    found = map(read_model_auth_key, names if spec.model.auth else ())
    value = next((one for one in found if one), None)
    return SecretStr(value) if value else None


def _served(reply: Reply) -> list[str]:
    """Return the names in a list of models; none where the server has no such list."""
    from evalhub.wire.answer import exception_for
    from evalhub.wire.flow import Call

    if reply.status in (401, 403):
        raise exception_for(Call("GET", "/models"), reply, 0.0)
    try:
        listed: Any = json.loads(reply.content)["data"] if reply.is_success else []
        return [str(one["id"]) for one in listed]
    except (ValueError, LookupError, TypeError):
        return []


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a chat model said, in whichever form its server puts it."""

    text: str
    """Its words, reasoning apart; empty if it said nothing."""

    reasoning: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    finish_reason: str | None = None
    tool_calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def read_chat(completion: Any) -> ChatAnswer:
    """Return what a chat completion says.

    Servers differ: `content` is text, a list of parts or null; reasoning stands beside it or
    inside it; a refusal has a field of its own; an error may come with status 200.

    Raises:
        BenchmarkError: It is an error, or no chat completion.
    """
    match completion:
        case {"error": error} if error:
            detail = _message_of(error)
            raise BenchmarkError(f"the model answered with an error: {detail}", code="model_error")
        case {"choices": [{"message": {} as message} as choice, *_]}:
            usage: Mapping[str, Any] = completion.get("usage") or {}
            said = cast("Mapping[str, Any]", message)
            inside, text = _thought(_text(said.get("content")))
            beside = _text(said.get("reasoning_content") or said.get("reasoning"))
            return ChatAnswer(
                text=text or _text(said.get("refusal")),
                reasoning=beside or inside,
                input_tokens=usage.get("prompt_tokens"),
                output_tokens=usage.get("completion_tokens"),
                finish_reason=choice.get("finish_reason"),
                tool_calls=said.get("tool_calls") or [],
            )
        case _:
            raise BenchmarkError(
                "the model does not answer as an OpenAI-compatible chat endpoint does",
                code="model_response_invalid",
            )


def _message_of(error: Any) -> Any:
    return (
        cast("Mapping[str, Any]", error).get("message", error)
        if isinstance(error, Mapping)
        else error
    )


def _text(content: Any) -> str:
    match content:
        case str():
            return content
        case list():
            return "".join(_text(part) for part in cast("list[object]", content))
        case {"text": str(text)} | {"refusal": str(text)} | {"text": {"value": str(text)}}:
            return text
        case _:
            return ""


def _thought(text: str) -> tuple[str, str]:
    """Part reasoning that stands inside a reply from the reply."""
    before, closed, after = text.rpartition("</think>")
    if closed:
        return before.replace("<think>", "").strip(), after.strip()
    said, opened, thought = text.partition("<think>")
    # Cut off while thinking: nothing has been said yet.
    return (thought.strip(), said.strip()) if opened else ("", text)
