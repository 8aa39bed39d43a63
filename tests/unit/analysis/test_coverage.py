"""How often intervals hold the truth, counted: a small part of benchmarks/coverage.py."""

from __future__ import annotations

import pytest

from benchmarks.coverage import METHODS, SEEDS, alarms, coverage, paired_shares, two_shares


@pytest.mark.parametrize(
    ("method", "n", "p"),
    [
        ("two shares", 50, 0.05),
        ("two shares", 50, 0.5),
        ("two shares", 300, 0.95),
        ("paired shares", 50, 0.5),
        ("paired shares", 300, 0.05),
        ("paired mean", 50, 0.5),
        ("two means", 50, 0.05),
        ("paired, clustered", 300, 0.5),
    ],
)
def test_intervals_hold_the_truth_in_94_to_96_of_100_runs(method, n, p):
    assert 0.94 <= coverage(METHODS[method](n, p), SEEDS[method, n, p]) <= 0.96


def test_with_few_changes_an_interval_holds_the_truth_too_often_rather_than_too_seldom():
    assert coverage(paired_shares(50, 0.05), seed=7, runs=1000) >= 0.96


@pytest.mark.parametrize("method", [paired_shares, two_shares])
@pytest.mark.parametrize("margin", [0.0, 0.02])
def test_a_gate_over_five_benchmarks_rings_falsely_at_most_one_time_in_twenty(method, margin):
    assert alarms([method(300, 0.5, margin)] * 5, margin, seed=7, runs=1000) <= 0.05
