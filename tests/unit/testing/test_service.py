"""How starting the real service fails; that it starts is tested wherever it is used."""

from __future__ import annotations

import sys

import pytest

from evalhub.errors import EvalHubError, MissingExtraError
from evalhub.testing import RealEvalHub


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Put a program in the service's place."""

    def install(script):
        program = tmp_path / "bin" / "eval-hub-server"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program.parent / "python"))

    return install


def test_it_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=r"pip install 'eval-hub-sdk\[server\]'"):
        RealEvalHub().start()


def test_it_ends_at_once(server):
    server("echo 'no such option'; exit 3")
    service = RealEvalHub()
    with pytest.raises(EvalHubError, match=r"the service exited with 3:\nno such option"):
        service.start()
    assert service.log == "no such option\n"


def test_it_does_not_become_healthy(server):
    server("exec sleep 60")
    with pytest.raises(EvalHubError, match=r"was not healthy within 0\.05 s"):
        RealEvalHub(start_timeout=0.05).start()


def test_stopping_what_is_not_started_is_nothing():
    service = RealEvalHub()
    service.stop()
    assert service.log == ""
