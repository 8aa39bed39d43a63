"""Differences and how sure one can be of them.

Every way to measure a difference answers one question: how far is what was seen from a true
difference of so much (`statistic`)? Intervals and p-values are read from that one answer, so they
never contradict each other. benchmarks/coverage.py shows how often the intervals hold the truth.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from math import acos, ceil, copysign, cos, hypot, inf, isfinite, pi, sqrt
from typing import TYPE_CHECKING, Any, Protocol

from evalhub.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "Difference",
    "PairedMean",
    "PairedShares",
    "TwoIntervals",
    "TwoMeans",
    "TwoShares",
    "exact_mcnemar",
    "holm",
    "interval",
    "needed_samples",
    "normal_quantile",
    "paired",
    "smallest_effect",
    "tail",
    "two_sided",
    "wilson",
]

_STEPS = 60
"""Halvings of an interval of width 2 to the precision of a float."""


class Difference(Protocol):
    """A difference that was measured: candidate less baseline."""

    @property
    def estimate(self) -> float:
        """The difference that was seen."""
        ...

    @property
    def error(self) -> float:
        """Standard error of the estimate."""
        ...

    @property
    def df(self) -> float:
        """Degrees of freedom of the statistic; infinite where it is normal."""
        ...

    @property
    def method(self) -> str:
        """Name of the method."""
        ...

    def statistic(self, true: float) -> float:
        """Return how many standard errors the estimate lies above a true difference."""
        ...


@dataclass(frozen=True, slots=True)
class PairedShares:
    """Two shares of the same samples, by Tango's score method (1998).

    Args:
        gained: Samples that only the candidate has right.
        lost: Samples that only the baseline has right.
        n: Samples in all.
    """

    gained: int
    lost: int
    n: int
    method: str = "paired shares (Tango score interval)"

    @property
    def estimate(self) -> float:
        """The difference that was seen."""
        return (self.gained - self.lost) / self.n

    @property
    def error(self) -> float:
        """Standard error of the estimate, which is never zero for what was not seen."""
        # One half more on each side: no change among n is no proof that nothing ever changes.
        changed = (self.gained + self.lost + 1) / (self.n + 1)
        return sqrt(max(changed - self.estimate**2, 0.0) / self.n)

    @property
    def df(self) -> float:
        """Infinite: the score is normal."""
        return inf

    def statistic(self, true: float) -> float:
        """Return the score of a true difference."""
        n, gained, lost = self.n, self.gained, self.lost
        a, b = 2 * n, -gained - lost + (2 * n - gained + lost) * true
        c = -lost * true * (1 - true)
        # The most likely share of samples lost, were this the true difference.
        share = (sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        return _ratio(gained - lost - n * true, n * (2 * share + true * (1 - true)))


@dataclass(frozen=True, slots=True)
class TwoShares:
    """Two shares of unrelated samples, by Miettinen and Nurminen's score method (1985)."""

    successes: tuple[int, int]
    """Of the baseline and of the candidate."""

    samples: tuple[int, int]
    method: str = "two shares (Miettinen-Nurminen score interval)"

    @property
    def estimate(self) -> float:
        """The difference that was seen."""
        (before, after), (n, m) = self.successes, self.samples
        return after / m - before / n

    @property
    def error(self) -> float:
        """Standard error of the estimate, with one success and one failure added to each side."""
        parts = [
            share * (1 - share) / (n + 2)
            for k, n in zip(self.successes, self.samples, strict=True)
            if (share := (k + 1) / (n + 2))
        ]
        return sqrt(sum(parts))

    @property
    def df(self) -> float:
        """Infinite: the score is normal."""
        return inf

    def statistic(self, true: float) -> float:
        """Return the score of a true difference."""
        (x, y), (n, m) = self.successes, self.samples
        total = n + m
        before = _most_likely_share(x, y, n, m, true)
        after = min(max(before + true, 0.0), 1.0)
        variance = (after * (1 - after) / m + before * (1 - before) / n) * total / (total - 1)
        return _ratio(self.estimate - true, variance)


