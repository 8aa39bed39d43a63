"""The backend `upstream`: runs written by MLflow's own client, from the extra `mlflow`."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from evalhub.adapter._mlflow.batches import batches
from evalhub.adapter._mlflow.pieces import on_disk
from evalhub.adapter._mlflow.records import RunInfo
from evalhub.errors import ConfigurationError, MissingExtraError, MLflowAPIError, TransportError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from evalhub.adapter._mlflow.records import Metric, Param

__all__ = ["UpstreamStore"]


class UpstreamStore:
    """Writes runs with `mlflow.MlflowClient`, which reads MLflow's own variables.

    It takes what that client takes: `sqlite:` addresses, stores of artifacts that the server
    does not pass on, plugins. No run becomes the process's active one.

    Args:
        tracking_uri: The server or database; `MLFLOW_TRACKING_URI`.

    Raises:
        MissingExtraError: The extra `mlflow` is not installed.
    """

    def __init__(self, tracking_uri: str | None = None) -> None:
        try:
            from mlflow import MlflowClient
            from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT
        except ImportError as error:
            raise MissingExtraError("EVALHUB_MLFLOW_BACKEND=upstream", "mlflow") from error
        switch: Any = MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT
        switch.set(True)  # an adapter's output is its log
        with _translated():
            self._client: Any = MlflowClient(tracking_uri)

    def close(self) -> None:
        """Nothing is held open."""

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of the experiment of this name; make it if there is none."""
        with _translated():
            found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                with _translated():
                    return str(self._client.create_experiment(name))
            except MLflowAPIError:
                # Another benchmark of the job may have been faster.
                with _translated():
                    found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise ConfigurationError(
                f"the MLflow experiment {name!r} is deleted; restore it, or use another name"
            )
        return str(found.experiment_id)

    def find_run(self, experiment_id: str, tag: str, value: str) -> RunInfo | None:
        """Return the newest active run that has this tag."""
        with _translated():
            found = self._client.search_runs(
                [experiment_id], f"tags.`{tag}` = '{value}'", max_results=1
            )
        return next((_run(run) for run in found), None)

    def create_run(
        self, experiment_id: str, run_name: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RunInfo:
        """Start a run."""
        with _translated():
            return _run(
                self._client.create_run(experiment_id, run_name=run_name, tags=dict(tags or {}))
            )

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] | None = None,
        params: Sequence[Param] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Store metrics, parameters and tags."""
        from mlflow.entities import Metric as MlflowMetric
        from mlflow.entities import Param as MlflowParam
        from mlflow.entities import RunTag

        with _translated():
            for batch in batches(metrics or (), params or (), tags or {}):
                self._client.log_batch(
                    run_id,
                    metrics=[
                        MlflowMetric(m["key"], float(m["value"]), m["timestamp"], m["step"])
                        for m in batch.get("metrics", ())
                    ],
                    params=[MlflowParam(p["key"], p["value"]) for p in batch.get("params", ())],
                    tags=[RunTag(t["key"], t["value"]) for t in batch.get("tags", ())],
                )

    def log_dataset(self, run_id: str, name: str, digest: str) -> None:
        """Record the data that a run evaluated."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        data = Dataset(name=name, digest=digest[:36], source_type="evalhub", source=name)
        tags = [InputTag("mlflow.data.context", "eval")]
        with _translated():
            self._client.log_inputs(run_id, [DatasetInput(data, tags)])

    def upload_artifact(
        self,
        run_id: RunInfo,
        artifact_path: str,
        content: bytes | Path | Iterable[bytes],
        content_type: str | None = None,
        *,
        until: float,
    ) -> None:
        """Store content; MLflow's client takes neither a type nor a time limit."""
        del content_type, until
        path = PurePosixPath(artifact_path.replace("\\", "/"))
        folder = None if path.parent == PurePosixPath() else str(path.parent)
        with tempfile.TemporaryDirectory(prefix="evalhub-mlflow-") as place:
            file = Path(place) / path.name
            with on_disk(content) as body:
                if isinstance(body, bytes):
                    file.write_bytes(body)
                elif body.name == path.name:
                    file = body
                else:
                    file.symlink_to(body.absolute())
                with _translated():
                    self._client.log_artifact(run_id.run_id, str(file), folder)

    def upload_artifact_file(
        self,
        run_id: RunInfo,
        artifact_path: str,
        local_path: str | Path,
        content_type: str | None = None,
        *,
        until: float,
    ) -> None:
        """Store a file."""
        path = Path(local_path)
        path.stat()  # MLflow's client has other words for a file that is missing
        self.upload_artifact(run_id, artifact_path, path, content_type, until=until)

    def update_run(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run."""
        with _translated():
            self._client.set_terminated(run_id, status, end_time)


@contextmanager
def _translated() -> Generator[None]:
    """Raise this package's errors in place of MLflow's."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        text = " ".join(str(error.message).split())
        if "API request to" in text and "failed with exception" in text:
            raise TransportError(text) from error
        told: Any = error
        raise MLflowAPIError(told.get_http_status_code(), told.error_code, text) from error
    except (OSError, ValueError):
        raise
    except Exception as error:
        # A database's or a plugin's own; MLflow's client wraps only some of them.
        raise MLflowAPIError(0, None, f"{type(error).__name__}: {error}") from error


def _run(run: Any) -> RunInfo:
    info = run.info
    return RunInfo(
        info.run_id,
        info.experiment_id,
        info.run_name or "",
        info.status,
        info.start_time,
        info.end_time,
        info.artifact_uri or "",
        info.lifecycle_stage,
        dict(run.data.params),
    )
