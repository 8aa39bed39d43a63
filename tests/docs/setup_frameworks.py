"""A model, a job with a judge, and a framework that writes what lm-eval writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.models import JobResults
from evalhub.testing import FakeModel, RecordingCallbacks, job_spec

if TYPE_CHECKING:
    from docs.context import Context

FRAMEWORK = """
def evaluate(url, key, model, shots, output):
    (output / "report.txt").write_text("fine")
    rows = [{"doc_id": n, "metrics": ["acc"], "acc": float(n)} for n in (0, 1)]
    return {"results": {"acc": 0.5}, "samples": rows}
"""


def setup(ctx: Context) -> None:
    model = ctx.enter(FakeModel("4"))
    (ctx.directory / "framework.py").write_text(FRAMEWORK)
    (ctx.directory / "questions.jsonl").write_text("{}\n")
    for name in ("HF_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        ctx.monkeypatch.setenv(name, str(ctx.directory))
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_EVALUATE_OFFLINE"):
        ctx.monkeypatch.setenv(name, "1")
    ctx.monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    spec = job_spec(
        model={"name": model.name, "url": model.url},
        parameters={"judge": {"name": "wise", "url": model.url}},
    )
    ctx.namespace["config"] = spec
    ctx.namespace["callbacks"] = RecordingCallbacks(spec)
    ctx.namespace["results"] = JobResults.for_job(
        spec, {"accuracy": 1.0}, num_examples_evaluated=1, duration_seconds=0.1
    )


def check(ctx: Context) -> None:
    names = ctx.namespace
    spec = names["config"].model_copy(update={"benchmark_config": {"num_fewshot": 2}})
    callbacks = RecordingCallbacks(spec)
    results = names["MyEvalAdapter"]().run_benchmark_job(spec, callbacks)

    assert results.overall_score == 0.5
    [(_, stored)] = callbacks.artifacts
    assert [file.path for file in stored.files] == ["manifest.json", "report.txt", "samples.jsonl"]
    assert names["ended"].exit_code == 0
    assert names["questions"] == ["What is 2 + 2?", "What is 3 + 4?"]
    assert names["unanswered"].count == 0
    assert len(names["files"]) == 2
