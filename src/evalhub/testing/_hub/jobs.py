"""One job: events, states, verdicts (wire contract 2.3 to 2.5)."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalhub.testing._hub.values import Json, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Criteria", "Job"]

_ENDED = frozenset({"completed", "failed", "cancelled"})
_FINAL = _ENDED | {"partially_failed"}
_SHOWN = ("phase", "error_message", "warning_message", "started_at", "completed_at")
_RESULT = (
    "metrics",
    "metrics_schema",
    "additional_info",
    "artifacts",
    "mlflow_run_id",
    "logs_path",
)


@dataclass(frozen=True, slots=True)
class Criteria:
    """The primary score and the threshold of a benchmark."""

    metric: str
    threshold: float
    lower_is_better: bool
    """Whether a score at or below the threshold passes."""


@dataclass(slots=True)
class Job:
    """One job: its configuration, and the reports of its adapters.

    Args:
        config: The job as submitted.
        benchmarks: Its benchmarks, from the job or from its collection, by index.
        criteria: Returns the current criteria of a benchmark; `None` if it has no verdict.
        threshold: Threshold of the job's score.
    """

    id: str
    config: Json
    resource: Json
    benchmarks: list[Json]
    criteria: Callable[[Json], Criteria | None]
    threshold: float
    state: str = "pending"
    message: Json = field(
        default_factory=lambda: _message("Evaluation job created", "evaluation_job_created")
    )
    statuses: dict[tuple[str, str, int], Json] = field(
        default_factory=dict[tuple[str, str, int], Json]
    )
    results: dict[tuple[str, str, int], Json] = field(
        default_factory=dict[tuple[str, str, int], Json]
    )
    logs: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def is_final(self) -> bool:
        """Whether the state is final."""
        return self.state in _FINAL

    def apply(self, event: Json) -> None:
        """Apply an event.

        Raises:
            Refusal: The job has ended, or has no such benchmark.
        """
        index: int = event.get("benchmark_index", 0)
        key = (event["provider_id"], event["id"], index)
        if self.is_final:
            raise self._refusal("running")
        if not 0 <= index < len(self.benchmarks) or key[:2] != _pair(self.benchmarks[index]):
            message = f"The benchmark resource '{event['id']}' was not found."
            raise Refusal(404, "resource_not_found", message)
        ends = event["status"] in _ENDED
        if self.statuses.get(key, {}).get("status") in _ENDED and not ends:
            return
        self.statuses[key] = self._status(key, event)
        if ends:
            self.results[key] = self._result(key, event)
        self._derive_state()

    def cancel(self) -> None:
        """Cancel the job, and its benchmarks that have reported and not ended.

        Raises:
            Refusal: The job has ended.
        """
        # The service removes adapters and logs first, even if it then refuses to cancel.
        self.logs.clear()
        if self.state == "cancelled":
            return
        if self.is_final:
            raise self._refusal("cancelled")
        self.state = "cancelled"
        self.message = _message("Evaluation job cancelled", "evaluation_job_cancelled")
        for status in self.statuses.values():
            if status["status"] not in _ENDED:
                status |= {"status": "cancelled", "error_message": self.message}

    def show(self) -> Json:
        """Return status and results as responses show them."""
        status: Json = {"state": self.state, "message": self.message}
        if self.statuses:
            status["benchmarks"] = list(self.statuses.values())
        results: Json = {}
        if self.state == "completed" and (verdict := self._verdict()):
            results["test"] = verdict
        if self.results:
            results["benchmarks"] = [_with_schema(result) for result in self.results.values()]
        return {"status": status, "results": results}

    def log(self, index: int, *, lines: int | None) -> str:
        """Return the last lines of one adapter's log; `None` means all."""
        text = self.logs.get(index, "")
        if lines is None:
            return text
        return "\n".join(text.splitlines()[-lines:])

    def _refusal(self, wanted: str) -> Refusal:
        message = f"The job {self.id} can not be {wanted} because it is '{self.state}'."
        return Refusal(409, "job_can_not_be_updated", message)

    def _status(self, key: tuple[str, str, int], event: Json) -> Json:
        shown: Json = {
            "provider_id": key[0],
            "id": key[1],
            "benchmark_index": key[2],
            "status": event["status"],
        }
        for name in _SHOWN:
            if value := event.get(name):
                shown[name] = value
        for name in ("error_message", "warning_message"):
            if name in shown:
                shown[name] = {**shown[name], "message_origin": _origin(shown[name])}
        return shown

    def _result(self, key: tuple[str, str, int], event: Json) -> Json:
        result: Json = {"id": key[1], "provider_id": key[0], "benchmark_index": key[2]}
        result |= {name: event[name] for name in _RESULT if event.get(name)}
        criteria = self.criteria(self._first(key))
        score: Any = result.get("metrics", {}).get(criteria.metric) if criteria else None
        if criteria is None or not _is_number(score):
            return result
        score, threshold = single(float(score)), single(criteria.threshold)
        result["test"] = {
            "primary_score": score,
            "primary_score_metric": criteria.metric,
            "threshold": threshold,
            "pass": score <= threshold if criteria.lower_is_better else score >= threshold,
        }
        return result

    def _derive_state(self) -> None:
        total = len(self.benchmarks)
        counts = Counter(status["status"] for status in self.statuses.values())
        self.state = _state(counts, total)
        text = f"Evaluation job is {self.state}"
        if self.state in ("failed", "partially_failed"):
            text = "Some of the benchmarks failed" if self.state != "failed" else text
            failures = [
                f"Benchmark {one['id']} failed with message: {one['error_message']['message']}\n"
                for one in self.statuses.values()
                if "error_message" in one
            ]
            text = f"{text}. \n{''.join(failures)}"
        self.message = _message(text, "evaluation_job_updated")

    def _first(self, key: tuple[str, str, int]) -> Json:
        """Return the first benchmark of that name: its criteria apply to repeated ones."""
        return next(one for one in self.benchmarks if _pair(one) == key[:2])

    def _verdict(self) -> Json | None:
        scores: list[tuple[float, float]] = []
        for key, result in self.results.items():
            if "test" in result:
                score = result["test"]["primary_score"]
                # Only the job's own `lower_is_better` inverts the score, not the provider's.
                benchmark = self.benchmarks[key[2]]
                inverted = benchmark.get("primary_score", {}).get("lower_is_better")
                weight = benchmark.get("weight") or 1
                scores.append((weight, 1 - score if inverted else score))
        if not scores:
            return None
        mean = sum(weight * score for weight, score in scores) / sum(weight for weight, _ in scores)
        score, threshold = single(mean), single(self.threshold)
        return {"score": score, "threshold": threshold, "pass": score >= threshold}


