"""Put two sides side by side: match benchmarks, see what differs, pair samples, judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from evalhub.analysis._judging import Case, judge
from evalhub.analysis._matching import Match, matches_of, unlike
from evalhub.analysis._measured import (
    Measured,
    direction_of,
    mean_of_runs,
    measured,
    metric_of,
)
from evalhub.analysis._pairing import Pairs, Rows, Scored, is_mean, pairs_of, table_of
from evalhub.analysis._sources import Key, Run, RunSource, runs_of
from evalhub.analysis.baseline import Baseline, saved_baseline
from evalhub.analysis.comparison import BenchmarkComparison, Comparison
from evalhub.analysis.policy import Policy, PolicySource, is_about
from evalhub.errors import ConfigurationError
from evalhub.models.state import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evalhub.analysis.policy import BenchmarkRule

__all__ = ["Pairing", "compare"]

Pairing: TypeAlias = Literal["auto", "require", "off"]

_SIDES = 2
_Tables: TypeAlias = "dict[tuple[str | None, str | None, str | None], Scored]"


def compare(
    baseline: Baseline | RunSource,
    candidate: RunSource,
    *,
    policy: PolicySource = None,
    rows: tuple[Rows | None, Rows | None] | None = None,
    paired: Pairing = "auto",
) -> Comparison:
    """Say of each benchmark whether the candidate is better, worse or the same, or inconclusive.

    Samples of both sides are compared in pairs, which shows smaller differences; without samples
    the reported scores are compared, with the uncertainty that the job reports.

    Args:
        baseline: A job, its results, a file with either, a baseline that was saved, or a list of
            several runs of the same.
        candidate: What is compared with it.
        policy: What to require and to allow: a `Policy`, its content, or `gate.yaml`.
        rows: The samples of the baseline and of the candidate; dictionaries, `Sample`s or
            `.jsonl` files. A baseline that was saved with samples needs no others.
        paired: Whether to compare samples in pairs: where both sides have some, always, or never.

    Raises:
        ConfigurationError: A side, the policy or a row cannot be used, or pairs are required and
            there are none.
        MissingExtraError: The extra `analysis` is not installed.
    """
    rules = Policy.read(policy)
    saved = saved_baseline(baseline)
    if saved is not None:
        baseline, rows = saved.job, _with_saved(rows, saved)
    sides = runs_of(baseline, "baseline"), runs_of(candidate, "candidate")  # type: ignore[arg-type]
    tables = _tables(rows, paired)
    before, after = sides
    matching = matches_of(before, after, rules)
    cases = [
        case
        for key, other in matching
        for case in _cases(Match(key, other, before, after, len(matching) == 1), rules, tables)
    ]
    cases += _absent(cases, rules)
    if paired == "require":
        _require_pairs(cases)
    judge(cases, rules)
    return Comparison(
        baseline=_label(before),
        candidate=_label(after),
        benchmarks=[case.result for case in cases],
        warnings=[*_warnings("baseline", before), *_warnings("candidate", after)],
    )


def _with_saved(
    rows: tuple[Rows | None, Rows | None] | None, saved: Baseline
) -> tuple[Rows | None, Rows | None]:
    before, after = rows or (None, None)
    return (saved.rows if before is None else before), after


def _tables(rows: Sequence[Any] | None, paired: Pairing) -> tuple[_Tables, _Tables] | None:
    if paired not in ("auto", "require", "off"):
        raise ConfigurationError(f"paired is auto, require or off, not {paired!r}")
    if rows is None or paired == "off":
        return None
    if not isinstance(rows, tuple) or len(rows) != _SIDES:
        raise ConfigurationError("rows must be a pair: (rows of the baseline, of the candidate)")
    before, after = rows
    if before is None or after is None:
        return None
    return table_of(before, "baseline's samples"), table_of(after, "candidate's samples")


def _cases(match: Match, policy: Policy, tables: tuple[_Tables, _Tables] | None) -> Iterator[Case]:
    provider_id, benchmark_id, _ = match.name
    rule = policy.rule(provider_id, benchmark_id)
    metric, problem = None, ""
    for key, runs in match.sides():
        metric, problem = metric_of(key, runs, rule.metric if rule else None)
        if metric is not None:
            break
    is_required = rule is not None and (match.key is not None or bool(policy.require))
    yield _case(match, metric, policy, tables, problem=problem, required=is_required)
    for watched in _watched(match, metric, policy):
        yield _case(match, watched, policy, None, required=False, primary=False)


def _watched(match: Match, primary: str | None, policy: Policy) -> list[str]:
    names = {
        name
        for key, runs in match.sides()
        for run in runs
        if (result := run.results.get(key)) is not None
        for name in result.metrics
    }
    return sorted(name for name in names if name != primary and policy.watches(name))


def _case(
    match: Match,
    metric: str | None,
    policy: Policy,
    tables: tuple[_Tables, _Tables] | None,
    *,
    problem: str = "",
    required: bool,
    primary: bool = True,
) -> Case:
    rule = policy.rule(*match.name[:2]) if required else None
    case = _blank(match, metric, policy, rule, required=required)
    case.reason = problem
    case.is_primary = primary
    if match.key is None or match.other is None:
        _note_missing(case, match)
    elif metric is not None:
        _fill(case, match, metric, tables)
        direction = rule.direction if rule else None
        if direction is None:
            direction = policy.direction(metric)
        case.result.lower_is_better = _direction(match, metric) if direction is None else direction
        if not case.reason:
            _refuse_unlike(case, match, policy)
    return case


def _blank(
    match: Match,
    metric: str | None,
    policy: Policy,
    rule: BenchmarkRule | None,
    *,
    required: bool,
) -> Case:
    provider_id, benchmark_id, nth = match.name
    defaults = policy.defaults
    margin = rule.margin if rule else None
    result = BenchmarkComparison(
        provider_id=provider_id,
        benchmark_id=benchmark_id,
        benchmark_index=nth,
        metric=metric,
        sentence="",
        max_drop=defaults.max_drop if margin is None else margin,
        confidence=defaults.confidence,
        required=required,
    )
    return Case(
        result,
        has_margin=margin is not None or defaults.max_drop > 0,
        min_samples=(rule.min_samples if rule else None) or defaults.min_samples,
        min_overlap=defaults.min_overlap,
    )


def _fill(case: Case, match: Match, metric: str, tables: tuple[_Tables, _Tables] | None) -> None:
    _read(case, match, metric)
    if tables is not None:
        case.pairs = _pairs(case, match, metric, tables)
        _note_pairs(case)


def _direction(match: Match, metric: str) -> bool | None:
    said = {
        direction
        for key, runs in match.sides()
        if (direction := direction_of(key, metric, runs)) is not None
    }
    return said.pop() if len(said) == 1 else None


def _note_missing(case: Case, match: Match) -> None:
    lacking, runs = (
        ("candidate", match.after) if match.other is None else ("baseline", match.before)
    )
    if all(run.has_ended for run in runs):
        case.reason = f"the {lacking} does not have it"
        case.result.missing = match.other is None
    else:
        case.reason = f"the {lacking} is still running: wait for it"


def _read(case: Case, match: Match, metric: str) -> None:
    sides: list[Measured] = []
    for name, key, runs in (
        ("baseline", match.key, match.before),
        ("candidate", match.other, match.after),
    ):
        assert key is not None  # noqa: S101 - looked at by the caller
        results = [result for run in runs if (result := run.results.get(key)) is not None]
        if not results:
            _note_unfinished(case, name, key, runs)
            return
        own = _own_metric(match, key, runs, metric)
        is_primary = case.is_primary
        part = mean_of_runs([measured(one, own, is_primary=is_primary) for one in results])
        if part.problem:
            case.reason = case.reason or f"in the {name}, {part.problem}"
        sides.append(part)
        tests = [result.test for result in results if result.test is not None]
        if name == "candidate" and tests and tests[-1].primary_score_metric == own:
            case.result.threshold = tests[-1].threshold
    case.before, case.after = sides


def _own_metric(match: Match, key: Key, runs: Sequence[Run], metric: str) -> str:
    """Return what a side calls the metric: two harnesses have two names for accuracy."""
    if match.key is None or match.other is None or match.key[:2] == match.other[:2]:
        return metric
    return metric_of(key, runs, None)[0] or metric


def _note_unfinished(case: Case, name: str, key: Key, runs: Sequence[Run]) -> None:
    if all(run.has_ended for run in runs):
        status = next((s for run in runs if (s := run.statuses.get(key)) is not None), None)
        state = f" ({status.status})" if status is not None else ""
        case.reason = f"it has no result in the {name}{state}"
        case.result.missing = name == "candidate"
    else:
        case.reason = f"the {name} is still running: wait for it"


def _pairs(case: Case, match: Match, metric: str, tables: tuple[_Tables, _Tables]) -> Pairs | None:
    found = [
        _rows_of(key, _own_metric(match, key, runs, metric), part, table, is_only=match.is_only)
        for (key, runs), part, table in zip(
            match.sides(), (case.before, case.after), tables, strict=True
        )
    ]
    before, after = found
    return pairs_of(before, after) if before is not None and after is not None else None


def _rows_of(
    key: Key, metric: str, reported: Measured | None, tables: _Tables, *, is_only: bool
) -> Scored | None:
    """Return the rows of one benchmark and metric; what a row does not say matches anything."""
    provider_id, benchmark_id, nth = key
    if nth:
        return None  # rows do not say which of several they are of
    found = {
        of: scored
        for (provider, benchmark, of), scored in tables.items()
        if (benchmark == benchmark_id or (benchmark is None and is_only))
        and provider in (None, provider_id)
    }
    for name in (metric, None):
        if name in found:
            return found[name]
    # A scorer may be called otherwise than the metric: the accuracy of inspect's `match`.
    value = reported.value if reported is not None else None
    return next((one for one in found.values() if value is not None and one.averages(value)), None)


def _note_pairs(case: Case) -> None:
    pairs = case.pairs
    if pairs is None:
        return
    notes = case.result.notes
    if pairs.n == 0:
        case.reason = case.reason or "no sample is on both sides: their ids do not overlap"
    elif pairs.dropped:
        notes.append(f"{pairs.dropped:,} samples are on one side only and were left out")
    if pairs.unusable:
        notes.append(f"{pairs.unusable:,} samples have no number and were left out")
    if case.before is not None and case.before.value is not None and pairs.n:
        far = [
            name
            for name, part, mean in (
                ("baseline", case.before, pairs.before),
                ("candidate", case.after, pairs.after),
            )
            if part is not None
            and part.value is not None
            and not pairs.dropped
            and not is_mean(part.value, mean)
        ]
        notes.extend(f"the samples of the {n} have another mean than it reports" for n in far)


def _refuse_unlike(case: Case, match: Match, policy: Policy) -> None:
    text = "; ".join(dict.fromkeys(unlike(match, policy)))
    if text and policy.allow_different:
        case.result.notes.append(f"not measured alike: {text}")
    elif text:
        case.reason = f"not measured alike: {text} (allow_different judges it all the same)"


def _require_pairs(cases: Sequence[Case]) -> None:
    lacking = [
        case.result.name
        for case in cases
        if case.result.required and not case.reason and (case.pairs is None or not case.pairs.n)
    ]
    if lacking:
        raise ConfigurationError(
            f"pairs are required, and there are no samples of both sides for {', '.join(lacking)}"
        )


def _absent(cases: Sequence[Case], policy: Policy) -> list[Case]:
    """Return a case for each benchmark that the policy requires and neither side has."""
    seen = {(case.result.provider_id, case.result.benchmark_id) for case in cases}
    return [
        Case(
            BenchmarkComparison(
                provider_id="",
                benchmark_id=pattern,
                sentence="",
                required=True,
                missing=True,
                confidence=policy.defaults.confidence,
            ),
            reason="the policy requires it, and neither side has it",
        )
        for pattern in policy.require
        if not any(is_about(pattern, *place) for place in seen)
    ]


def _warnings(name: str, runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        if run.job is not None and not run.has_ended:
            yield f"the {name} {run.label} is {run.job.state}: its scores are not final"
        elif run.job is not None and run.job.state != JobStatus.COMPLETED:
            yield f"the {name} {run.label} is {run.job.state}"


def _label(runs: Sequence[Run]) -> str:
    return runs[0].label if len(runs) == 1 else f"{runs[0].label} and {len(runs) - 1} more runs"
