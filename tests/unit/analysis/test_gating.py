from __future__ import annotations

import pytest
from support.jobs import benchmark, job

from evalhub.analysis import compare, gate


def test_worse_closes_the_gate():
    answer = gate(job(benchmark(0.65)), baseline=job(benchmark(0.75)))

    assert (answer.passed, answer.exit_code) == (False, 3)
    assert answer.reasons[0].startswith("harness/mmlu: Worse: accuracy fell")
    assert str(answer).splitlines()[0] == "The gate is not passed."


def test_better_opens_it():
    answer = gate(job(benchmark(0.75)), baseline=job(benchmark(0.65)))

    assert (answer.passed, answer.exit_code, answer.reasons) == (True, 0, [])
    assert answer.sentence == "The gate is passed."


@pytest.mark.parametrize(
    ("options", "code"),
    [({}, 0), ({"strict": True}, 5), ({"policy": {"defaults": {"inconclusive": "fail"}}}, 5)],
)
def test_no_verdict_is_said_and_closes_only_where_that_is_wanted(options, code):
    answer = gate(job(benchmark(0.74)), baseline=job(benchmark(0.75)), **options)

    assert (answer.passed, answer.exit_code) == (None, code)
    assert "Cannot tell from 1,000 samples" in answer.reasons[0]
    assert answer.sentence.startswith("The gate has no verdict")


def test_what_is_watched_only_warns():
    before, after = job(benchmark(0.9, id="ifeval")), job(benchmark(0.1, id="ifeval"))
    answer = gate(after, baseline=before, policy={"watch": ["ifeval"]})

    assert (answer.passed, answer.exit_code) == (None, 0)
    assert answer.reasons == ["nothing is required, so there is nothing to judge"]
    assert answer.warnings[0].startswith("harness/ifeval accuracy is watched: Worse:")


def test_a_comparison_made_already_is_taken():
    comparison = compare(job(benchmark(0.75)), job(benchmark(0.65)))

    assert gate(comparison).exit_code == 3
    assert gate(comparison).comparison == comparison


def test_a_job_that_failed_does_not_pass():
    after = job(benchmark(0.9), state="partially_failed")
    answer = gate(after, baseline=job(benchmark(0.75)))

    assert (answer.passed, answer.exit_code) == (False, 1)
    assert answer.reasons[0] == "nightly (job-1) is partially_failed"


# --- without a baseline the service's verdict decides ------------------------------------------


def test_the_services_verdict_passes():
    side = job(benchmark(0.75, threshold=0.5), test={"score": 0.75, "threshold": 0.5, "pass": True})

    assert (gate(side).passed, gate(side).exit_code) == (True, 0)


def test_the_services_verdict_fails():
    side = job(
        benchmark(0.25, threshold=0.5, passed=False),
        test={"score": 0.25, "threshold": 0.5, "pass": False},
    )

    assert gate(side).exit_code == 3
    assert gate(side).reasons == ["nightly (job-1): mmlu accuracy is 0.25, its mark 0.5"]


def test_the_whole_may_fail_alone():
    side = job(
        benchmark(0.25, threshold=0.2), test={"score": 0.25, "threshold": 0.5, "pass": False}
    )

    assert gate(side).reasons == ["nightly (job-1): its score is 0.25, its mark 0.5"]


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (job(benchmark()), "has no verdict: give its benchmarks a primary_score"),
        (job(benchmark(status="running"), state="running"), "is running: wait for it"),
        ({"benchmarks": []}, "there is no job, so the service has no verdict"),
    ],
)
def test_no_verdict_of_the_service_is_not_a_pass(side, words):
    answer = gate(side)

    assert (answer.passed, answer.exit_code) == (None, 5)
    assert words in answer.reasons[0]
    assert answer.sentence == "The gate has no verdict and is closed for that."


def test_a_failed_job_without_a_baseline():
    assert gate(job(benchmark(status="failed"), state="failed")).exit_code == 1