def single(number: float) -> float:
    """Return a number rounded to a 32-bit float, as the numbers of verdicts are."""
    stored = _as_single(number)
    shortest = (float(f"{stored:.{digits}g}") for digits in range(1, 10))
    return next(short for short in shortest if _as_single(short) == stored)


def _as_single(number: float) -> float:
    return float(struct.unpack("f", struct.pack("f", number))[0])


def _pair(benchmark: Json) -> tuple[str, str]:
    return benchmark["provider_id"], benchmark["id"]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _origin(message: Json) -> str:
    return message.get("message_origin") or "runtime"


def _message(text: str, code: str) -> Json:
    return {"message": text, "message_code": code, "message_origin": "server"}


def _state(counts: Counter[str], total: int) -> str:
    completed, failed = counts["completed"], counts["failed"]
    if completed == total:
        return "completed"
    if failed == total:
        return "failed"
    if completed + failed == total:
        return "partially_failed"
    return "running" if counts["running"] + completed + failed else "pending"


def _with_schema(result: Json) -> Json:
    """Declare every metric that the adapter did not as numeric, as the service does."""
    declared = result.get("metrics_schema", [])
    names = {schema["name"] for schema in declared}
    added = [
        {"name": name, "type": "numeric"} for name in result.get("metrics", {}) if name not in names
    ]
    return {**result, "metrics_schema": [*declared, *added]} if declared or added else result
