from __future__ import annotations

import logging
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr

import pytest

from evalhub.adapter import JobPhase
from evalhub.adapter.data import data_digest, go_offline, offline_env, test_data
from evalhub.adapter.telemetry import EvalTracer
from evalhub.adapter.unanswered import Unanswered
from evalhub.errors import BenchmarkError, ConfigurationError
from evalhub.testing import RecordingCallbacks, job_spec


@pytest.fixture
def callbacks():
    return RecordingCallbacks()


def test_a_phase_is_reported_and_timed(callbacks, caplog):
    caplog.set_level(logging.INFO)
    with callbacks.phase(JobPhase.LOADING_DATA, "Loading questions"):
        pass

    [update] = callbacks.updates
    assert update.phase is JobPhase.LOADING_DATA
    assert update.message.message == "Loading questions"
    assert "Loading questions took 0.0 s" in caplog.text


def test_a_phase_may_be_given_by_name_and_needs_no_message(callbacks):
    with callbacks.phase("post_processing"):
        pass

    assert callbacks.updates[0].message.message == "post processing"


@pytest.mark.parametrize("name", list(JobPhase))
def test_a_phase_that_fails_lets_its_error_pass(callbacks, name):
    with pytest.raises(ValueError, match="broken"), callbacks.phase(name):
        raise ValueError("broken")


def test_a_loop_reports_how_far_it_is(callbacks):
    seen = list(callbacks.progress(["a", "b"], unit="questions"))

    assert seen == ["a", "b"]
    assert [update.progress for update in callbacks.updates] == [0.1, 0.5, 0.9]
    assert callbacks.updates[1].message.message == "1 of 2 questions"
    assert callbacks.updates[1].completed_steps == 1


def test_a_long_loop_reports_a_hundred_times(callbacks):
    for _ in callbacks.progress(range(10_000)):
        pass

    assert len(callbacks.updates) == 101


def test_a_loop_of_unknown_length_reports_nothing(callbacks):
    assert list(callbacks.progress(iter("ab"))) == ["a", "b"]
    assert callbacks.updates == []


def test_a_length_may_be_given(callbacks):
    list(callbacks.progress(iter("ab"), total=2))

    assert len(callbacks.updates) == 3


def test_steps_are_counted_from_several_threads(callbacks):
    bar = callbacks.progress(total=200)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bar.update(), range(200)))

    shares = [update.progress for update in callbacks.updates]
    assert bar.done == 200
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(0.9)


def test_bars_of_a_framework_in_this_process_are_followed(callbacks, capsys):
    with callbacks.progress(unit="requests", start=0.0, end=1.0).follow_stderr():
        for line in ("  0%| | 0/4 [00:00<?]\r", "loading\n", "50%|# | 2/4 [00:01<00:01]\r"):
            print(line, end="", file=sys.stderr, flush=True)
        assert sys.stderr.encoding.upper() == "UTF-8"
        assert not sys.stderr.isatty()

    assert [update.progress for update in callbacks.updates] == [0.0, 0.5]
    assert str(callbacks.updates[-1].message) == "2 of 4 requests"
    assert "loading\n50%" in capsys.readouterr().err


def test_only_the_bar_that_counts_is_followed(callbacks):
    progress = callbacks.progress(start=0.0, end=1.0)
    with progress.follow_stderr(r"Requesting.*?(\d+)/(\d+)"):
        print("Building: 4/4 [00:00]", file=sys.stderr)
        print("Requesting API: 1/4 [00:00]", file=sys.stderr)

    assert [update.progress for update in callbacks.updates] == [0.25]


def test_output_may_tell_the_steps_done_and_no_total(callbacks):
    progress = callbacks.progress(total=40, start=0.0, end=1.0)
    progress.read("successful=10 errored=0", re.compile(r"successful=(\d+)"))

    assert [update.progress for update in callbacks.updates] == [0.25]


def test_a_followed_stream_keeps_its_descriptor(callbacks, tmp_path):
    followed = callbacks.progress().follow_stderr
    with (tmp_path / "log").open("w") as file, redirect_stderr(file), followed():
        assert sys.stderr.fileno() == file.fileno()


def test_going_backwards_is_ignored(callbacks):
    bar = callbacks.progress(start=0.0, end=1.0)
    bar.at(5, 10)
    bar.at(1, 10)
    bar.at(20)

    assert [update.progress for update in callbacks.updates] == [0.5, 1.0]


