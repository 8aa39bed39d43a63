from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from evalhub.adapter._report.event import Report
from evalhub.adapter._report.spool import Undelivered, keep
from evalhub.adapter._run.failure import ExitCode
from evalhub.adapter._run.resend import resend
from evalhub.models.event import BenchmarkStatusEvent
from evalhub.models.state import JobStatus
from evalhub.settings import AdapterSettings
from evalhub.testing import FakeEvalHub, job_spec

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hub():
    with FakeEvalHub() as running:
        yield running


@pytest.fixture
def settings(clean_environment):
    """Settings that give every report one attempt."""
    clean_environment()
    return AdapterSettings(report_timeout=0.0)


@pytest.fixture
def kept(tmp_path):
    """Return a maker of files with reports that were not delivered."""

    def make(job_id: str, url: str = NOWHERE) -> Path:
        spec = job_spec(job_id=job_id)
        event = BenchmarkStatusEvent(
            provider_id=spec.provider_id or "",
            benchmark_id=spec.benchmark_id,
            status=JobStatus.COMPLETED,
            metrics={"accuracy": 0.5},
        )
        report = Undelivered(
            url, f"/api/v1/evaluations/jobs/{job_id}/events", job_id, Report(event)
        )
        return keep(report, [tmp_path])

    return make


def test_a_delivered_report_is_removed(hub, settings, kept, caplog):
    hub.add_job(job_spec(job_id="one"))
    file = kept("one", hub.url)
    with caplog.at_level(logging.INFO, logger="evalhub.adapter._run.resend"):
        assert resend([file], settings) is ExitCode.DELIVERED
    assert hub.job("one")["results"]["benchmarks"][0]["metrics"] == {"accuracy": 0.5}
    assert not file.exists()
    assert caplog.messages == [f"{file} is delivered and removed"]


def test_a_report_goes_where_it_is_told_to(hub, settings, kept):
    hub.add_job(job_spec(job_id="one"))
    assert resend([kept("one", NOWHERE)], settings, url=hub.url) is ExitCode.DELIVERED
    assert hub.job("one")["status"]["state"] == "completed"


def test_a_report_is_sent_with_the_token_of_today(recorder, settings, kept, tmp_path):
    (tmp_path / "token").write_text("t0ken\n")
    settings.auth_token_path = tmp_path / "token"
    assert resend([kept("one", recorder.url)], settings) is ExitCode.DELIVERED
    assert recorder.requests[0].headers["Authorization"] == "Bearer t0ken"


def test_what_is_not_delivered_stays_and_the_others_go(hub, settings, kept, caplog):
    hub.add_job(job_spec(job_id="two"))
    refused, taken = kept("one", hub.url), kept("two", hub.url)
    with caplog.at_level(logging.ERROR, logger="evalhub.adapter._run.resend"):
        assert resend([refused, taken], settings) is ExitCode.NOT_DELIVERED
    assert (refused.exists(), taken.exists()) == (True, False)
    (message,) = caplog.messages
    assert message.startswith(f"{refused} is still not delivered: 404 resource_not_found")
    assert caplog.records[0].exc_info is None


def test_the_worst_of_several_is_the_exit_code(hub, settings, kept, tmp_path, caplog):
    hub.add_job(job_spec(job_id="two"))
    missing = tmp_path / "none.json"
    files = [kept("one", hub.url), missing, kept("two", hub.url)]
    assert resend(files, settings) is ExitCode.NOT_DELIVERED
    assert resend([missing], settings) is ExitCode.CONFIGURATION
    assert caplog.messages[-1] == f"cannot read {missing}: No such file or directory"


def test_a_url_that_is_none_is_an_error_of_one_line(settings, kept, caplog):
    file = kept("one")
    assert resend([file], settings, url="hub:8080") is ExitCode.CONFIGURATION
    assert file.exists()
    assert caplog.messages == [
        "base URL 'hub:8080' needs a scheme and a host, as in http://HOST:PORT"
    ]


def test_a_report_that_cannot_be_removed_is_delivered_all_the_same(hub, settings, kept, caplog):
    hub.add_job(job_spec(job_id="one"))
    file = kept("one", hub.url)

    class InReadOnlyFolder(type(file)):  # type: ignore[misc]
        def unlink(self, missing_ok=False):
            raise PermissionError(13, "Permission denied")

    kept_file = InReadOnlyFolder(file)
    assert resend([kept_file], settings) is ExitCode.DELIVERED
    assert caplog.messages == [f"{file} is delivered, but not removed: Permission denied"]
