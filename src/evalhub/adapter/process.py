"""Run a framework that is a command: follow it, stop it with the job, say why it failed."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING, Any

from evalhub.adapter.progress import TQDM
from evalhub.errors import BenchmarkError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from evalhub.adapter.progress import Progress

__all__ = ["CommandResult", "run_command"]

logger = logging.getLogger(__name__)

_SECRET_NAME = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
_TELLING = re.compile(
    r"error|exception|fatal|failed|invalid|denied|refused|unknown|no such", re.IGNORECASE
)
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SHORTEST_SECRET = 6
_KEPT_LINES = 200
_QUOTED_LINES = 5
_POLL_SECONDS = 0.05
_LINES_A_SECOND = 50


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    exit_code: int
    """Its exit status; below 0 the number of the signal that ended it."""

    seconds: float
    last_lines: tuple[str, ...]
    """The end of its output, secrets masked."""

    def reason(self) -> str:
        """Return the last lines that say what went wrong, or the last lines."""
        telling = [line for line in self.last_lines if _TELLING.search(line)]
        return "\n".join((telling or list(self.last_lines))[-_QUOTED_LINES:])


def run_command(  # noqa: PLR0913 - each says one thing about the command
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    progress: Progress[Any] | None = None,
    pattern: str | re.Pattern[str] = TQDM,
    on_line: Callable[[str], object] | None = None,
    secrets: Iterable[str] = (),
    timeout: float | None = None,
    grace: float = 10.0,
    check: bool = True,
) -> CommandResult:
    """Run a command to its end, its output going to the log line by line.

    The job's deadline, a cancellation and any other exception end the command with all that it
    started: SIGTERM, and SIGKILL after `grace`. Nothing it started outlives it.

    Args:
        command: The program and its arguments.
        env: Variables besides those of this process. The values of those that are called like
            secrets never reach the log.
        cwd: The directory to run it in.
        progress: Told how far it is, by what its output says.
        pattern: Finds the steps done, its first group, and their total, its second one if the
            output says it, in a line of output; by default the form of tqdm's bars.
        on_line: Given each line of output, in another thread.
        secrets: More texts that must not reach the log.
        timeout: Seconds it may take; the job's own deadline holds in any case.
        grace: Seconds between SIGTERM and SIGKILL.
        check: Whether an exit status other than 0 is an error. Some frameworks end with 0
            although they failed: look at their results.

    Raises:
        BenchmarkError: It failed, or took longer than `timeout`; the last lines of its output
            that matter are quoted.
        ConfigurationError: It cannot be started.
    """
    started = time.monotonic()
    arguments = [str(part) for part in command]
    process = _start(arguments, env, cwd)
    output = _Output(
        _masker([*secrets, *_secret_values(env or {})]), progress, re.compile(pattern), on_line
    )
    reader = Thread(target=output.follow, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        _wait(process, None if timeout is None else started + timeout)
        is_late = process.poll() is None
    finally:
        # On the way of an exception, too: the job was cancelled, or its time is over.
        _end_group(process, grace)
        reader.join(timeout=grace)
    result = CommandResult(process.returncode, time.monotonic() - started, tuple(output.last))
    if is_late:
        raise BenchmarkError(
            f"{arguments[0]} was not done after {timeout:g} s and was stopped",
            code="command_timeout",
        )
    if check and result.exit_code != 0:
        raise BenchmarkError(
            f"{Path(arguments[0]).name} ended with {_ending(result.exit_code)}: {result.reason()}",
            code="command_failed",
        )
    return result


def _start(
    arguments: list[str], env: Mapping[str, str] | None, cwd: Path | str | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - what the adapter asks for
            arguments,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, to be ended as one
        )
    except OSError as error:
        raise ConfigurationError(f"cannot run {arguments[0]}: {error.strerror}") from error


def _wait(process: subprocess.Popen[bytes], until: float | None) -> None:
    # In short steps: a signal's exception is raised between two of them.
    while process.poll() is None:
        if until is not None and time.monotonic() >= until:
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)


def _end_group(process: subprocess.Popen[bytes], grace: float) -> None:
    """End what is left of a command's process group, the command itself included."""
    group = process.pid
    until = time.monotonic() + grace
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
        while process.poll() is None or _exists(group):
            if time.monotonic() >= until:
                break
            time.sleep(_POLL_SECONDS)
        else:
            return
        until = time.monotonic() + grace


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class _Output:
    """The output of a command: logged, kept, and read for its progress."""

    def __init__(
        self,
        mask: Callable[[str], str],
        progress: Progress[Any] | None,
        pattern: re.Pattern[str],
        on_line: Callable[[str], object] | None,
    ) -> None:
        self.last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._mask = mask
        self._progress = progress
        self._pattern = pattern
        self._on_line = on_line
        self._second, self._logged, self._left_out = 0, 0, 0

    def follow(self, stream: IO[bytes]) -> None:
        for text, is_final in _lines(stream):
            line = self._mask(_CONTROLS.sub("", text)).rstrip()
            if not line:
                continue
            if self._progress is not None:
                self._progress.read(line, self._pattern)
            if is_final:  # of a bar that redraws itself, the last state alone
                self.last.append(line)
                self._log(line)
            self._tell(line)
        self._log_left_out()
        stream.close()

    def _tell(self, line: str) -> None:
        if self._on_line is None:
            return
        try:
            self._on_line(line)
        except Exception:
            logger.exception("on_line failed; the command goes on without it")
            self._on_line = None

    def _log(self, line: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._log_left_out()
            self._second, self._logged = second, 0
        self._logged += 1
        if self._logged > _LINES_A_SECOND:
            self._left_out += 1
        else:
            logger.info("%s", line)

    def _log_left_out(self) -> None:
        if self._left_out:
            logger.info("(%d more lines of output)", self._left_out)
            self._left_out = 0


def _lines(stream: IO[bytes]) -> Iterator[tuple[str, bool]]:
    """Yield pieces of output, and whether each is a line or a bar's passing state."""
    rest = b""
    while block := os.read(stream.fileno(), 1 << 16):
        *pieces, rest = re.split(rb"(\r\n|\n|\r)", rest + block)
        if pieces and pieces[-1] == b"\r" and not rest:
            # The other half of a Windows line may still come.
            rest = pieces.pop(-2) + pieces.pop()
        for text, end in zip(pieces[::2], pieces[1::2], strict=True):
            yield text.decode(errors="replace"), end != b"\r"
    if rest.strip():
        yield rest.decode(errors="replace").rstrip("\r"), True


def _secret_values(env: Mapping[str, str]) -> list[str]:
    return [value for name, value in env.items() if _SECRET_NAME.search(name)]


def _masker(secrets: Iterable[str]) -> Callable[[str], str]:
    found = sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True)
    if not found:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, found)))
    return lambda text: pattern.sub("***", text)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
