"""Run an adapter as the purpose of a process: everything around `run_benchmark_job`.

Whatever ends the evaluation, the service is told, and the exit code says how it went. The only
module that catches `Exception`.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from dataclasses import dataclass
from itertools import count
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any, NoReturn, cast

from evalhub.adapter._report.at_exit import noticing_exit
from evalhub.adapter._report.summary import metrics_line, metrics_table, write_termination_message
from evalhub.adapter._run.failure import ExitCode, Failure, causes_of, failure_of
from evalhub.adapter._run.salvage import salvaged_callbacks
from evalhub.adapter._run.signals import Watch
from evalhub.adapter.base import FrameworkAdapter
from evalhub.adapter.callbacks import DefaultCallbacks
from evalhub.errors import BenchmarkError, ConfigurationError, ReportError
from evalhub.models.event import JobStatusUpdate
from evalhub.models.result import JobResults
from evalhub.models.state import JobPhase, JobStatus, MessageInfo
from evalhub.settings import AdapterSettings, EvalHubMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evalhub.adapter._report.delivery import Delivery
    from evalhub.adapter.callbacks import JobCallbacks

__all__ = ["Outcome", "configure_logging", "execute", "run"]

logger = logging.getLogger(__name__)

DEFAULT_LEVEL = "INFO"

_LAST_RESORT_SECONDS = 5.0
_SIDECAR_SECONDS = 60.0
_FIRST_DELAY = 1.0
_MAX_DELAY = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Args:
        exit_code: What the process is to end with.
        results: What the adapter returned, where it did.
        failure: Why it did not, or why the results were not delivered.
    """

    exit_code: int
    results: JobResults | None = None
    failure: Failure | None = None


def run(
    adapter: Callable[[], FrameworkAdapter] | FrameworkAdapter,
    *,
    job_spec_path: Path | str | None = None,
) -> NoReturn:
    """Run an adapter on the job this process was started for, and exit.

    Loads settings and job, configures logging, reports start, results or failure, and exits with
    0 (delivered), 1 (failed), 2 (configuration), 3 (report not delivered, kept in a file),
    124 (deadline), 130 (SIGINT) or 143 (SIGTERM).

    Args:
        adapter: The adapter's class, or whatever else makes one, or an instance.
        job_spec_path: The job file, in place of the one the environment names.
    """
    outcome = execute(adapter, job_spec_path=job_spec_path)
    if outcome.exit_code >= ExitCode.DEADLINE:
        # Threads of the adapter that do not end must not keep a cancelled process alive.
        end = Timer(_LAST_RESORT_SECONDS, os._exit, [outcome.exit_code])
        end.daemon = True
        end.start()
    sys.exit(outcome.exit_code)


