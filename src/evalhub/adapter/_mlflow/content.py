"""What goes into a run: metrics, parameters, tags and files made of results. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from evalhub.adapter._mlflow.batches import LONGEST_TAG
from evalhub.adapter._mlflow.names import legal_names, metric_value
from evalhub.adapter._mlflow.records import Metric, MlflowArtifact, Param
from evalhub.adapter._report.cards import cards_to_store
from evalhub.adapter._report.jsonable import Changes, to_json
from evalhub.adapter._report.metrics import metrics_by_name, primary_score
from evalhub.models.card import ENV_CARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalhub.models.result import EvaluationResult, JobResults
    from evalhub.models.spec import JobSpec

__all__ = ["KEY", "RunContent", "content_of", "key_of", "param_changes", "run_name"]

KEY = "evalhub.key"
"""Tag by which the run of a benchmark is found again."""

_FOLDER = "evalhub"
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


@dataclass
class RunContent:
    """All that a run stores of a benchmark, but for the adapter's own artifacts."""

    metrics: list[Metric]
    params: dict[str, str]
    tags: dict[str, str]
    files: list[MlflowArtifact] = field(default_factory=list[MlflowArtifact])
    dataset: tuple[str, str] | None = None
    """Name and digest of the data."""


def run_name(spec: JobSpec) -> str:
    """Return the name of a benchmark's run, as 1.0 formed it."""
    return f"{spec.job_id}_{spec.benchmark_index}"


def key_of(spec: JobSpec) -> str:
    """Return the value of `KEY` for a benchmark."""
    # Quoted: MLflow's filters have no escape for a quotation mark.
    ids = (spec.job_id, spec.provider_id or "", spec.benchmark_id, str(spec.benchmark_index))
    return ":".join(quote(part, safe="", errors="replace") for part in ids)


def content_of(results: JobResults, spec: JobSpec) -> RunContent:
    """Return what is stored of results, with a card of this machine where they have none."""
    cards = cards_to_store(results)
    env_card = cast("Mapping[str, Any]", cards.get(ENV_CARD, {}))
    values, others = _values(results, spec)
    names = legal_names(values)
    tags = {**_tags(spec), **_renamed(names)}
    files = [_json_file("metrics.json", others)] if others else []
    if KEY_NAMES in tags and len(tags[KEY_NAMES]) > LONGEST_TAG:
        files.append(_json_file("metric_names.json", json.loads(tags[KEY_NAMES])))
        tags[KEY_NAMES] = f"see the artifact {_FOLDER}/metric_names.json"
    files += [
        _json_file(f"{name.removeprefix('evalhub.')}.json", card) for name, card in cards.items()
    ]
    return RunContent(
        metrics=[Metric(names[name], value) for name, value in values.items()],
        params=_params(results, spec, env_card),
        tags=tags,
        files=files,
        dataset=_dataset(spec, env_card),
    )


def param_changes(
    params: Mapping[str, str], stored: Mapping[str, str]
) -> tuple[list[Param], dict[str, str]]:
    """Return the parameters that a run lacks, and as tags those it has with other values.

    MLflow has no way to change a parameter.
    """
    new = [Param(name, text) for name, text in params.items() if name not in stored]
    changed = {
        f"evalhub.param.{name}": text
        for name, text in params.items()
        if stored.get(name, text) != text
    }
    return new, changed


KEY_NAMES = "evalhub.metric_names"


def _values(results: JobResults, spec: JobSpec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the numbers, and everything that is not a number, by name."""
    numbers: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, (sent, result) in metrics_by_name(results.results, Changes()).items():
        if metric_value(result.metric_value) is None and metric_value(sent) is None:
            others[name] = sent
            continue
        # As measured: what is sent has null for NaN.
        is_number = metric_value(result.metric_value) is not None
        numbers[name] = result.metric_value if is_number else sent
        numbers.update(
            {key: v for key, v in _precision(name, result).items() if key not in numbers}
        )
    score = results.overall_score
    if score is None:
        score = primary_score(results, spec.primary_score)
    if score is not None:
        numbers.setdefault("overall_score", score)
    return numbers, others


def _precision(name: str, result: EvaluationResult) -> dict[str, float]:
    found: dict[str, float] = {}
    if result.confidence_interval is not None:
        found[f"{name}.ci_low"], found[f"{name}.ci_high"] = result.confidence_interval
    if result.num_samples is not None:
        found[f"{name}.n"] = result.num_samples
    return found


def _renamed(names: Mapping[str, str]) -> dict[str, str]:
    changed = {key: name for name, key in names.items() if key != name}
    return {KEY_NAMES: json.dumps(changed, ensure_ascii=False)} if changed else {}


def _tags(spec: JobSpec) -> dict[str, str]:
    own = legal_names(spec.tags)
    return {
        **{own[name]: value for name, value in spec.tags.items()},
        "evalhub.job_id": spec.job_id,
        "evalhub.provider_id": spec.provider_id or "",
        "evalhub.benchmark_id": spec.benchmark_id,
        "evalhub.benchmark_index": str(spec.benchmark_index),
        "mlflow.source.type": "JOB",
        "mlflow.source.name": spec.provider_id or spec.benchmark_id,
        KEY: key_of(spec),
    }


def _params(results: JobResults, spec: JobSpec, env_card: Mapping[str, Any]) -> dict[str, str]:
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
    values.update({f"env_card.{name}": env_card.get(name) for name in _CARD_FIELDS})
    if env_card.get("key_packages"):
        values["env_card.key_packages"] = json.dumps(env_card["key_packages"])
    return {name: str(value) for name, value in values.items() if value is not None}


def _dataset(spec: JobSpec, env_card: Mapping[str, Any]) -> tuple[str, str] | None:
    digest = env_card.get("dataset_hash")
    return (spec.benchmark_id, str(digest).removeprefix("sha256:")) if digest else None


def _json_file(name: str, value: Any) -> MlflowArtifact:
    text = json.dumps(to_json(value), indent=2, ensure_ascii=False)
    content = text.encode(errors="replace")
    return MlflowArtifact(f"{_FOLDER}/{name}", content, "application/json")
