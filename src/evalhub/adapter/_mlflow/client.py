"""A client of MLflow's REST interface on this package's own transport."""

from __future__ import annotations

import base64
import json
import mimetypes
import time
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import unquote, urlsplit, urlunsplit

from evalhub.adapter._mlflow.names import artifact_root, artifact_segments, metric_value
from evalhub.adapter._mlflow.records import Experiment, Metric, MLflowAPIError, Param, RunInfo
from evalhub.errors import ConfigurationError
from evalhub.wire.flow import Call, Flow, Reply
from evalhub.wire.identity import Identity, Token
from evalhub.wire.send import Policy, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from evalhub.wire.drive import Driver

__all__ = ["MlflowClient"]

_API = "/api/2.0/mlflow"
_METRICS, _OTHERS = 1000, 100
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_EXISTS = "RESOURCE_ALREADY_EXISTS"


class MlflowClient:
    """Talks to an MLflow tracking server; what is not given is read from the environment.

    Args:
        tracking_uri: The server; `MLFLOW_TRACKING_URI`.
        token: Bearer token; `MLFLOW_TRACKING_TOKEN`.
        token_path: File with the token, read again when it changes; wins over the variables.
        headers: Headers of each request; they win over all others.
        insecure: Whether not to verify certificates.
        timeout: Seconds for a request.
        ca_bundle: Certificates to trust.

    Raises:
        ConfigurationError: There is no address, or it is not an http(s) URL.
    """

    def __init__(  # noqa: PLR0913 - the published signature
        self,
        tracking_uri: str | None = None,
        token: str | None = None,
        token_path: str | Path | None = None,
        headers: Mapping[str, str] | None = None,
        insecure: bool | None = None,
        timeout: float = 30.0,
        ca_bundle: str | Path | None = None,
        *,
        until: float = inf,
        connect: Callable[[Identity], Driver] | None = None,
    ) -> None:
        from evalhub.settings import MlflowSettings

        settings = MlflowSettings.from_env()
        address = tracking_uri or settings.tracking_uri
        if not address:
            raise ConfigurationError("no MLflow server: set MLFLOW_TRACKING_URI")
        if token is None and token_path is None:
            token, token_path = settings.token_value, settings.token_path
        bare, login = _without_login(address.rstrip("/"))
        login = login or settings.login
        basic = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None
        self.tracking_uri, self.timeout = bare, timeout
        self._headers = {
            **({"X-MLFLOW-WORKSPACE": settings.workspace} if settings.workspace else {}),
            **({"Authorization": basic} if basic else {}),
            **(headers or {}),
        }
        bundle = ca_bundle or settings.ca_bundle
        self._identity = Identity(
            base_url=bare,
            token=Token(token, path=Path(token_path) if token_path else None),
            ca_bundle=Path(bundle) if bundle else None,
            insecure=settings.insecure if insecure is None else insecure,
        )
        self._policy = Policy(retries=2, budget=timeout, until=until)
        self._connect = connect or _connect
        self._driver: Driver | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.close()

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return an experiment, or `None` if there is none of this name."""
        try:
            found = self._get("/experiments/get-by-name", experiment_name=name)
        except MLflowAPIError as error:
            if error.error_code == _MISSING:
                return None
            raise
        e = found["experiment"]
        tags = {tag["key"]: tag["value"] for tag in e.get("tags", ())}
        return Experiment(
            e["experiment_id"],
            e["name"],
            e.get("artifact_location", ""),
            e.get("lifecycle_stage", "active"),
            tags,
        )

    def create_experiment(self, name: str) -> str:
        """Make an experiment and return its id."""
        return str(self._post("/experiments/create", name=name)["experiment_id"])

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of the experiment of this name; make it if there is none."""
        found = self.get_experiment_by_name(name)
        if found is None:
            try:
                return self.create_experiment(name)
            except MLflowAPIError as error:
                found = self.get_experiment_by_name(name) if error.error_code == _EXISTS else None
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise ConfigurationError(
                f"the MLflow experiment {name!r} is deleted; restore it, or name another one"
            )
        return found.experiment_id

    def find_run(self, experiment_id: str, tag: str, value: str) -> RunInfo | None:
        """Return the newest active run that has this tag; its value has no quotation marks."""
        found = self._post(
            "/runs/search",
            experiment_ids=[experiment_id],
            filter=f"tags.`{tag}` = '{value}'",
            max_results=1,
        )
        return next((_run(run) for run in found.get("runs", ())), None)

    def create_run(
        self,
        experiment_id: str,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> RunInfo:
        """Start a run."""
        body: dict[str, Any] = {"experiment_id": experiment_id, "start_time": _now()}
        if run_name:
            body["run_name"] = run_name
        if tags:
            body["tags"] = _pairs(tags)
        return _run(self._post("/runs/create", **body)["run"])

    def get_run(self, run_id: str) -> RunInfo:
        """Return a run."""
        return _run(self._get("/runs/get", run_id=run_id)["run"])

    def update_run(
        self,
        run_id: str,
        status: str | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
    ) -> None:
        """Change a run; `end_time` in milliseconds."""
        body = {"status": status, "end_time": end_time, "run_name": run_name}
        given = {key: value for key, value in body.items() if value is not None}
        self._post("/runs/update", run_id=run_id, **given)

    @contextmanager
    def start_run(
        self,
        experiment_id: str,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Generator[str, None, None]:
        """Start a run, and end it with the block: failed if an exception leaves it."""
        run_id = self.create_run(experiment_id, run_name, tags).run_id
        try:
            yield run_id
        except BaseException:
            self.update_run(run_id, "FAILED", _now())
            raise
        self.update_run(run_id, "FINISHED", _now())

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] | None = None,
        params: Sequence[Param] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Store metrics, parameters and tags, in as many requests as the limits ask for."""
        values = [_metric(metric) for metric in metrics or ()]
        texts = [{"key": p.key, "value": p.value[:6000]} for p in params or ()]
        pairs = _pairs(tags or {})
        while values or texts or pairs:
            room = _METRICS - len(texts[:_OTHERS]) - len(pairs[:_OTHERS])
            batch = {"metrics": values[:room], "params": texts[:_OTHERS], "tags": pairs[:_OTHERS]}
            self._post("/runs/log-batch", run_id=run_id, **{k: v for k, v in batch.items() if v})
            values, texts, pairs = values[room:], texts[_OTHERS:], pairs[_OTHERS:]

    def log_metric(self, run_id: str, key: str, value: float, step: int = 0) -> None:
        """Store one metric."""
        self.log_batch(run_id, [Metric(key, value, step=step)])

    def log_param(self, run_id: str, key: str, value: str) -> None:
        """Store one parameter."""
        self.log_batch(run_id, params=[Param(key, value)])

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Set one tag."""
        self.log_batch(run_id, tags={key: value})

    def upload_artifact(
        self,
        run_id: str | RunInfo,
        artifact_path: str,
        content: bytes | Path,
        content_type: str | None = None,
    ) -> None:
        """Store bytes, or a file in constant memory, with a run."""
        run = run_id if isinstance(run_id, RunInfo) else self.get_run(run_id)
        path = f"{artifact_root(run.artifact_uri)}/{artifact_segments(artifact_path)}"
        kind = content_type or mimetypes.guess_type(artifact_path)[0] or "application/octet-stream"
        self._send(Call("PUT", path, content=content, headers={"Content-Type": kind}))

    def upload_artifact_file(
        self,
        run_id: str | RunInfo,
        artifact_path: str,
        local_path: str | Path,
        content_type: str | None = None,
    ) -> None:
        """Store a file with a run."""
        self.upload_artifact(run_id, artifact_path, Path(local_path), content_type)

    def _get(self, path: str, **params: str) -> Any:
        return self._send(Call("GET", _API + path, params=params))

    def _post(self, path: str, **body: Any) -> Any:
        repeatable = path not in ("/runs/create", "/experiments/create")
        return self._send(Call("POST", _API + path, json=body, repeatable=repeatable))

    def _send(self, call: Call) -> Any:
        headers = {**call.headers, **self._headers}
        if self._driver is None:
            self._driver = self._connect(self._identity)
        return self._driver.run(
            _answer(replace(call, headers=headers, timeout=self.timeout), self._policy)
        )


def _answer(call: Call, policy: Policy) -> Flow[Any]:
    reply: Reply = yield from exchange(call, policy)
    try:
        parsed: Any = json.loads(reply.content or b"{}")
    except ValueError:
        parsed = None
    body = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else None
    if reply.is_success and body is not None:
        return body
    if body is not None and "error_code" in body:
        raise MLflowAPIError(reply.status, str(body["error_code"]), str(body.get("message", "")))
    raise MLflowAPIError(
        reply.status, "", f"{reply.url} did not answer as MLflow does; check the address and token"
    )


def _without_login(address: str) -> tuple[str, str | None]:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"MLFLOW_TRACKING_URI has the scheme {parts.scheme!r}; an http(s) server is needed"
        )
    login, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), unquote(login) or None


def _connect(identity: Identity) -> Driver:
    from evalhub.wire.drive import Driver

    return Driver(identity)


def _run(run: Mapping[str, Any]) -> RunInfo:
    info = run["info"]
    found = RunInfo(**{k: info[k] for k in RunInfo.__dataclass_fields__ if k in info})
    params = run.get("data", {}).get("params", ())
    found.params = {param["key"]: param["value"] for param in params}
    return found


def _metric(metric: Metric) -> dict[str, Any]:
    value = metric_value(metric.value)
    when = metric.timestamp or _now()
    return {"key": metric.key, "value": value, "timestamp": when, "step": metric.step}


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key[:250], "value": value[:5000]} for key, value in tags.items()]


def _now() -> int:
    return time.time_ns() // 1_000_000
