"""Run an adapter as in production, and return the outcome.

```python
outcome = AdapterHarness(MyAdapter).run(job_spec(model={"url": model.url}))
assert outcome.exit_code == 0
assert outcome.metrics["accuracy"] == 0.5
```
"""

from __future__ import annotations

import inspect
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalhub.errors import ConfigurationError
from evalhub.testing._folders import temporary_folder
from evalhub.testing._hub import FakeEvalHub
from evalhub.testing.build import job_file, job_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from evalhub.adapter import FrameworkAdapter, JobCallbacks, JobResults, JobSpec
    from evalhub.testing._hub import Received
    from evalhub.testing._openai import Json

__all__ = ["AdapterHarness", "Outcome"]

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    exit_code: int
    """What the process ended with, or would have: 0 delivered, 1 failed, 2 configuration, ..."""

    events: list[Json]
    """What the service took, in order."""

    refused: list[Received]
    """What the service refused."""

    logs: str
    """Everything the adapter wrote and logged."""

    folder: Path
    """The job's own directory; `meta/job.json` lies in it."""

    results: JobResults | None = None
    """What the adapter returned; only of a run in this process."""

    exception: BaseException | None = None
    """What the adapter raised; only of a run in this process."""

    written: list[Path] = field(default_factory=list[Path])
    """Files the adapter opened for writing; only of an isolated run."""

    @property
    def status(self) -> str:
        """The last status the service took, or `""` if there was none."""
        return str(self.events[-1]["status"]) if self.events else ""

    @property
    def metrics(self) -> Json:
        """The metrics the service holds."""
        return dict(self.events[-1].get("metrics", {})) if self.events else {}

    @property
    def error(self) -> str:
        """The message of the last event's error, or `""` if it has none."""
        return (
            str(self.events[-1].get("error_message", {}).get("message", "")) if self.events else ""
        )

    @property
    def artifacts(self) -> Path:
        """The image layout that artifacts were stored in, where there were any."""
        return self.folder / "artifacts"


