"""Turn what a framework returns into metrics: names, intervals, counts."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from evalhub.models.result import EvaluationResult

__all__ = ["metrics_from"]

logger = logging.getLogger(__name__)

_Z_95 = 1.959963984540054
"""Standard errors to either side of a mean that hold 95 % of a normal distribution."""

_ERRORS = ("_stderr", "_standard_error", "_sem", "/stderr", "/standard_error", "/sem")
_INTERVALS = ("_ci", "_ci95", "_confidence_interval", "/ci", "/confidence_interval")
_COUNTS = frozenset({"n", "n_samples", "num_samples", "sample_len", "scored_samples"})
_NO_VALUE = frozenset({"n/a", "na", "nan", "none", ""})
"""What frameworks write where there is no number."""

Json = Mapping[str, Any]


def metrics_from(
    results: Any, *, primary: str | None = None, num_samples: int | None = None
) -> list[EvaluationResult]:
    """Return the metrics in a framework's results.

    Understood are lm-eval's results (`"acc,none"` with `"acc_stderr,none"`, groups), inspect's
    (`scores` with their metrics), and nested objects of numbers, whose keys are joined with `/`.
    A standard error becomes a 95 % interval, a number of samples becomes `num_samples`. What is
    no number is named in the log.

    Args:
        results: What the framework returned, or the JSON it wrote.
        primary: The task, group or scorer whose metrics get no prefix.
        num_samples: Of metrics that do not say theirs.
    """
    whole = cast("Json", results if isinstance(results, Mapping) else results.model_dump())
    if isinstance(whole.get("results"), Mapping) and "n-samples" in whole:
        found = _lm_eval(whole, primary)
    elif isinstance(whole.get("scores"), Sequence):
        found = _inspect(whole, primary)
    else:
        found = list(_nested(whole, "", None))
    for metric in found:
        metric.num_samples = metric.num_samples or num_samples
    return found


def _lm_eval(whole: Json, primary: str | None) -> list[EvaluationResult]:
    tasks: dict[str, Json] = {**(whole.get("groups") or {}), **whole["results"]}
    counts: Json = whole.get("n-samples") or {}
    alone = len(tasks) == 1
    found: list[EvaluationResult] = []
    for task, values in tasks.items():
        samples: Json = counts.get(task) or {}
        plain = {_lm_eval_name(key): value for key, value in values.items()}
        prefix = "" if alone or task == primary else task
        number = samples.get("effective") or plain.get("sample_len")
        found += _nested(_without(plain, "alias", "name", " "), prefix, number)
    # The one the benchmark is judged by comes first.
    return sorted(found, key=lambda metric: "/" in metric.metric_name)


def _lm_eval_name(key: str) -> str:
    """`acc,none` is `acc`; `acc_stderr,strict` is `acc.strict_stderr`, beside `acc.strict`."""
    name, _, filtered = key.partition(",")
    if filtered in ("", "none"):
        return name
    metric, error, _ = name.partition("_stderr")
    return f"{metric}.{filtered}{error}"


def _inspect(whole: Json, primary: str | None) -> list[EvaluationResult]:
    scores = cast("Sequence[Json]", whole["scores"])
    found: list[EvaluationResult] = []
    for score in scores:
        metrics: Mapping[str, Json] = score.get("metrics") or {}
        values = {name: one.get("value") for name, one in metrics.items()}
        error = values.pop("stderr", None)
        means = [name for name in ("accuracy", "mean") if name in values]
        values |= {f"{name}_stderr": error for name in means if error is not None}
        if error is not None and not means:
            values["stderr"] = error
        is_alone = len(scores) == 1 or score.get("name") == primary
        prefix = "" if is_alone else str(score.get("name"))
        found += _nested(values, prefix, score.get("scored_samples"))
    return found


def _nested(values: Json, prefix: str, count: Any) -> Iterator[EvaluationResult]:
    flat = dict(_flat(values, ""))
    counts = {key: value for key, value in flat.items() if key.rpartition("/")[2] in _COUNTS}
    used = {*counts}
    for key in flat:
        of = _suffix(key, (*_ERRORS, *_INTERVALS))
        if of is not None and _measured(flat, of) is not None:
            used.add(key)
    for key, value in flat.items():
        if key in used:
            continue
        name = f"{prefix}/{key}" if prefix else key
        if _is_nothing(value):
            logger.info("metric %s has no value (%r)", name, value)
            continue
        if isinstance(value, str):
            logger.info("%s is text, not a metric: %.80s", name, value)
            continue
        error = _number(_beside(flat, key, _ERRORS))
        yield EvaluationResult(
            metric_name=name,
            metric_value=value,
            confidence_interval=_interval(value, error, _beside(flat, key, _INTERVALS)),
            num_samples=_count(counts, key, count),
            metadata={"stderr": error} if error is not None else {},
        )


def _flat(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and {"lower", "upper"} == set(cast("Json", value)):
        yield key, [value["lower"], value["upper"]]
    elif isinstance(value, Mapping):
        for name, inner in cast("Json", value).items():
            yield from _flat(inner, f"{key}/{name}" if key else str(name))
    else:
        yield key, value


def _suffix(key: str, endings: tuple[str, ...]) -> str | None:
    """Return what a key with one of the endings is about."""
    return next((key.removesuffix(one) for one in endings if key.endswith(one)), None)


def _measured(flat: Json, of: str) -> Any:
    return next((flat[key] for key in (of, f"{of}/mean", f"{of}/value") if key in flat), None)


def _beside(flat: Json, key: str, endings: tuple[str, ...]) -> Any:
    """Return the error or interval that stands beside a metric."""
    bases = {key, key.removesuffix("/mean"), key.removesuffix("/value")}
    return next((flat[base + one] for base in bases for one in endings if base + one in flat), None)


def _interval(value: Any, error: float | None, bounds: Any) -> tuple[float, float] | None:
    number = _number(value)
    match bounds:
        case [low, high] if _number(low) is not None and _number(high) is not None:
            return float(low), float(high)
        case _ if number is not None and error is not None:
            return number - _Z_95 * error, number + _Z_95 * error
        case _:
            return None


def _count(counts: Json, key: str, default: Any) -> int | None:
    folder = key.rpartition("/")[0]
    while True:
        for name in _COUNTS:
            number = _number(counts.get(f"{folder}/{name}" if folder else name))
            if number is not None:
                return int(number)
        if not folder:
            number = _number(default)
            return None if number is None else int(number)
        folder = folder.rpartition("/")[0]


def _number(value: Any) -> float | None:
    if isinstance(value, bool | str) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.casefold() in _NO_VALUE)


def _without(values: Json, *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names}
