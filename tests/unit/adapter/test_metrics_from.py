from __future__ import annotations

import logging
from typing import Any

import pytest

from evalhub.adapter.metrics import metrics_from

LM_EVAL = {
    "results": {
        "mmlu": {"alias": "mmlu", "acc,none": 0.5, "acc_stderr,none": 0.1},
        "mmlu_law": {
            "alias": " - law",
            "sample_len": 10,
            "acc,none": 0.4,
            "acc_stderr,none": "N/A",
            "exact_match,strict-match": 0.25,
            "exact_match_stderr,strict-match": 0.01,
        },
    },
    "groups": {"mmlu": {"alias": "mmlu", "acc,none": 0.5, "acc_stderr,none": 0.1}},
    "n-samples": {"mmlu_law": {"original": 100, "effective": 10}},
    "versions": {"mmlu_law": 1},
}
INSPECT: dict[str, Any] = {
    "total_samples": 10,
    "scores": [
        {
            "name": "match",
            "scored_samples": 10,
            "metrics": {"accuracy": {"value": 0.8}, "stderr": {"value": 0.1}},
        }
    ],
}


def as_dict(found):
    return {one.metric_name: one for one in found}


def test_lm_eval_tasks_and_groups():
    found = as_dict(metrics_from(LM_EVAL, primary="mmlu"))

    assert {name: one.metric_value for name, one in found.items()} == {
        "acc": 0.5,
        "mmlu_law/acc": 0.4,
        "mmlu_law/exact_match.strict-match": 0.25,
    }
    assert next(iter(found)) == "acc"
    assert found["acc"].confidence_interval == pytest.approx((0.304, 0.696), abs=1e-3)
    assert found["acc"].metadata == {"stderr": 0.1}
    assert found["mmlu_law/acc"].confidence_interval is None
    assert found["mmlu_law/acc"].num_samples == 10
    strict = found["mmlu_law/exact_match.strict-match"]
    assert strict.confidence_interval == pytest.approx((0.2304, 0.2696), abs=1e-4)


def test_one_lm_eval_task_needs_no_prefix():
    results = {"results": {"sums": {"exact_match,none": 0.8}}, "n-samples": {}}

    assert [one.metric_name for one in metrics_from(results)] == ["exact_match"]


def test_inspect_scores():
    [accuracy] = metrics_from(INSPECT)

    assert (accuracy.metric_name, accuracy.metric_value) == ("accuracy", 0.8)
    assert accuracy.confidence_interval == pytest.approx((0.604, 0.996), abs=1e-3)
    assert accuracy.num_samples == 10


def test_inspect_results_may_be_a_model():
    class Results:
        def model_dump(self):
            return INSPECT

    assert [one.metric_name for one in metrics_from(Results())] == ["accuracy"]


def test_several_inspect_scorers_are_told_apart():
    two = {"scores": [*INSPECT["scores"], {"name": "f1", "metrics": {"mean": {"value": 0.5}}}]}

    assert [one.metric_name for one in metrics_from(two, primary="match")] == [
        "accuracy",
        "f1/mean",
    ]


def test_an_inspect_error_without_a_mean_is_a_metric():
    found = metrics_from({"scores": [{"name": "x", "metrics": {"stderr": {"value": 0.1}}}]})

    assert [one.metric_name for one in found] == ["stderr"]


def test_nested_numbers_get_joined_names_intervals_and_counts():
    found = as_dict(
        metrics_from(
            {
                "latency": {"mean": 2.0, "stderr": 0.5, "n": 7, "percentiles": {"p50": 1.5}},
                "f1": 0.5,
                "f1_ci": [0.4, 0.6],
                "ok": True,
                "values": [1, 2],
            },
            num_samples=3,
        )
    )

    assert {name: one.metric_value for name, one in found.items()} == {
        "latency/mean": 2.0,
        "latency/percentiles/p50": 1.5,
        "f1": 0.5,
        "ok": True,
        "values": [1, 2],
    }
    assert found["latency/mean"].confidence_interval == pytest.approx((1.02, 2.98), abs=1e-2)
    assert found["latency/percentiles/p50"].num_samples == 7
    assert found["f1"].confidence_interval == (0.4, 0.6)
    assert found["f1"].num_samples == 3


def test_an_error_of_nothing_is_a_metric_itself():
    assert [one.metric_name for one in metrics_from({"mean_sem": 1.0})] == ["mean_sem"]


def test_what_is_left_out_is_named_in_the_log(caplog):
    caplog.set_level(logging.INFO)

    assert metrics_from({"name": "run 7", "acc": "N/A", "none": None}) == []
    assert "name is text, not a metric: run 7" in caplog.text
    assert "metric acc has no value ('N/A')" in caplog.text
    assert "metric none has no value (None)" in caplog.text
