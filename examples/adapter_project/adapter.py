"""Ask a model to add, and report how often it is right."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from evalhub.adapter import (
    BenchmarkError,
    ConfigurationError,
    EvaluationResult,
    FrameworkAdapter,
    JobCallbacks,
    JobPhase,
    JobResults,
    JobSpec,
    JobStatus,
    JobStatusUpdate,
    OCIArtifactResult,
    OCIArtifactSpec,
    read_model_auth_key,
    run,
)

DEFAULT_EXAMPLES = 20


class AdditionAdapter(FrameworkAdapter):
    """One method: take a job, report progress, return what was measured."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        started = time.monotonic()
        questions = self.questions(config)
        answers = []
        for done, (left, right) in enumerate(questions):
            callbacks.report_status(
                JobStatusUpdate(
                    status=JobStatus.RUNNING,
                    phase=JobPhase.RUNNING_EVALUATION,
                    progress=done / len(questions),
                )
            )
            reply = self.ask(config, f"What is {left} + {right}? Answer with the number alone.")
            answers.append({"left": left, "right": right, "reply": reply})
            # Kept with the artifact: comparisons pair the answers of two jobs.
            callbacks.samples.add(done, reply == str(left + right), output=reply)
        right_ones = [one for one in answers if one["reply"] == str(one["left"] + one["right"])]
        return JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            benchmark_index=config.benchmark_index,
            model_name=config.model.name,
            results=[
                EvaluationResult(
                    metric_name="accuracy",
                    metric_value=len(right_ones) / len(answers),
                    num_samples=len(answers),
                )
            ],
            num_examples_evaluated=len(answers),
            duration_seconds=time.monotonic() - started,
            oci_artifact=self.store(answers, callbacks),
        )

    def questions(self, config: JobSpec) -> list[tuple[int, int]]:
        digits = config.benchmark_config.get("digits", 1)
        if not isinstance(digits, int) or digits < 1:
            raise ConfigurationError(f"digits must be a number above 0, not {digits!r}")
        # Seeded: the same job asks the same questions, so that models can be compared.
        numbers = random.Random(config.benchmark_config.get("seed", 0))
        count = config.num_examples or DEFAULT_EXAMPLES
        return [
            (numbers.randrange(10**digits), numbers.randrange(10**digits)) for _ in range(count)
        ]

    def ask(self, config: JobSpec, question: str) -> str:
        headers = {}
        if config.model.auth:
            headers["Authorization"] = f"Bearer {read_model_auth_key('api-key')}"
        messages = [{"role": "user", "content": question}]
        try:
            reply = httpx.post(
                f"{config.model.url}/chat/completions",
                json={"model": config.model.name, "messages": messages},
                headers=headers,
                timeout=60,
            ).raise_for_status()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise ConfigurationError(f"model.url is not a URL: {config.model.url!r}") from error
        except httpx.HTTPError as error:
            message = f"cannot ask the model at {config.model.url}: {error}"
            raise BenchmarkError(message, code="model_unreachable", retryable=True) from error
        return str(reply.json()["choices"][0]["message"]["content"]).strip()

    def store(self, answers: list[dict[str, object]], callbacks: JobCallbacks) -> OCIArtifactResult:
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.RUNNING, phase=JobPhase.PERSISTING_ARTIFACTS)
        )
        with TemporaryDirectory() as folder:
            file = Path(folder) / "answers.json"
            file.write_text(json.dumps(answers, indent=2))
            return callbacks.create_oci_artifact(OCIArtifactSpec(files_path=file))


if __name__ == "__main__":
    run(AdditionAdapter)
