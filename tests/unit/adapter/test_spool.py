from __future__ import annotations

import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from evalhub.adapter._report.event import Report
from evalhub.adapter._report.spool import Undelivered, keep, spool_folders
from evalhub.errors import ConfigurationError
from evalhub.models.event import BenchmarkStatusEvent
from evalhub.models.state import JobStatus

REPORT = Undelivered(
    "http://hub",
    "/api/v1/evaluations/jobs/job-1/events",
    "job-1",
    Report(
        BenchmarkStatusEvent(
            provider_id="demo",
            benchmark_id="arith",
            status=JobStatus.COMPLETED,
            metrics={"accuracy": 0.5},
        )
    ),
)


def test_a_kept_report_is_read_back_as_it_was(tmp_path):
    file = keep(REPORT, [tmp_path])
    assert file == tmp_path / "job-1-0.json"
    assert Undelivered.load(file) == REPORT


def test_a_kept_report_can_be_read_by_people(tmp_path):
    file = keep(REPORT, [tmp_path])
    assert json.loads(file.read_text()) == {
        "base_url": "http://hub",
        "path": "/api/v1/evaluations/jobs/job-1/events",
        "job_id": "job-1",
        "benchmark_status_event": {
            "provider_id": "demo",
            "id": "arith",
            "benchmark_index": 0,
            "status": "completed",
            "metrics": {"accuracy": 0.5},
        },
    }


def test_only_its_owner_may_read_a_kept_report(tmp_path):
    before = os.umask(0)
    try:
        file = keep(REPORT, [tmp_path])
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_folders_are_made_and_nothing_else_is_left_in_them(tmp_path):
    folder = tmp_path / "a" / "b"
    keep(REPORT, [folder])
    keep(REPORT, [folder])  # the newer replaces the older
    assert [file.name for file in folder.iterdir()] == ["job-1-0.json"]


def test_the_first_folder_that_takes_it_is_used(tmp_path):
    occupied = tmp_path / "file"
    occupied.touch()
    assert keep(REPORT, [occupied / "x", tmp_path / "y"]) == tmp_path / "y" / "job-1-0.json"


def test_a_report_that_cannot_be_put_in_its_place_leaves_no_draft(tmp_path):
    (tmp_path / "job-1-0.json").mkdir()
    with pytest.raises(IsADirectoryError):
        keep(REPORT, [tmp_path])
    assert [file.name for file in tmp_path.iterdir()] == ["job-1-0.json"]


def test_the_last_reason_is_told_when_no_folder_takes_it(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        keep(REPORT, [tmp_path / "file" / "x"])
    with pytest.raises(OSError, match=r"^there is no folder to keep it in$"):
        keep(REPORT, [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"path": "/p", "benchmark_status_event": {}}',
        b'{"base_url": "http://hub", "path": "/p", "benchmark_status_event": {"status": "odd"}}',
    ],
)
def test_a_file_that_keeps_no_report_is_named(content, tmp_path):
    file = tmp_path / "kept.json"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        Undelivered.load(file)
    assert str(caught.value) == f"{file} does not hold an undelivered report"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        Undelivered.load(tmp_path / "none.json")
    assert str(caught.value) == f"cannot read {tmp_path / 'none.json'}: No such file or directory"


LAST_RESORT = Path(tempfile.gettempdir()) / "evalhub-undelivered"


def test_the_folder_that_the_settings_name_is_tried_before_the_last_resort(tmp_path):
    assert spool_folders(tmp_path / "spool", tmp_path) == [tmp_path / "spool", LAST_RESORT]


def test_the_job_s_own_folder_is_the_best_and_this_one_the_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = tmp_path / "job"
    job.mkdir()
    folders = spool_folders(None, job)
    assert folders[0] == job / "undelivered"
    assert folders[-2:] == [tmp_path / "undelivered", LAST_RESORT]
    assert set(folders[1:-2]) <= {Path("/data/undelivered")}


def test_a_job_folder_there_is_not_is_not_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert tmp_path / "none/undelivered" not in spool_folders(None, tmp_path / "none")
    assert spool_folders(None, None)[-2] == tmp_path / "undelivered"


def test_without_a_temporary_directory_there_is_no_last_resort(tmp_path, monkeypatch):
    def nowhere():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    assert spool_folders(tmp_path / "spool", tmp_path) == [tmp_path / "spool"]
    assert spool_folders(None, tmp_path)[0] == tmp_path / "undelivered"
