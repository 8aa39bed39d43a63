"""Every number against statsmodels or scipy, to a millionth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.api import OLS  # type: ignore[import-untyped]
from statsmodels.stats.contingency_tables import mcnemar  # type: ignore[import-untyped]
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]
from statsmodels.stats.power import NormalIndPower  # type: ignore[import-untyped]
from statsmodels.stats.proportion import (  # type: ignore[import-untyped]
    confint_proportions_2indep,
    proportion_confint,
    score_test_proportions_2indep,
)
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW  # type: ignore[import-untyped]

from evalhub.analysis import statistics as st


def about(value):
    return pytest.approx(value, rel=1e-6, abs=1e-6)


SHARES = [
    (k, n, j, m)
    for k, n in ((0, 20), (3, 84), (42, 84), (297, 300), (50, 50), (700, 1319))
    for j, m in ((0, 20), (5, 84), (60, 84), (280, 300), (50, 50), (10532, 14042))
]


@pytest.mark.parametrize(("k", "n"), [(0, 5), (1, 1), (20, 84), (84, 84), (10532, 14042)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_agrees(k, n, confidence):
    expected = proportion_confint(k, n, alpha=1 - confidence, method="wilson")

    assert st.wilson(k, n, confidence) == about(expected)


def two_shares_by_search(k: int, n: int, j: int, m: int, true: float) -> float:
    """The score, with the most likely shares found by a search instead of a formula."""

    def loss(before: float) -> float:
        return -sum(
            stats.binom.logpmf(seen, of, min(max(share, 0.0), 1.0))
            for seen, of, share in ((k, n, before), (j, m, before + true))
        )

    bounds = max(0.0, -true), min(1.0, 1 - true)
    inner = optimize.minimize_scalar(
        loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}
    )
    before = min((inner.x, *bounds), key=loss)
    parts = before * (1 - before) / n + (before + true) * (1 - before - true) / m
    return (j / m - k / n - true) / math.sqrt(parts * (n + m) / (n + m - 1))


@pytest.mark.parametrize(("k", "n", "j", "m"), SHARES)
@pytest.mark.parametrize("true", [-0.5, -0.01, 0.02, 0.6])
def test_score_of_two_shares_agrees_with_a_search(k, n, j, m, true):
    # statsmodels 0.15 has the paper's appendix with a slip (a count where the number of samples
    # belongs), so its score of a difference that is not zero cannot be the oracle.
    ours = st.TwoShares((k, j), (n, m)).statistic(true)

    assert ours == pytest.approx(two_shares_by_search(k, n, j, m, true), rel=1e-5)


@pytest.mark.parametrize(
    ("k", "n", "j", "m"),
    [case for case in SHARES if 0 < case[0] + case[2] < case[1] + case[3]],
)
def test_score_of_no_difference_agrees(k, n, j, m):
    theirs = score_test_proportions_2indep(j, m, k, n, compare="diff")

    assert st.TwoShares((k, j), (n, m)).statistic(0.0) == about(theirs.statistic)


@pytest.mark.parametrize(
    ("k", "n", "j", "m", "published"),
    [(48, 80, 56, 70, (0.0528, 0.3382)), (3, 10, 9, 10, (0.1700, 0.8406))],
)
def test_interval_of_two_shares_is_the_published_one(k, n, j, m, published):
    # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 6.
    ours = st.interval(st.TwoShares((k, j), (n, m)))

    assert ours == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (0, 50), (50, 0), (50, 50)])
def test_interval_where_all_is_right_or_wrong_has_a_width(before, after):
    difference = st.TwoShares((before, after), (50, 50))
    low, high = st.interval(difference)

    assert -1 <= low <= difference.estimate <= high <= 1
    assert 0.05 < high - low < 0.2


@pytest.mark.parametrize(("k", "n", "j", "m"), SHARES)
def test_mover_of_wilson_is_newcombe(k, n, j, m):
    expected = confint_proportions_2indep(j, m, k, n, compare="diff", method="newcomb")
    difference = st.TwoIntervals((k / n, j / m), (st.wilson(k, n), st.wilson(j, m)))

    assert st.interval(difference) == about(expected)


def test_means_agree_with_welch():
    random = np.random.default_rng(1)
    a, b = random.normal(0.5, 0.2, 40), random.normal(0.55, 0.4, 70)
    theirs = CompareMeans(DescrStatsW(b), DescrStatsW(a))
    ours = st.TwoMeans.of((a.mean(), b.mean()), (stats.sem(a), stats.sem(b)), (len(a), len(b)))

    assert st.interval(ours, 0.9) == about(theirs.tconfint_diff(alpha=0.1, usevar="unequal"))
    assert st.two_sided(ours) == about(theirs.ttest_ind(usevar="unequal")[1])
    assert st.tail(ours, -0.1) == about(
        theirs.ttest_ind(alternative="smaller", usevar="unequal", value=-0.1)[1]
    )


def test_means_without_counts_agree_with_z():
    ours = st.TwoMeans.of((0.5, 0.6), (0.03, 0.04), (None, 100))

    assert st.interval(ours) == about(stats.norm.interval(0.95, 0.1, 0.05))
    assert st.two_sided(ours) == about(2 * stats.norm.sf(2))


def test_paired_mean_agrees_with_students_t():
    differences = np.random.default_rng(2).normal(0.02, 0.3, 84)
    ours, theirs = st.paired(differences.tolist()), DescrStatsW(differences)

    assert st.interval(ours) == about(theirs.tconfint_mean())
    assert st.two_sided(ours) == about(theirs.ttest_mean()[1])


def test_clustered_error_agrees():
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(25), random.integers(1, 12, 25))
    values = random.normal(0, 1, 25)[groups] + random.normal(0, 1, len(groups))
    theirs = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": groups}, use_t=True
    )
    ours = st.paired(values.tolist(), [str(group) for group in groups])

    assert ours.error == about(theirs.bse[0])
    assert st.interval(ours) == about(theirs.conf_int()[0])


def test_samples_without_a_group_stand_for_themselves():
    alone = st.paired([0.1, 0.4, -0.2])
    ungrouped = st.paired([0.1, 0.4, -0.2], [None, None, None])

    assert ungrouped == alone


def test_one_group_says_nothing():
    assert st.interval(st.paired([0.1, 0.4], ["a", "a"])) == (-math.inf, math.inf)


def test_one_difference_has_no_spread():
    with pytest.raises(ValueError, match="1 paired differences have no spread"):
        st.paired([0.1])


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (0, 1), (3, 3), (1, 9), (40, 62), (400, 500)])
def test_mcnemar_agrees(gained, lost):
    theirs = mcnemar([[50, lost], [gained, 20]], exact=True).pvalue

    assert st.exact_mcnemar(gained, lost) == about(theirs)


def test_holm_agrees():
    p_values = [0.04, 0.001, 0.03, 0.5, 0.012, 0.012]

    assert st.holm(p_values) == about(multipletests(p_values, method="holm")[1].tolist())
    assert st.holm([]) == []


def tango_by_search(gained: int, lost: int, n: int, true: float) -> float:
    """The score, with the most likely shares found by a search instead of a formula."""

    def loss(share_lost: float) -> float:
        cells = [share_lost + true, share_lost, 1 - 2 * share_lost - true]
        counts = [gained, lost, n - gained - lost]
        if min(cells) < 0:
            return math.inf
        return -sum(c * math.log(max(p, 1e-300)) for c, p in zip(counts, cells, strict=True) if c)

    bounds = max(0.0, -true), (1 - true) / 2
    found = optimize.minimize_scalar(
        loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}
    ).x
    return (gained - lost - n * true) / math.sqrt(n * (2 * found + true * (1 - true)))


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(3, 7, 84), (1, 12, 50), (20, 20, 300), (90, 60, 1319)]
)
@pytest.mark.parametrize("true", [-0.3, -0.02, 0.01, 0.2])
def test_tango_agrees_with_a_search(gained, lost, n, true):
    ours = st.PairedShares(gained, lost, n).statistic(true)

    assert ours == pytest.approx(tango_by_search(gained, lost, n, true), rel=1e-5)


@pytest.mark.parametrize(
    ("gained", "lost", "n"), [(0, 0, 1), (0, 0, 84), (0, 5, 50), (5, 0, 50), (50, 0, 50)]
)
def test_tango_interval_solves_the_score(gained, lost, n):
    difference = st.PairedShares(gained, lost, n)
    low, high = st.interval(difference)

    assert -1 <= low <= difference.estimate <= high <= 1
    for bound, limit in ((low, 1.959963985), (high, -1.959963985)):
        if abs(bound) < 1:
            assert difference.statistic(bound) == pytest.approx(limit, rel=1e-6)


@pytest.mark.parametrize(
    "difference",
    [
        st.PairedShares(4, 15, 84),
        st.TwoShares((42, 30), (84, 80)),
        st.TwoMeans(-0.1, 0.04, 30.0, "t"),
        st.TwoIntervals((0.5, 0.4), ((0.4, 0.65), (0.3, 0.45))),
    ],
)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_interval_and_p_value_agree(difference, confidence):
    low, high = st.interval(difference, confidence)

    assert st.tail(difference, low) == pytest.approx((1 + confidence) / 2, rel=1e-6)
    assert st.tail(difference, high) == pytest.approx((1 - confidence) / 2, rel=1e-6)
    assert st.two_sided(difference, high) == pytest.approx(1 - confidence, rel=1e-6)


def test_smallest_effect_agrees():
    effect = st.smallest_effect(0.02, power=0.8)
    power = NormalIndPower().power(
        effect / (0.02 * math.sqrt(100)), nobs1=100, alpha=0.025, ratio=0, alternative="larger"
    )

    assert power == about(0.8)


def test_needed_samples_bring_the_smallest_effect_down_to_it():
    needed = st.needed_samples(84, 0.05, 0.01)

    assert needed is not None
    assert st.smallest_effect(0.05 * math.sqrt(84 / needed)) == pytest.approx(0.01, rel=0.02)
    assert st.needed_samples(84, 0.05, 0.0) is None
    assert st.needed_samples(84, math.inf, 0.1) is None
    assert st.needed_samples(84, 0.001, 0.1) == 84
