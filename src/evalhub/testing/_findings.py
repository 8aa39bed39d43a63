"""The checks of the adapter contract: each yields one line for each problem."""

from __future__ import annotations

import json
import math
from collections import Counter
from fnmatch import fnmatchcase
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from evalhub.adapter import JobPhase
from evalhub.adapter._report.event import Report, result_event
from evalhub.models.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from evalhub.adapter import JobResults, JobSpec, JobStatusUpdate
    from evalhub.models import Sample
    from evalhub.testing._openai import Json
    from evalhub.testing.callbacks import RecordingCallbacks
    from evalhub.testing.harness import Outcome

__all__ = [
    "artifacts",
    "clean_failure",
    "differences",
    "files_outside",
    "metric_values",
    "phases",
    "primary_score",
    "progress",
    "samples",
    "secrets",
    "size",
    "states",
    "undeclared",
]

_SAME = 1e-9
_ORDER = list(JobPhase)


def states(outcome: Outcome) -> Iterator[str]:
    """Check that a run starts, and completes once."""
    if outcome.exception is not None:
        kind = type(outcome.exception).__name__
        yield f"the adapter raised {kind}: {outcome.exception}; the job would be reported as failed"
        return
    if any(refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE for refused in outcome.refused):
        return  # a finding of `size`
    seen = [event["status"] for event in outcome.events]
    if not seen or seen[0] not in ("pending", "running"):
        yield (
            f"the first event is {seen[:1]}, not running; the job would look pending while it runs"
        )
    if seen.count("completed") != 1 or seen[-1:] != ["completed"]:
        yield (
            f"the states are {seen}, not one completed at the end; "
            "the service refuses events after the end with 409"
        )
    for refused in outcome.refused:
        yield f"the service would refuse an event with {refused.status}: {refused.refusal}"


def phases(updates: Sequence[JobStatusUpdate]) -> Iterator[str]:
    """Check that phases come in order, each at most once in a row."""
    named = [update.phase for update in updates if update.phase is not None]
    for before, after in pairwise(named):
        if _ORDER.index(after) < _ORDER.index(before):
            yield (
                f"phase {after.value} comes after {before.value}; "
                "the job would seem to go backwards"
            )
    for one, next_one in pairwise(updates):
        if _stage(one) == _stage(next_one) and next_one.phase is not None:
            yield (
                f"phase {next_one.phase.value} is reported twice without a change; "
                "each report costs a request"
            )


def progress(updates: Sequence[JobStatusUpdate]) -> Iterator[str]:
    """Check that progress is between 0 and 1 and does not decrease."""
    shares = [update.progress for update in updates if update.progress is not None]
    for share in shares:
        if not 0.0 <= share <= 1.0:
            yield f"progress {share} is not between 0 and 1; a progress bar would overflow"
    for before, after in pairwise(shares):
        if after < before:
            yield f"progress decreases from {before} to {after}; the time left cannot be estimated"


def metric_values(results: JobResults) -> Iterator[str]:
    """Check that every metric is a number or has a declared type."""
    declared = {schema.name for schema in results.metrics_schema or ()}
    if not results.results:
        yield "there are no metrics; the job would complete without a result"
    counts = Counter(result.metric_name for result in results.results)
    for name, count in counts.items():
        if count > 1:
            yield (
                f"metric {name} is reported {count} times; the service keeps one value a name, "
                "so the others would be renamed"
            )
    for result in results.results:
        value = result.metric_value
        if isinstance(value, float) and not math.isfinite(value):
            yield (
                f"metric {result.metric_name} is {value}, which JSON cannot represent; "
                "the service would receive null"
            )
        elif isinstance(value, bool | str) and result.metric_name not in declared:
            yield (
                f"metric {result.metric_name} is {value!r}, not a number, and metrics_schema "
                "does not declare it; the service treats it as numeric and gives no verdict"
            )


def undeclared(metrics: Iterable[str], provider: Mapping[str, Any], spec: JobSpec) -> Iterator[str]:
    """Check that the metrics are those the provider file declares for the benchmark."""
    benchmarks: list[Json] = provider.get("benchmarks") or []
    found = [one for one in benchmarks if one.get("id") == spec.benchmark_id]
    if not found:
        yield (
            f"the provider file has no benchmark {spec.benchmark_id!r}; "
            "the service would refuse the job with 400"
        )
        return
    patterns: list[str] = found[0].get("metrics") or []
    reported = list(metrics)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in reported):
            yield (
                f"the provider file declares metric {pattern!r}, but it is not reported; "
                "users who chose the benchmark for it would not get it"
            )
    for name in reported:
        if patterns and not any(fnmatchcase(name, pattern) for pattern in patterns):
            yield (
                f"metric {name!r} is not declared in the provider file; "
                "users and agents would not know of it"
            )


