from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import time

import pytest

from evalhub.adapter._run.logs import configure_logging
from evalhub.adapter._run.runner import execute, run
from evalhub.adapter.base import FrameworkAdapter
from evalhub.adapter.callbacks import JobCallbacks
from evalhub.errors import ArtifactError, BenchmarkError, ConfigurationError, ReportError
from evalhub.models.result import JobResults
from evalhub.models.state import JobPhase, JobStatus

JOB = {
    "id": "job-1",
    "provider_id": "p",
    "benchmark_id": "b",
    "model": {"name": "m", "url": "http://127.0.0.1:9"},
    "parameters": {"fresh": True},
    "callback_url": None,
}


@pytest.fixture
def job_file(tmp_path, clean_environment):
    """Write a job with these fields changed, and name it in the environment."""

    def write(**fields):
        path = tmp_path / "meta" / "job.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({**JOB, **fields}))
        clean_environment(EVALHUB_JOB_SPEC_PATH=str(path))
        return path

    write()
    return write


@pytest.fixture(autouse=True)
def logging_is_restored():
    root, ours = logging.getLogger(), logging.getLogger("evalhub")
    levels, handlers = (root.level, ours.level), list(root.handlers)
    yield
    for one, level in zip((root, ours), levels, strict=True):
        one.setLevel(level)
    root.handlers[:] = handlers


def measured(config, **more):
    return JobResults.for_job(
        config, {"accuracy": 0.75}, num_examples_evaluated=1, duration_seconds=0.1, **more
    )


def named(config, metric):
    return JobResults.for_job(
        config, {metric: 0.75}, num_examples_evaluated=1, duration_seconds=0.1
    )


class Recorder(JobCallbacks):
    def __init__(self, failing=None, refusing=None):
        self.updates = []
        self.results = []
        self._failing = failing
        self._refusing = refusing

    def report_status(self, update):
        self.updates.append(update)
        if update.status is JobStatus.FAILED and self._failing:
            raise self._failing

    def create_oci_artifact(self, spec):
        raise NotImplementedError

    def report_results(self, results):
        if self._refusing:
            raise self._refusing
        self.results.append(results)

    @property
    def error(self):
        assert self.updates[-1].status is JobStatus.FAILED
        return self.updates[-1].error_message


def adapter(behaviour):
    """An adapter that does this."""

    class Adapter(FrameworkAdapter):
        calls = 0

        def run_benchmark_job(self, config, callbacks):
            self.calls += 1
            return behaviour(self, config)

    return Adapter


def raising(error):
    def behaviour(*_):
        raise error

    return adapter(behaviour)


