"""Run an adapter as the main program: everything around `run_benchmark_job`.

However the evaluation ends, the service gets a report, and the exit code tells how it went.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from threading import Thread, Timer
from typing import TYPE_CHECKING, NoReturn, cast

from evalhub.adapter._report import will
from evalhub.adapter._report.delivery import State
from evalhub.adapter._report.summary import metrics_line, metrics_table, write_termination_message
from evalhub.adapter._run.attempts import Evaluation, logged_failure
from evalhub.adapter._run.failure import ExitCode, Failure
from evalhub.adapter._run.logs import configure_logging
from evalhub.adapter._run.signals import Watch, noticing_exit
from evalhub.adapter._run.temporary import provide_temporary_directory
from evalhub.adapter.base import FrameworkAdapter, own_settings
from evalhub.adapter.callbacks import DefaultCallbacks
from evalhub.errors import ConfigurationError, ReportError
from evalhub.models.event import JobStatusUpdate
from evalhub.models.spec import ReportTarget
from evalhub.models.state import JobStatus, MessageInfo
from evalhub.settings import AdapterSettings, EvalHubMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evalhub.adapter._report.delivery import Delivery
    from evalhub.adapter.callbacks import JobCallbacks
    from evalhub.models.result import JobResults

__all__ = ["Outcome", "execute", "run"]

logger = logging.getLogger(__name__)

_LAST_RESORT_TIMEOUT = 5.0
_ECHO = 0.25
"""Seconds in which a signal arrives both directly and from the supervisor."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Args:
        exit_code: Exit code for the process.
        results: What the adapter returned, if it did.
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
    """Run an adapter on the job of this process, and exit.

    Loads settings and job, configures logging, reports start, results or failure, and exits with
    0 (delivered), 1 (failed), 2 (configuration), 3 (report not delivered, saved to a file),
    124 (deadline), 130 (SIGINT) or 143 (SIGTERM).

    Args:
        adapter: The adapter's class, a function that makes an adapter, or an adapter.
        job_spec_path: The job file, in place of the one that the environment names.
    """
    outcome = execute(adapter, job_spec_path=job_spec_path)
    if outcome.exit_code >= ExitCode.DEADLINE:
        # Threads of the adapter that do not end must not keep a cancelled process alive.
        end = Timer(_LAST_RESORT_TIMEOUT, os._exit, [outcome.exit_code])
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
        adapter: The adapter's class, a function that makes an adapter, or an adapter.
        job_spec_path: The job file, in place of the one that the environment names.
        callbacks: Where to report, in place of the service.
        pause: Sleeps for this many seconds.
    """
    if job_spec_path is not None:
        # In the environment, because credentials and child processes look there, too.
        os.environ["EVALHUB_JOB_SPEC_PATH"] = str(job_spec_path)
    outcome = _Run(adapter, callbacks, pause).run()
    _conclude(outcome)
    return outcome


class _Run:
    """The life cycle of one adapter run."""

    def __init__(
        self,
        adapter: Callable[[], FrameworkAdapter] | FrameworkAdapter,
        callbacks: JobCallbacks | None,
        pause: Callable[[float], object],
    ) -> None:
        self._source = adapter
        self._callbacks = callbacks
        self._early_callbacks: JobCallbacks | None = None
        self._pause = pause
        self._ends: float | None = None
        self._invalid_environment: ConfigurationError | None = None
        self._settings = self._read_settings()
        configure_logging(self._settings.log_level)
        if self._settings.mode is EvalHubMode.K8S:
            provide_temporary_directory()

    def run(self) -> Outcome:
        process = os.getpid()
        watch = Watch(
            grace=self._settings.termination_grace,
            on_interrupt=self._hurry,
            last_resort=self._report_in_time,
            echo=_ECHO if will.is_supervised() else 0.0,
        )
        with watch:
            ended = self._evaluate(watch)
            if os.getpid() != process:
                _leave_child(ended)
            outcome = self._report(ended)
            if (delivery := _delivery_of(self._callbacks)) is not None:
                delivery.close()
        return outcome

    def _read_settings(self) -> AdapterSettings:
        """Return the settings of this run: the adapter's own if it has them already."""
        if isinstance(self._source, FrameworkAdapter) and (own := own_settings(self._source)):
            return own
        try:
            return AdapterSettings.from_env()
        except ConfigurationError as error:
            # Environment errors are raised later, when they can be reported.
            self._invalid_environment = error
            return AdapterSettings.usable()

    def _evaluate(self, watch: Watch) -> JobResults | Failure:
        """Return the adapter's results, or why there are none."""
        exit_watch = nullcontext() if will.is_supervised() else noticing_exit(self._report_exit)
        try:
            # Construction is covered too: imports can take a minute or exit the process.
            with exit_watch, watch.evaluating():
                results = self._make_evaluation(watch).run()
        except BaseException as error:  # noqa: BLE001 - a cancelled event loop and sys.exit count
            failure = logged_failure(error)
            return watch.failure or failure  # a handler of its own may have ended the adapter
        return watch.raised or results  # the adapter may have suppressed the cancellation

    def _make_evaluation(self, watch: Watch) -> Evaluation:
        self._leave_first_will()
        if self._invalid_environment is not None:
            raise self._invalid_environment
        source = self._source
        adapter = source if isinstance(source, FrameworkAdapter) else source()
        if own_settings(adapter) is None:
            adapter.settings = self._settings
        self._settings = adapter.settings
        callbacks = self._callbacks or self._report_to(DefaultCallbacks.from_adapter(adapter))
        return Evaluation(adapter, callbacks, _delivery_of(callbacks), watch, self._pause)

    def _leave_first_will(self) -> None:
        """Leave a will before the adapter is imported, which takes long and may crash."""
        if will.is_supervised() and self._callbacks is None:
            self._early_callbacks = callbacks_for_invalid_job(self._settings)

    def _report_to(self, callbacks: JobCallbacks) -> JobCallbacks:
        self._callbacks = callbacks
        if self._ends is not None:
            self._hurry(self._ends - time.monotonic())
        return callbacks

    def _report(self, ended: JobResults | Failure) -> Outcome:
        if isinstance(ended, Failure):
            return self._report_failure(ended)
        callbacks = cast("JobCallbacks", self._callbacks)  # the evaluation had them
        try:
            callbacks.report_results(ended)
        except ReportError as error:
            return Outcome(ExitCode.NOT_DELIVERED, ended, logged_failure(error))
        except Exception as error:  # noqa: BLE001 - `report_results` may be the adapter's own
            return self._report_failure(logged_failure(error))
        return Outcome(ExitCode.DELIVERED, ended)

    def _report_failure(self, failure: Failure) -> Outcome:
        if self._callbacks is None:
            early = self._early_callbacks or callbacks_for_invalid_job(self._settings)
            if early is not None:
                self._report_to(early)
        if self._callbacks is None:
            return Outcome(failure.exit_code, failure=failure)
        error = MessageInfo(
            message=failure.message, message_code=failure.code, message_origin=failure.origin
        )
        update = JobStatusUpdate(status=JobStatus.FAILED, error_message=error)
        try:
            if (delivery := _delivery_of(self._callbacks)) is not None:
                delivery.holds_failures = False
            self._callbacks.report_status(update)
            was_kept = delivery is not None and delivery.state is State.KEPT
        except Exception as undelivered:  # noqa: BLE001 - whatever it is, it was not reported
            logged_failure(undelivered)
            was_kept = True
        if was_kept and failure.exit_code == ExitCode.FAILED:
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
        last.join(_LAST_RESORT_TIMEOUT)
        if (delivery := _delivery_of(self._callbacks)) is not None:
            delivery.keep_unrecorded()
        write_termination_message(f"failed: {failure.message}")

    def _report_exit(self, status: int) -> None:
        message = f"the adapter ended the process with os._exit({status})"
        self._report_in_time(Failure(message, "adapter_exit", status))


def callbacks_for_invalid_job(settings: AdapterSettings) -> DefaultCallbacks | None:
    """Return callbacks for a job file of which little more than the ids may be valid."""
    try:
        content = json.loads(settings.resolved_job_spec_path.read_bytes())
        target = ReportTarget.model_validate(content)
        return DefaultCallbacks(
            **asdict(target.benchmark_ref),
            sidecar_url=target.callback_url,
            auth_token_path=settings.resolved_auth_token_path,
            ca_bundle_path=settings.ca_bundle_path,
            settings=settings,
        )
    except (OSError, ValueError, RecursionError, ConfigurationError):
        return None  # ValueError: not JSON, or not valid


def _delivery_of(callbacks: JobCallbacks | None) -> Delivery | None:
    return callbacks.delivery if isinstance(callbacks, DefaultCallbacks) else None


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
