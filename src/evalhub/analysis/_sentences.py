"""Verdicts in words, for people who know no statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.analysis._tables import number
from evalhub.analysis.comparison import Verdict

if TYPE_CHECKING:
    from evalhub.analysis.comparison import BenchmarkComparison

__all__ = ["sentence_of"]


def sentence_of(one: BenchmarkComparison, reason: str = "") -> str:
    """Return the verdict and why it is so.

    Args:
        one: The comparison, complete but for its sentence.
        reason: What kept it from being judged by its numbers, if anything did.
    """
    if reason:
        opening = "Not judged" if one.verdict is None else _cannot_tell(one)
        return f"{opening}: {reason}."
    parts = [_opening(one), _evidence(one), _closing(one)]
    return " ".join(part for part in parts if part)


def _opening(one: BenchmarkComparison) -> str:
    change = one.difference or 0.0
    went = "rose" if change > 0 else "fell"
    moved = (
        f"{one.metric} {went} from {number(one.baseline)} to {number(one.candidate)}"
        if change
        else f"{one.metric} is {number(one.candidate)} on both sides"
    )
    match one.verdict:
        case Verdict.IMPROVED:
            return f"Better: {moved}."
        case Verdict.REGRESSED:
            return f"Worse: {moved}{_allowed(one)}."
        case Verdict.UNCHANGED:
            return f"No worse than allowed: {moved}." if one.max_drop else f"The same: {moved}."
        case _:
            may = "chance alone could do that" if change else "a difference may still be there"
            return f"{_cannot_tell(one)}: {moved}, and {may}."


def _cannot_tell(one: BenchmarkComparison) -> str:
    n = _samples(one)
    return f"Cannot tell from {n:,} {_noun(n)}" if n else "Cannot tell"


def _noun(n: int) -> str:
    return "sample" if n == 1 else "samples"


def _samples(one: BenchmarkComparison) -> int | None:
    known = [n for n in one.samples if n is not None]
    return min(known) if known else None


def _allowed(one: BenchmarkComparison) -> str:
    return f", where {number(one.max_drop)} is allowed" if one.max_drop else ""


def _evidence(one: BenchmarkComparison) -> str:
    if one.interval is None:
        return "No uncertainty is known: the numbers alone were compared."
    low, high = one.interval
    sure = f"The true difference lies between {number(low)} and {number(high)}"
    sure += f" ({one.confidence:.0%} sure)"
    if one.paired:
        return f"{sure}; of the same {_samples(one):,} samples {_flips(one)}."
    return f"{sure}."


def _flips(one: BenchmarkComparison) -> str:
    return f"{len(one.gained):,} score higher and {len(one.lost):,} lower than before"


def _closing(one: BenchmarkComparison) -> str:
    if one.verdict is not Verdict.INCONCLUSIVE or one.interval is None:
        return ""
    low, high = one.interval
    worst = max(0.0, high if one.lower_is_better else -low)
    noun = "rise" if one.lower_is_better else "drop"
    parts: list[str] = []
    adjusted = high < 0 if not one.lower_is_better else low > 0
    if adjusted and not one.max_drop:
        parts.append("Alone it would count as worse; among several benchmarks, one such is chance.")
    elif worst > 0:
        parts.append(f"A {noun} of up to {number(worst)} cannot be excluded.")
    if one.needed_samples is not None and one.needed_samples > (_samples(one) or 0):
        parts.append(f"About {one.needed_samples:,} samples would do.")
    return " ".join(parts)
