"""How often the intervals of a comparison hold the truth, and how often a gate is wrong.

For 2,000 seeded runs each: `make intervals`. The aims: 94 to 96 % for intervals of 95 %, at most
5 % false alarms. Where few samples ever change, no method reaches 96 % from above: outcomes are
whole numbers, and the next narrower interval holds the truth far too rarely. Those rows say so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import product
from math import sqrt
from typing import Any

import numpy as np

from evalhub.analysis import statistics as st

RUNS = 2000
SEED = 20260815

Draw = Callable[[np.random.Generator], tuple[st.Difference, float]]


def two_shares(n: int, p: float, drop: float = 0.0) -> Draw:
    def draw(random: np.random.Generator) -> tuple[st.Difference, float]:
        seen = int(random.binomial(n, p)), int(random.binomial(n, p - drop))
        return st.TwoShares(seen, (n, n)), -drop

    return draw


def newcombe(n: int, p: float) -> Draw:
    def draw(random: np.random.Generator) -> tuple[st.Difference, float]:
        k, j = int(random.binomial(n, p)), int(random.binomial(n, p))
        return st.TwoIntervals((k / n, j / n), (st.wilson(k, n), st.wilson(j, n))), 0.0

    return draw


def paired_shares(n: int, p: float, drop: float = 0.0, correlation: float = 0.5) -> Draw:
    q = p - drop
    both = min(p * q + correlation * sqrt(p * (1 - p) * q * (1 - q)), p, q)
    cells = [q - both, p - both, 1 - (p + q - 2 * both)]

    def draw(random: np.random.Generator) -> tuple[st.Difference, float]:
        gained, lost, _ = random.multinomial(n, cells)
        return st.PairedShares(int(gained), int(lost), n), -drop

    return draw


def student(n: int, p: float) -> Draw:
    """Scores between 0 and 1, such as those of a judge; 0 and 1 alone are not for Student's t."""

    def draw(random: np.random.Generator) -> tuple[st.Difference, float]:
        a, b = random.beta(4 * p, 4 * (1 - p), (2, n))
        return st.paired((b - a).tolist()), 0.0

    return draw


def clustered(n: int, p: float, size: int = 10) -> Draw:
    """Questions in groups of ten that change together."""

    def draw(random: np.random.Generator) -> tuple[st.Difference, float]:
        groups = np.repeat(np.arange(max(n // size, 1)), size)
        shift = random.normal(0, 0.2, groups[-1] + 1)[groups]
        chance = np.clip(p + np.stack([-shift, shift]) * min(p, 1 - p), 0, 1)
        a, b = random.random((2, len(groups))) < chance
        return st.paired((b * 1.0 - a).tolist(), [str(group) for group in groups]), 0.0

    return draw


def welch(n: int, p: float) -> Draw:
    def draw(random: np.random.Generator) -> tuple[st.Difference, float]:
        a, b = random.beta(4 * p, 4 * (1 - p), (2, n))
        errors = a.std(ddof=1) / sqrt(n), b.std(ddof=1) / sqrt(n)
        return st.TwoMeans.of((a.mean(), b.mean()), errors, (n, n)), 0.0

    return draw


METHODS: dict[str, Callable[[int, float], Draw]] = {
    "two shares": two_shares,
    "paired shares": paired_shares,
    "paired mean": student,
    "paired, clustered": clustered,
    "two means": welch,
    "(Newcombe)": newcombe,
}


SEEDS = {
    cell: SEED + place
    for place, cell in enumerate(product(METHODS, (50, 300, 3000), (0.05, 0.5, 0.95)))
}


def coverage(draw: Draw, seed: int, runs: int = RUNS, confidence: float = 0.95) -> float:
    random = np.random.default_rng(seed)
    held = 0
    for _ in range(runs):
        difference, true = draw(random)
        low, high = st.interval(difference, confidence)
        held += low <= true <= high
    return held / runs


def alarms(draws: list[Draw], margin: float, seed: int, runs: int = RUNS) -> float:
    """How often a gate over several benchmarks fails although none is worse than the margin."""
    random = np.random.default_rng(seed)
    wrong = 0
    for _ in range(runs):
        p_values = [2 * st.tail(draw(random)[0], -margin) for draw in draws]
        wrong += min(st.holm([min(p, 1.0) for p in p_values])) <= 0.05
    return wrong / runs


def intervals() -> Iterator[tuple[str, int, float, float]]:
    for (method, n, p), seed in SEEDS.items():
        yield method, n, p, coverage(METHODS[method](n, p), seed)


def gates() -> Iterator[tuple[str, float]]:
    for place, (n, p, margin) in enumerate(
        product((50, 300, 3000), (0.05, 0.5, 0.95), (0.0, 0.02))
    ):
        for name, method in (("paired", paired_shares), ("unpaired", two_shares)):
            draws = [method(n, p, margin) if margin < p else method(n, p)] * 5
            rate = alarms(draws, margin, SEED + 1000 + place)
            yield f"{name}, 5 benchmarks, n {n}, p {p}, max_drop {margin}", rate


def main() -> int:
    print(f"{'method':<20}{'n':>6}{'p':>6}  coverage of 95 % over {RUNS} runs")
    for method, n, p, held in intervals():
        note = "" if 0.94 <= held <= 0.96 else "  outside of 94 to 96 %"
        print(f"{method:<20}{n:>6}{p:>6}  {held:.4f}{note}", flush=True)
    worst: Any = max(gates(), key=lambda gate: gate[1])
    print(f"worst rate of false alarms of a gate: {worst[1]:.4f} ({worst[0]})")
    return 0 if worst[1] <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