def test_results_are_reported_and_shown(job_file, capsys):
    callbacks = Recorder()
    outcome = execute(adapter(lambda _, config: measured(config)), callbacks=callbacks)
    assert outcome.exit_code == 0
    assert outcome.failure is None
    assert callbacks.results == [outcome.results]
    assert [(u.status, u.phase) for u in callbacks.updates] == [
        (JobStatus.RUNNING, JobPhase.INITIALIZING)
    ]
    assert "accuracy  0.75" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "exit_code", "code", "message"),
    [
        (ValueError("bad"), 1, "unexpected_error", "ValueError: bad"),
        (BenchmarkError("no", code="mine"), 1, "mine", "no"),
        (ConfigurationError("typo"), 2, "configuration_error", "typo"),
        (ArtifactError("full"), 1, "artifact_error", "full"),
        (SystemExit(3), 1, "adapter_exit", "the adapter called sys.exit(3)"),
        (KeyboardInterrupt(), 130, "terminated", "terminated by SIGINT"),
        (GeneratorExit(), 1, "unexpected_error", "GeneratorExit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_is_raised_is_reported(job_file, error, exit_code, code, message):
    callbacks = Recorder()
    outcome = execute(raising(error), callbacks=callbacks)
    assert outcome.exit_code == exit_code
    assert (callbacks.error.message_code, callbacks.error.message) == (code, message)
    assert callbacks.results == []


def test_tracebacks_are_for_what_nobody_expected(job_file, caplog):
    execute(raising(ConfigurationError("typo")), callbacks=Recorder())
    assert caplog.records[-1].exc_info is None
    execute(raising(ValueError("bad")), callbacks=Recorder())
    assert caplog.records[-1].exc_info is not None


class Ascii(io.TextIOWrapper):
    def __init__(self):
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, encoding="ascii")


class Broken(Ascii):
    def flush(self):
        raise BrokenPipeError


def test_name_that_stdout_cannot_take(job_file, monkeypatch):
    monkeypatch.setattr("sys.stdout", stdout := Ascii())
    instance = adapter(lambda _, config: named(config, "genauigkeit_\u00fc"))()
    assert execute(instance, callbacks=Recorder()).exit_code == 0
    assert b"genauigkeit_\\xfc" in stdout.raw_bytes.getvalue()


@pytest.mark.parametrize("stdout", [Broken(), None], ids=["broken", "none"])
def test_stdout_that_takes_nothing(job_file, monkeypatch, stdout):
    monkeypatch.setattr("sys.stdout", stdout)
    outcome = execute(adapter(lambda _, config: measured(config)), callbacks=Recorder())
    assert outcome.exit_code == 0


def test_something_else_than_results(job_file):
    callbacks = Recorder()
    assert execute(adapter(lambda *_: None), callbacks=callbacks).exit_code == 1
    assert callbacks.error.message == "run_benchmark_job returned NoneType, not JobResults"


def test_results_that_were_not_delivered(job_file):
    callbacks = Recorder(refusing=ReportError("kept"))
    outcome = execute(adapter(lambda _, config: measured(config)), callbacks=callbacks)
    assert outcome.exit_code == 3
    assert outcome.failure is not None
    assert outcome.failure.message == "kept"
    assert outcome.results is not None


def test_results_that_cannot_be_reported(job_file):
    callbacks = Recorder(refusing=ConfigurationError("two metrics of one name"))
    outcome = execute(adapter(lambda _, config: measured(config)), callbacks=callbacks)
    assert outcome.exit_code == 2
    assert callbacks.error.message == "two metrics of one name"


@pytest.mark.parametrize(
    ("error", "exit_code"), [(ValueError("bad"), 3), (ConfigurationError("typo"), 2)]
)
def test_failure_that_was_not_delivered(job_file, error, exit_code):
    callbacks = Recorder(failing=ReportError("kept"))
    assert execute(raising(error), callbacks=callbacks).exit_code == exit_code


def test_adapter_whose_constructor_raises(job_file):
    class Adapter(FrameworkAdapter):
        def __init__(self):
            raise ValueError("no GPU")

        def run_benchmark_job(self, config, callbacks):
            raise AssertionError

    callbacks = Recorder()
    assert execute(Adapter, callbacks=callbacks).exit_code == 1
    assert callbacks.error.message == "ValueError: no GPU"


def test_signal_while_the_adapter_is_made(job_file):
    class Adapter(FrameworkAdapter):
        def __init__(self):
            signal.raise_signal(signal.SIGTERM)

        def run_benchmark_job(self, config, callbacks):
            raise AssertionError

    callbacks = Recorder()
    assert execute(Adapter, callbacks=callbacks).exit_code == 143
    assert callbacks.error.message == "terminated by SIGTERM"


def test_bad_settings(job_file, monkeypatch, caplog):
    monkeypatch.setenv("EVALHUB_REPORT_TIMEOUT", "soon")
    outcome = execute(raising(AssertionError()))
    assert outcome.exit_code == 2
    assert "EVALHUB_REPORT_TIMEOUT" in caplog.text
    assert caplog.records[-1].exc_info is None


def test_job_file_given_by_path(job_file, tmp_path, monkeypatch):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({**JOB, "id": "job-2"}))
    monkeypatch.setenv("EVALHUB_JOB_SPEC_PATH", "replaced and restored")
    outcome = execute(
        adapter(lambda _, config: measured(config)), job_spec_path=path, callbacks=Recorder()
    )
    assert outcome.results is not None
    assert outcome.results.job_id == "job-2"


def test_instance_in_place_of_a_class(job_file):
    instance = adapter(lambda _, config: measured(config))()
    assert execute(instance, callbacks=Recorder()).exit_code == 0
    assert instance.calls == 1