def primary_score(results: JobResults, metric: str | None) -> Iterator[str]:
    """Check that the primary score is reported as a number."""
    values = {result.metric_name: result.metric_value for result in results.results}
    if metric is not None:
        value = values.get(metric)
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield (
                f"the primary metric {metric!r} is {value!r}, not a number; "
                "the service would silently give no verdict"
            )
    elif results.overall_score is None and len(values) != 1:
        yield (
            "there is neither an overall_score nor a declared primary metric; "
            "jobs could not be compared by one number"
        )


def size(results: JobResults, spec: JobSpec) -> Iterator[str]:
    """Check that the final event is small enough."""
    length = len(Report(result_event(spec.benchmark_ref, results)).body)
    if length > MAX_BODY_BYTES:
        yield (
            f"the final event has {length} bytes, more than the limit of {MAX_BODY_BYTES}; the "
            "service would refuse it with 413: store the details as an artifact"
        )


def artifacts(callbacks: RecordingCallbacks, results: JobResults) -> Iterator[str]:
    """Check that the artifacts in the results were stored."""
    stored = {result.digest for _, result in callbacks.artifacts}
    for spec, result in callbacks.artifacts:
        if not result.files:
            yield f"artifact {spec.title or result.reference} has no files"
    named = results.oci_artifact
    if named is not None and named.digest not in stored:
        yield (
            f"the results refer to artifact {named.digest}, which was not stored; "
            "the reference would be invalid"
        )


def samples(
    kept: Sequence[Sample], results: JobResults | None, metric: str | None
) -> Iterator[str]:
    """Check that samples are told apart, and that the score of the results is their mean."""
    keys = Counter(sample.key for sample in kept)
    repeated = [key for key, times in keys.items() if times > 1]
    if repeated:
        identity, repeat, _ = repeated[0]
        yield (
            f"{len(repeated)} samples share their id with others, such as {identity!r} (repeat "
            f"{repeat}); two runs could not be compared answer by answer"
        )
    if results is None:
        return
    values = {result.metric_name: result.metric_value for result in results.results}
    score = results.overall_score if metric is None else values.get(metric)
    of_metric = [one.prediction for one in kept if metric in (None, one.metric)]
    predictions = of_metric or [one.prediction for one in kept]
    if isinstance(score, bool) or not isinstance(score, int | float) or not predictions:
        return
    mean = math.fsum(predictions) / len(predictions)
    if not math.isclose(mean, score, rel_tol=_SAME, abs_tol=_SAME):
        yield (
            f"the mean of the samples is {mean} and the score {score}; intervals and comparisons "
            "would speak of another number (samples_give_the_score = False, if it is no mean)"
        )


def clean_failure(outcome: Outcome, exception: BaseException | None) -> Iterator[str]:
    """Check that an invalid configuration raises an error with a message for users."""
    from evalhub.adapter import BenchmarkError, ConfigurationError

    if exception is None and outcome.status == "completed":
        yield ("an invalid configuration was evaluated to the end; its results would look valid")
    elif exception is not None and not isinstance(exception, ConfigurationError | BenchmarkError):
        yield (
            f"an invalid configuration raises {type(exception).__name__}: {exception}; raise "
            "ConfigurationError or BenchmarkError, or the user gets a traceback"
        )


def secrets(outcome: Outcome, secret: str) -> Iterator[str]:
    """Check that a secret is in no log, event or file of the job."""
    if secret in outcome.logs:
        yield "the model's API key is in the log, for everyone who may read logs"
    if secret in json.dumps(outcome.events):
        yield "the model's API key is in an event; the service would store it"
    for file in sorted(outcome.folder.rglob("*")):
        if file.is_file() and secret.encode() in file.read_bytes():
            where = file.relative_to(outcome.folder)
            yield f"the model's API key is in {where}; it would be pushed to a registry"


def files_outside(outcome: Outcome, allowed: Sequence[Path]) -> Iterator[str]:
    """Check that files are written only to the job's directory or a temporary one."""
    for path in outcome.written:
        if not any(path.is_relative_to(folder) for folder in allowed):
            yield (
                f"it writes {path}; in a cluster it has no home directory, and the file system may "
                "be read-only: write to the job's directory or use tempfile"
            )


def differences(first: Json, second: Json, varying: Sequence[str]) -> Iterator[str]:
    """Check that two runs report the same metrics."""
    for name in sorted({*first, *second}):
        if any(fnmatchcase(name, pattern) for pattern in varying):
            continue
        if first.get(name) != second.get(name):
            yield (
                f"metric {name} is {first.get(name)!r} and then {second.get(name)!r} for the same "
                "job; set a seed, or deterministic = False"
            )


def _stage(update: JobStatusUpdate) -> tuple[Any, ...]:
    texts = (update.message, update.warning_message, update.current_step)
    return (update.status, update.phase, update.progress, update.completed_steps, *map(str, texts))
