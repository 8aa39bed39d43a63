"""What one benchmark of one run says about one metric: the value, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from evalhub.analysis.statistics import (
    Difference,
    TwoIntervals,
    TwoMeans,
    TwoShares,
    normal_quantile,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.analysis._sources import Key, Run
    from evalhub.models.job import BenchmarkResult

__all__ = [
    "Measured",
    "circumstances",
    "difference_of",
    "direction_of",
    "mean_of_runs",
    "measured",
    "metric_of",
]

_WHOLE = 1e-6
_DATASET = ("dataset", "dataset_sha256", "dataset_digest", "dataset_revision", "prompt_version")
_IDENTITY = ("job_id", "benchmark_id", "model")


@dataclass(frozen=True, slots=True)
class Measured:
    """One metric; `problem` says why there is no number."""

    metric: str
    value: float | None
    samples: int | None = None
    bounds: tuple[float, float] | None = None
    """Interval of 95 % that the adapter gave."""

    error: float | None = None
    problem: str = ""

    @property
    def successes(self) -> int | None:
        """How many samples are right, where the value is a share of them."""
        if self.value is None or not self.samples or not 0 <= self.value <= 1:
            return None
        right = self.value * self.samples
        return round(right) if abs(right - round(right)) <= _WHOLE * max(1.0, right) else None

    @property
    def is_surely_a_share(self) -> bool:
        """Whether the value cannot be a count: 0 and 1 could be both."""
        if self.value is None or self.successes is None:
            return False
        inside = self.bounds is not None and 0 <= self.bounds[0] <= self.bounds[1] <= 1
        return 0 < self.value < 1 or inside

    @property
    def interval(self) -> tuple[float, float] | None:
        """An interval of 95 %, from whatever is known."""
        if self.bounds is not None or self.value is None:
            return self.bounds
        if self.error is not None:
            reach = normal_quantile(0.975) * self.error
            return self.value - reach, self.value + reach
        if self.is_surely_a_share and self.samples and self.successes is not None:
            return wilson(self.successes, self.samples)
        return None


def metric_of(key: Key, runs: Sequence[Run], named: str | None) -> tuple[str | None, str]:
    """Return the metric that a benchmark is judged by, and a sentence where there is none."""
    if named is not None:
        return named, ""
    for run in runs:
        config, result = run.configs.get(key), run.results.get(key)
        if config is not None and config.primary_score is not None:
            return config.primary_score.metric, ""
        if result is not None and result.test and result.test.primary_score_metric:
            return result.test.primary_score_metric, ""
    names = {
        name
        for run in runs
        if (result := run.results.get(key)) is not None
        for name, value in result.metrics.items()
        if _number(value) is not None
    }
    if len(names) == 1:
        return names.pop(), ""
    return None, "no primary score says which metric counts; name it in the policy (metric:)"


def direction_of(key: Key, metric: str, runs: Sequence[Run]) -> bool | None:
    """Return whether lower is better, from what the job says or the service's verdict shows."""
    for run in runs:
        config, result = run.configs.get(key), run.results.get(key)
        primary = config.primary_score if config is not None else None
        if primary is not None and primary.metric == metric:
            return primary.lower_is_better
        test = result.test if result is not None else None
        if (
            test is not None
            and test.primary_score_metric == metric
            and test.primary_score is not None
            and test.threshold is not None
            and test.primary_score != test.threshold
        ):
            # A score above its mark that passed is one of which more is better.
            return (test.primary_score > test.threshold) != test.passed
    return None


def measured(result: BenchmarkResult, metric: str) -> Measured:
    """Return what a benchmark says about a metric."""
    info = result.additional_info or {}
    if metric not in result.metrics:
        there = ", ".join(sorted(result.metrics)[:5]) or "none"
        return Measured(metric, None, problem=f"there is no metric {metric!r} (there are: {there})")
    raw = result.metrics[metric]
    value = _number(raw)
    if value is None:
        return Measured(metric, None, problem=_not_a_number(metric, raw, info))
    details = _mapping(_mapping(info.get("metric_details")).get(metric))
    samples = _count(details.get("num_samples")) or _count(info.get("num_examples_evaluated"))
    bounds = _bounds(details.get("confidence_interval"), value)
    return Measured(metric, value, samples, bounds, _error(metric, result.metrics))


