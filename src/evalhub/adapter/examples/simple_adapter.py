"""A small evaluation of a chat model, and a pattern for adapters of your own.

It asks multiple-choice and short-answer questions through an OpenAI-compatible endpoint, grades
the replies, and stores the answers as an artifact. Run it with

    python -m evalhub.adapter evalhub.adapter.examples:ExampleAdapter --job-spec job.json

What a benchmark asks: one whose id is a category of the questions (`arithmetic`, `computing`,
`geography`, `language`, `logic`, `science`) asks that category; any other id asks all of them.
`benchmark_config` may hold the options of `evalhub.adapter.examples.options.Options`.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evalhub.adapter import (
    BenchmarkError,
    FrameworkAdapter,
    JobPhase,
    JobResults,
    JobStatus,
    JobStatusUpdate,
    MessageInfo,
    OCIArtifactResult,
    OCIArtifactSpec,
    resolve_model_credentials,
)
from evalhub.adapter._kit import samples_of
from evalhub.adapter.chat import ChatModel, ChatReply
from evalhub.adapter.examples.grading import Grade, Outcome, grade
from evalhub.adapter.examples.options import Options
from evalhub.adapter.examples.prompts import VERSION, messages
from evalhub.adapter.examples.questions import BUNDLED, Dataset
from evalhub.adapter.examples.report import Answer, metrics, write_files
from evalhub.adapter.unanswered import Unanswered

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from evalhub.adapter import EvaluationResult, JobCallbacks, JobSpec
    from evalhub.adapter.examples.prompts import Message
    from evalhub.adapter.examples.questions import Question

__all__ = ["ExampleAdapter"]

logger = logging.getLogger(__name__)

_REPORTS = 20
"""Progress reports during the evaluation: enough to watch, few enough not to matter."""


class ExampleAdapter(FrameworkAdapter):
    """Ask a chat model questions and report its accuracy."""

    test_data = Path("/test_data")
    """Where the platform puts a job's `test_data_ref`; used when a `.jsonl` file lies there."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        """Evaluate the model on the questions the benchmark selects.

        Raises:
            ConfigurationError: The options, the dataset or the model's URL cannot be used.
            BenchmarkError: The model cannot be reached, or does not answer as it should.
        """
        started = time.monotonic()
        callbacks.report_status(_update(JobPhase.INITIALIZING, 0.0, "Reading the options"))
        options = Options.of(config.benchmark_config)
        with self.connect(config, options) as model:
            warnings = Options.unknown(config.benchmark_config)
            callbacks.report_status(
                _update(JobPhase.LOADING_DATA, 0.05, "Loading questions", warnings=warnings)
            )
            dataset = Dataset.load(self._source(options))
            questions = dataset.select(config.benchmark_id, config.num_examples)
            asked = [(one, _conversation(one, dataset, options)) for one in questions]
            answers = _evaluate(asked, model, options, callbacks)

        callbacks.report_status(_update(JobPhase.POST_PROCESSING, 0.9, "Computing metrics"))
        measured = metrics(answers)
        about = _about(config, options, dataset)
        callbacks.report_status(_update(JobPhase.PERSISTING_ARTIFACTS, 0.95, "Storing answers"))
        with _folder(options.output_dir) as folder:
            files = write_files(folder, answers, measured, about)
            artifact = callbacks.create_oci_artifact(_artifact(config, folder, files, measured))

        return JobResults(
            job_id=config.job_id,
            benchmark_id=config.benchmark_id,
            benchmark_index=config.benchmark_index,
            model_name=config.model.name,
            results=measured,
            overall_score=measured[0].metric_value,
            num_examples_evaluated=len(answers),
            duration_seconds=time.monotonic() - started,
            evaluation_metadata=about,
            oci_artifact=_stored(artifact),
        )

    def connect(self, config: JobSpec, options: Options) -> ChatModel:
        """Return the model to ask; override to ask one that is not behind HTTP."""
        credentials = resolve_model_credentials() if config.model.auth else None
        return ChatModel(
            config.model,
            credentials=credentials,
            timeout=options.timeout_seconds,
            retries=options.max_retries,
        )

    def _source(self, options: Options) -> Path:
        if options.dataset_path is not None:
            return options.dataset_path
        return self.test_data if any(self.test_data.glob("*.jsonl")) else BUNDLED


def _conversation(question: Question, dataset: Dataset, options: Options) -> list[Message]:
    return messages(question, dataset.shots(question.category, options.num_few_shot))


def _evaluate(
    asked: Sequence[tuple[Question, list[Message]]],
    model: ChatModel,
    options: Options,
    callbacks: JobCallbacks,
) -> list[Answer]:
    """Ask all questions, several at a time, and return the answers in the questions' order."""
    total = len(asked)
    step = -(-total // _REPORTS)
    samples = samples_of(callbacks)
    samples.clear()  # of an attempt before this one
    unanswered = Unanswered(total, max_error_rate=options.max_error_rate)

    def ask(question: Question, conversation: list[Message]) -> Answer:
        try:
            reply = model.ask(conversation)
        except BenchmarkError as error:
            unanswered.note(error)
            answer = Answer(question, ChatReply("", 0.0), Grade(Outcome.UNANSWERED), str(error))
        else:
            unanswered.answered()
            answer = Answer(question, reply, grade(question, reply.text))
        samples.add(**_sample(answer, conversation))
        return answer

    callbacks.report_status(_answered(0, total))
    pool = ThreadPoolExecutor(options.concurrency, thread_name_prefix="ask")
    try:
        pending = [pool.submit(ask, *one) for one in asked]
        for done, future in enumerate(as_completed(pending), start=1):
            future.result()
            if done % step == 0 or done == total:
                callbacks.report_status(_answered(done, total))
    finally:
        # After a failure nobody waits for the answers that are still on their way.
        pool.shutdown(wait=False, cancel_futures=True)
    if warning := unanswered.warning():
        callbacks.report_status(_update(JobPhase.POST_PROCESSING, 0.9, "", warnings=[warning]))
    return [future.result() for future in pending]


def _sample(answer: Answer, conversation: list[Message]) -> dict[str, Any]:
    question, reply = answer.question, answer.reply
    return {
        "sample_id": question.id,
        "prediction": answer.is_correct,
        "metric": "accuracy",
        "group": question.category,
        "input": conversation[-1]["content"] if len(conversation) == 2 else conversation,  # noqa: PLR2004 - an instruction and the question
        "expected": question.answer,
        "output": reply.text if answer.error is None else None,
        "latency_seconds": round(reply.latency_seconds, 6) or None,
        "tokens": {"input": reply.prompt_tokens, "output": reply.completion_tokens}
        if reply.completion_tokens is not None
        else None,
        "error": answer.error,
        "metadata": {"outcome": answer.grade.outcome, "answer": answer.grade.answer},
    }


def _answered(done: int, total: int) -> JobStatusUpdate:
    message = f"{done} of {total} questions answered"
    return _update(
        JobPhase.RUNNING_EVALUATION, 0.1 + 0.8 * done / total, message, done=done, total=total
    )


def _update(
    phase: JobPhase,
    progress: float,
    message: str,
    *,
    done: int | None = None,
    total: int | None = None,
    warnings: Sequence[str] = (),
) -> JobStatusUpdate:
    for warning in warnings:
        logger.warning("%s", warning)
    return JobStatusUpdate(
        status=JobStatus.RUNNING,
        phase=phase,
        progress=progress,
        message=MessageInfo(message=message, message_code=phase),
        warning_message=MessageInfo(message="; ".join(warnings), message_code="unknown_option")
        if warnings
        else None,
        completed_steps=done,
        total_steps=total,
    )


def _about(config: JobSpec, options: Options, dataset: Dataset) -> dict[str, Any]:
    """Say what was evaluated and how: enough to repeat it."""
    return {
        "job_id": config.job_id,
        "benchmark_id": config.benchmark_id,
        "model": config.model.name,
        "dataset": "bundled" if dataset.source == BUNDLED else str(dataset.source),
        "dataset_sha256": dataset.digest,
        "prompt_version": VERSION,
        "num_few_shot": options.num_few_shot,
    }


def _artifact(
    config: JobSpec, folder: Path, files: list[Path], measured: Sequence[EvaluationResult]
) -> OCIArtifactSpec:
    oci = config.exports.oci if config.exports else None
    return OCIArtifactSpec(
        files=files,
        base_path=folder,
        coordinates=oci.coordinates if oci else None,
        title=f"{config.benchmark_id} answers of {config.model.name}",
        annotations={"accuracy": f"{measured[0].metric_value:.4f}"},
        job_id=config.job_id,
        provider_id=config.provider_id,
        benchmark_id=config.benchmark_id,
        benchmark_index=config.benchmark_index,
        model_name=config.model.name,
    )


def _stored(artifact: object) -> OCIArtifactResult | None:
    # The callbacks of a test may return a mock, which results would refuse.
    return artifact if isinstance(artifact, OCIArtifactResult) else None


@contextmanager
def _folder(keep: Path | None) -> Generator[Path]:
    """Give a directory for the result files: the one to keep, or one that goes away."""
    if keep is not None:
        yield keep
        return
    with TemporaryDirectory(prefix="evalhub-example-") as folder:
        yield Path(folder)