def failed(message="answered 400: context too long"):
    return BenchmarkError(message, code="refused", retryable=True)


def test_a_question_that_fails_is_counted():
    unanswered = Unanswered(10)
    unanswered.answered()
    unanswered.note(failed())

    assert unanswered.count == 1
    assert unanswered.metric().metric_value == 1
    assert unanswered.warning() == (
        "1 of 10 questions has no answer and counts as wrong, "
        "the first because answered 400: context too long"
    )


def test_none_failed_is_no_warning():
    assert Unanswered(10).warning() is None


def test_too_many_are_a_failure_with_the_last_reason():
    unanswered = Unanswered(10)
    unanswered.answered()
    unanswered.note(failed())
    with pytest.raises(
        BenchmarkError, match="2 of 10 questions were not answered, more than 10%"
    ) as raised:
        unanswered.note(failed())

    assert (raised.value.code, raised.value.retryable) == ("refused", True)


def test_an_endpoint_that_answers_nothing_is_a_failure_whatever_the_share():
    unanswered = Unanswered(100, max_error_rate=1.0)
    for _ in range(4):
        unanswered.note(failed())
    with pytest.raises(BenchmarkError, match=r"too long; 5 of 100 questions were not answered$"):
        unanswered.note(failed())


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ConfigurationError, match="max_error_rate must be from 0 to 1, not 3"):
        Unanswered(1, max_error_rate=3)


def test_data_is_what_the_parameter_names(tmp_path):
    spec = job_spec(parameters={"dataset_path": str(tmp_path)})

    assert test_data(spec) == tmp_path


def test_data_that_does_not_exist_is_refused(tmp_path):
    spec = job_spec(parameters={"dataset_path": str(tmp_path / "no")})

    with pytest.raises(ConfigurationError, match=r"dataset_path '.*no' does not exist"):
        test_data(spec)


def test_data_is_what_the_platform_mounted(tmp_path):
    assert test_data(job_spec(parameters={}), mounted=tmp_path, default=None) is None
    (tmp_path / "data.jsonl").write_text("")

    assert test_data(job_spec(parameters={}), mounted=tmp_path) == tmp_path
    assert test_data(job_spec(parameters={}), mounted=tmp_path / "no") is None


def test_nothing_is_fetched_with_these_variables(tmp_path):
    assert offline_env()["HF_HUB_OFFLINE"] == "1"
    assert offline_env(tmp_path)["HF_HOME"] == str(tmp_path)


def test_a_digest_tells_contents_and_names(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        (folder / "data").write_text("same")
    assert data_digest(first) == data_digest(second)
    (second / "data").rename(second / "other")
    assert data_digest(first) != data_digest(second)
    assert data_digest(first / "data").startswith("sha256:")


def test_a_digest_of_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no files"):
        data_digest(tmp_path)


class Traced(RecordingCallbacks):
    """Callbacks with a tracer, as `DefaultCallbacks` are."""

    def __init__(self):
        super().__init__()
        self.spans: list[str] = []
        spans = self.spans

        class Tracer(EvalTracer):
            def _span(self, name, attributes=None):
                spans.append(name)
                return super()._span(name, attributes)

        self.tracer = Tracer()


def test_phases_are_traced():
    callbacks = Traced()
    for name in JobPhase:
        with callbacks.phase(name):
            pass

    assert callbacks.spans == [
        "dataset_load",
        "inference",
        "scoring",
        "result_log",
    ]


def test_errors_are_kept_in_their_order():
    unanswered = Unanswered(100)
    unanswered.note(failed("first"))
    unanswered.note(failed("second"))

    assert [error.message for error in unanswered.errors] == ["first", "second"]


def test_this_process_goes_offline_and_what_is_set_stays(tmp_path, monkeypatch):
    for name in offline_env(tmp_path):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", "/models")
    go_offline(tmp_path)

    assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert os.environ["HF_HOME"] == "/models"
    for name in offline_env(tmp_path):
        monkeypatch.setenv(name, "")  # so that it is as it was when the test has ended


def test_a_digest_of_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="holds no files"):
        data_digest(tmp_path)
    with pytest.raises(ConfigurationError, match="holds no files"):
        data_digest(tmp_path / "gone")
