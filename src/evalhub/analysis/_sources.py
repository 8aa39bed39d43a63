"""Whatever a comparison is given, as runs of benchmarks."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias, cast

from pydantic import ValidationError

from evalhub.errors import ConfigurationError
from evalhub.models.benchmark import BenchmarkConfig
from evalhub.models.job import (
    BenchmarkResult,
    BenchmarkStatus,
    EvaluationJob,
    EvaluationJobResults,
)
from evalhub.models.result import JobResults
from evalhub.models.score import in_order

__all__ = ["Key", "Run", "RunSource", "content_of", "runs_of"]

Key: TypeAlias = tuple[str, str, int]
"""Provider, benchmark, and which of those that are called so."""

RunSource: TypeAlias = (
    EvaluationJob
    | EvaluationJobResults
    | JobResults
    | Mapping[str, Any]
    | str
    | PathLike[str]
    | Sequence[Any]
)
"""A job, its results, either as a dictionary or a file, or a list of several runs of the same."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what each benchmark measured, and how it was asked to."""

    label: str
    results: Mapping[Key, BenchmarkResult]
    configs: Mapping[Key, BenchmarkConfig] = field(default_factory=dict[Key, BenchmarkConfig])
    statuses: Mapping[Key, BenchmarkStatus] = field(default_factory=dict[Key, BenchmarkStatus])
    job: EvaluationJob | None = None

    @property
    def has_ended(self) -> bool:
        """Whether no more results can come."""
        return self.job is None or self.job.is_terminal

    @property
    def keys(self) -> list[Key]:
        """Every benchmark of the run, those without a result included."""
        return list(dict.fromkeys((*self.configs, *self.statuses, *self.results)))


def runs_of(source: RunSource, name: str) -> list[Run]:
    """Return the runs that a source holds.

    Args:
        source: What the caller gave.
        name: The argument, for the errors.

    Raises:
        ConfigurationError: It is none of what can be compared.
    """
    match source:
        case str() | PathLike():
            return [_run(content_of(Path(source)), name)]
        case Mapping() | EvaluationJob() | EvaluationJobResults() | JobResults():
            return [_run(source, name)]
        case Iterable():
            runs = [run for part in source for run in runs_of(part, name)]
            if not runs:
                raise ConfigurationError(f"{name} is empty: give at least one job")
            return runs
        case _:
            raise ConfigurationError(
                f"{name} must be a job, its results, a file or a list of jobs, "
                f"not {type(source).__name__}"
            )


def content_of(path: Path) -> Any:
    """Return the JSON of a file, packed or not.

    Raises:
        ConfigurationError: The file cannot be read, or is not JSON.
    """
    try:
        packed = path.read_bytes()
        return json.loads(gzip.decompress(packed) if path.suffix == ".gz" else packed)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not a job as JSON: {error}") from error


def _run(source: Any, name: str) -> Run:
    if isinstance(source, Mapping):
        source = _parsed(cast("Mapping[str, Any]", source), name)
    match source:
        case EvaluationJob():
            return _run_of_job(source)
        case EvaluationJobResults():
            return Run(name, _keyed(source.benchmarks))
        case JobResults():
            return Run(source.job_id, _keyed([_result(source)]))
        case _:
            raise ConfigurationError(f"{name} holds nothing that can be compared")


def _parsed(content: Mapping[str, Any], name: str) -> Any:
    try:
        if "resource" in content:
            return EvaluationJob.model_validate(content)
        if "benchmarks" in content and "name" not in content:
            return _ReceivedResults.model_validate(content)
        if "results" in content and "benchmark_id" in content:
            return JobResults.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"{name} is not a job: {place}: {first['msg']}") from error
    raise ConfigurationError(
        f"{name} is not a job: it needs resource, status and results, as jobs.get returns them"
    )


class _ReceivedResults(EvaluationJobResults):
    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Any:
        from evalhub.models._base import reading

        with reading():
            return super().model_validate(obj, **options)


def _run_of_job(job: EvaluationJob) -> Run:
    results = _keyed(job.results.benchmarks)
    configs: dict[Key, BenchmarkConfig] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for config in job.benchmarks:
        place = config.provider_id, config.id
        configs[*place, seen[place]] = config
        seen[place] += 1
    return Run(f"{job.name} ({job.id})", results, configs, _keyed(job.status.benchmarks), job)


def _keyed(entries: Iterable[Any]) -> dict[Key, Any]:
    keyed: dict[Key, Any] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for entry in in_order(entries):
        place = entry.provider_id, entry.id
        keyed[*place, seen[place]] = entry
        seen[place] += 1
    return keyed


def _result(results: JobResults) -> BenchmarkResult:
    """Return what the service would say about an adapter's results."""
    details = {
        metric.metric_name: {
            "confidence_interval": metric.confidence_interval,
            "num_samples": metric.num_samples,
        }
        for metric in results.results
    }
    return BenchmarkResult(
        id=results.benchmark_id,
        provider_id="",
        benchmark_index=results.benchmark_index,
        metrics={metric.metric_name: metric.metric_value for metric in results.results},
        additional_info={
            "metric_details": details,
            "num_examples_evaluated": results.num_examples_evaluated,
            "evaluation_metadata": results.evaluation_metadata,
        },
    )
