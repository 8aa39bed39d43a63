"""One benchmark on both sides, from numbers to a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from evalhub.analysis._measured import difference_of
from evalhub.analysis._sentences import sentence_of
from evalhub.analysis.comparison import BenchmarkComparison, Verdict
from evalhub.analysis.statistics import (
    PairedShares,
    exact_mcnemar,
    holm,
    interval,
    needed_samples,
    smallest_effect,
    tail,
    two_sided,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalhub.analysis._measured import Measured
    from evalhub.analysis._pairing import Pairs
    from evalhub.analysis.policy import Policy
    from evalhub.analysis.statistics import Difference

__all__ = ["Case", "judge"]


@dataclass(slots=True)
class Case:
    """What is known about one benchmark before it is judged."""

    result: BenchmarkComparison
    before: Measured | None = None
    after: Measured | None = None
    pairs: Pairs | None = None
    reason: str = ""
    """Why it cannot be judged."""

    has_margin: bool = False
    """Whether the policy says how much worse this benchmark may get."""

    min_samples: int = 1
    min_overlap: float = 0.95
    difference: Difference | None = field(default=None, init=False)

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return -1 if self.result.lower_is_better else 1

    def p_worse(self) -> float:
        """Return the two-sided chance of a result this bad, were it just no worse than allowed."""
        assert self.difference is not None  # noqa: S101 - measured cases alone are asked
        allowed = -self.sign * self.result.max_drop
        below = tail(self.difference, allowed)
        return min(1.0, 2 * (below if self.sign > 0 else 1 - below))

    def p_better(self) -> float:
        """Return the two-sided chance of a result this good, were nothing better."""
        assert self.difference is not None  # noqa: S101
        below = tail(self.difference, 0.0)
        return min(1.0, 2 * (1 - below if self.sign > 0 else below))


def judge(cases: Sequence[Case], policy: Policy) -> None:
    """Fill in verdicts and sentences, those of the required benchmarks as one family."""
    for case in cases:
        _measure(case, policy.defaults.confidence)
    family = [case for case in cases if case.result.required and _is_judgeable(case)]
    others = [case for case in cases if not case.result.required and _is_judgeable(case)]
    _decide(family, policy, is_family=policy.defaults.correction == "holm")
    _decide(others, policy, is_family=False)
    for case in cases:
        if not case.result.sentence:
            _conclude_without_numbers(case)


def _measure(case: Case, confidence: float) -> None:
    result, pairs = case.result, case.pairs
    if case.before is not None and case.after is not None:
        result.baseline, result.candidate = case.before.value, case.after.value
        result.samples = case.before.samples, case.after.samples
        if not case.before.problem and not case.after.problem:
            case.difference = difference_of(case.before, case.after)
    if pairs is not None and pairs.n:
        _measure_pairs(case, pairs)
    if result.baseline is not None and result.candidate is not None:
        result.difference = result.candidate - result.baseline
    if case.difference is not None:
        _describe(result, case.difference, confidence)


def _measure_pairs(case: Case, pairs: Pairs) -> None:
    result = case.result
    result.paired = True
    result.baseline, result.candidate = pairs.before, pairs.after
    result.samples = pairs.n, pairs.n
    result.gained, result.lost = list(pairs.gained), list(pairs.lost)
    case.difference = pairs.difference


def _describe(result: BenchmarkComparison, difference: Difference, confidence: float) -> None:
    low, high = interval(difference, confidence)
    result.interval = (low, high) if isfinite(low) and isfinite(high) else None
    result.confidence = confidence
    result.method = difference.method
    result.p_value = two_sided(difference)
    if isinstance(difference, PairedShares):
        result.p_value = exact_mcnemar(difference.gained, difference.lost)
    effect = smallest_effect(difference.error, confidence)
    result.smallest_effect = effect if isfinite(effect) else None


def _is_judgeable(case: Case) -> bool:
    if case.reason or case.result.lower_is_better is None or case.difference is None:
        return False
    pairs, n = case.pairs, case.result.samples
    if pairs is not None and pairs.n and pairs.overlap < case.min_overlap:
        case.reason = (
            f"only {pairs.overlap:.0%} of the samples are on both sides; "
            f"{case.min_overlap:.0%} are needed to compare them in pairs"
        )
    elif any(count is not None and count < case.min_samples for count in n):
        fewest = min(count for count in n if count is not None)
        case.reason = (
            f"fewer than the {case.min_samples} that a judgement takes"
            if (fewest)
            else "there are no samples"
        )
    return not case.reason


def _decide(cases: Sequence[Case], policy: Policy, *, is_family: bool) -> None:
    worse = [case.p_worse() for case in cases]
    better = [case.p_better() for case in cases]
    if is_family:
        worse, better = holm(worse), holm(better)
    alpha = 1 - policy.defaults.confidence
    for case, p_worse, p_better in zip(cases, worse, better, strict=True):
        result = case.result
        result.p_value_worse = p_worse
        if p_worse <= alpha:
            result.verdict = Verdict.REGRESSED
        elif p_better <= alpha:
            result.verdict = Verdict.IMPROVED
        elif _is_no_worse(case):
            result.verdict = Verdict.UNCHANGED
        else:
            result.verdict = Verdict.INCONCLUSIVE
            result.needed_samples = _needed(case, policy.defaults.confidence)
        result.sentence = sentence_of(result)


def _is_no_worse(case: Case) -> bool:
    """Whether the worst that the interval holds is still allowed, or nothing has changed at all."""
    pairs = case.pairs
    if pairs is not None and pairs.n and not pairs.gained and not pairs.lost:
        return True
    low, high = case.result.interval or (0.0, 0.0)
    worst = low if case.sign > 0 else -high
    return worst > -case.result.max_drop


def _needed(case: Case, confidence: float) -> int | None:
    result, difference = case.result, case.difference
    known = [n for n in result.samples if n is not None]
    if difference is None or not known:
        return None
    seen = abs(difference.estimate)
    return needed_samples(min(known), difference.error, result.max_drop or seen, confidence)


def _conclude_without_numbers(case: Case) -> None:
    result = case.result
    if case.reason:
        if result.lower_is_better is not None and case.difference is not None:
            result.verdict = Verdict.INCONCLUSIVE
        result.sentence = sentence_of(result, case.reason)
    elif result.lower_is_better is None:
        result.sentence = sentence_of(
            result,
            f"nothing says whether a higher {result.metric} is better; "
            "name it under lower_is_better or higher_is_better in the policy",
        )
    else:
        _compare_plainly(case)


def _compare_plainly(case: Case) -> None:
    """Judge by the numbers alone where the policy says how much is allowed."""
    result = case.result
    worse_by = -case.sign * (result.difference or 0.0)
    if not case.has_margin:
        result.verdict = Verdict.INCONCLUSIVE
    elif worse_by > result.max_drop:
        result.verdict = Verdict.REGRESSED
    else:
        result.verdict = Verdict.UNCHANGED
    result.sentence = sentence_of(result)