@dataclass(frozen=True, slots=True)
class _Linear:
    """A difference whose statistic is a straight line."""

    estimate: float
    error: float
    df: float
    method: str

    def statistic(self, true: float) -> float:
        """Return the distance in standard errors."""
        return _ratio(self.estimate - true, self.error**2)


@dataclass(frozen=True, slots=True)
class PairedMean(_Linear):
    """The mean difference of the same samples, by Student's t, clustered where they are."""


@dataclass(frozen=True, slots=True)
class TwoMeans(_Linear):
    """Two means of unrelated samples, by Welch's t, or z where the counts are unknown."""

    @classmethod
    def of(
        cls,
        means: tuple[float, float],
        errors: tuple[float, float],
        samples: tuple[int | None, int | None],
    ) -> TwoMeans:
        """Return the difference of two means with their standard errors."""
        parts = [error**2 for error in errors]
        variance = sum(parts)
        df = inf
        if all(n is not None and n > 1 for n in samples) and variance > 0:
            weights = [v**2 / (n - 1) for v, n in zip(parts, samples, strict=True) if n]
            df = variance**2 / sum(weights)
        return cls(means[1] - means[0], sqrt(variance), df, "two means (Welch)")


@dataclass(frozen=True, slots=True)
class TwoIntervals:
    """Two values with intervals of any origin, by MOVER (square-and-add; Zou and Donner 2008).

    Of two Wilson intervals it makes Newcombe's interval.
    """

    values: tuple[float, float]
    intervals: tuple[tuple[float, float], tuple[float, float]]
    """Of the baseline and of the candidate."""

    confidence: float = 0.95
    """Of both intervals."""

    method: str = "two intervals (MOVER)"

    @property
    def estimate(self) -> float:
        """The difference that was seen."""
        return self.values[1] - self.values[0]

    @property
    def errors(self) -> tuple[float, float]:
        """Standard errors of the estimate downwards and upwards."""
        (low_a, high_a), (low_b, high_b) = self.intervals
        a, b = self.values
        z = normal_quantile((1 + self.confidence) / 2)
        return hypot(b - low_b, high_a - a) / z, hypot(high_b - b, a - low_a) / z

    @property
    def error(self) -> float:
        """Standard error of the estimate: the mean of both directions."""
        return sum(self.errors) / 2

    @property
    def df(self) -> float:
        """Infinite: intervals are taken for normal beyond their bounds."""
        return inf

    def statistic(self, true: float) -> float:
        """Return the distance in standard errors, of which each direction has its own."""
        down, up = self.errors
        away = self.estimate - true
        return _ratio(away, (down if away > 0 else up) ** 2)


def paired(differences: Sequence[float], groups: Sequence[str | None] | None = None) -> PairedMean:
    """Return the mean of paired differences.

    Args:
        differences: Candidate less baseline, one for each sample.
        groups: What each sample belongs to, where samples of one group resemble each other; a
            sample without a group stands for itself.

    Raises:
        ValueError: There are fewer than two differences.
    """
    n = len(differences)
    if n < 2:  # noqa: PLR2004 - one difference has no spread
        raise ValueError(f"{n} paired differences have no spread")
    mean = sum(differences) / n
    sums: defaultdict[object, float] = defaultdict(float)
    for place, difference in enumerate(differences):
        group = groups[place] if groups is not None else None
        sums[place if group is None else (group,)] += difference - mean
    clusters = len(sums)
    method = "paired mean (Student's t)"
    if clusters < n:
        method = f"paired mean (t, {clusters} clusters)"
    if clusters == 1:
        return PairedMean(mean, inf, 1, method)
    spread = sum(part * part for part in sums.values()) * clusters / (clusters - 1)
    return PairedMean(mean, sqrt(spread) / n, clusters - 1, method)


