"""Reach an MLflow server: address, credentials, workspace, and answers as JSON or exceptions."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from evalhub.errors import ConfigurationError, MLflowAPIError
from evalhub.wire.flow import Call, Flow, Read, Reply
from evalhub.wire.identity import Identity, Token
from evalhub.wire.send import Policy, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evalhub.settings import MlflowSettings
    from evalhub.wire.drive import Driver

__all__ = ["NOT_MLFLOW", "Connection", "Connector", "Given", "identify"]

NOT_MLFLOW = "NOT_MLFLOW"
"""Error code of an answer that is not MLflow's: a login page, a gateway, another service."""

_REDIRECTS = range(300, 400)
_RETRIES = 2
_UPLOAD_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a client was given; what is `None` comes from the environment."""

    tracking_uri: str | None = None
    token: str | None = None
    token_path: str | Path | None = None
    headers: Mapping[str, str] | None = None
    insecure: bool | None = None
    ca_bundle: str | Path | None = None


def identify(given: Given, settings: MlflowSettings) -> tuple[Identity, dict[str, str]]:
    """Return the identity and the headers of requests.

    A token or a login that was given wins over the variables; of these a login wins over a
    token, as in MLflow's own client.

    Raises:
        ConfigurationError: There is no address, it is not an http(s) URL, or a header has
            characters that are not allowed in one.
    """
    address = given.tracking_uri or settings.tracking_uri
    if not address:
        raise ConfigurationError("no MLflow server: set MLFLOW_TRACKING_URI")
    bare, login = _without_login(address.strip().rstrip("/"))
    token, path = given.token, given.token_path
    if token is None and path is None:
        login = login or settings.login
        if login is None:
            token, path = settings.token_value, settings.token_path
    headers = {"X-MLFLOW-WORKSPACE": settings.workspace} if settings.workspace else {}
    if login is not None and token is None and path is None:
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    headers = _merged(headers, given.headers or {})
    bundle = given.ca_bundle or settings.ca_bundle
    identity = Identity(
        base_url=bare,
        token=Token(token, path=Path(path) if path else None),
        # In a pod the variable names a file for the sidecar's target, which need not exist here.
        ca_bundle=Path(bundle) if bundle and bare.startswith("https:") else None,
        insecure=settings.insecure if given.insecure is None else given.insecure,
    )
    return identity, headers


def _merged(ours: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    # One spelling of each name, so that a later one replaces an earlier one.
    headers = {name.title(): value for name, value in [*ours.items(), *given.items()]}
    for name, value in headers.items():
        # Without the value: it may be a secret.
        if not (f"{name}{value}".isascii() and f"{name}{value}".isprintable()):
            raise ConfigurationError(f"{name!r} has characters that are not allowed in a header")
    return headers


def _without_login(address: str) -> tuple[str, str | None]:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"MLFLOW_TRACKING_URI has the scheme {parts.scheme!r}; the odh backend needs an "
            "http(s) server, EVALHUB_MLFLOW_BACKEND=upstream takes a database as well"
        )
    login, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), unquote(login) or None


class Connection:
    """Sends calls to one server; connects with the first one."""

    def __init__(
        self,
        identity: Identity,
        headers: Mapping[str, str],
        *,
        timeout: float,
        until: float = inf,
        connect: Connector | None = None,
    ) -> None:
        self.identity = identity
        self._headers = dict(headers)
        self._timeout = timeout
        self._policy = Policy(retries=_RETRIES, budget=timeout, until=until)
        self._connect = connect or _driver
        self._open: Driver | None = None

    def json(self, call: Call, *, until: float = inf) -> dict[str, Any]:
        """Send a call and return the JSON object in its answer.

        Content that is not JSON has more time: a server may store a file before it answers.

        Raises:
            MLflowAPIError: The server returned an error, or is not MLflow.
            TransportError: There was no answer.
        """
        policy = replace(self._policy, until=min(until, self._policy.until))
        return self._driver.run(_object(self._prepared(call), policy))

    def download(self, call: Call, target: Path) -> None:
        """Send a call and write its answer to a file, piece by piece."""
        with target.open("wb") as file:
            call = replace(self._prepared(call), stream=True)
            self._driver.run(_copied(call, self._policy, file.write))

    def close(self) -> None:
        """Close the connections; the next call opens them again."""
        driver, self._open = self._open, None
        if driver is not None:
            driver.close()

    @property
    def _driver(self) -> Driver:
        if self._open is None:
            self._open = self._connect(self.identity)
        return self._open

    def _prepared(self, call: Call) -> Call:
        timeout = self._timeout if call.content is None else max(self._timeout, _UPLOAD_TIMEOUT)
        return replace(call, headers={**call.headers, **self._headers}, timeout=timeout)


def _driver(identity: Identity) -> Driver:
    from evalhub.wire.drive import Driver

    return Driver(identity, timeout=_UPLOAD_TIMEOUT)


def _object(call: Call, policy: Policy) -> Flow[dict[str, Any]]:
    reply: Reply = yield from exchange(call, policy)
    found = _parsed(reply)
    if reply.is_success and found is not None:
        return found
    raise _refusal(reply, found)


def _copied(call: Call, policy: Policy, write: Callable[[bytes], object]) -> Flow[None]:
    reply: Reply = yield from exchange(call, policy)
    if not reply.is_success:
        raise _refusal(reply, _parsed(reply))
    while piece := (yield Read()):
        write(piece)


def _parsed(reply: Reply) -> dict[str, Any] | None:
    try:
        parsed: Any = json.loads(reply.content or b"{}")
    except ValueError:
        return None
    return cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else None


def _refusal(reply: Reply, found: dict[str, Any] | None) -> MLflowAPIError:
    if found is not None and "error_code" in found:
        return MLflowAPIError(reply.status, str(found["error_code"]), str(found.get("message", "")))
    if reply.status in _REDIRECTS:
        # Without the query: a login page is told much in it.
        location = reply.headers.get("location", "elsewhere").partition("?")[0]
        return MLflowAPIError(
            reply.status, NOT_MLFLOW, f"{reply.url} redirects to {location}, as to a login page"
        )
    if reply.is_success:
        return MLflowAPIError(
            reply.status, NOT_MLFLOW, f"{reply.url} did not answer in JSON, as MLflow does"
        )
    text = " ".join(reply.content[:200].decode(errors="replace").split())
    plain = "" if "<" in text else text
    return MLflowAPIError(reply.status, None, f"{reply.url}: {plain or 'no message'}")


if TYPE_CHECKING:
    Connector = Callable[[Identity], Driver]
