"""Save the results of a benchmark as one run, which a second save finds again."""

from __future__ import annotations

import logging
import time
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Protocol

from evalhub.adapter._mlflow.advice import with_advice
from evalhub.adapter._mlflow.batches import now
from evalhub.adapter._mlflow.content import KEY, content_of, key_of, param_changes, run_name
from evalhub.adapter._mlflow.names import artifact_segments
from evalhub.adapter._mlflow.records import MlflowArtifact, MlflowFileArtifact
from evalhub.errors import (
    ConfigurationError,
    EvalHubError,
    MLflowAPIError,
    TransportError,
    TransportTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from evalhub.adapter._mlflow.content import RunContent
    from evalhub.adapter._mlflow.records import Metric, Param, RunInfo
    from evalhub.models.result import JobResults
    from evalhub.models.spec import JobSpec

__all__ = ["LONGEST", "MlflowSaver", "NoMlflow", "RunStore"]

logger = logging.getLogger(__name__)

LONGEST = 30.0
"""Seconds that a save may take."""

_CLOSING = 0.1
"""Share of the time that is kept for ending the run."""

_SERVER_ERRORS = 500

Artifact = MlflowArtifact | MlflowFileArtifact


class RunStore(Protocol):
    """What saving needs of a client, whichever backend it is of."""

    def close(self) -> None:
        """Close the connections."""

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of an experiment."""
        ...

    def find_run(self, experiment_id: str, tag: str, value: str) -> RunInfo | None:
        """Return the run with a tag."""
        ...

    def create_run(
        self, experiment_id: str, run_name: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RunInfo:
        """Start a run."""
        ...

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] | None = None,
        params: Sequence[Param] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Store metrics, parameters and tags."""

    def log_dataset(self, run_id: str, name: str, digest: str) -> None:
        """Record the data."""

    def upload_artifact(
        self,
        run_id: RunInfo,
        artifact_path: str,
        content: bytes | Path | Iterable[bytes],
        content_type: str | None = None,
        *,
        until: float,
    ) -> None:
        """Store content."""

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

    def update_run(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """Change a run."""


class MlflowSaver:
    """Saves results to MLflow; a failure is a warning, and never costs a result.

    Args:
        connect: Makes the client, whose calls end at this time of the monotonic clock.
        warn: Takes one line that says what was not saved.
        own_files: Returns files that go into each run, such as the samples.
        seconds: Longest time for a save.
    """

    def __init__(
        self,
        connect: Callable[[float], RunStore],
        *,
        warn: Callable[[str], None],
        own_files: Callable[[], Sequence[Artifact]] = tuple,
        seconds: float = LONGEST,
    ) -> None:
        self._connect = connect
        self._warn = warn
        self._own_files = own_files
        self._seconds = seconds

    def save(
        self,
        results: JobResults,
        job_spec: JobSpec,
        artifacts: Iterable[Artifact] | None = None,
        *,
        strict: bool = False,
    ) -> str | None:
        """Save results and artifacts as a run of the job's experiment, and return the run's id.

        It takes 30 s at most. `None` without an experiment, and if MLflow fails: that is a
        warning on the benchmark. An artifact that cannot be saved costs only itself.

        Args:
            results: The results; assign the id to their `mlflow_run_id`.
            job_spec: The job; its `experiment_name` is the experiment.
            artifacts: What else to store with the run.
            strict: Raise in place of a warning, for an artifact as well.

        Raises:
            EvalHubError: Something was not saved, and `strict` is true.
        """
        if not job_spec.experiment_name:
            return None
        saving = _Saving(self._connect, self._seconds)
        try:
            files = _beside(list(artifacts or ()), self._own_files())
            run_id = _bounded(partial(saving.run, results, job_spec, files), self._seconds)
        except BaseException as error:
            saving.abandon()
            if not isinstance(error, Exception):
                raise
            if strict:
                if isinstance(error, EvalHubError):
                    raise
                raise ConfigurationError(f"MLflow: the run was not saved: {error}") from error
            if not isinstance(error, EvalHubError):
                logger.debug("MLflow: the run was not saved", exc_info=True)
            self._warn(f"not saved to MLflow: {with_advice(error)}")
            return None
        if saving.problems:
            # One warning: the service keeps only the last.
            text = "; ".join(saving.problems)
            if strict:
                raise ConfigurationError(text)
            self._warn(text)
        return run_id


class _Saving:
    """One save, in a thread of its own: a name server or a disk can hang without a limit."""

    def __init__(self, connect: Callable[[float], RunStore], seconds: float) -> None:
        self._connect = connect
        self._end = time.monotonic() + seconds
        self._until = self._end - _CLOSING * seconds
        self._uploads_until = self._until - _CLOSING * seconds
        self._client: RunStore | None = None
        self.problems: list[str] = []

    def run(self, results: JobResults, spec: JobSpec, artifacts: Sequence[Artifact]) -> str:
        self._client = self._connect(self._until)
        with closing(self._client) as client:
            return self._save(client, results, spec, artifacts)

    def abandon(self) -> None:
        """Break off what may still be going on."""
        if self._client is not None:
            with suppress(Exception):
                self._client.close()

    def _save(
        self, client: RunStore, results: JobResults, spec: JobSpec, artifacts: Sequence[Artifact]
    ) -> str:
        content = content_of(results, spec)
        experiment = client.get_or_create_experiment(str(spec.experiment_name))
        run = _found_or_created(client, experiment, spec)
        try:
            self._fill(client, run, content, artifacts)
        except BaseException:
            # Nobody else would: a run that is left as it is looks busy for ever.
            with suppress(EvalHubError), closing(self._connect(self._end)) as last:
                last.update_run(run.run_id, "FAILED", now())
            raise
        client.update_run(run.run_id, "FINISHED", now())
        return run.run_id

    def _fill(
        self, client: RunStore, run: RunInfo, content: RunContent, artifacts: Sequence[Artifact]
    ) -> None:
        params, changed = param_changes(content.params, run.params)
        if changed:
            names = ", ".join(name.removeprefix("evalhub.param.") for name in changed)
            logger.warning("MLflow keeps the first value of %s; the new one is a tag", names)
        client.log_batch(run.run_id, content.metrics, params, {**content.tags, **changed})
        if content.dataset is not None:
            client.log_dataset(run.run_id, *content.dataset)
        for artifact in [*content.files, *artifacts]:
            self._upload(client, run, artifact)

    def _upload(self, client: RunStore, run: RunInfo, artifact: Artifact) -> None:
        """Store an artifact; one that cannot be stored does not cost the others, or the run."""
        until = self._uploads_until
        name = f"artifact {artifact.path!r} not saved to MLflow"
        if time.monotonic() > until:
            self.problems.append(f"{name}: no time was left")
            return
        try:
            artifact_segments(artifact.path)
            if isinstance(artifact, MlflowArtifact):
                client.upload_artifact(
                    run, artifact.path, artifact.content, artifact.content_type, until=until
                )
            else:
                client.upload_artifact_file(
                    run, artifact.path, artifact.local_path, artifact.content_type, until=until
                )
        except (EvalHubError, OSError, TypeError, ValueError) as error:
            self.problems.append(f"{name}: {with_advice(error)}")


def _beside(artifacts: list[Artifact], own: Sequence[Artifact]) -> list[Artifact]:
    """Return all artifacts; ours make room for those of the same name."""
    taken = {artifact.path for artifact in artifacts}
    moved = [
        replace(file, path=f"evalhub/{file.path}") if file.path in taken else file for file in own
    ]
    return [*moved, *artifacts]


def _found_or_created(client: RunStore, experiment: str, spec: JobSpec) -> RunInfo:
    key = key_of(spec)
    run = client.find_run(experiment, KEY, key)
    if run is not None:
        return run
    try:
        return client.create_run(experiment, run_name(spec), {KEY: key})
    except (TransportError, MLflowAPIError) as error:
        if isinstance(error, MLflowAPIError) and error.status_code < _SERVER_ERRORS:
            raise
        # The answer may be what was lost, not the run.
        found = client.find_run(experiment, KEY, key)
        return found or client.create_run(experiment, run_name(spec), {KEY: key})


def _bounded(do: Callable[[], str], seconds: float) -> str:
    """Return what a function returns, or raise what it raises, after some seconds at most."""
    outcome: list[str | BaseException] = []

    def run() -> None:
        try:
            outcome.append(do())
        except BaseException as error:  # noqa: BLE001 - it is raised where the caller waits
            outcome.append(error)

    thread = Thread(target=run, name="evalhub-mlflow", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TransportTimeoutError(f"MLflow did not finish within {seconds:g} s")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


class NoMlflow:
    """Stands for MLflow in a test without a server: nothing is saved."""

    def save(
        self,
        results: JobResults,
        job_spec: JobSpec,
        artifacts: Iterable[Artifact] | None = None,
        *,
        strict: bool = False,
    ) -> str | None:
        """Return `None`: there is no run."""
        del strict
        logger.info(
            "MLflow is not available here: %d metrics and %d artifacts of job %s are not saved",
            len(results.results),
            len(list(artifacts or ())),
            job_spec.job_id,
        )
        return None
