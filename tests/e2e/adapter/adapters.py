"""Adapters that end in every way an adapter can end; each runs in a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

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
    OCIArtifactSpec,
)


def results(config: JobSpec, *metrics: tuple[str, Any], **more: Any) -> JobResults:
    return JobResults(
        job_id=config.job_id,
        benchmark_id=config.benchmark_id,
        benchmark_index=config.benchmark_index,
        model_name=config.model.name,
        results=[
            EvaluationResult(metric_name=name, metric_value=value)
            for name, value in metrics or (("accuracy", 0.75),)
        ],
        num_examples_evaluated=4,
        duration_seconds=0.1,
        **more,
    )


def say(callbacks: JobCallbacks, phase: JobPhase, **more: Any) -> None:
    callbacks.report_status(JobStatusUpdate(status=JobStatus.RUNNING, phase=phase, **more))


class Good(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        for phase in JobPhase:
            say(callbacks, phase)
        return results(config)


class Slow(FrameworkAdapter):
    """Works for `seconds`, reporting all the while."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        end = time.monotonic() + config.parameters["seconds"]
        while time.monotonic() < end:
            say(callbacks, JobPhase.RUNNING_EVALUATION, progress=0.5)
            time.sleep(0.05)
        return results(config)


class Waits(FrameworkAdapter):
    """Gives its results when it is told to, and says how long delivering them took."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        say(callbacks, JobPhase.RUNNING_EVALUATION)
        time.sleep(0.8)  # both events are sent by then
        Path(config.parameters["ready"]).touch()
        while not Path(config.parameters["go"]).exists():
            time.sleep(0.01)
        return results(config)


class Stores(FrameworkAdapter):
    """Stores an artifact where nothing answers."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        file = Path(config.parameters["file"])
        file.write_text("{}")
        callbacks.create_oci_artifact(OCIArtifactSpec(files=[file], job_id=config.job_id))
        raise AssertionError


