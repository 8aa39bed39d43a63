"""Run one job's evaluation, with its retries, on an adapter that is ready."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from evalhub.adapter._run.failure import causes_of, failure_of
from evalhub.adapter.callbacks import DefaultCallbacks
from evalhub.errors import BenchmarkError, ConfigurationError, ReportError
from evalhub.models.event import JobStatusUpdate
from evalhub.models.result import JobResults
from evalhub.models.state import JobPhase, JobStatus
from evalhub.settings import EvalHubMode
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from evalhub.adapter._report.delivery import Delivery
    from evalhub.adapter._run.failure import Failure
    from evalhub.adapter._run.signals import Watch
    from evalhub.adapter.base import FrameworkAdapter
    from evalhub.adapter.callbacks import JobCallbacks

__all__ = ["Evaluation", "logged_failure"]

logger = logging.getLogger(__name__)

_SIDECAR_TIMEOUT = 60.0
_BETWEEN_ATTEMPTS = Policy(first_delay=1.0, max_delay=30.0, jitter=False)


class Evaluation:
    """One job and its attempts.

    Args:
        adapter: The adapter, with its settings and job.
        callbacks: Where to report.
        delivery: The delivery behind the callbacks, if they report to the service.
        watch: Holds the job's deadline.
        pause: Sleeps for this many seconds.
    """

    def __init__(
        self,
        adapter: FrameworkAdapter,
        callbacks: JobCallbacks,
        delivery: Delivery | None,
        watch: Watch,
        pause: Callable[[float], object],
    ) -> None:
        self._adapter = adapter
        self._spec = adapter.job_spec
        self._callbacks = callbacks
        self._delivery = delivery
        self._watch = watch
        self._pause = pause

    def run(self) -> JobResults:
        """Run the evaluation, again after a failure where the job allows it."""
        self._watch.set_deadline(self._spec.deadline_seconds)
        if self._delivery is not None and self._adapter.settings.mode is EvalHubMode.K8S:
            self._delivery.await_sidecar(_SIDECAR_TIMEOUT)
        self._report(JobStatus.RUNNING, phase=JobPhase.INITIALIZING)
        return self._attempt_until_done()

    def _attempt_until_done(self) -> JobResults:
        attempts = 1 + (self._spec.retry_attempts or 0)
        pristine = self._spec.model_copy(deep=True)  # adapters change what they are given
        attempt = 1
        while True:
            if self._delivery is not None:
                self._delivery.holds_failures = attempt < attempts
            try:
                return self._attempt()
            except Exception as error:
                is_last = attempt >= attempts or self._watch.failure is not None
                if is_last or not all(map(_is_retryable, causes_of(error))):
                    raise
                failure = logged_failure(error)
            delay = _BETWEEN_ATTEMPTS.pause(attempt - 1)
            problem = f"attempt {attempt} of {attempts} failed: {failure.message}"
            logger.warning("%s; the next one starts in %g s", problem, delay)
            self._report(JobStatus.RUNNING, phase=JobPhase.INITIALIZING, warning_message=problem)
            self._pause(delay)
            if isinstance(self._callbacks, DefaultCallbacks):
                self._callbacks.samples.clear()  # those of the next attempt replace them
            self._adapter.job_spec = self._spec = pristine.model_copy(deep=True)
            attempt += 1

    def _attempt(self) -> JobResults:
        results: Any = self._adapter.run_benchmark_job(self._spec, self._callbacks)
        if inspect.iscoroutine(results):
            results = _run_to_end(results)
        if not isinstance(results, JobResults):
            raise BenchmarkError(
                f"run_benchmark_job returned {type(results).__name__}, not JobResults",
                code="no_results",
            )
        return results

    def _report(self, status: JobStatus, **more: Any) -> None:
        self._callbacks.report_status(JobStatusUpdate(status=status, **more))


def logged_failure(error: BaseException) -> Failure:
    """Log an error, with its traceback where that tells more, and return its `Failure`."""
    failure = failure_of(error)
    logger.error("%s", failure.message, exc_info=None if failure.is_expected else error)
    return failure


def _run_to_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Drive an asynchronous adapter; a signal or the deadline cancels its task."""
    return asyncio.run(coroutine)


def _is_retryable(error: BaseException) -> bool:
    if isinstance(error, BenchmarkError):
        return error.retryable
    return isinstance(error, Exception) and not isinstance(error, ConfigurationError | ReportError)