def interval(difference: Difference, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval that holds the true difference this often."""
    limit = _quantile((1 + confidence) / 2, difference.df)
    middle = difference.estimate
    match difference:
        case PairedShares() | TwoShares():
            low = _crossing(lambda true: difference.statistic(true) > limit, -1.0, middle)
            high = _crossing(lambda true: difference.statistic(true) > -limit, middle, 1.0)
            return low, high
        case TwoIntervals(errors=(down, up)):
            return middle - limit * down, middle + limit * up
        case _:
            return middle - limit * difference.error, middle + limit * difference.error


def tail(difference: Difference, true: float) -> float:
    """Return the chance of a result this low or lower, were this the true difference."""
    return _cumulative(difference.statistic(true), difference.df)


def two_sided(difference: Difference, true: float = 0.0) -> float:
    """Return the chance of a result this far from the true difference, on either side."""
    statistic = abs(difference.statistic(true))
    return min(1.0, 2 * _cumulative(-statistic, difference.df))


def exact_mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided p-value of as many samples gained and lost."""
    changed = gained + lost
    if changed == 0:
        return 1.0
    return min(1.0, 2 * float(_special().bdtr(min(gained, lost), changed, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number by Holm's step-down method."""
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share by Wilson's score method."""
    z = normal_quantile((1 + confidence) / 2)
    share, shrink = successes / n, 1 + z * z / n
    centre = (share + z * z / (2 * n)) / shrink
    spread = z / shrink * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else centre - spread
    return low, 1.0 if successes == n else centre + spread


def smallest_effect(error: float, confidence: float = 0.95, power: float = 0.8) -> float:
    """Return the true difference that a comparison this exact finds with a chance of `power`."""
    return (normal_quantile((1 + confidence) / 2) + normal_quantile(power)) * error


def needed_samples(n: int, error: float, effect: float, confidence: float = 0.95) -> int | None:
    """Return about how many samples it takes to find an effect with a chance of 80 %.

    `None` where no number would do.
    """
    found = smallest_effect(error, confidence)
    if effect <= 0 or not isfinite(found):
        return None
    needed = max(n, ceil(n * (found / effect) ** 2))
    # Two digits: the error that it follows from is an estimate itself.
    unit: int = 10 ** max(len(str(needed)) - 2, 0)
    return -(-needed // unit) * unit


@cache
def normal_quantile(share: float) -> float:
    """Return the value below which this share of a standard normal distribution lies."""
    return float(_special().ndtri(share))


def _quantile(share: float, df: float) -> float:
    return float(_special().stdtrit(df, share)) if isfinite(df) else normal_quantile(share)


def _cumulative(statistic: float, df: float) -> float:
    special = _special()
    return float(special.stdtr(df, statistic) if isfinite(df) else special.ndtr(statistic))


def _ratio(distance: float, variance: float) -> float:
    if distance == 0:
        return 0.0
    return distance / sqrt(variance) if variance > 0 else copysign(inf, distance)


def _most_likely_share(x: int, y: int, n: int, m: int, true: float) -> float:
    """Return the baseline's most likely share, were this the true difference.

    The root of a cubic equation, in the closed form of Miettinen and Nurminen's appendix.
    """
    total = n + m
    c3 = total
    c2 = (m + 2 * n) * true - total - x - y
    c1 = (n * true - total - 2 * x) * true + x + y
    c0 = x * true * (1 - true)
    third = c2 / (3 * c3)
    q = third**3 - c1 * c2 / (6 * c3**2) + c0 / (2 * c3)
    p = copysign(sqrt(max(third**2 - c1 / (3 * c3), 0.0)), q)
    angle = (pi + acos(min(max(q / p**3, -1.0), 1.0))) / 3 if p else 0.0
    return min(max(2 * p * cos(angle) - third, 0.0, -true), 1.0, 1.0 - true)


def _crossing(is_above: Callable[[float], bool], low: float, high: float) -> float:
    """Return where a falling statistic passes its limit, between two values."""
    if not is_above(low):
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_above(middle) else (low, middle)
    return (low + high) / 2


def _special() -> Any:
    try:
        from scipy import special
    except ImportError:
        raise MissingExtraError("comparing evaluations", "analysis") from None
    return special
