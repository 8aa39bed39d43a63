"""A model and a service with documents, at the addresses of the page; a job that collects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evalhub.testing import FakeModel, RecordingCallbacks, job_spec
from evalhub.testing._loopback import Double, Request, Response

if TYPE_CHECKING:
    from docs.context import Context


class Rag(Double):
    """Answers every question from one document."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.asked: list[dict[str, Any]] = []

    def _answer(self, request: Request) -> Response:
        self.asked.append(json.load(request.body))
        return Response.of_json(200, {"result": {"answer": "Paris", "documents": ["France"]}})


def setup(ctx: Context) -> None:
    model = ctx.enter(FakeModel("Paris", name="my-model"))
    rag = ctx.enter(Rag())
    ctx.replace["https://models.example/v1"] = model.url
    ctx.replace["https://rag.example"] = rag.url
    ctx.monkeypatch.setenv("EVALHUB_MODE", "local")
    ctx.monkeypatch.delenv("EVALHUB_JOB_SPEC_PATH", raising=False)
    (ctx.directory / "questions.csv").write_text(
        "id,question\nfr,What is the capital of France?\nes,What is the capital of Spain?\n"
    )
    live = {
        "questions_path": str(ctx.directory / "questions.csv"),
        "output_dir": str(ctx.directory / "job-answers"),
        "endpoint_url": model.url,
        "model": "my-model",
    }
    ctx.namespace["job"] = job_spec(parameters={"live_collection": live})
    ctx.namespace["callbacks"] = RecordingCallbacks(ctx.namespace["job"])
    ctx.namespace["rag_server"] = rag


def check(ctx: Context) -> None:
    names = ctx.namespace
    assert names["manifest"].completed == 2
    asked = {(one["query"], one["options"]["trace"]) for one in names["rag_server"].asked}
    assert ("What is the capital of France?", "fr") in asked
    assert names["manifest"].output_path.endswith("job-answers/responses.jsonl")
    assert names["callbacks"].updates