class AdapterHarness:
    """Runs an adapter through `evalhub.adapter.run`, with a service that takes its reports.

    Args:
        adapter: The adapter's class.
        env: Environment variables the adapter gets.
        hub: The service; by default one of its own for each run.
    """

    def __init__(
        self,
        adapter: type[FrameworkAdapter],
        *,
        env: Mapping[str, str] | None = None,
        hub: FakeEvalHub | None = None,
    ) -> None:
        self._adapter = adapter
        self._env = env or {}
        self._hub = hub

    def run(self, spec: JobSpec | None = None, *, callbacks: JobCallbacks | None = None) -> Outcome:
        """Run the adapter in this process.

        Args:
            spec: The job; by default `job_spec()`.
            callbacks: Where it reports, in place of the service.
        """
        from evalhub.adapter._run.runner import execute

        raised: list[BaseException] = []
        with self._job(spec) as job, _environment(self._variables(job.folder)):
            with _captured() as log:
                ended = execute(lambda: _watched(self._adapter, raised), callbacks=callbacks)
            return job.outcome(
                ended.exit_code,
                log.getvalue(),
                results=ended.results,
                exception=raised[-1] if raised else None,
            )

    def run_isolated(
        self,
        spec: JobSpec | None = None,
        *,
        timeout: float = 60.0,
        terminate_when: Callable[[FakeEvalHub], bool] | None = None,
    ) -> Outcome:
        """Run the adapter in a process of its own, in an empty directory, with an empty home.

        Args:
            spec: The job; by default `job_spec()`.
            timeout: Seconds after which it is killed.
            terminate_when: Sends SIGTERM once this holds of the service.

        Raises:
            ConfigurationError: The class lies within a function, where no other process finds it.
        """
        where = _where(self._adapter)
        with self._job(spec) as job:
            base = job.folder.parent
            notes, log = base / "written", base / "jobrun.log"
            with log.open("wb") as output:
                process = subprocess.Popen(  # noqa: S603 - our own command line
                    [sys.executable, "-m", "evalhub.testing._run", *where, str(notes)],
                    env={**os.environ, **self._variables(job.folder), **_confined(base)},
                    cwd=base / "cwd",
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                _watch(process, job.hub, timeout, terminate_when)
            text = log.read_text(errors="replace")
            return job.outcome(process.returncode, text, written=_written(notes))

    @contextmanager
    def _job(self, spec: JobSpec | None) -> Generator[_Job]:
        """Give a job a service that expects it, and a directory with its file."""
        hub = self._hub or FakeEvalHub()
        base = temporary_folder("job")
        for name in ("job", "cwd", "home", "tmp"):
            (base / name).mkdir()
        with _serving(hub):
            spec = (spec or job_spec()).model_copy(update={"callback_url": hub.url})
            hub.add_job(spec)
            job_file(base / "job", **spec.to_wire())
            yield _Job(hub, spec, base / "job", before=len(hub.received))

    def _variables(self, folder: Path) -> dict[str, str]:
        return {
            "EVALHUB_MODE": "local",
            "EVALHUB_JOB_SPEC_PATH": str(folder / "meta" / "job.json"),
            "EVALHUB_ARTIFACTS_DIR": str(folder / "artifacts"),
            "EVALHUB_REPORT_TIMEOUT": "5",
            "EVALHUB_TERMINATION_GRACE": "5",
            **self._env,
        }


@dataclass(frozen=True, slots=True)
class _Job:
    """A job that is about to run."""

    hub: FakeEvalHub
    spec: JobSpec
    folder: Path
    before: int
    """How many events the service had been sent before."""

    def outcome(self, exit_code: int, logs: str, **more: Any) -> Outcome:
        received = self.hub.received[self.before :]
        return Outcome(
            exit_code=exit_code,
            events=[one.event for one in received if one.is_taken],
            refused=[one for one in received if not one.is_taken],
            logs=logs,
            folder=self.folder,
            **more,
        )


@contextmanager
def _serving(hub: FakeEvalHub) -> Generator[None]:
    if hub.is_started:
        yield
        return
    with hub:
        yield


@contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _captured() -> Generator[StringIO]:
    """Collect what is logged and printed; the log's level and handlers are as before after it."""
    text, root = StringIO(), logging.getLogger()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    level = root.level
    root.addHandler(handler)
    try:
        with redirect_stdout(text):
            yield text
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _watched(adapter: type[FrameworkAdapter], raised: list[BaseException]) -> FrameworkAdapter:
    """Return an instance that notes what it raises: a run reports it and goes on."""
    with _noting(raised):
        instance = adapter()
    original = instance.run_benchmark_job

    def run_benchmark_job(config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        with _noting(raised):
            return original(config, callbacks)

    instance.run_benchmark_job = run_benchmark_job  # type: ignore[method-assign]  # of this one
    return instance


@contextmanager
def _noting(raised: list[BaseException]) -> Generator[None]:
    try:
        yield
    except BaseException as error:
        raised.append(error)
        raise


def _where(adapter: type[FrameworkAdapter]) -> tuple[str, str, str]:
    if "<locals>" in adapter.__qualname__:
        raise ConfigurationError(
            f"{adapter.__qualname__} is defined within a function, where another process cannot "
            "find it: move it to the top of its module"
        )
    return inspect.getfile(adapter), adapter.__module__, adapter.__qualname__


def _confined(base: Path) -> dict[str, str]:
    return {
        "HOME": str(base / "home"),
        "TMPDIR": str(base / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUNBUFFERED": "1",
    }


def _watch(
    process: subprocess.Popen[bytes],
    hub: FakeEvalHub,
    timeout: float,
    terminate_when: Callable[[FakeEvalHub], bool] | None,
) -> None:
    deadline = time.monotonic() + timeout
    while process.poll() is None:
        if terminate_when is not None and terminate_when(hub):
            process.terminate()
            terminate_when = None
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return
        time.sleep(_POLL_SECONDS)


def _written(notes: Path) -> list[Path]:
    lines = notes.read_text(errors="replace").splitlines() if notes.exists() else []
    return [Path(line) for line in dict.fromkeys(lines)]
