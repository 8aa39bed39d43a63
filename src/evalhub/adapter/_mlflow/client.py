"""A client of MLflow's REST interface on this package's own transport."""

from __future__ import annotations

import logging
import mimetypes
from contextlib import contextmanager
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalhub.adapter._mlflow.batches import batches, metric_entry, now, param_entry, tag_entries
from evalhub.adapter._mlflow.connection import Connection, Given, identify
from evalhub.adapter._mlflow.names import artifact_root, artifact_segments
from evalhub.adapter._mlflow.pieces import on_disk
from evalhub.adapter._mlflow.records import ArtifactInfo, Experiment, Metric, Param, RunInfo
from evalhub.errors import ConfigurationError, EvalHubError, MLflowAPIError
from evalhub.wire.flow import Call

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from evalhub.adapter._mlflow.connection import Connector
    from evalhub.adapter._mlflow.traces import TracesNamespace

__all__ = ["MlflowClient"]

logger = logging.getLogger(__name__)

_API = "/api/2.0/mlflow"
_BINARY = "application/octet-stream"
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_MISSING = "RESOURCE_DOES_NOT_EXIST"


class MlflowClient:
    """Talks to an MLflow tracking server; what is not given is read from the environment.

    Each method raises `MLflowAPIError` if the server returns an error, and `TransportError` if
    there is no answer. Requests that may be sent twice are repeated after 429, 502, 503, 504 and
    broken connections.

    Args:
        tracking_uri: The server, or the sidecar before it; `MLFLOW_TRACKING_URI`.
        token: Bearer token; `MLFLOW_TRACKING_TOKEN`.
        token_path: File with the token, read again when it changes; `MLFLOW_TRACKING_TOKEN_PATH`.
            A token or a file that is given here wins over the variables.
        headers: Headers of each request; they win over all others.
        insecure: Whether not to verify certificates.
        timeout: Seconds for a request.
        ca_bundle: Certificates to trust; `MLFLOW_TRACKING_SERVER_CERT_PATH`.
        until: Time of the monotonic clock at which all calls end.
        connect: Makes the driver, for tests.

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
        connect: Connector | None = None,
    ) -> None:
        from evalhub.settings import MlflowSettings

        given = Given(
            tracking_uri=tracking_uri,
            token=token,
            token_path=token_path,
            headers=headers,
            insecure=insecure,
            ca_bundle=ca_bundle,
        )
        settings = MlflowSettings.from_env()
        identity, all_headers = identify(given, settings)
        self.tracking_uri, self.timeout = identity.base_url, timeout
        self._workspace = settings.workspace
        self._server = Connection(
            identity, all_headers, timeout=timeout, until=until, connect=connect
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"MlflowClient({self.tracking_uri!r})"

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    @cached_property
    def traces(self) -> TracesNamespace:
        """The traces of the server."""
        from evalhub.adapter._mlflow.traces import TracesNamespace

        return TracesNamespace(self)

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        """Return an experiment, or `None` if there is none of this name."""
        try:
            found = self.get("/experiments/get-by-name", {"experiment_name": name})
        except MLflowAPIError as error:
            if error.error_code == _MISSING:
                return None
            raise
        e = found["experiment"]
        tags = {tag["key"]: tag.get("value", "") for tag in e.get("tags", ())}
        return Experiment(
            e["experiment_id"],
            e["name"],
            e.get("artifact_location", ""),
            e.get("lifecycle_stage", "active"),
            tags,
        )

    def create_experiment(self, name: str) -> str:
        """Make an experiment and return its id."""
        return str(self.post("/experiments/create", {"name": name})["experiment_id"])

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of the experiment of this name; make it if there is none.

        Raises:
            ConfigurationError: The experiment is deleted.
        """
        found = self.get_experiment_by_name(name)
        if found is None:
            try:
                return self.create_experiment(name)
            except MLflowAPIError as error:
                # Another benchmark of the job was faster, or the answer of a first try was lost.
                found = self.get_experiment_by_name(name) if error.error_code == _EXISTS else None
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise ConfigurationError(
                f"the MLflow experiment {name!r} is deleted; restore it, or use another name"
            )
        return found.experiment_id

    def find_run(self, experiment_id: str, tag: str, value: str) -> RunInfo | None:
        """Return the newest active run that has this tag; its value has no quotation marks."""
        query = {
            "experiment_ids": [experiment_id],
            "filter": f"tags.`{tag}` = '{value}'",
            "max_results": 1,
        }
        found = self.post("/runs/search", query)
        return next((_run(run) for run in found.get("runs", ())), None)

    def create_run(
        self,
        experiment_id: str,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> RunInfo:
        """Start a run."""
        body: dict[str, Any] = {"experiment_id": experiment_id, "start_time": now()}
        if run_name:
            body["run_name"] = run_name
        if tags:
            body["tags"] = tag_entries(tags)
        # Sent once: a second one would make a second run.
        return _run(self.post("/runs/create", body, repeatable=False)["run"])

    def get_run(self, run_id: str) -> RunInfo:
        """Return a run."""
        return _run(self.get("/runs/get", {"run_id": run_id})["run"])

    def update_run(
        self,
        run_id: str,
        status: str | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
    ) -> None:
        """Change a run; `end_time` is in milliseconds."""
        body = {"status": status, "end_time": end_time, "run_name": run_name}
        given = {key: value for key, value in body.items() if value is not None}
        self.post("/runs/update", {"run_id": run_id, **given})

    @contextmanager
    def start_run(
        self,
        experiment_id: str,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Generator[str, None, None]:
        """Start a run that ends with the block: `FINISHED`, or `FAILED` with an exception."""
        run_id = self.create_run(experiment_id, run_name, tags).run_id
        try:
            yield run_id
        except BaseException:
            try:
                self.update_run(run_id, "FAILED", now())
            except EvalHubError as error:
                # The exception of the block is the one to raise.
                logger.warning("MLflow run %s was not marked as failed: %s", run_id, error)
            raise
        self.update_run(run_id, "FINISHED", now())

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] | None = None,
        params: Sequence[Param] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Store metrics, parameters and tags, in as few requests as the server's limits allow."""
        for batch in batches(metrics or (), params or (), tags or {}):
            self.post("/runs/log-batch", {"run_id": run_id, **batch})

    def log_metric(self, run_id: str, key: str, value: float, step: int = 0) -> None:
        """Store one value of a metric."""
        entry = metric_entry(Metric(key, value, step=step))
        self.post("/runs/log-metric", {"run_id": run_id, **entry})

    def log_param(self, run_id: str, key: str, value: str) -> None:
        """Store one parameter; MLflow refuses another value for one that the run has."""
        self.post("/runs/log-parameter", {"run_id": run_id, **param_entry(Param(key, value))})

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        """Set one tag."""
        self.post("/runs/set-tag", {"run_id": run_id, **tag_entries({key: value})[0]})

    def log_dataset(self, run_id: str, name: str, digest: str) -> None:
        """Record the data that a run evaluated; MLflow keeps 36 characters of the digest."""
        dataset = {
            "name": name,
            "digest": digest[:36],
            "source_type": "evalhub",
            "source": name,
        }
        tags = [{"key": "mlflow.data.context", "value": "eval"}]
        inputs = [{"tags": tags, "dataset": dataset}]
        self.post("/runs/log-inputs", {"run_id": run_id, "datasets": inputs})

    def upload_artifact(
        self,
        run_id: str | RunInfo,
        artifact_path: str,
        content: bytes | Path | Iterable[bytes],
        content_type: str | None = None,
        *,
        content_length: int | None = None,
        until: float = inf,
    ) -> None:
        """Store bytes, a file or an iterable of bytes with a run, in constant memory.

        Args:
            run_id: The run; a `RunInfo` saves the request for its artifacts' address.
            artifact_path: Path below the run's artifacts, file name included.
            content: What to store.
            content_type: MIME type; guessed from the suffix if not given.
            content_length: Length of an iterable, which is checked.
            until: Time of the monotonic clock at which the upload ends.

        Raises:
            ConfigurationError: The path leads out of the run, or the length is not right.
        """
        segments = artifact_segments(artifact_path)
        run = run_id if isinstance(run_id, RunInfo) else self.get_run(run_id)
        kind = content_type or mimetypes.guess_type(artifact_path)[0] or _BINARY
        with on_disk(content, length=content_length) as body:
            self.put(f"{self._root(run)}/{segments}", body, kind, until=until)

    def upload_artifact_file(
        self,
        run_id: str | RunInfo,
        artifact_path: str,
        local_path: str | Path,
        content_type: str | None = None,
        *,
        until: float = inf,
    ) -> None:
        """Store a file with a run; it is read in pieces."""
        path = Path(local_path)
        kind = content_type or mimetypes.guess_type(path.name)[0]
        self.upload_artifact(run_id, artifact_path, path, kind, until=until)

    def list_artifacts(self, run_id: str, path: str = "") -> list[ArtifactInfo]:
        """Return the files and folders in a folder of a run's artifacts."""
        found: list[ArtifactInfo] = []
        query = {"run_id": run_id, **({"path": path} if path else {})}
        while True:
            page = self.get("/artifacts/list", query)
            found += [_artifact(file) for file in page.get("files", ())]
            if not page.get("next_page_token"):
                return found
            query["page_token"] = page["next_page_token"]

    def download_artifact(
        self, run_id: str | RunInfo, artifact_path: str, local_path: str | Path
    ) -> Path:
        """Write an artifact to a file, in constant memory, and return the file.

        Nothing is left of a download that fails.
        """
        segments = artifact_segments(artifact_path)
        run = run_id if isinstance(run_id, RunInfo) else self.get_run(run_id)
        target = Path(local_path)
        part = target.with_name(f"{target.name}.part")
        try:
            self._server.download(Call("GET", f"{self._root(run)}/{segments}"), part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, api: str = _API
    ) -> dict[str, Any]:
        """Send a GET request to a path below `/api/2.0/mlflow`, and return its JSON."""
        return self._server.json(Call("GET", api + path, params=params or {}))

    def post(
        self, path: str, body: Mapping[str, Any], *, api: str = _API, repeatable: bool = True
    ) -> dict[str, Any]:
        """Send a POST request to a path below `/api/2.0/mlflow`, and return its JSON."""
        return self._server.json(Call("POST", api + path, json=body, repeatable=repeatable))

    def put(
        self, path: str, content: bytes | Path, content_type: str, *, until: float = inf
    ) -> None:
        """Send a PUT request with a body that is not JSON."""
        headers = {"Content-Type": content_type, **_length(content)}
        self._server.json(Call("PUT", path, content=content, headers=headers), until=until)

    def _root(self, run: RunInfo) -> str:
        if run.artifact_uri:
            return artifact_root(run.artifact_uri)
        workspace = f"workspaces/{artifact_segments(self._workspace)}/" if self._workspace else ""
        place = f"{workspace}{run.experiment_id}/{run.run_id}/artifacts"
        return artifact_root(f"mlflow-artifacts:/{place}")


def _length(body: bytes | Path) -> dict[str, str]:
    # httpx measures a file, but says nothing of an empty body; MLflow asks for a length.
    return {"Content-Length": "0"} if body == b"" else {}


def _artifact(file: Mapping[str, Any]) -> ArtifactInfo:
    size = file.get("file_size")
    is_dir = bool(file.get("is_dir"))
    return ArtifactInfo(file["path"], is_dir, None if size is None or is_dir else int(size))


def _run(run: Mapping[str, Any]) -> RunInfo:
    info = run["info"]
    found = RunInfo(**{k: info[k] for k in RunInfo.__dataclass_fields__ if k in info})
    params = run.get("data", {}).get("params", ())
    found.params = {param["key"]: param.get("value", "") for param in params}
    return found
