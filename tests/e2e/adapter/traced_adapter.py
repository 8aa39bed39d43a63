"""An adapter that traces what it does; it runs in a process of its own."""

from __future__ import annotations

import logging

from evalhub.adapter import (
    EvalTracer,
    EvaluationResult,
    FrameworkAdapter,
    JobCallbacks,
    JobResults,
    JobSpec,
    configure_telemetry,
)
from evalhub.adapter.telemetry import create_counter

logger = logging.getLogger(__name__)


class Traced(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        is_on = configure_telemetry()
        tracer = EvalTracer.from_job_spec(job_spec=config)
        asked = create_counter("questions", "1", "Questions asked")
        with tracer.evaluation_run():
            for _ in range(config.parameters["batches"]):
                with tracer.inference_batch(batch_size=4):
                    asked.add(4)
            logger.info("asked %d batches", config.parameters["batches"])
        return JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            model_name=config.model.name,
            results=[EvaluationResult(metric_name="is_on", metric_value=is_on)],
            num_examples_evaluated=4,
            duration_seconds=0.1,
        )
