"""The example adapter keeps the contract it is an example of."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar

import pytest

from evalhub.adapter import EvaluationResult, FrameworkAdapter, JobResults
from evalhub.adapter.examples import ExampleAdapter
from evalhub.testing import AdapterContract, job_spec

if TYPE_CHECKING:
    from evalhub.adapter import JobCallbacks, JobSpec

pytestmark = pytest.mark.e2e


class TestExampleAdapter(AdapterContract):
    adapter = ExampleAdapter
    spec = job_spec(benchmark_id="arithmetic", num_examples=4)
    answer = "4"
    bad_parameters: ClassVar = {"num_few_shot": -1}
    varying = ("latency_*",)
    provider_file: ClassVar = {
        "benchmarks": [
            {
                "id": "arithmetic",
                "metrics": ["accuracy", "errors", "latency_*", "parse_failures", "refusals"],
                "primary_score": {"metric": "accuracy"},
            }
        ]
    }


class Rolls(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        return JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            model_name=config.model.name,
            results=[EvaluationResult(metric_name="roll", metric_value=random.random())],
            num_examples_evaluated=1,
            duration_seconds=0.1,
        )


class TestWithoutAModel(AdapterContract):
    """What does not apply is skipped."""

    adapter = Rolls
    uses_model = False
    deterministic = False
