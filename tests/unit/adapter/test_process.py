from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from evalhub.adapter.process import _ending, run_command
from evalhub.adapter.progress import Progress
from evalhub.errors import BenchmarkError, ConfigurationError
from evalhub.testing import RecordingCallbacks


@pytest.fixture(autouse=True)
def log(caplog):
    caplog.set_level(logging.INFO, "evalhub")
    return caplog


def python(code, *more):
    return [sys.executable, "-c", code, *more]


def test_output_goes_to_the_log_line_by_line(log):
    lines: list[str] = []
    result = run_command(
        python("import sys; print('one'); print('two', file=sys.stderr)"), on_line=lines.append
    )

    assert (result.exit_code, result.last_lines) == (0, ("one", "two"))
    assert lines == ["one", "two"]
    assert [record.getMessage() for record in log.records] == ["one", "two"]


def test_of_a_progress_bar_the_last_state_alone_is_logged(log):
    code = "import sys; [sys.stdout.write(f'\\r{n}/3 [00:00]') for n in range(4)]; print()"
    run_command(python(code))

    assert [record.getMessage() for record in log.records] == ["3/3 [00:00]"]


def test_colours_and_windows_line_ends_are_left_out(log):
    run_command(python("import os; os.write(1, b'\\x1b[32mfine\\x1b[0m\\r\\nnext')"))

    assert [record.getMessage() for record in log.records] == ["fine", "next"]


def test_progress_is_read_from_bars():
    callbacks = RecordingCallbacks()
    code = "import sys; [print(f' {n * 10}%|#| {n}/10 [00:00]', end='\\r') for n in (1, 5, 10)]"
    run_command(python(code), progress=Progress(callbacks, start=0.0, end=1.0))

    assert [update.progress for update in callbacks.updates] == [0.1, 0.5, 1.0]


def test_progress_is_read_by_a_pattern():
    callbacks = RecordingCallbacks()
    run_command(
        python("print('step 1 of 4')"),
        progress=Progress(callbacks, start=0.0, end=1.0),
        pattern=r"step (\d+) of (\d+)",
    )

    assert callbacks.updates[0].progress == 0.25


def test_a_failure_quotes_the_lines_that_matter():
    code = "print('loading'); print('ValueError: no such task'); print('bye'); raise SystemExit(3)"
    with pytest.raises(BenchmarkError, match="ended with exit status 3: ValueError: no such task"):
        run_command(python(code))


def test_a_failure_without_such_lines_quotes_the_last_ones():
    with pytest.raises(BenchmarkError, match="ended with exit status 1: one\ntwo"):
        run_command(python("print('one'); print('two'); raise SystemExit(1)"))


def test_a_death_by_signal_is_named():
    with pytest.raises(BenchmarkError, match="ended with SIGKILL"):
        run_command(python("import os; os.kill(os.getpid(), 9)"))


def test_an_exit_status_may_be_left_to_the_caller():
    assert run_command(python("raise SystemExit(3)"), check=False).exit_code == 3


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(ConfigurationError, match="cannot run /no/such: No such file"):
        run_command(["/no/such"])


def test_secrets_are_masked_everywhere(log):
    lines: list[str] = []
    code = (
        "import os; e = os.environ; print('error', e['MY_API_KEY'], e['NAME'], 'hidden-too'); 1 / 0"
    )
    with pytest.raises(BenchmarkError) as raised:
        run_command(
            python(code),
            env={"MY_API_KEY": "sk-secret", "NAME": "plain-name"},
            secrets=["hidden-too"],
            on_line=lines.append,
        )

    assert lines[0] == "error *** plain-name ***"
    assert "sk-secret" not in log.text + raised.value.message


def test_the_directory_is_the_one_given(tmp_path):
    result = run_command(python("import os; print(os.getcwd())"), cwd=tmp_path)

    assert result.last_lines == (str(tmp_path),)


def test_a_flood_of_lines_is_not_a_flood_of_log(log):
    run_command(python("for n in range(5000): print('line', n)"))

    assert len(log.records) < 1000
    assert "more lines of output" in log.text


def test_a_listener_that_fails_does_not_stop_the_command(log):
    def fail(line):
        raise ValueError(line)

    assert run_command(python("print(1); print(2)"), on_line=fail).exit_code == 0
    assert log.text.count("on_line failed") == 1


DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
STUBBORN = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {DEAF!r}])
print("pid", child.pid, flush=True)
"""


def pid_of(lines):
    return int(next(line for line in lines if line.startswith("pid")).split()[1])


def is_gone(pid):
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_command_that_takes_too_long_is_stopped_with_all_it_started():
    lines: list[str] = []
    with pytest.raises(BenchmarkError, match=r"was not done after 1 s and was stopped"):
        run_command(
            python(STUBBORN + "time.sleep(60)"),
            timeout=1,
            grace=0.2,
            on_line=lines.append,
        )

    assert is_gone(pid_of(lines))


def test_what_a_command_leaves_running_is_ended():
    lines: list[str] = []
    run_command(python(STUBBORN + "time.sleep(0.5)"), grace=0.2, on_line=lines.append)

    assert is_gone(pid_of(lines))


def test_an_exception_in_the_main_thread_ends_the_command():
    lines: list[str] = []

    def handler(*_):
        raise KeyboardInterrupt

    def interrupt(line):
        lines.append(line)
        if line == "ready":
            os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_command(
                python(STUBBORN + "time.sleep(60)"),
                grace=0.2,
                on_line=interrupt,
            )
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert is_gone(pid_of(lines))


def test_a_subprocess_has_no_input():
    assert run_command(["cat"]).exit_code == 0


def test_progress_that_cannot_be_reported_does_not_stop_the_command(log):
    class Broken(Progress[object]):
        def at(self, done, total=None):
            raise ValueError(done, total)

    code = "print('1/2 ['); print('2/2 [')"
    run_command(python(code), progress=Broken(RecordingCallbacks()))

    assert log.text.count("progress cannot be reported") == 1


def test_a_signal_without_a_name_has_a_number():
    assert _ending(-99) == "signal 99"
