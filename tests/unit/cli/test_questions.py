"""What a command asks, offers and says when it was typed wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.server import QuietHandler, serving

from evalhub.cli.root import run

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = {
    "resource": {"id": "harness"},
    "name": "harness",
    "benchmarks": [{"id": "gsm8k", "name": "GSM8K"}],
}
NOT_FOUND = {"message": "no such benchmark", "message_code": "resource_does_not_exist"}


class Service(QuietHandler):
    def do_GET(self) -> None:  # noqa: N802 - the name the base calls
        if self.path.startswith("/api/v1/evaluations/providers/"):
            self.reply(200, json.dumps(PROVIDER).encode())
        else:
            self.reply(200, json.dumps({"items": [PROVIDER], "total_count": 1}).encode())

    def do_POST(self) -> None:  # noqa: N802 - the name the base calls
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply(400, json.dumps(NOT_FOUND).encode())

    def do_DELETE(self) -> None:  # noqa: N802 - the name the base calls
        self.reply(204, b"")


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in os.environ if name.startswith("EVALHUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(Service) as address:
        monkeypatch.setenv("EVALHUB_BASE_URL", address)
        yield address


def evalhub(*words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evalhub.cli", *words],
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_a_question_that_nobody_can_answer_is_an_error(url):
    done = evalhub("providers", "delete", "harness")

    assert done.returncode == 2
    assert "give --yes" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_a_pipe_can_answer(url, answer, code):
    assert evalhub("providers", "delete", "harness", answer=answer).returncode == code


def test_a_field_no_record_has_is_said(url, capsys):
    assert run(["providers", "list", "--json", "nme"]) == 0

    assert capsys.readouterr().err == (
        "warning: no record has the field 'nme'; did you mean 'name'?\n"
    )


@pytest.mark.parametrize(
    ("benchmark", "hint"),
    [
        ("gsm8@harness", "did you mean gsm8k@harness?"),
        ("gsm8k@harnes", "did you mean gsm8k@harness?"),
        ("gsm8", "did you mean gsm8k?"),
        ("zzz", "evalhub benchmarks list"),
    ],
)
def test_a_misspelt_benchmark_offers_the_nearest(url, capsys, benchmark, hint):
    words = ["run", "-m", "http://127.0.0.1:1/v1", "-n", "m", "-b", benchmark]
    assert run(words) == 4

    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("hint: ")
    assert f"{benchmark} is offered by no provider; {hint}" in last


def test_listing_does_not_import_the_command_line_of_httpx(url):
    code = (
        "import sys; from evalhub.cli.root import run;"
        " run(['providers', 'list']);"
        " print(sorted({'httpx._main', 'rich', 'pygments'} & set(sys.modules)), end='')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout.endswith("[]")
