"""Run tasks of inspect against a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from evalhub.adapter import (
    BenchmarkError,
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
from evalhub.adapter.progress import Progress
from evalhub.adapter.samples import inspect_samples
from pydantic import Field

OWN_TASKS = Path(__file__).parent / "tasks"


class Parameters(JobParameters):
    """What a job may say; everything else is refused by its name."""

    task: str | None = None
    """A task as inspect names it (`inspect_evals/gsm8k`, `file.py@task`); by default the
    benchmark's id, looked for among our own tasks first."""

    task_args: dict[str, Any] = {}
    epochs: int = Field(default=1, ge=1)
    concurrency: int = Field(default=4, ge=1, le=256)
    max_retries: int = Field(default=3, ge=0)
    scorer: str | None = None
    """The scorer that samples are counted by; by default the task's first one."""

    max_error_rate: float = Field(default=0.1, ge=0, le=1)
    offline: bool = True
    """Whether data sets must be there already."""


class InspectAdapter(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        parameters = Parameters.of(config)
        with evaluation(config, callbacks, framework="inspect_ai") as job:
            os.environ.update(job.model.env("EVALHUB"))
            if parameters.offline:
                go_offline(job.scratch)
            with callbacks.phase(JobPhase.LOADING_DATA):
                from inspect_ai import eval as evaluate

                report_samples(callbacks.progress(unit="samples"))
            with callbacks.phase(JobPhase.RUNNING_EVALUATION):
                [log] = evaluate(
                    self.task(config, parameters),
                    model=f"openai-api/evalhub/{job.model.name}",
                    model_base_url=job.model.url,
                    task_args=parameters.task_args,
                    limit=config.num_examples,
                    epochs=parameters.epochs,
                    max_connections=parameters.concurrency,
                    max_retries=parameters.max_retries,  # without it inspect never gives up
                    fail_on_error=parameters.max_error_rate or True,
                    log_dir=str(job.folder),
                    log_format="json",
                    display="none",
                    ctl_server=False,  # its server would take SIGTERM for itself
                    **job.model.parameters,
                )
            if log.status != "success" or log.results is None:
                reason = log.error.message if log.error else log.status
                raise BenchmarkError(f"inspect ended with: {reason}", code="inspect_failed")
            callbacks.samples.extend(inspect_samples(log, scorer=parameters.scorer))
            return job.results(metrics_from(log.results, primary=parameters.scorer))

    def task(self, config: JobSpec, parameters: Parameters) -> str:
        name = parameters.task or config.benchmark_id
        own = OWN_TASKS / f"{name}.py"
        if own.is_file():
            return os.path.relpath(own)  # inspect looks for files below where it runs
        if "/" not in name and ".py" not in name:
            have = ", ".join(sorted(file.stem for file in OWN_TASKS.glob("*.py")))
            raise ConfigurationError(f"no task {name!r}; ours are {have}, others PACKAGE/NAME")
        return name


def report_samples(progress: Progress[object]) -> None:
    from inspect_ai.hooks import Hooks, SampleEnd, TaskStart, hooks

    @hooks(name="evalhub_progress", description="Reports progress to EvalHub")
    class ReportSamples(Hooks):
        async def on_task_start(self, data: TaskStart) -> None:
            progress.at(0, len(data.spec.dataset.sample_ids or ()) * (data.spec.config.epochs or 1))

        async def on_sample_end(self, data: SampleEnd) -> None:
            progress.update()


if __name__ == "__main__":
    run(InspectAdapter)
