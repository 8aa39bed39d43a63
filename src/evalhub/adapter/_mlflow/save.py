"""Save the results of a benchmark as one run, which a second save finds again."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from evalhub.adapter._mlflow.names import artifact_segments, metric_names, metric_value
from evalhub.adapter._mlflow.records import (
    Metric,
    MLflowAPIError,
    MlflowArtifact,
    MlflowFileArtifact,
    Param,
)
from evalhub.adapter._report.jsonable import to_json
from evalhub.adapter._report.metrics import primary_score
from evalhub.errors import ConfigurationError, EvalHubError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from evalhub.adapter._mlflow.client import MlflowClient
    from evalhub.adapter._mlflow.records import RunInfo
    from evalhub.models.result import JobResults
    from evalhub.models.spec import JobSpec

__all__ = ["MlflowSaver", "NoMlflow"]

logger = logging.getLogger(__name__)

LONGEST = 30.0
_KEY = "evalhub.key"
_REFUSED = 400
_CARD_FIELDS = (
    "python_version",
    "framework_name",
    "framework_version",
    "cuda_version",
    "gpu_model",
    "gpu_driver_version",
    "gpu_count",
    "os_info",
    "container_image",
    "model_id",
    "model_version",
    "model_provider",
    "dataset_hash",
)


class MlflowSaver:
    """Saves results to MLflow; a failure is a warning, and never costs a result.

    Args:
        connect: Makes the client, which ends at this time of the monotonic clock.
        warn: Told in one line what was not saved.
    """

    def __init__(
        self, connect: Callable[[float], MlflowClient], *, warn: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._warn = warn

    def save(
        self,
        results: JobResults,
        job_spec: JobSpec,
        artifacts: Sequence[MlflowArtifact | MlflowFileArtifact] | None = None,
        *,
        strict: bool = False,
    ) -> str | None:
        """Save results and artifacts as a run of the job's experiment, and return the run's id.

        `None` without an experiment, and if MLflow fails: that is a warning on the benchmark.

        Raises:
            EvalHubError: MLflow failed, and `strict` is true.
        """
        if not job_spec.experiment_name:
            return None
        try:
            with self._connect(time.monotonic() + LONGEST) as client:
                return self._save(client, results, job_spec, artifacts or ())
        except (EvalHubError, OSError, LookupError, TypeError, ValueError) as error:
            if strict:
                if isinstance(error, EvalHubError):
                    raise
                raise ConfigurationError(f"MLflow: the run was not saved: {error}") from error
            self._warn(f"not saved to MLflow: {error}")
            return None

    def _save(
        self,
        client: MlflowClient,
        results: JobResults,
        spec: JobSpec,
        artifacts: Iterable[MlflowArtifact | MlflowFileArtifact],
    ) -> str:
        experiment = client.get_or_create_experiment(str(spec.experiment_name))
        tags = _tags(spec)
        run = client.find_run(experiment, _KEY, tags[_KEY])
        if run is None:
            name = f"{spec.job_id}_{spec.benchmark_index}"
            run = client.create_run(experiment, name, tags)
            tags = {}
        metrics, names, others = _metrics(results, spec)
        params, changed = _params(results, spec, run)
        client.log_batch(run.run_id, metrics, params, {**tags, **names, **changed})
        self._upload(client, run, [*_own_artifacts(others), *artifacts])
        client.update_run(run.run_id, "FINISHED", time.time_ns() // 1_000_000)
        return run.run_id

    def _upload(
        self,
        client: MlflowClient,
        run: RunInfo,
        artifacts: Iterable[MlflowArtifact | MlflowFileArtifact],
    ) -> None:
        """Store the artifacts; one that cannot be read does not cost the others."""
        for artifact in artifacts:
            try:
                artifact_segments(artifact.path)
                if isinstance(artifact, MlflowArtifact):
                    content: bytes | Path = artifact.content
                    client.upload_artifact(run, artifact.path, content, artifact.content_type)
                else:
                    client.upload_artifact_file(
                        run, artifact.path, artifact.local_path, artifact.content_type
                    )
            except MLflowAPIError as error:
                if error.status_code != _REFUSED:
                    raise
                self._warn(f"artifact {artifact.path!r} refused by MLflow: {error.message}")
            except (ConfigurationError, OSError) as error:
                self._warn(f"artifact {artifact.path!r} not saved to MLflow: {error}")


def _tags(spec: JobSpec) -> dict[str, str]:
    # Quoted: MLflow's filters have no escape for a quotation mark.
    ids = (spec.job_id, spec.provider_id or "", spec.benchmark_id, str(spec.benchmark_index))
    key = ":".join(quote(part, safe="", errors="replace") for part in ids)
    return {
        **spec.tags,
        "evalhub.job_id": spec.job_id,
        "evalhub.provider_id": spec.provider_id or "",
        "evalhub.benchmark_id": spec.benchmark_id,
        "evalhub.benchmark_index": str(spec.benchmark_index),
        "mlflow.source.type": "JOB",
        _KEY: key,
    }


def _metrics(
    results: JobResults, spec: JobSpec
) -> tuple[list[Metric], dict[str, str], dict[str, Any]]:
    """Return the numbers, a tag with the names that were changed, and what is not a number."""
    values: dict[str, Any] = {r.metric_name: r.metric_value for r in results.results}
    score = results.overall_score
    if score is None:
        score = primary_score(results, spec.primary_score)
    if score is not None:
        values.setdefault("overall_score", score)
    numbers = {name: v for name, v in values.items() if metric_value(v) is not None}
    names = metric_names(numbers)
    changed = {key: name for name, key in names.items() if key != name}
    tags = {"evalhub.metric_names": json.dumps(changed)} if changed else {}
    others = {name: v for name, v in values.items() if name not in numbers}
    return [Metric(names[name], v) for name, v in numbers.items()], tags, others


def _params(results: JobResults, spec: JobSpec, run: RunInfo) -> tuple[list[Param], dict[str, str]]:
    """Return the parameters the run does not have, and as tags those it has with other values."""
    values: dict[str, Any] = {
        "benchmark_id": spec.benchmark_id,
        "provider_id": spec.provider_id,
        "model_name": results.model_name,
        "num_examples_evaluated": results.num_examples_evaluated,
        "duration_seconds": results.duration_seconds,
    }
    if results.eval_card is not None:
        card = results.eval_card
        values["eval_card.languages_count"] = card.languages_count
        values["eval_card.languages"] = ",".join(card.languages) or None
        values["eval_card.modalities_input"] = ",".join(card.modalities_input) or None
        if card.capability_evaluations:
            first = card.capability_evaluations[0]
            values["eval_card.primary_ability"] = first.ability
            values["eval_card.primary_benchmark"] = first.benchmark
    if results.env_card is not None:
        for name in _CARD_FIELDS:
            values[f"env_card.{name}"] = getattr(results.env_card, name)
        if results.env_card.key_packages:
            values["env_card.key_packages"] = json.dumps(results.env_card.key_packages)
    texts = {name: str(value) for name, value in values.items() if value is not None}
    new = [Param(name, text) for name, text in texts.items() if name not in run.params]
    changed = {
        f"evalhub.param.{name}": text
        for name, text in texts.items()
        if run.params.get(name, text) != text
    }
    return new, changed


def _own_artifacts(others: dict[str, Any]) -> list[MlflowArtifact]:
    if not others:
        return []
    text = json.dumps(to_json(others), indent=2, ensure_ascii=False)
    content = text.encode(errors="replace")
    return [MlflowArtifact("evalhub/metrics.json", content, "application/json")]


class NoMlflow:
    """Stands for MLflow in a test without a server: nothing is saved."""

    def save(
        self,
        results: JobResults,
        job_spec: JobSpec,
        artifacts: Sequence[MlflowArtifact | MlflowFileArtifact] | None = None,
    ) -> str | None:
        """Return `None`: there is no run."""
        logger.info(
            "MLflow is not available here: %d metrics and %d artifacts of job %s are not saved",
            len(results.results),
            len(artifacts or ()),
            job_spec.job_id,
        )
        return None