class Raises(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        raise RuntimeError("the dataset has no answers")


class BadParameter(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        raise ConfigurationError("parameter 'shots' must be a number")


class Exits(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        sys.exit(0)


class ExitsHard(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        os._exit(7)


class Forks(FrameworkAdapter):
    """A child raises through the parent's stack; the parent finds it failed, and says so."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        say(callbacks, JobPhase.RUNNING_EVALUATION)
        child = os.fork()
        if child == 0:
            raise ValueError("the child's own trouble")
        _, status = os.waitpid(child, 0)
        raise BenchmarkError(
            f"worker ended with {os.waitstatus_to_exitcode(status)}", code="worker"
        )


class ForksWell(FrameworkAdapter):
    """A child comes back through the parent's stack with results of its own."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        say(callbacks, JobPhase.RUNNING_EVALUATION)
        child = os.fork()
        if child == 0:
            os.kill(os.getpid(), 0)
            return results(config, ("accuracy", 0.0))
        os.waitpid(child, 0)
        return results(config)


class Cleans(FrameworkAdapter):
    """Waits to be ended, and leaves a file that shows its `finally` ran."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        say(callbacks, JobPhase.RUNNING_EVALUATION)
        Path(config.parameters["ready"]).touch()
        try:
            time.sleep(60)
        finally:
            Path(config.parameters["cleaned"]).touch()
        raise AssertionError


class Deaf(FrameworkAdapter):
    """Computes in C for hours, where no exception can be raised."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        say(callbacks, JobPhase.RUNNING_EVALUATION)
        Path(config.parameters["ready"]).touch()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
        raise AssertionError


class Loads(FrameworkAdapter):
    """Has a framework that takes its time to load."""

    def __init__(self) -> None:
        super().__init__()
        Path(self.job_spec.parameters["ready"]).touch()
        self.load()

    def load(self) -> None:
        time.sleep(60)

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        raise AssertionError


class LoadsInC(Loads):
    def load(self) -> None:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


class LoadsAndExits(Loads):
    def load(self) -> None:
        os._exit(7)


class Lingers(FrameworkAdapter):
    """Leaves a thread behind that never ends."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        threading.Thread(target=threading.Event().wait).start()
        Path(config.parameters["ready"]).touch()
        time.sleep(60)
        raise AssertionError


class Odd(FrameworkAdapter):
    """Values that JSON does not have."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        return results(
            config,
            ("accuracy", np.float32(0.5)),
            ("nan", float("nan")),
            ("per_class", [0.1, 0.2]),
            ("matrix", np.arange(4).reshape(2, 2)),
            ("object", {"path": Path("/x")}),
            additional_info={"where": Path("/data/x"), "thing": threading.Lock()},
        )


class Large(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        return results(config, additional_info={"samples": "x" * 12 * 2**20, "note": "kept"})


class Flaky(FrameworkAdapter):
    """Succeeds on the third attempt."""

    attempts = 0

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        assert config.parameters.pop("fresh")
        self.attempts += 1
        if self.attempts < 3:
            raise BenchmarkError(f"hiccup {self.attempts}", retryable=True)
        return results(config, ("attempts", self.attempts))


class CompletedFirst(FrameworkAdapter):
    """Reports success before the results, and more of everything after them."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        measured = results(config)
        callbacks.report_status(
            JobStatusUpdate(status=JobStatus.COMPLETED, phase=JobPhase.COMPLETED)
        )
        callbacks.report_results(measured)
        say(callbacks, JobPhase.POST_PROCESSING)
        callbacks.report_status(JobStatusUpdate(status=JobStatus.COMPLETED))
        return measured


class Chatty(FrameworkAdapter):
    """Reports 1000 times and measures what that costs it."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        started = time.perf_counter()
        for number in range(1000):
            say(callbacks, JobPhase.RUNNING_EVALUATION, progress=number / 1000)
        blocked = time.perf_counter() - started
        return results(config, ("blocked_seconds", blocked))


class ChattyThreads(FrameworkAdapter):
    """Eight threads report at once."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        def report() -> None:
            for number in range(125):
                say(callbacks, JobPhase.RUNNING_EVALUATION, progress=number / 125)

        threads = [threading.Thread(target=report) for _ in range(8)]
        for phase in list(JobPhase)[:2]:
            say(callbacks, phase)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for phase in list(JobPhase)[3:5]:
            say(callbacks, phase)
        return results(config)


class Dies(FrameworkAdapter):
    """Dies without a word: `how`, and `when`: made, evaluating, or while its end is reported."""

    def __init__(self) -> None:
        super().__init__()
        if self.job_spec.parameters["when"] == "made":
            die(self.job_spec.parameters["how"])

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        say(callbacks, JobPhase.RUNNING_EVALUATION)
        if config.parameters["when"] == "evaluating":
            die(config.parameters["how"])
        if config.parameters["when"] == "reporting":
            # The proxy holds the final report back for longer than this.
            threading.Timer(1.0, die, [config.parameters["how"]]).start()
        return results(config)


def die(how: str) -> None:
    match how:
        case "SIGKILL" | "SIGSEGV" | "SIGBUS":
            os.kill(os.getpid(), signal.Signals[how])
            time.sleep(60)
        case "abort":
            os.abort()
        case "exit":
            os._exit(7)
        case "hungry":
            hoard = []
            while True:
                hoard.append(bytearray(2**24))


class LeavesAnOrphan(FrameworkAdapter):
    """Starts a process that outlives it and holds on to everything it inherited."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        if os.fork() == 0:
            os.setsid()
            os.closerange(1, 3)  # or whoever reads the output would wait for this process
            time.sleep(30)
            os._exit(0)
        Path(config.parameters["pid"]).write_text(str(os.getpid()))
        die(config.parameters["how"])
        return results(config)


class Asynchronous(FrameworkAdapter):
    """Evaluates on an event loop, and reports from tasks and threads."""

    async def run_benchmark_job(  # type: ignore[override]  # what `run` accepts as well
        self, config: JobSpec, callbacks: JobCallbacks
    ) -> JobResults:
        say(callbacks, JobPhase.RUNNING_EVALUATION)
        if ready := config.parameters.get("ready"):
            Path(ready).touch()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                Path(config.parameters["cleaned"]).touch()
                raise
        if config.parameters.get("fails"):
            update = JobStatusUpdate(status=JobStatus.FAILED, error_message="no answers")
            before = time.monotonic()
            callbacks.report_status(update)
            Path(config.parameters["blocked"]).write_text(str(time.monotonic() - before))
            raise BenchmarkError("no answers", code="no_answers")
        await asyncio.gather(*(self.ask(callbacks) for _ in range(10)))
        return results(config)

    async def ask(self, callbacks: JobCallbacks) -> None:
        await asyncio.sleep(0.01)
        say(callbacks, JobPhase.POST_PROCESSING)


class UsesWorkers(FrameworkAdapter):
    """Reports from worker processes, as nobody should."""

    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        say(callbacks, JobPhase.LOADING_DATA)
        context = multiprocessing.get_context(config.parameters["method"])
        if config.parameters["method"] == "fork":
            worker = context.Process(target=say, args=(callbacks, JobPhase.RUNNING_EVALUATION))
            worker.start()
            worker.join()
            return results(config)
        with context.Pool(1) as pool:
            pool.apply(say, (callbacks, JobPhase.RUNNING_EVALUATION))
        return results(config)


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise OSError("no text")

    __repr__ = __str__


class RaisesTheUnprintable(FrameworkAdapter):
    def run_benchmark_job(self, config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        raise UnprintableError
