"""Write results and samples in the format of Every Eval Ever (schema 0.3), to share them.

The aggregate record is one JSON file, the samples are one file of JSON lines beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import KW_ONLY, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from evalhub.models.result import EvaluationResult, JobResults
    from evalhub.models.sample import Sample

__all__ = ["EveryEvalEver"]

_VERSION = "0.3.0"


@dataclass(frozen=True, slots=True)
class EveryEvalEver:
    """Makes the records of one evaluation.

    Args:
        results: What was measured.
        framework: The framework that evaluated, as its distribution is called.
        organization: Who evaluated.
        developer: Who made the model, where its name does not say so (`DEVELOPER/MODEL`).
        relationship: `first_party` where that is who made the model, else `third_party`.
        lower_is_better: Metrics of which less is better.
        clock: Seconds since the epoch.
    """

    results: JobResults
    _: KW_ONLY
    framework: str = "eval-hub-sdk"
    organization: str = "unknown"
    developer: str = "unknown"
    relationship: str = "third_party"
    lower_is_better: frozenset[str] = frozenset()
    clock: Callable[[], float] = field(default=time.time, repr=False)

    @property
    def evaluation_id(self) -> str:
        """Id that the samples refer to: the same for the same job and benchmark."""
        return "/".join(
            (self.results.benchmark_id, self._model_id.replace("/", "_"), self.results.job_id)
        )

    @property
    def _model_id(self) -> str:
        name = self.results.model_name
        return name if "/" in name else f"{self.developer}/{name}"

    def aggregate(self) -> dict[str, Any]:
        """Return the record of the evaluation: every metric that is a number."""
        return {
            "schema_version": _VERSION,
            "evaluation_id": self.evaluation_id,
            "evaluation_timestamp": str(self.results.completed_at.timestamp()),
            "retrieved_timestamp": str(self.clock()),
            "source_metadata": {
                "source_name": "EvalHub",
                "source_type": "evaluation_run",
                "source_organization_name": self.organization,
                "evaluator_relationship": self.relationship,
            },
            "eval_library": {"name": self.framework, "version": _version(self.framework)},
            "model_info": {
                "name": self.results.model_name,
                "id": self._model_id,
                "additional_details": {
                    "deployment_type": "unknown",
                    "model_availability": "unknown",
                },
            },
            "evaluation_results": [
                self._metric(one) for one in self.results.results if _is_number(one.metric_value)
            ],
        }

    def instances(self, samples: Iterable[Sample]) -> Iterable[dict[str, Any]]:
        """Yield the record of each sample."""
        return map(self._instance, samples)

    def write(self, folder: Path, samples: Iterable[Sample] = ()) -> list[Path]:
        """Write `UUID.json`, and `UUID_samples.jsonl` where there are samples.

        They lie where the format wants them: `data/BENCHMARK/DEVELOPER/MODEL` below the folder.
        The same evaluation has the same name again.

        Args:
            folder: Where to; made if it is not there.
            samples: Read once, one at a time.
        """
        developer, _, model = self._model_id.partition("/")
        parts = (self.results.benchmark_id, developer, model)
        place = PurePosixPath("data", *(re.sub(r"[^\w.+-]+", "_", part) for part in parts))
        # The format wants a random UUID; the digest of the id is as good as random.
        digest_of_id = hashlib.sha256(self.evaluation_id.encode()).digest()
        name = str(UUID(bytes=digest_of_id[:16], version=4))
        below = folder / place
        below.mkdir(parents=True, exist_ok=True)
        record, lines = below / f"{name}.json", below / f"{name}_samples.jsonl"
        digest, rows = hashlib.sha256(), 0
        with lines.open("wb") as file:
            for instance in self.instances(samples):
                line = json.dumps(instance, ensure_ascii=False).encode() + b"\n"
                file.write(line)
                digest.update(line)
                rows += 1
        aggregate = self.aggregate()
        if rows:
            aggregate["detailed_evaluation_results"] = {
                "format": "jsonl",
                "file_path": str(place / lines.name),
                "hash_algorithm": "sha256",
                "checksum": digest.hexdigest(),
                "total_rows": rows,
            }
        else:
            lines.unlink()
        record.write_text(json.dumps(aggregate, indent=2, ensure_ascii=False) + "\n", "utf-8")
        return [record, lines] if rows else [record]

    def _metric(self, metric: EvaluationResult) -> dict[str, Any]:
        score: dict[str, Any] = {"score": float(metric.metric_value)}
        uncertainty: dict[str, Any] = {}
        if metric.confidence_interval is not None:
            low, high = metric.confidence_interval
            uncertainty["confidence_interval"] = {
                "lower": low,
                "upper": high,
                "confidence_level": 0.95,
            }
        if metric.num_samples is not None:
            uncertainty["num_samples"] = metric.num_samples
        if uncertainty:
            score["uncertainty"] = uncertainty
        return {
            "evaluation_result_id": self._result_id(metric.metric_name),
            "evaluation_name": self.results.benchmark_id,
            "source_data": {"dataset_name": self.results.benchmark_id, "source_type": "other"},
            "metric_config": {
                "metric_id": metric.metric_name,
                "metric_name": metric.metric_name,
                "lower_is_better": metric.metric_name in self.lower_is_better,
            },
            "score_details": score,
        }

    def _result_id(self, metric: str) -> str:
        return f"{self.evaluation_id}#{metric}"

    def _instance(self, sample: Sample) -> dict[str, Any]:
        asked, expected = _text(sample.input), _text(sample.expected)
        replied = _text(sample.output)
        is_dialogue = bool(sample.messages)
        where = f"messages[{len(sample.messages) - 1}].content" if is_dialogue else "output.raw[0]"
        attribution = {
            "turn_idx": max(len(sample.messages) - 1, 0),
            "source": where,
            "extracted_value": replied,
            "extraction_method": "unknown",
            "is_terminal": True,
        }
        return {
            "schema_version": _VERSION,
            "evaluation_id": self.evaluation_id,
            "model_id": self._model_id,
            "evaluation_name": sample.benchmark_id or self.results.benchmark_id,
            **({"evaluation_result_id": self._result_id(sample.metric)} if sample.metric else {}),
            "sample_id": sample.sample_id,
            "sample_hash": hashlib.sha256((asked + expected).encode()).hexdigest(),
            "interaction_type": _interaction(sample),
            "input": {"raw": asked, "reference": [expected] if expected else []},
            "output": None if is_dialogue else {"raw": [replied]},
            "messages": [_turn(index, one) for index, one in enumerate(sample.messages)] or None,
            "answer_attribution": [attribution],
            "evaluation": {
                "score": sample.prediction,
                "is_correct": sample.prediction >= 1.0,
                **({"num_turns": len(sample.messages)} if is_dialogue else {}),
            },
            "token_usage": _usage(sample),
            "performance": _performance(sample),
            "error": sample.error,
            "metadata": {
                "repeat": str(sample.repeat),
                **({"group": sample.group} if sample.group else {}),
            },
        }


def _interaction(sample: Sample) -> str:
    if not sample.messages:
        return "single_turn"
    uses_tools = any(one.get("tool_calls") or one.get("role") == "tool" for one in sample.messages)
    return "agentic" if uses_tools else "multi_turn"


def _turn(index: int, message: Mapping[str, Any]) -> dict[str, Any]:
    calls: list[Mapping[str, Any]] = message.get("tool_calls") or []
    answered = message.get("tool_call_id")
    turn = {
        "turn_idx": index,
        "role": str(message.get("role") or "unknown"),
        "content": _text(message.get("content")),
        "tool_calls": [_call(one) for one in calls] or None,
        "tool_call_id": [answered] if isinstance(answered, str) else answered,
    }
    return {name: value for name, value in turn.items() if value is not None}


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    # OpenAI nests name and arguments, inspect does not.
    function: Mapping[str, Any] = (
        cast("Mapping[str, Any]", call["function"])
        if isinstance(call.get("function"), dict)
        else {"name": call.get("function"), "arguments": call.get("arguments")}
    )
    arguments: Any = function.get("arguments")
    if isinstance(arguments, str):
        arguments = {"json": arguments}
    given = cast("Mapping[str, Any]", arguments or {})
    return {
        "id": str(call.get("id") or ""),
        "name": str(function.get("name") or ""),
        "arguments": {name: _text(value) for name, value in given.items()},
    }


def _usage(sample: Sample) -> dict[str, int] | None:
    if sample.tokens is None:
        return None
    asked, said = sample.tokens.input or 0, sample.tokens.output or 0
    return {"input_tokens": asked, "output_tokens": said, "total_tokens": asked + said}


def _performance(sample: Sample) -> dict[str, float] | None:
    if sample.latency_seconds is None:
        return None
    return {"latency_ms": sample.latency_seconds * 1000}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _version(distribution: str) -> str:
    try:
        return version(re.sub(r"[_.]+", "-", distribution))
    except PackageNotFoundError:
        return "unknown"
