"""The README's adapter, registered with the real service as its reader would."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from docs.context import Context


def setup(ctx: Context) -> None:
    provider = {
        "id": "mine",
        "benchmarks": [
            {
                "id": "words",
                "primary_score": {"metric": "accuracy"},
                "pass_criteria": {"threshold": 0.4},
            }
        ],
        "runtime": {"local": {"command": f"{sys.executable} {ctx.directory}/my_adapter.py"}},
    }
    service = ctx.enter(RealEvalHub(providers=[provider]))
    ctx.replace["http://localhost:8080"] = service.url


def check(ctx: Context) -> None:
    job = ctx.namespace["job"]

    assert job.state == "completed"
    assert [(s.benchmark_id, s.metric, s.value, s.passed) for s in job.scores()] == [
        ("words", "accuracy", 0.5, True)
    ]
