from __future__ import annotations

import logging
import os
import tempfile

import pytest

from evalhub.adapter._run.temporary import provide_temporary_directory


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """Have no folder for temporary files, as on a read-only root file system."""

    def fail():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", fail)
    # Deleted twice, so that what a test sets is gone afterwards.
    monkeypatch.setenv("TMPDIR", "")
    monkeypatch.delenv("TMPDIR")


def test_the_data_volume_takes_the_place_of_a_temporary_directory(nowhere, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        provide_temporary_directory(tmp_path)

    assert os.environ["TMPDIR"] == str(tmp_path)
    assert caplog.messages == [f"temporary files go to {tmp_path}: no other place can be written"]


def test_a_volume_there_is_not_is_not_named(nowhere, tmp_path):
    provide_temporary_directory(tmp_path / "none")

    assert "TMPDIR" not in os.environ


def test_a_temporary_directory_that_is_there_stays(tmp_path, monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)

    provide_temporary_directory(tmp_path)

    assert "TMPDIR" not in os.environ
