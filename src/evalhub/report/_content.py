"""What a report says, before it has a form."""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any, cast

from evalhub.analysis._measured import Measured, direction_of, measured, metric_of
from evalhub.analysis._pairing import field_of, samples_of
from evalhub.analysis.statistics import wilson
from evalhub.report._texts import plain, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from evalhub.analysis import Comparison, History
    from evalhub.analysis._pairing import Rows
    from evalhub.analysis._sources import Key, Run
    from evalhub.models.job import EvaluationJob

__all__ = ["Answer", "Category", "Content", "JobPart", "Measurement", "job_part"]

SHOWN = 200
"""Samples in a page: enough to look at, few enough to open at once."""

_SIGNS = {"passed": "✓", "not passed": "✗", "failed": "!"}
_LATENCY = re.compile(r"latency.*?p(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Category:
    """A part of a benchmark: its mean, and of how many samples."""

    name: str
    value: float
    samples: int | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One sample as a page shows it."""

    sample_id: str
    score: float | None
    group: str
    input: str
    expected: str
    output: str
    is_lost: bool

    @property
    def outcome(self) -> str:
        """Right, wrong, or the score where it is neither."""
        match self.score:
            case None:
                return "no score"
            case 1.0:
                return "right"
            case 0.0:
                return "wrong"
            case score:
                return f"{score:.3g}"

    @property
    def sign(self) -> str:
        """The outcome as one character."""
        return {"right": "✓", "wrong": "✗"}.get(self.outcome, "·")


def _word(state: str, passed: bool | None) -> str:
    if state != "completed":
        return state
    return {True: "passed", False: "not passed", None: "no verdict"}[passed]


@dataclass(slots=True)
class Measurement:
    """One benchmark of a job."""

    provider_id: str
    benchmark_id: str
    index: int
    state: str
    metric: str | None = None
    measured: Measured | None = None
    lower_is_better: bool | None = None
    threshold: float | None = None
    passed: bool | None = None
    error: str = ""
    warning: str = ""
    seconds: float | None = None
    categories: list[Category] = field(default_factory=list[Category])
    latency: dict[int, float] = field(default_factory=dict[int, float])
    latencies: list[float] = field(default_factory=list[float])
    answers: list[Answer] = field(default_factory=list[Answer])
    samples: int = 0
    """Rows in all, of which `answers` shows some."""

    metrics: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    facts: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def name(self) -> str:
        """Provider and benchmark, and which where there are several."""
        whole = f"{self.provider_id}/{self.benchmark_id}" if self.provider_id else self.benchmark_id
        return plain(whole)

    @property
    def value(self) -> float | None:
        """The primary score."""
        return self.measured.value if self.measured else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its interval of 95 %."""
        return self.measured.interval if self.measured else None

    @property
    def margin(self) -> float:
        """How far the score is above its threshold; infinite without one."""
        if self.value is None or self.threshold is None:
            return float("inf")
        above = self.value - self.threshold
        return -above if self.lower_is_better else above

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return _word(self.state, self.passed)

    @property
    def sign(self) -> str:
        """The verdict as one character."""
        return _SIGNS.get(self.word, "·")


@dataclass(slots=True)
class JobPart:
    """One job."""

    job_id: str
    name: str
    model: str
    state: str
    created_at: datetime | None
    passed: bool | None
    score: float | None
    threshold: float | None
    benchmarks: list[Measurement]
    facts: list[tuple[str, str]]
    message: str = ""

    @property
    def word(self) -> str:
        """The verdict in a word."""
        return _word(self.state, self.passed)

    @property
    def sign(self) -> str:
        """The verdict as one character."""
        return _SIGNS.get(self.word, "·")

    @property
    def seconds(self) -> float | None:
        """How long the benchmarks took together."""
        known = [one.seconds for one in self.benchmarks if one.seconds is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class Content:
    """A whole report."""

    title: str
    jobs: list[JobPart]
    comparison: Comparison | None
    histories: list[History]
    made_at: datetime


def job_part(run: Run, rows: Rows | None, comparison: Comparison | None) -> JobPart:
    """Return what a report says about one job.

    Raises:
        ConfigurationError: A row cannot be used.
    """
    job = run.job
    parts = [_measurement(key, run) for key in run.keys]
    parts.sort(key=lambda one: (one.margin, one.index))
    if rows is not None:
        _add_samples(parts, rows, comparison)
    test = job.results.test if job else None
    return JobPart(
        job_id=job.id if job else "",
        name=plain(job.name) if job else run.label,
        model=plain(job.model.name) if job else "",
        state=str(job.state) if job else "completed",
        created_at=job.resource.created_at if job else None,
        passed=job.passed if job else None,
        score=test.score if test else None,
        threshold=test.threshold if test else None,
        benchmarks=parts,
        facts=_facts_of_job(job) if job else [],
        message=plain(str(job.status.message)) if job and job.status.message else "",
    )


def _measurement(key: Key, run: Run) -> Measurement:
    provider_id, benchmark_id, _ = key
    result, status = run.results.get(key), run.statuses.get(key)
    metric, _ = metric_of(key, [run], None)
    part = Measurement(
        provider_id=provider_id,
        benchmark_id=benchmark_id,
        index=result.benchmark_index if result else status.benchmark_index if status else 0,
        state=str(status.status) if status else "completed" if result else "pending",
        metric=metric,
    )
    if status is not None:
        part.error = text_of(str(status.error_message)) if status.error_message else ""
        part.warning = text_of(str(status.warning_message)) if status.warning_message else ""
        if status.started_at and status.completed_at:
            part.seconds = (status.completed_at - status.started_at).total_seconds()
    if result is None:
        return part
    if metric is not None:
        part.measured = measured(result, metric)
        part.lower_is_better = direction_of(key, metric, [run])
    if result.test is not None:
        part.threshold, part.passed = result.test.threshold, result.test.passed
    numbers = {name: measured(result, name, is_primary=False) for name in result.metrics}
    part.categories = _categories(metric, numbers)
    part.latency = {
        int(found[1]): one.value
        for name, one in numbers.items()
        if (found := _LATENCY.search(name)) and one.value is not None
    }
    part.metrics = [(plain(name), text_of(value, 200)) for name, value in result.metrics.items()]
    part.facts = list(_facts(key, run))
    return part


def _categories(metric: str | None, numbers: Mapping[str, Measured]) -> list[Category]:
    """Return the metrics that are parts of the primary one: `accuracy_logic` of `accuracy`."""
    if metric is None:
        return []
    return [
        Category(plain(name.removeprefix(f"{metric}_")), one.value, one.samples, one.interval)
        for name, one in numbers.items()
        if name.startswith(f"{metric}_") and "stderr" not in name and one.value is not None
    ]


def _facts(key: Key, run: Run) -> Iterable[tuple[str, str]]:
    result, config = run.results.get(key), run.configs.get(key)
    if config is not None:
        yield from (
            (f"parameter {plain(n)}", text_of(v, 200)) for n, v in config.parameters.items()
        )
        if config.test_data_ref is not None:
            yield "test data", text_of(config.test_data_ref.to_wire(), 200)
    if result is None:
        return
    info = result.additional_info or {}
    for name, value in info.items():
        if name not in ("metric_details", "overall_score") and value not in (None, "", {}, []):
            yield from _flat(name, value)
    for name, value in result.artifacts.items():
        yield f"artifact {plain(name)}", text_of(value, 300)
    if result.mlflow_run_id:
        yield "MLflow run", plain(result.mlflow_run_id)


def _flat(name: str, value: Any) -> Iterable[tuple[str, str]]:
    label = plain(name.replace("_", " "))
    if isinstance(value, dict) and value:
        for inner, part in cast("dict[str, Any]", value).items():
            yield f"{label}: {plain(str(inner).replace('_', ' '))}", text_of(part, 200)
    else:
        yield label, text_of(value, 200)


def _facts_of_job(job: EvaluationJob) -> list[tuple[str, str]]:
    facts: list[tuple[str, Any]] = [
        ("job", job.id),
        ("model", job.model.name),
        ("model URL", job.model.url),
        ("model parameters", job.model.parameters),
        ("tags", ", ".join(job.tags)),
        ("owner", job.resource.owner),
        ("collection", job.collection.id if job.collection else None),
        ("MLflow", job.results.mlflow_experiment_url),
        ("description", job.description),
    ]
    oci = job.results.oci
    for name in ("evaluation_card", "evaluation_bundle"):
        stored = getattr(oci, name, None)
        if stored is not None:
            facts.append((name.replace("_", " "), stored.oci_reference))
    return [(name, text_of(value, 300)) for name, value in facts if value]


def _add_samples(parts: list[Measurement], rows: Rows, comparison: Comparison | None) -> None:
    """Read the rows once, and keep of each benchmark what a page shows."""
    keep = {id(part): _Kept(part, _lost(part, comparison)) for part in parts}
    for place, row in enumerate(samples_of(rows, "samples")):
        get = partial(field_of, row)
        part = _part_of(parts, get("provider_id"), get("benchmark_id"))
        if part is not None and get("metric") in (None, part.metric):
            keep[id(part)].add(place, get)
    for kept in keep.values():
        kept.finish()


def _part_of(parts: list[Measurement], provider: Any, benchmark: Any) -> Measurement | None:
    if benchmark is None and len(parts) == 1:
        return parts[0]
    return next(
        (
            part
            for part in parts
            if part.benchmark_id == benchmark and provider in (None, part.provider_id)
        ),
        None,
    )


def _lost(part: Measurement, comparison: Comparison | None) -> frozenset[str]:
    for one in comparison.benchmarks if comparison else ():
        if (one.provider_id, one.benchmark_id) == (part.provider_id, part.benchmark_id):
            return frozenset(one.gained if one.lower_is_better else one.lost)
    return frozenset()


class _Kept:
    """What is kept of the rows of one benchmark while they go by."""

    def __init__(self, part: Measurement, lost: frozenset[str]) -> None:
        self._part = part
        self._lost = lost
        self._worst: list[tuple[Any, ...]] = []
        self._groups: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, place: int, get: Any) -> None:
        part = self._part
        part.samples += 1
        score, seconds = _finite(get("prediction")), _finite(get("latency_seconds"))
        if seconds is not None:
            part.latencies.append(seconds)
        if score is not None and get("group") is not None:
            self._groups[str(get("group"))].append(score)
        is_lost = str(get("sample_id")) in self._lost
        rank = -1.0 if score is None else (-score if part.lower_is_better else score)
        # Worst first: a heap whose first entry is the best of those that are kept.
        entry = (not is_lost, rank, place)
        kept = tuple(-x for x in entry)
        if len(self._worst) < SHOWN:
            heapq.heappush(self._worst, (*kept, _answer(get, score, is_lost=is_lost)))
        elif kept > self._worst[0][:3]:
            heapq.heapreplace(self._worst, (*kept, _answer(get, score, is_lost=is_lost)))

    def finish(self) -> None:
        self._part.answers = [entry[-1] for entry in sorted(self._worst, reverse=True)]
        if not self._part.categories and len(self._groups) > 1:
            self._part.categories = [
                _category(name, scores) for name, scores in sorted(self._groups.items())
            ][:50]


def _category(name: str, scores: list[float]) -> Category:
    n = len(scores)
    mean = sum(scores) / n
    interval = wilson(round(sum(scores)), n) if {*scores} <= {0.0, 1.0} else None
    return Category(plain(name), mean, n, interval)


def _answer(get: Any, score: float | None, *, is_lost: bool) -> Answer:
    return Answer(
        sample_id=text_of(str(get("sample_id")), 100),
        score=score,
        group=text_of(get("group"), 60),
        input=text_of(get("input")),
        expected=text_of(get("expected")),
        output=text_of(get("output")),
        is_lost=is_lost,
    )


def _finite(value: Any) -> float | None:
    if isinstance(value, int | float) and isfinite(value):
        return float(value)
    return None
