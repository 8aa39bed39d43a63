"""Measure the performance of an OpenAI-compatible endpoint with guidellm."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from evalhub.adapter import (
    BenchmarkError,
    ConfigurationError,
    EvaluationResult,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    run,
)
from evalhub.adapter.data import data_digest, offline_env, test_data
from evalhub.adapter.evaluation import evaluation
from evalhub.adapter.metrics import metrics_from
from evalhub.adapter.parameters import JobParameters
from evalhub.adapter.process import run_command
from evalhub.adapter.samples import guidellm_samples
from pydantic import Field

PROMPTS = Path(__file__).with_name("prompts.jsonl")
PROFILES = {"synchronous": set(), "throughput": set(), "concurrent": {"streams"}}
PROFILES |= dict.fromkeys(("constant", "poisson"), {"rate"})
ANSWERED = r"successful=(\d+)"
MEASURED = ("request_latency", "time_to_first_token_ms", "inter_token_latency_ms")
RATES = ("requests_per_second", "output_tokens_per_second", "request_concurrency")


class Parameters(JobParameters):
    """What a job may say; everything else is refused by its name."""

    profile: Literal["synchronous", "concurrent", "throughput", "constant", "poisson"] | None = None
    """How requests follow each other; by default the benchmark's id."""

    streams: int = Field(default=2, ge=1)
    """Requests at a time, of the profile `concurrent`."""

    rate: float = Field(default=1.0, gt=0)
    """Requests a second, of the profiles `constant` and `poisson`."""

    max_seconds: float | None = Field(default=None, gt=0)
    dataset_path: Path | None = None
    """Lines of `{"prompt": ..., "output_tokens_count": ...}`."""

    max_error_rate: float = Field(default=0.1, ge=0, le=1)


class GuideLLMAdapter(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        parameters = Parameters.of(config)
        with evaluation(config, callbacks, framework="guidellm") as job:
            prompts = test_data(config, default=PROMPTS) or PROMPTS
            count = config.num_examples or 40
            backend = {"kind": "openai_http", "target": job.model.server_url}
            backend |= {"model": job.model.name, "validate_backend": False}
            if job.model.key:
                backend["api_key"] = job.model.api_key
            options = {
                "backend": backend,
                "profile": self.profile(config, parameters),
                "data": {"kind": "json_file", "path": str(prompts)},
                "constraint": {"kind": "max_requests", "count": count},
                "output": {"kind": "json", "path": str(job.folder / "guidellm.json")},
            }
            with callbacks.phase(JobPhase.RUNNING_EVALUATION):
                run_command(
                    [Path(sys.executable).with_name("guidellm"), "run"]
                    + [part for name, of in options.items() for part in (f"--{name}", pairs(of))],
                    env={**job.model.env(), **offline_env(job.scratch)},
                    secrets=[job.model.api_key],
                    progress=callbacks.progress(total=count, unit="requests"),
                    pattern=ANSWERED,
                    cwd=job.scratch,
                    timeout=parameters.max_seconds,
                )
            report = json.loads((job.folder / "guidellm.json").read_text(encoding="utf-8"))
            [benchmark] = report["benchmarks"]
            totals = benchmark["metrics"]["request_totals"]
            if totals["errored"] > parameters.max_error_rate * (totals["total"] or 1):
                reason = f"{totals['errored']} of {totals['total']} requests failed"
                raise BenchmarkError(reason, code="requests_failed")
            callbacks.samples.extend(guidellm_samples(report))
            return job.results(
                list(metrics(benchmark["metrics"])),
                evaluation_metadata={"data_digest": data_digest(prompts)},
            )

    def profile(self, config: JobSpec, parameters: Parameters) -> dict[str, Any]:
        kind = parameters.profile or config.benchmark_id
        if kind not in PROFILES:
            raise ConfigurationError(f"guidellm has no profile {kind!r}")
        return {"kind": kind, **parameters.model_dump(include=PROFILES[kind])}


def pairs(options: Mapping[str, object]) -> str:
    return ",".join(f"{name}={value}" for name, value in options.items())


def metrics(measured: Mapping[str, Any]) -> Iterator[EvaluationResult]:
    for name in (*MEASURED, *RATES):
        found = measured[name]["successful"]
        if found is None or found["count"] == 0:
            continue
        kept = {key: found[key] for key in ("mean", "mean_ci", "count")}
        if name in MEASURED:
            kept |= {rank: found["percentiles"][rank] for rank in ("p50", "p90", "p95", "p99")}
        kept["n"] = kept.pop("count")
        yield from metrics_from({name: kept})
    totals = measured["request_totals"]
    yield EvaluationResult(metric_name="requests_failed", metric_value=totals["errored"])


if __name__ == "__main__":
    run(GuideLLMAdapter)
