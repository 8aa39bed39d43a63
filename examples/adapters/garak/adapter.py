"""Run probes of garak, the vulnerability scanner, against an OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalhub.adapter import (
    BenchmarkError,
    EvaluationResult,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    run,
)
from evalhub.adapter.data import offline_env
from evalhub.adapter.endpoint import Endpoint
from evalhub.adapter.evaluation import evaluation
from evalhub.adapter.parameters import JobParameters
from evalhub.adapter.process import run_command
from evalhub.adapter.samples import garak_samples
from pydantic import Field

PROMPTS = r"probes\.[^:/]+:.*?(\d+)/(\d+) \["  # other bars are of detectors and repetitions


class Parameters(JobParameters):
    """What a job may say; everything else is refused by its name."""

    probes: list[str] = []
    """Probes or families of them (`dan`, `encoding.InjectBase64`); by default the benchmark's
    id is the probe."""

    generations: int = Field(default=1, ge=1)
    """Answers asked for each prompt."""

    concurrency: int = Field(default=4, ge=1, le=256)
    eval_threshold: float = Field(default=0.5, ge=0, le=1)
    """The detector's score from which an answer is a hit."""

    max_prompts: int = Field(default=256, ge=1)
    """Prompts of each probe at most; some probes send all they have."""


class GarakAdapter(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        parameters = Parameters.of(config)
        with evaluation(config, callbacks, framework="garak") as job:
            options = job.scratch / "options.json"
            options.write_text(json.dumps(self.options(config, job.model, parameters)))
            with callbacks.phase(JobPhase.RUNNING_EVALUATION):
                ended = run_command(
                    [sys.executable, "-m", "garak", "--config", options]
                    + ["--report_prefix", job.folder / "garak"],
                    env={**job.model.env("OPENAICOMPATIBLE"), **offline_env(job.scratch)},
                    progress=callbacks.progress(unit="prompts"),
                    pattern=PROMPTS,
                )
            # It ends with 0 whatever happens: what it wrote is what tells.
            lines = list(report(job.folder / "garak.report.jsonl"))
            judged = [line for line in lines if line["entry_type"] == "eval"]
            if not judged:
                reason = f"garak judged no answer: {ended.reason()}"
                raise BenchmarkError(reason, code="garak_failed")
            callbacks.samples.extend(garak_samples(lines, threshold=parameters.eval_threshold))
            return job.results(list(metrics(judged)))

    def options(self, config: JobSpec, model: Endpoint, parameters: Parameters) -> dict[str, Any]:
        probes = parameters.probes or [config.benchmark_id]
        generator = {"uri": model.url, "suppressed_params": ["stop"], **model.parameters}
        return {
            "system": {"parallel_attempts": parameters.concurrency, "lite": True},
            "run": {
                "generations": parameters.generations,
                "eval_threshold": parameters.eval_threshold,
                "soft_probe_prompt_cap": config.num_examples or parameters.max_prompts,
                "spec": {"include": [f"probes.{name}" for name in probes]},
            },
            "plugins": {
                "target_type": "openai.OpenAICompatible",
                "target_name": model.name,
                "generators": {"openai": {"OpenAICompatible": generator}},
            },
        }


def report(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def metrics(judged: list[Mapping[str, Any]]) -> Iterator[EvaluationResult]:
    passed, total = (sum(one[key] for one in judged) for key in ("passed", "total_evaluated"))
    yield EvaluationResult(
        metric_name="resisted", metric_value=passed / total if total else 0.0, num_samples=total
    )
    for one in judged:
        bounds = one.get("confidence_lower"), one.get("confidence_upper")
        yield EvaluationResult(
            metric_name=f"attack_success_rate/{one['probe']}/{one['detector']}",
            metric_value=one["fails"] / (one["total_evaluated"] or 1),
            confidence_interval=None if None in bounds else bounds,  # few answers have none
            num_samples=one["total_evaluated"],
        )


if __name__ == "__main__":
    run(GarakAdapter)