def execute(
    adapter: Callable[[], FrameworkAdapter] | FrameworkAdapter,
    *,
    job_spec_path: Path | str | None = None,
    callbacks: JobCallbacks | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Outcome:
    """Do what `run` does, and return instead of exiting.

    Args:
        adapter: The adapter's class, or whatever else makes one, or an instance.
        job_spec_path: The job file, in place of the one the environment names.
        callbacks: Where to report, in place of the service.
        pause: Lets seconds pass.
    """
    if job_spec_path is not None:
        # In the environment, because credentials and child processes look there, too.
        os.environ["EVALHUB_JOB_SPEC_PATH"] = str(job_spec_path)
    # What is wrong with the environment is reported once there is something that reports it.
    settings = AdapterSettings.usable()
    configure_logging(settings.log_level)
    outcome = _Run(adapter, callbacks, settings.termination_grace, pause).to_its_end()
    _conclude(outcome)
    return outcome


class _Run:
    """One adapter from its making to its last report, whatever ends it."""

    def __init__(
        self,
        adapter: Callable[[], FrameworkAdapter] | FrameworkAdapter,
        callbacks: JobCallbacks | None,
        grace: float,
        pause: Callable[[float], object],
    ) -> None:
        self._source = adapter
        self._callbacks = callbacks
        self._grace = grace
        self._pause = pause
        self._ends: float | None = None

    def to_its_end(self) -> Outcome:
        process = os.getpid()
        watch = Watch(grace=self._grace, on_interrupt=self._hurry, last_resort=self._report_in_time)
        with watch:
            ended = self._evaluate(watch)
            if os.getpid() != process:
                _leave_child(ended)
            outcome = self._report(ended)
            if (delivery := _delivery_of(self._callbacks)) is not None:
                delivery.close()
        return outcome

    def _evaluate(self, watch: Watch) -> JobResults | Failure:
        """Return what the adapter returns, or why it did not."""
        try:
            # The making counts: frameworks take a minute to import, and end processes.
            with noticing_exit(self._report_exit), watch.evaluating():
                results = self._make_evaluation(watch).run()
        except BaseException as error:  # noqa: BLE001 - a cancelled event loop and sys.exit count
            failure = _noted(error)
            return watch.failure or failure  # a handler of its own may have ended the adapter
        return watch.raised or results  # an adapter may have caught what told it to end

    def _make_evaluation(self, watch: Watch) -> _Evaluation:
        settings = AdapterSettings.from_env()
        source = self._source
        adapter = source if isinstance(source, FrameworkAdapter) else source()
        callbacks = self._callbacks or self._report_to(DefaultCallbacks.from_adapter(adapter))
        return _Evaluation(adapter, callbacks, settings, watch, self._pause)

    def _report_to(self, callbacks: JobCallbacks) -> JobCallbacks:
        self._callbacks = callbacks
        if self._ends is not None:
            self._hurry(self._ends - time.monotonic())
        return callbacks

    def _report(self, ended: JobResults | Failure) -> Outcome:
        if isinstance(ended, Failure):
            return self._report_failure(ended)
        callbacks = cast("JobCallbacks", self._callbacks)  # there were some to evaluate with
        try:
            callbacks.report_results(ended)
        except ReportError as error:
            return Outcome(ExitCode.NOT_DELIVERED, ended, _noted(error))
        except Exception as error:  # noqa: BLE001 - two metrics of one name, say
            return self._report_failure(_noted(error))
        return Outcome(ExitCode.DELIVERED, ended)

    def _report_failure(self, failure: Failure) -> Outcome:
        if self._callbacks is None and (salvaged := salvaged_callbacks()) is not None:
            self._report_to(salvaged)
        if self._callbacks is None:
            return Outcome(failure.exit_code, failure=failure)
        error = MessageInfo(
            message=failure.message, message_code=failure.code, message_origin=failure.origin
        )
        try:
            self._callbacks.report_status(
                JobStatusUpdate(status=JobStatus.FAILED, error_message=error)
            )
        except Exception as undelivered:  # noqa: BLE001 - whatever it is, it was not reported
            _noted(undelivered)
            if failure.exit_code == ExitCode.FAILED:
                return Outcome(ExitCode.NOT_DELIVERED, failure=failure)
        return Outcome(failure.exit_code, failure=failure)

    def _hurry(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        if (delivery := _delivery_of(self._callbacks)) is not None:
            delivery.hurry(seconds)

    def _report_in_time(self, failure: Failure) -> None:
        """Report a failure from another thread, because the main thread does not."""
        last = Thread(target=self._report_failure, args=[failure], daemon=True)
        last.start()
        last.join(_LAST_RESORT_SECONDS)
        if (delivery := _delivery_of(self._callbacks)) is not None:
            delivery.keep_unrecorded()
        write_termination_message(f"failed: {failure.message}")

    def _report_exit(self, status: int) -> None:
        message = f"the adapter ended the process with os._exit({status})"
        self._report_in_time(Failure(message, "adapter_exit", status))


class _Evaluation:
    """One job with its attempts."""

    def __init__(
        self,
        adapter: FrameworkAdapter,
        callbacks: JobCallbacks,
        settings: AdapterSettings,
        watch: Watch,
        pause: Callable[[float], object],
    ) -> None:
        self._adapter = adapter
        self._spec = adapter.job_spec
        self._callbacks = callbacks
        self._settings = settings
        self._watch = watch
        self._pause = pause
        self._delivery = _delivery_of(callbacks)

    def run(self) -> JobResults:
        self._watch.allow(self._spec.deadline_seconds)
        self._await_sidecar()
        self._say(JobStatus.RUNNING, phase=JobPhase.INITIALIZING)
        return self._attempt_until_done()

    def _attempt_until_done(self) -> JobResults:
        attempts = 1 + (self._spec.retry_attempts or 0)
        pristine = self._spec.model_copy(deep=True)  # adapters change what they are given
        for attempt in count(1):
            if self._delivery is not None:
                self._delivery.holds_failures = attempt < attempts
            try:
                return self._attempt()
            except Exception as error:
                is_last = attempt >= attempts or self._watch.failure is not None
                if is_last or not all(map(_is_retryable, causes_of(error))):
                    raise
                failure = _noted(error)
            delay = min(_MAX_DELAY, _FIRST_DELAY * 2.0 ** (attempt - 1))
            problem = f"attempt {attempt} of {attempts} failed: {failure.message}"
            logger.warning("%s; the next one starts in %g s", problem, delay)
            self._say(JobStatus.RUNNING, phase=JobPhase.INITIALIZING, warning_message=problem)
            self._pause(delay)
            self._adapter.job_spec = self._spec = pristine.model_copy(deep=True)
        raise AssertionError  # count() does not end

    def _attempt(self) -> JobResults:
        results: Any = self._adapter.run_benchmark_job(self._spec, self._callbacks)
        if not isinstance(results, JobResults):
            raise BenchmarkError(
                f"run_benchmark_job returned {type(results).__name__}, not JobResults",
                code="no_results",
            )
        return results

    def _say(self, status: JobStatus, **more: Any) -> None:
        self._callbacks.report_status(JobStatusUpdate(status=status, **more))

    def _await_sidecar(self) -> None:
        if self._settings.mode is EvalHubMode.K8S and self._delivery is not None:
            self._delivery.await_sidecar(_SIDECAR_SECONDS)


def _delivery_of(callbacks: JobCallbacks | None) -> Delivery | None:
    return callbacks.delivery if isinstance(callbacks, DefaultCallbacks) else None


def _noted(error: BaseException) -> Failure:
    """Log an error the way its reader needs it, and return what it means."""
    failure = failure_of(error)
    logger.error("%s", failure.message, exc_info=None if failure.is_expected else error)
    return failure


def _is_retryable(error: BaseException) -> bool:
    if isinstance(error, BenchmarkError):
        return error.retryable
    return isinstance(error, Exception) and not isinstance(error, ConfigurationError | ReportError)


def _conclude(outcome: Outcome) -> None:
    if outcome.failure is not None:
        write_termination_message(f"failed: {outcome.failure.message}")
    elif outcome.results is not None:
        write_termination_message(f"completed: {metrics_line(outcome.results)}")
        _show(metrics_table(outcome.results))


def _show(text: str) -> None:
    """Write to stdout where that is possible: the end of the run was reported already."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(f"{text.encode(encoding, 'backslashreplace').decode(encoding)}\n")
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError) as error:  # there is none, it broke, it is closed
        logger.debug("no table on stdout: %s", error)
        sys.stdout = None  # or the interpreter would exit with 120


def _leave_child(ended: JobResults | Failure) -> NoReturn:
    """End a child that the adapter forked and that came back here: the report is its parent's."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended.exit_code if isinstance(ended, Failure) else ExitCode.DELIVERED)


def configure_logging(level: str) -> None:
    """Send the log to stderr, unless the process has set up its logging already."""
    logging.basicConfig(
        level=DEFAULT_LEVEL, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        logging.getLogger().setLevel(level.strip().upper())
    except ValueError:
        logger.warning("LOG_LEVEL is not a level, %s is used", DEFAULT_LEVEL)
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
