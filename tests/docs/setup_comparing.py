"""Two finished jobs, the later one of a model made worse, and their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.quiz import questions, quiz_job, quiz_model, quiz_provider

from docs.blocks import ROOT, blocks
from evalhub.analysis import Policy
from evalhub.client import EvalHubClient
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from docs.context import Context

SIDES = {"last-week": questions()[::10], "tonight": sorted({*questions()[::10], *questions()[::3]})}


def setup(ctx: Context) -> None:
    service = ctx.enter(RealEvalHub(providers=[quiz_provider(ctx.directory / "artifacts")]))
    ctx.replace["http://localhost:8080"] = service.url
    with EvalHubClient(service.url) as client:
        for name, wrong in SIDES.items():
            with quiz_model("quizzer", wrong) as model:
                job = client.jobs.submit(**quiz_job(model, name=name))
                assert client.jobs.wait(job, timeout=60, poll=0.1).state == "completed"
    ctx.namespace["samples"] = {
        name: [
            {"sample_id": id_, "prediction": float(id_ not in wrong), "benchmark_id": "quiz"}
            for id_ in questions()
        ]
        for name, wrong in SIDES.items()
    }


def check(ctx: Context) -> None:
    assert ctx.namespace["comparison"].verdict == "regressed"
    assert len(ctx.namespace["quiz"].lost) == len(SIDES["tonight"]) - len(SIDES["last-week"])
    assert ctx.namespace["history"].points[0].changes == []
    (policy,) = [block for block in blocks(ROOT / "docs" / "comparing.md") if block.title]
    (ctx.directory / "gate.yaml").write_text(policy.code)
    assert Policy.read(ctx.directory / "gate.yaml").require["quiz"].max_drop == 0.01