def mean_of_runs(parts: Sequence[Measured]) -> Measured:
    """Return the mean of several runs of one benchmark.

    Runs ask the same questions, so more of them say no more about other questions: the interval
    is that of a single run.
    """
    if len(parts) == 1:
        return parts[0]
    for part in parts:
        if part.problem:
            return part
    n = len(parts)
    values = [part.value for part in parts if part.value is not None]
    intervals = [part.interval for part in parts if part.interval is not None]
    samples = {part.samples for part in parts}
    bounds = None
    if len(intervals) == n:
        bounds = sum(low for low, _ in intervals) / n, sum(high for _, high in intervals) / n
    of = samples.pop() if len(samples) == 1 else None
    return Measured(parts[0].metric, sum(values) / n, of, bounds)


def difference_of(before: Measured, after: Measured) -> Difference | None:
    """Return the difference of two values of unrelated samples; `None` if nothing is known."""
    if before.value is None or after.value is None:
        return None
    values = before.value, after.value
    shares = before.successes, after.successes
    is_share = before.is_surely_a_share or after.is_surely_a_share
    if is_share and None not in shares and before.samples and after.samples:
        return TwoShares(cast("tuple[int, int]", shares), (before.samples, after.samples))
    if before.error is not None and after.error is not None:
        errors = before.error, after.error
        if sum(errors) > 0:
            return TwoMeans.of(values, errors, (before.samples, after.samples))
    if before.interval is not None and after.interval is not None:
        return TwoIntervals(values, (before.interval, after.interval))
    return None


def circumstances(key: Key, run: Run) -> dict[str, Any]:
    """Return how a benchmark was measured, as far as the run says."""
    config, result, job = run.configs.get(key), run.results.get(key), run.job
    how: dict[str, Any] = {}
    if config is not None:
        how |= {f"parameter {name}": value for name, value in config.parameters.items()}
        if config.test_data_ref is not None:
            how["test data"] = config.test_data_ref.to_wire()
    info = (result.additional_info if result is not None else None) or {}
    metadata = _mapping(info.get("evaluation_metadata"))
    for name, value in {**info, **metadata}.items():
        if name in _DATASET or name.startswith(("dataset_", "num_few_shot", "num_fewshot")):
            how[name.replace("_", " ")] = value
    if job is not None and job.collection is not None:
        how["collection"] = job.collection.id
        how["state of the collection"] = getattr(job.collection, "collection_updated_at", None)
    return how


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def _not_a_number(metric: str, value: Any, info: Mapping[str, Any]) -> str:
    was = _mapping(info.get("non_finite_metrics")).get(metric)
    match value:
        case None | float():
            return f"{metric} is {was or 'not a number'}"
        case str():
            return f"{metric} is text: {value[:40]!r}"
        case bool():
            return f"{metric} is {value}, not a number"
        case _:
            return f"{metric} is a {type(value).__name__}, not a number"


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number >= 1 and number == int(number) else None


def _bounds(value: Any, about: float) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(cast("list[Any]", value)) != 2:  # noqa: PLR2004
        return None
    low, high = (_number(part) for part in cast("list[Any]", value))
    if low is None or high is None or not low <= about <= high:
        return None
    return low, high


def _error(metric: str, metrics: Mapping[str, Any]) -> float | None:
    name, comma, variant = metric.partition(",")
    # lm-eval writes `acc_stderr,none` beside `acc,none`; LightEval `acc_stderr` beside `acc`.
    for candidate in (f"{name}_stderr{comma}{variant}", f"{metric}_stderr", f"{metric},stderr"):
        error = _number(metrics.get(candidate))
        if error is not None and error >= 0:
            return error
    return None
