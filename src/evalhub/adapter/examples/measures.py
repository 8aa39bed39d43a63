"""The statistics of an evaluation."""

from __future__ import annotations

from math import floor, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["percentile", "wilson_interval"]

_Z_95 = 1.959963984540054
"""The standard normal distribution holds 95 % of its mass within this distance of its mean."""


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval in which a share lies, by Wilson's score method.

    Unlike the textbook interval it stays within 0 and 1 and has a width at 0 and 100 %, which is
    where small evaluations end up.

    Raises:
        ValueError: There are no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} successes in {trials} trials have no share")
    share = successes / trials
    shrink = 1 + _Z_95**2 / trials
    centre = (share + _Z_95**2 / (2 * trials)) / shrink
    spread = _Z_95 / shrink * sqrt(share * (1 - share) / trials + _Z_95**2 / (4 * trials**2))
    # At the ends rounding would leave the bound a hair beside the share it must include.
    low = 0.0 if successes == 0 else centre - spread
    high = 1.0 if successes == trials else centre + spread
    return low, high


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies, interpolating between two.

    Args:
        values: At least one, in any order.
        share: From 0 to 1; 0.5 is the median.
    """
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
