from __future__ import annotations

import subprocess
import sys

import pytest

from evalhub.adapter.__main__ import main
from evalhub.adapter._report.event import Report
from evalhub.adapter._report.spool import Undelivered, keep
from evalhub.models.event import BenchmarkStatusEvent
from evalhub.models.state import JobStatus
from evalhub.testing import FakeEvalHub, job_file, job_spec

ADAPTER = """
from evalhub.adapter import FrameworkAdapter, JobResults

class Mine(FrameworkAdapter):
    def run_benchmark_job(self, config, callbacks):
        return JobResults.for_job(
            config, {"accuracy": 0.5}, num_examples_evaluated=1, duration_seconds=1.0
        )

NotAnAdapter = int
"""


pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.fixture
def folder(tmp_path, monkeypatch, clean_environment):
    """An adapter's directory, from which it is run."""
    (tmp_path / "mine_adapter.py").write_text(ADAPTER)
    (tmp_path / "broken_adapter.py").write_text("import broken")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "exiting_adapter.py").write_text("raise SystemExit('no GPU')")
    for name in ("mine_adapter", "broken_adapter", "exiting_adapter"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


@pytest.fixture
def hub():
    with FakeEvalHub() as running:
        yield running


@pytest.fixture
def spec(folder, hub):
    """The job this process is started for, which the service waits for."""
    spec = job_spec(callback_url=hub.url)
    hub.add_job(spec)
    job_file(folder, callback_url=hub.url)
    return spec


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def failure(hub: FakeEvalHub, job_id: str) -> tuple[str, str]:
    error = hub.events(job_id)[-1]["error_message"]
    return error["message"], error["message_code"]


def test_an_adapter_is_run_by_its_name(spec, hub, capsys):
    assert exit_code("mine_adapter:Mine") == 0
    assert [event["status"] for event in hub.events(spec.job_id)] == ["running", "completed"]
    assert "accuracy  0.5" in capsys.readouterr().out


def test_the_job_file_may_be_named(folder, hub, clean_environment):
    clean_environment(EVALHUB_JOB_SPEC_PATH="elsewhere.json")
    job_file(folder, job_id="named", callback_url=hub.url)
    hub.add_job(job_spec(job_id="named", callback_url=hub.url))
    assert exit_code("mine_adapter:Mine", "--job-spec", str(folder / "meta/job.json")) == 0
    assert hub.job("named")["status"]["state"] == "completed"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine_adapter", "'mine_adapter' does not name an adapter; use MODULE:CLASS"),
        (":Mine", "':Mine' does not name an adapter; use MODULE:CLASS"),
        ("mine_adapter:", "'mine_adapter:' does not name an adapter; use MODULE:CLASS"),
        ("missing_adapter:Mine", "there is no module 'missing_adapter'"),
        ("missing.adapter:Mine", "there is no module 'missing.adapter'"),
        ("mine_adapter:Yours", "mine_adapter:Yours is not a subclass of FrameworkAdapter"),
        ("mine_adapter:NotAnAdapter", "mine_adapter:NotAnAdapter is not a subclass of Fra"),
        ("mine_adapter:ADAPTER", "mine_adapter:ADAPTER is not a subclass of FrameworkAdapter"),
    ],
)
def test_a_name_that_is_no_adapter_s_is_reported(name, message, spec, hub):
    assert exit_code(name) == 2
    said, code = failure(hub, spec.job_id)
    assert said.startswith(message)
    assert code == "configuration_error"


def test_an_adapter_that_cannot_be_imported_is_reported_with_what_it_lacks(spec, hub):
    # `broken` is how the name of the adapter's own module begins.
    assert exit_code("broken_adapter:Mine") == 1
    assert failure(hub, spec.job_id) == (
        "ModuleNotFoundError: No module named 'broken'", "unexpected_error",
    )  # fmt: skip


def test_an_adapter_that_exits_while_it_is_imported_is_reported(spec, hub):
    assert exit_code("exiting_adapter:Mine") == 1
    assert failure(hub, spec.job_id) == (
        "the adapter called sys.exit('no GPU')", "adapter_exit",
    )  # fmt: skip


def test_kept_reports_are_sent(folder, hub):
    spec = job_spec()
    hub.add_job(spec)
    event = BenchmarkStatusEvent(
        provider_id=spec.provider_id or "",
        benchmark_id=spec.benchmark_id,
        status=JobStatus.COMPLETED,
        metrics={"accuracy": 0.5},
    )
    path = f"/api/v1/evaluations/jobs/{spec.job_id}/events"
    file = keep(Undelivered("http://127.0.0.1:9", path, spec.job_id, Report(event)), [folder])
    assert exit_code("resend", str(file), "--url", hub.url) == 0
    assert hub.job(spec.job_id)["status"]["state"] == "completed"
    assert not file.exists()


def test_an_environment_that_is_not_usable_is_one_line(clean_environment, capsys):
    clean_environment(EVALHUB_MODE="moon")
    assert exit_code("resend", "kept.json") == 2
    assert capsys.readouterr().err.startswith(
        "error: invalid environment variable: EVALHUB_MODE\n  - EVALHUB_MODE: "
    )


@pytest.mark.parametrize(("arguments", "missing"), [((), "MODULE:CLASS"), (("resend",), "FILE")])
def test_how_it_is_called_is_told(arguments, missing, capsys):
    assert exit_code(*arguments) == 2
    assert f"the following arguments are required: {missing}" in capsys.readouterr().err


def test_it_is_a_program():
    ended = subprocess.run(
        [sys.executable, "-m", "evalhub.adapter", "--help"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "MODULE:CLASS" in ended.stdout
    assert "resend FILE..." in ended.stdout


def test_a_new_project_is_written(tmp_path, capsys):
    assert exit_code("new", str(tmp_path / "my-framework")) == 0
    assert str(tmp_path / "my-framework" / "adapter.py") in capsys.readouterr().out
    assert exit_code("new", str(tmp_path / "my-framework")) == 2
    assert capsys.readouterr().err.startswith("error: ")
