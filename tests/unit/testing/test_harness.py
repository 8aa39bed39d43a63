from __future__ import annotations

import logging
import os
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

from evalhub.adapter import FrameworkAdapter
from evalhub.errors import ConfigurationError
from evalhub.testing import AdapterHarness, FakeEvalHub, RecordingCallbacks, job_spec


def load():
    """Import the adapters as a test module is: from a file, by a name nobody can import."""
    file = Path(__file__).with_name("adapters.py")
    spec = util.spec_from_file_location("adapters_of_these_tests", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


adapters = load()


def runs(name):
    return [
        lambda adapter, *rest, **more: AdapterHarness(adapter, **more).run(*rest),
        lambda adapter, *rest, **more: AdapterHarness(adapter, **more).run_isolated(*rest),
    ][name == "isolated"]


@pytest.fixture(params=["here", "isolated"])
def run(request):
    return runs(request.param)


def test_a_run_that_ends_well(run):
    spec = job_spec(num_examples=7)
    outcome = run(adapters.Counts, spec, env={"GREETING": "hello"})
    assert (outcome.exit_code, outcome.status, outcome.error) == (0, "completed", "")
    assert outcome.metrics == {"count": 7}
    assert outcome.refused == []
    assert "logged hello" in outcome.logs
    assert "printed" in outcome.logs
    assert (outcome.folder / "answers.json").exists()
    assert (outcome.artifacts / "index.json").exists()
    assert outcome.events[-1]["warning_message"]["message"] == "careful"


def test_a_run_that_fails(run):
    outcome = run(adapters.Refuses)
    assert (outcome.exit_code, outcome.status) == (2, "failed")
    assert outcome.error == "shots must be a number"
    assert outcome.metrics == {}


def test_what_it_raised_and_returned():
    raised = AdapterHarness(adapters.Refuses).run()
    assert isinstance(raised.exception, ConfigurationError)
    assert raised.results is None
    returned = AdapterHarness(adapters.Counts).run().results
    assert returned is not None
    assert returned.num_examples_evaluated == 3


class Unmade(FrameworkAdapter):
    def __init__(self):
        raise ConfigurationError("no GPU")

    def run_benchmark_job(self, config, callbacks):
        raise AssertionError


def test_an_adapter_that_cannot_be_made_ends_like_in_production():
    outcome = AdapterHarness(Unmade).run()
    assert (outcome.exit_code, outcome.status, outcome.error) == (2, "failed", "no GPU")
    assert isinstance(outcome.exception, ConfigurationError)


def test_this_process_is_as_before():
    root, environment = logging.getLogger(), dict(os.environ)
    before = (root.level, list(root.handlers))
    AdapterHarness(adapters.Counts, env={"LOG_LEVEL": "DEBUG"}).run()
    assert (root.level, list(root.handlers)) == before
    assert dict(os.environ) == environment


def test_its_directories_are_gone_with_the_process():
    code = (
        "from evalhub.testing._folders import temporary_folder; folder = temporary_folder('x'); "
        "(folder / 'file').touch(); print(folder)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path(made.stdout.strip()).exists()


def test_reports_to_the_callbacks_given():
    spec = job_spec()
    callbacks = RecordingCallbacks(spec)
    outcome = AdapterHarness(adapters.Counts).run(spec, callbacks=callbacks)
    assert callbacks.metrics == {"count": 3}
    assert (outcome.events, outcome.status, outcome.error) == ([], "", "")


def test_a_service_of_its_own_knows_the_runs_apart():
    with FakeEvalHub() as hub:
        harness = AdapterHarness(adapters.Counts, hub=hub)
        first, second = harness.run(), harness.run()
        assert len(first.events) + len(second.events) == len(hub.received)
        assert [first.status, second.status] == ["completed", "completed"]


def test_files_an_isolated_run_writes():
    outcome = AdapterHarness(adapters.Counts).run_isolated()
    assert outcome.folder / "answers.json" in outcome.written


def test_an_isolated_run_is_terminated():
    def is_running(hub):
        return any(one.event["status"] == "running" for one in hub.received)

    outcome = AdapterHarness(adapters.Waits).run_isolated(terminate_when=is_running)
    assert (outcome.exit_code, outcome.status) == (143, "failed")
    assert "SIGTERM" in outcome.error


def test_an_isolated_run_that_does_not_end_is_killed():
    outcome = AdapterHarness(adapters.Waits).run_isolated(timeout=0.0)
    assert (outcome.exit_code, outcome.timed_out) == (-9, True)


def test_directories_count_as_written():
    outcome = AdapterHarness(adapters.Waits).run_isolated(
        terminate_when=lambda hub: len(hub.received) > 0
    )
    assert outcome.folder.parent / "home" / "waiting" in outcome.written


def test_a_class_within_a_function_cannot_be_isolated():
    class Local(FrameworkAdapter):
        def run_benchmark_job(self, config, callbacks):
            raise NotImplementedError

    with pytest.raises(ConfigurationError, match="move it to the top level of its module"):
        AdapterHarness(Local).run_isolated()
