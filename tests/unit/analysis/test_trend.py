from __future__ import annotations

import pytest
from support.jobs import benchmark, job

from evalhub.analysis import history
from evalhub.errors import ConfigurationError


def month(values, **options):
    return [
        job(benchmark(value, **options), id=f"job-{day}", created=f"2026-09-{day + 1:02}T00:00:00Z")
        for day, value in enumerate(values)
    ]


def test_scores_come_oldest_first_with_intervals():
    jobs = month([0.75, 0.74, 0.76])
    found = history(reversed(jobs), "mmlu")

    assert [point.job_id for point in found.points] == ["job-0", "job-1", "job-2"]
    assert found.points[0].interval == pytest.approx((0.722, 0.776), abs=1e-3)
    assert (found.metric, found.lower_is_better, found.provider_id) == (
        "accuracy",
        False,
        "harness",
    )
    assert found.drift is None
    assert found.sentence == "3 of 3 jobs were measured as the last one; a drift shows from 4 on."


def test_a_slow_drift_is_found():
    found = history(month([0.80, 0.79, 0.775, 0.765, 0.75, 0.74, 0.725]), "mmlu")

    assert found.drift == pytest.approx(-0.0125, abs=1e-3)
    assert found.sentence.startswith("A drift: -0.01")


def test_chance_is_no_drift():
    found = history(month([0.75, 0.77, 0.74, 0.76, 0.75, 0.765]), "mmlu")

    assert found.drift is None
    assert found.sentence.startswith("No drift over the last 6 jobs")


def test_a_change_of_what_is_measured_is_marked_and_no_drift():
    jobs = [*month([0.9] * 4), *month([0.5] * 8, parameters={"num_few_shot": 5})[4:]]
    found = history(jobs, "mmlu")

    assert [point.changes for point in found.points if point.changes] == [
        ["parameter num_few_shot: None to 5"]
    ]
    assert found.points[4].changes
    assert found.drift is None
    assert found.sentence.startswith("No drift over the last 4 jobs")


def test_without_intervals_nothing_is_told():
    found = history(month([0.7512345, 0.65123, 0.55123, 0.45123], n=None), "mmlu")

    assert found.sentence.startswith("Not every score has an interval")


def test_only_the_last_jobs_count():
    assert len(history(month([0.75] * 9), "mmlu", last=3).points) == 3


def test_jobs_without_a_number_are_left_out():
    jobs = [*month([0.75, "text"]), job(benchmark(status="running"), state="running")]

    assert len(history(jobs, "mmlu").points) == 1


def test_scores_without_a_width_are_no_drift():
    found = history(month([1.0] * 5, n=None, metrics={"accuracy_stderr": 0.0}), "mmlu")

    assert found.drift is None


@pytest.mark.parametrize(
    ("jobs", "options", "words"),
    [
        ([], {}, "no job has results of benchmark 'mmlu' (there are: -)"),
        (month([0.5], id="gsm8k"), {}, "(there are: gsm8k)"),
        ([*month([0.5]), *month([0.5], provider="x")], {}, "several providers (harness, x)"),
        (month([0.5]), {"metric": "f1"}, "no job has a number in 'f1' of benchmark 'mmlu'"),
        (month([0.5], lower=None, metrics={"f1": 1}), {}, "no primary score says"),
    ],
)  # fmt: skip
def test_what_has_no_history_is_said(jobs, options, words):
    with pytest.raises(ConfigurationError) as raised:
        history(jobs, "mmlu", **options)

    assert words in str(raised.value)


def test_rows_and_columns_hold_the_same():
    found = history(month([0.75, 0.74]), "mmlu")

    assert found.to_columns()["value"] == [row["value"] for row in found.to_rows()] == [0.75, 0.74]
    assert "<td>0.740</td>" in found._repr_html_()
