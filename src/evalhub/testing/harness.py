"""Run an adapter as in production and return the outcome.

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
    from evalhub.testing._hub import EventRequest
    from evalhub.testing._openai import Json

__all__ = ["AdapterHarness", "Outcome"]

_POLL_INTERVAL = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run."""

    exit_code: int
    """Exit code of the process, also of a run in this process (see `ExitCode`)."""

    events: list[Json]
    """The events that the service accepted, in order."""

    refused: list[EventRequest]
    """The events that the service refused."""

    logs: str
    """All output and log messages of the adapter."""

    folder: Path
    """Directory of the job, which contains `meta/job.json`."""

    results: JobResults | None = None
    """The adapter's results; only for a run in this process."""

    exception: BaseException | None = None
    """The adapter's exception; only for a run in this process."""

    written: list[Path] = field(default_factory=list[Path])
    """Files that the adapter opened for writing; only for an isolated run."""

    timed_out: bool = False
    """Whether the process was killed at its time limit; only for an isolated run."""

    @property
    def status(self) -> str:
        """The last status that the service accepted, or `""` if there was none."""
        return str(self.events[-1]["status"]) if self.events else ""

    @property
    def metrics(self) -> Json:
        """The metrics in the last event."""
        return dict(self.events[-1].get("metrics", {})) if self.events else {}

    @property
    def error(self) -> str:
        """The error message in the last event, or `""` if it has none."""
        return (
            str(self.events[-1].get("error_message", {}).get("message", "")) if self.events else ""
        )

    @property
    def artifacts(self) -> Path:
        """Directory of the image layout with the artifacts."""
        return self.folder / "artifacts"


class AdapterHarness:
    """Run an adapter with `evalhub.adapter.run` and a fake service.

    Args:
        adapter: Class of the adapter.
        env: Environment variables for the adapter.
        hub: The service; by default a new one for each run.
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
            callbacks: Callbacks in place of those that report to the service.
        """
        from evalhub.adapter._run.runner import execute

        raised: list[BaseException] = []
        with self._job(spec) as job, _environment(self._variables(job.folder)):
            with _captured() as log:
                ended = execute(lambda: _recorded(self._adapter, raised), callbacks=callbacks)
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
        """Run the adapter as a process, in an empty directory and with an empty home directory.

        Args:
            spec: The job; by default `job_spec()`.
            timeout: Seconds after which the process is killed.
            terminate_when: Condition on the service; SIGTERM is sent when it holds.

        Raises:
            ConfigurationError: The class is defined in a function, so no process can import it.
        """
        location = _location(self._adapter)
        with self._job(spec) as job:
            base = job.folder.parent
            notes, log = base / "written", base / "jobrun.log"
            with log.open("wb") as output:
                process = subprocess.Popen(  # noqa: S603 - our own command line
                    [sys.executable, "-m", "evalhub.testing._run", *location, str(notes)],
                    env={**os.environ, **self._variables(job.folder), **_isolated(base)},
                    cwd=base / "cwd",
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                timed_out = not _watch(process, job.hub, timeout, terminate_when)
            text = log.read_text(errors="replace")
            return job.outcome(
                process.returncode, text, written=_written(notes), timed_out=timed_out
            )

    @contextmanager
    def _job(self, spec: JobSpec | None) -> Generator[_Job]:
        """Prepare the service, the directory and the file of a job."""
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
    """A job that is ready to run."""

    hub: FakeEvalHub
    spec: JobSpec
    folder: Path
    before: int
    """Number of events the service had received before."""

    def outcome(self, exit_code: int, logs: str, **more: Any) -> Outcome:
        received = self.hub.received[self.before :]
        return Outcome(
            exit_code=exit_code,
            events=[one.event for one in received if one.is_accepted],
            refused=[one for one in received if not one.is_accepted],
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
    """Capture output and log messages; restore the loggers that a run configures."""
    text, root = StringIO(), logging.getLogger()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    levels = {one: one.level for one in (root, logging.getLogger("evalhub"))}
    root.addHandler(handler)
    try:
        with redirect_stdout(text):
            yield text
    finally:
        root.removeHandler(handler)
        for one, level in levels.items():
            one.setLevel(level)


def _recorded(adapter: type[FrameworkAdapter], raised: list[BaseException]) -> FrameworkAdapter:
    """Return an instance that records its exceptions: a run reports and swallows them."""
    with _recording(raised):
        instance = adapter()
    original = instance.run_benchmark_job

    def run_benchmark_job(config: JobSpec, callbacks: JobCallbacks) -> JobResults:
        with _recording(raised):
            return original(config, callbacks)

    instance.run_benchmark_job = run_benchmark_job  # type: ignore[method-assign]  # of this one
    return instance


@contextmanager
def _recording(raised: list[BaseException]) -> Generator[None]:
    try:
        yield
    except BaseException as error:
        raised.append(error)
        raise


def _location(adapter: type[FrameworkAdapter]) -> tuple[str, str, str]:
    if "<locals>" in adapter.__qualname__:
        raise ConfigurationError(
            f"{adapter.__qualname__} is defined in a function, where another process cannot import "
            "it; move it to the top level of its module"
        )
    return inspect.getfile(adapter), adapter.__module__, adapter.__qualname__


def _isolated(base: Path) -> dict[str, str]:
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
) -> bool:
    """Wait for a process and return `True`, or kill it at its time limit and return `False`."""
    deadline = time.monotonic() + timeout
    while process.poll() is None:
        if terminate_when is not None and terminate_when(hub):
            process.terminate()
            terminate_when = None
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
        time.sleep(_POLL_INTERVAL)
    return True


def _written(notes: Path) -> list[Path]:
    lines = notes.read_text(errors="replace").splitlines() if notes.exists() else []
    return [Path(line) for line in dict.fromkeys(lines)]
