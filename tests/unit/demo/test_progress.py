from __future__ import annotations

from io import StringIO
from typing import Any

import pytest

from evalhub.models.job import EvaluationJob
from examples.demo.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def job(state: str, **benchmarks: tuple[str, str | None]) -> EvaluationJob:
    statuses: list[dict[str, Any]] = [
        {"id": name, "provider_id": "example", "status": status, "phase": phase}
        for name, (status, phase) in benchmarks.items()
    ]
    return EvaluationJob.model_validate(
        {
            "resource": {"id": "job-1", "created_at": "2026-01-02T03:04:05Z"},
            "status": {"state": state, "benchmarks": statuses},
            "name": "demo",
            "model": {"name": "tiny", "url": "http://127.0.0.1:1"},
        }
    )


STEPS = [
    job("pending"),
    job("running", one=("running", None)),
    job("running", one=("running", "running_evaluation")),
    job("running", one=("running", "running_evaluation")),
    job("running", one=("completed", "completed"), two=("running", "loading_data")),
    job("partially_failed", one=("completed", "completed"), two=("failed", None)),
]

LINES = [
    "[........................]   0%  one: starting, two: starting",
    "[........................]   0%  one: running, two: starting",
    "[#####...................]  21%  one: running evaluation, two: starting",
    "[###############.........]  64%  one: completed, two: loading data",
    "[########################] 100%  one: completed, two: failed",
]


@pytest.mark.parametrize(
    ("out", "shown"),
    [
        (StringIO(), "".join(f"  {line}\n" for line in LINES)),
        (Terminal(), "".join(f"\r\x1b[K  {line}" for line in LINES) + "\n"),
    ],
    ids=["file", "terminal"],
)
def test_shows_what_is_new(out, shown) -> None:
    progress = Progress(["one", "two"], out)
    for step in STEPS:
        progress.show(step)
    assert out.getvalue() == shown
