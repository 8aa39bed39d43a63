"""The real service stores the cards, where readers look for them."""

from __future__ import annotations

import pytest

from evalhub.adapter import (
    CapabilityEvalEntry,
    DefaultCallbacks,
    EvalCardMetadata,
    EvaluationResult,
    JobPhase,
    JobResults,
    JobStatus,
    JobStatusUpdate,
)
from evalhub.client import EvalHubClient

pytestmark = pytest.mark.e2e


def test_both_cards_are_read_from_the_job(job):
    job.submit()
    callbacks = DefaultCallbacks(job.id, "first", "kit", 0, job.callback_url)
    callbacks.report_status(JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.LOADING_DATA))
    entry = CapabilityEvalEntry(ability="reasoning", benchmark="first", metric="acc", zero_shot=0.5)
    callbacks.report_results(
        JobResults(
            job_id=job.id,
            benchmark_id="first",
            model_name="m",
            results=[EvaluationResult(metric_name="acc", metric_value=0.5)],
            num_examples_evaluated=1,
            duration_seconds=1.0,
            eval_card=EvalCardMetadata(languages=["en"], capability_evaluations=[entry]),
            evaluation_metadata={"artifacts": {"report": "s3://bucket/report.html"}},
        )
    )
    with EvalHubClient(job.service.url) as client:
        [benchmark] = client.jobs.get(job.id).results.benchmarks

    artifacts = benchmark.artifacts or {}
    assert artifacts["report"] == "s3://bucket/report.html"
    assert artifacts["evalhub.eval_card"]["capability_evaluations"][0]["zero_shot"] == 0.5
    assert artifacts["evalhub.env_card"]["model_id"] == "m"
    assert benchmark.eval_card is not None
    assert benchmark.eval_card.capability_evaluations == [entry]
    card = benchmark.env_card
    assert card is not None
    assert card.aggregate_results == {"acc": 0.5}
    assert card.started_at
    assert card.completed_at
    assert card.started_at < card.completed_at
    assert card.python_version
