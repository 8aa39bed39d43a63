from __future__ import annotations

import io
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from support.jobs import benchmark, job

import evalhub
from evalhub.client.progress import _Notebook, progress


class Screen(io.StringIO):
    def isatty(self):
        return True


def running(done):
    return job(
        *(benchmark(id=f"b{n}", status="completed" if n < done else "running") for n in range(2)),
        state="running" if done < 2 else "completed",
        test={"score": 0.7, "threshold": 0.5, "pass": True} if done == 2 else None,
    )


def test_elsewhere_each_change_is_a_line():
    out = io.StringIO()
    show = progress(out)
    for done in (0, 0, 1, 2):
        show(running(done))

    assert out.getvalue().splitlines() == [
        "nightly running, 0 of 2 benchmarks: b0 running, b1 running",
        "nightly running, 1 of 2 benchmarks: b1 running",
        "nightly completed, passed, 2 of 2 benchmarks",
    ]


def test_a_terminal_shows_one_line_that_stays_at_the_end():
    out = Screen()
    show = progress(out)
    for done in (0, 1, 2):
        show(running(done))
    shown = out.getvalue().split("\r\x1b[K")

    assert shown[1].startswith("░░░░░░░░░░░░░░░░░░░░ nightly running, 0 of 2")
    assert shown[2].startswith("██████████░░░░░░░░░░ nightly running, 1 of 2")
    assert shown[3] == "████████████████████ nightly completed, passed, 2 of 2 benchmarks\n"
    assert shown[4] == ""


def test_a_terminal_shows_all_that_run():
    out = Screen()
    show = progress(out)
    show(job(benchmark(status="running"), id="a", name="a", state="running"))
    show(job(benchmark(status="running"), id="b", name="b", state="running"))

    assert " | " in out.getvalue()


def test_a_notebook_replaces_one_output():
    shown: list[str] = []
    updated: list[str] = []

    def display(html):
        shown.append(html)
        return SimpleNamespace(update=updated.append)

    show = _Notebook(display, lambda html: html)
    for done in (0, 1, 2):
        show(running(done))

    assert len(shown) == 1
    assert '<progress value="0" max="2">' in shown[0]
    assert [html.partition(">")[2].partition(">")[0] for html in updated] == [
        '<progress value="1" max="2"',
        '<progress value="2" max="2"',
    ]


def test_a_notebook_shows_names_as_text():
    shown: list[Any] = []
    show = _Notebook(shown.append, lambda html: html)
    show(job(name="<b>"))

    assert "&lt;b&gt;" in shown[0]


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_a_terminal_of_ipython_is_a_terminal(monkeypatch, shell):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    show = evalhub.progress()
    show(running(2))

    assert "completed" in out.getvalue()


def test_a_kernel_is_a_notebook(monkeypatch):
    shown: list[Any] = []
    ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    display = SimpleNamespace(
        HTML=lambda html: html, display=lambda html, display_id: shown.append((html, display_id))
    )
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    evalhub.progress()(running(2))

    assert shown[0][1] is True
    assert "completed" in shown[0][0]


def test_a_collection_counts_what_has_reported():
    out = io.StringIO()
    ran = job(benchmark())
    ran.benchmarks = []
    progress(out)(ran)

    assert out.getvalue() == "nightly completed, 1 of 1 benchmarks\n"
