"""Every benchmark of a job, by its index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalhub.cli.eval import describe
from evalhub.cli.states import benchmark_states
from evalhub.models import EvaluationJob

RECORDED = Path(__file__).parents[2] / "recorded" / "job_running_one_done.json"


def job_with(benchmarks: list[dict[str, Any]], reported: list[dict[str, Any]]) -> EvaluationJob:
    content = json.loads(RECORDED.read_text())
    content["benchmarks"] = benchmarks
    content["status"]["benchmarks"] = reported
    return EvaluationJob.model_validate(content)


SUMS = {"id": "sums", "provider_id": "p"}
OTHER = {"id": "other", "provider_id": "p"}
FAILED = {**SUMS, "benchmark_index": 1, "status": "failed"}


def test_a_benchmark_that_has_not_reported_is_pending():
    job = job_with([OTHER, SUMS], [FAILED])

    assert [(state.id, state.name) for state in benchmark_states(job)] == [
        ("other", "pending"),
        ("sums", "failed"),
    ]


def test_one_benchmark_twice_is_two():
    job = job_with([SUMS, SUMS, SUMS], [FAILED, {**FAILED, "benchmark_index": 0}])

    assert [state.name for state in benchmark_states(job)] == ["failed", "failed", "pending"]
    assert "Benchmarks (3):\n" in describe(job)
    assert describe(job).count("  sums (p): ") == 3


def test_a_collection_shows_those_that_have_reported():
    assert [state.id for state in benchmark_states(job_with([], [FAILED]))] == ["sums"]


@pytest.mark.parametrize("reported", [[], [FAILED]])
def test_while_it_runs_every_benchmark_has_a_line(reported):
    from evalhub.cli.waiting import benchmark_lines

    lines = benchmark_lines("id", job_with([OTHER, SUMS], reported))

    assert [(line[0], line[1]) for line in lines] == [
        ("other", "pending"),
        ("sums", "failed" if reported else "pending"),
    ]
