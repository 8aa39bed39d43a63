"""Whatever an adapter measured, the real service records it, or its nearest form with a warning."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalhub.adapter import DefaultCallbacks, EvaluationResult, JobResults

pytestmark = pytest.mark.e2e

NUMBERS = st.one_of(
    st.integers(),
    st.integers(min_value=2**1020, max_value=10**4000),
    st.floats(),
    st.booleans(),
    st.fractions(),
    st.decimals(),
    st.builds(np.float32, st.floats(width=32)),
    st.builds(np.int64, st.integers(-(2**63), 2**63 - 1)),
)
TEXT = st.text(st.characters(codec=None, categories=None), max_size=20)
ATOMS = st.one_of(
    st.none(), NUMBERS, TEXT, st.binary(max_size=10), st.datetimes(), st.timedeltas(),
    st.complex_numbers(), st.uuids(), st.builds(Path, TEXT.filter(lambda text: "\0" not in text)),
)  # fmt: skip
KEYS = st.one_of(TEXT, st.integers(), st.none(), st.booleans(), st.tuples(TEXT, st.integers()),
                 st.builds(np.int64, st.integers(0, 9)))  # fmt: skip
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.frozensets(st.one_of(st.integers(), TEXT), max_size=4),
        st.builds(iter, st.lists(inner, max_size=3)),
    ),
    max_leaves=12,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    metrics=st.lists(st.tuples(st.one_of(TEXT, st.integers()), VALUES), max_size=5),
    info=st.none() | st.dictionaries(KEYS, VALUES, max_size=5),
    metadata=st.dictionaries(KEYS, VALUES, max_size=3),
    score=st.none() | NUMBERS.filter(lambda n: not isinstance(n, Decimal) or not n.is_snan()),
)
def test_no_value_costs_a_result(metrics, info, metadata, score, job):
    job.submit()
    results = JobResults(
        job_id=job.id,
        benchmark_id="first",
        model_name="m",
        results=[
            EvaluationResult(metric_name=name, metric_value=value, metadata=metadata)
            for name, value in metrics
        ],
        overall_score=score,
        num_examples_evaluated=1,
        duration_seconds=1.0,
        additional_info=info,
    )
    callbacks = DefaultCallbacks(job.id, "first", "kit", 0, sidecar_url=job.callback_url)
    callbacks.report_results(results)
    if callbacks.delivery is not None:
        callbacks.delivery.close()
    assert job.state == "completed"
    recorded = job.results().get("metrics", {})
    assert len(recorded) <= len(metrics)
    for name, value in metrics:
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            assert value in recorded.values(), name


def odd(job, **fields):
    callbacks = DefaultCallbacks(job.id, "first", "kit", 0, sidecar_url=job.callback_url)
    callbacks.report_results(
        JobResults(
            job_id=job.id,
            benchmark_id="first",
            model_name="m",
            num_examples_evaluated=1,
            duration_seconds=1.0,
            **fields,
        )
    )
    if callbacks.delivery is not None:
        callbacks.delivery.close()


def test_every_change_is_named_on_the_benchmark(job):
    odd(
        job,
        results=[
            EvaluationResult(metric_name="loss", metric_value=math.nan),
            EvaluationResult(metric_name="count", metric_value=10**400),
            EvaluationResult(metric_name="accuracy", metric_value=0.5),
            EvaluationResult(metric_name="accuracy", metric_value=0.25),
            EvaluationResult(metric_name=7, metric_value=0.25, confidence_interval=(None, None)),
        ],
        additional_info={None: 1, 2: Fraction(1, 2), "n": "a\0b",
                         "took": timedelta(seconds=2)},
    )  # fmt: skip
    assert job.metrics == {
        "loss": None, "count": None, "accuracy": 0.5, "accuracy (2)": 0.25, "7": 0.25,
    }  # fmt: skip
    info = job.results()["additional_info"]
    assert (info["None"], info["2"], info["took"]) == (1, 0.5, 2)
    assert job.status()["warning_message"]["message"] == (
        "not sent as measured: loss: nan as null, count: 1.000000e+400 as null, "
        "accuracy (2): another metric is named 'accuracy', too, "
        "n: characters that cannot be stored were replaced"
    )


def test_no_metric_at_all_is_a_warning_on_the_benchmark(job):
    odd(job, results=[])
    assert job.state == "completed"
    assert job.status()["warning_message"]["message"] == "the adapter reported no metric"


def test_an_exception_without_text_is_a_failure_like_any_other(job):
    assert job.run("RaisesTheUnprintable").exit_code == 1
    assert (
        job.status()["error_message"]["message"]
        == "UnprintableError: <UnprintableError: no text, OSError>"
    )


def test_scores_of_trajectories_are_recorded(job):
    step = {"step_id": 1, "source": "agent", "message": "hush", "metrics": {"cost_usd": 0.25}}
    agent = {"name": "coder", "version": "1"}
    odd(
        job,
        results=[EvaluationResult(metric_name="resolved", metric_value=0.5)],
        trajectory_results=[
            {"task_id": "a", "score": 1, "trajectory": {"agent": agent, "steps": [step]}},
            {"task_id": "b", "score": math.nan, "passed": False, "error": "timed out"},
        ],
    )

    assert job.state == "completed"
    assert job.results()["additional_info"]["trajectory_results"] == [
        {
            "trajectory_id": "a",
            "task_id": "a",
            "score": 1,
            "agent": "coder",
            "totals": {"total_cost_usd": 0.25, "total_steps": 1},
        },
        {
            "trajectory_id": "b",
            "task_id": "b",
            "score": None,
            "passed": False,
            "error": "timed out",
        },
    ]
