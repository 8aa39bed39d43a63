"""Run tasks of lm-evaluation-harness against a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Literal

from evalhub.adapter import (
    ConfigurationError,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    run,
)
from evalhub.adapter.data import go_offline
from evalhub.adapter.evaluation import evaluation
from evalhub.adapter.metrics import metrics_from
from evalhub.adapter.parameters import JobParameters
from evalhub.adapter.samples import lm_eval_samples
from pydantic import Field

OWN_TASKS = Path(__file__).parent / "tasks"
MODELS = {"chat": "local-chat-completions", "completions": "local-completions"}
REQUESTS = r"Requesting API.*?(\d+)/(\d+) \["


class Parameters(JobParameters):
    """What a job may say; everything else is refused by its name."""

    tasks: list[str] = []
    """Tasks or groups; by default the benchmark's id is the task."""

    num_fewshot: int | None = Field(default=None, ge=0)
    api: Literal["chat", "completions"] = "chat"
    """Completions can score likelihoods (multiple choice), chat can only generate."""

    tokenizer: str | None = None
    """Path or name of the model's tokenizer, which likelihoods need."""

    metric: str | None = None
    """The metric that samples are counted by; by default the first one of the task."""

    concurrency: int = Field(default=4, ge=1, le=256)
    max_retries: int = Field(default=3, ge=0)
    offline: bool = True
    """Whether data sets must be there already."""


class LMEvalAdapter(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        parameters = Parameters.of(config)
        tasks = parameters.tasks or [config.benchmark_id]
        with evaluation(config, callbacks, framework="lm_eval") as job:
            os.environ.update(job.model.env())
            if parameters.offline:
                go_offline(job.scratch)
            with callbacks.phase(JobPhase.LOADING_DATA):
                from lm_eval import simple_evaluate
                from lm_eval.tasks import TaskManager

                own = {file.stem for file in OWN_TASKS.glob("*.yaml")}
                known = TaskManager(
                    include_path=str(OWN_TASKS), include_defaults=not own.issuperset(tasks)
                )
                if missing := [task for task in tasks if not known.match_tasks([task])]:
                    raise ConfigurationError(f"lm-eval has no task {', '.join(missing)}")
            bars = callbacks.progress(unit="requests").follow_stderr(REQUESTS)
            with callbacks.phase(JobPhase.RUNNING_EVALUATION), bars:
                results = simple_evaluate(
                    model=MODELS[parameters.api],
                    model_args=self.model_args(job.model, parameters),
                    tasks=tasks,
                    task_manager=known,
                    num_fewshot=parameters.num_fewshot,
                    limit=config.num_examples,
                    gen_kwargs=dict(job.model.parameters) or None,
                    apply_chat_template=parameters.api == "chat",
                    log_samples=True,
                )
            for task, rows in results.pop("samples").items():
                callbacks.samples.extend(lm_eval_samples(rows, task=task, metric=parameters.metric))
            text = json.dumps(results, indent=2, default=str)
            (job.folder / "results.json").write_text(text, encoding="utf-8")
            return job.results(metrics_from(results, primary=tasks[0]))

    def model_args(self, model, parameters: Parameters) -> dict[str, object]:
        is_chat = parameters.api == "chat"
        return {
            "model": model.name,
            "base_url": model.chat_url if is_chat else model.completions_url,
            "num_concurrent": parameters.concurrency,
            "max_retries": parameters.max_retries,
            "tokenizer": parameters.tokenizer,
            # Without one it would look for the tokenizer of a model called like ours.
            **({} if parameters.tokenizer else {"tokenizer_backend": None}),
            "tokenized_requests": False,
        }


if __name__ == "__main__":
    run(LMEvalAdapter)