def test_retryable_failure_gets_another_attempt_on_a_fresh_job(job_file):
    job_file(retry_attempts=2)
    seen = []

    def behaviour(self, config):
        seen.append(config.parameters.pop("fresh"))
        if self.calls < 3:
            raise BenchmarkError(f"hiccup {self.calls}", retryable=True)
        return measured(config)

    callbacks = Recorder()
    pauses: list[float] = []
    outcome = execute(adapter(behaviour), callbacks=callbacks, pause=pauses.append)
    assert outcome.exit_code == 0
    assert seen == [True] * 3
    assert pauses == [1.0, 2.0]
    assert [u.warning_message for u in callbacks.updates] == [
        None,
        "attempt 1 of 3 failed: hiccup 1",
        "attempt 2 of 3 failed: hiccup 2",
    ]


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (ValueError("bad"), 3),
        (BenchmarkError("no", retryable=True), 3),
        (BenchmarkError("no"), 1),
        (ConfigurationError("typo"), 1),
        (ReportError("kept"), 1),
        (SystemExit(0), 1),
        (ExceptionGroup("tasks", [ValueError("bad")]), 3),
        (ExceptionGroup("tasks", [ValueError("bad"), ConfigurationError("typo")]), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_attempts(job_file, error, attempts):
    job_file(retry_attempts=2)
    instance = raising(error)()
    execute(instance, callbacks=Recorder(), pause=lambda _: None)
    assert instance.calls == attempts


def test_interruption_that_the_adapter_swallows(job_file):
    def behaviour(_, config):
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            return measured(config)
        raise AssertionError

    callbacks = Recorder()
    assert execute(adapter(behaviour), callbacks=callbacks).exit_code == 143
    assert callbacks.error.message == "terminated by SIGTERM"
    assert callbacks.results == []


def test_interruption_that_the_adapter_turns_into_an_error(job_file):
    job_file(retry_attempts=2)

    def behaviour(*_):
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise RuntimeError("torn down") from None

    callbacks = Recorder()
    instance = adapter(behaviour)()
    assert execute(instance, callbacks=callbacks, pause=lambda _: None).exit_code == 143
    assert callbacks.error.message == "terminated by SIGTERM"
    assert instance.calls == 1


def test_signal_that_the_adapter_handles_itself(job_file):
    def behaviour(*_):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        signal.raise_signal(signal.SIGTERM)

    callbacks = Recorder()
    assert execute(adapter(behaviour), callbacks=callbacks).exit_code == 143
    assert callbacks.error.message == "terminated by SIGTERM"


def test_deadline_of_the_job(job_file):
    callbacks = Recorder()

    def wait(*_):
        # Not signal.pause(): a signal right before it would leave it waiting.
        while True:
            time.sleep(0.01)

    instance = adapter(wait)()
    instance.job_spec.timeout_seconds = 0
    assert execute(instance, callbacks=callbacks).exit_code == 124
    assert callbacks.error.message_code == "deadline_exceeded"


def test_child_that_comes_back_reports_nothing(job_file, tmp_path):
    def behaviour(_, config):
        child = os.fork()
        if child == 0:
            return measured(config)
        _, status = os.waitpid(child, 0)
        return measured(config, additional_info={"child": os.waitstatus_to_exitcode(status)})

    callbacks = Recorder()
    outcome = execute(adapter(behaviour), callbacks=callbacks)
    assert outcome.results is not None
    assert outcome.results.additional_info == {"child": 0}
    assert len(callbacks.results) == 1


def test_run_exits_with_the_code(job_file):
    with pytest.raises(SystemExit) as caught:
        run(raising(ConfigurationError("typo")))
    assert caught.value.code == 2


def test_main_of_an_adapter(job_file):
    with pytest.raises(SystemExit) as caught:
        adapter(lambda _, config: measured(config)).main()
    assert caught.value.code == 0


def test_a_framework_that_sets_the_level_of_the_root_does_not_silence_the_run():
    configure_logging("INFO")
    logging.getLogger().setLevel(logging.WARNING)

    assert logging.getLogger("evalhub.adapter.progress").isEnabledFor(logging.INFO)


def test_level_of_the_log(capsys):
    logging.getLogger().handlers.clear()
    configure_logging(" debug ")
    assert logging.getLogger().level == logging.DEBUG
    assert logging.getLogger("httpx").level == logging.WARNING
    configure_logging("30")
    assert logging.getLogger().level == logging.WARNING
    configure_logging("loud")
    assert logging.getLogger().level == logging.WARNING
    assert "LOG_LEVEL is not a logging level" in capsys.readouterr().err
