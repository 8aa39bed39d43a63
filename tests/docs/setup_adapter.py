"""A job with credentials for the adapter guide, and the service's place taken by a recorder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.recorder import EventRecorder

if TYPE_CHECKING:
    from docs.context import Context


def setup(ctx: Context) -> None:
    recorder = ctx.enter(EventRecorder())
    secret = ctx.directory / "secret"
    secret.mkdir()
    (secret / "api-key").write_text("k1")
    (secret / "judge_api-key").write_text("k2")
    job = {
        "id": "job-1",
        "provider_id": "mine",
        "benchmark_id": "capitals",
        "benchmark_index": 0,
        "model": {
            "name": "tiny",
            "url": "http://127.0.0.1:9/v1",
            "auth": {"secret_ref": f"file://{secret}"},
        },
        "parameters": {},
        "callback_url": recorder.url,
    }
    path = ctx.directory / "meta" / "job.json"
    path.parent.mkdir()
    path.write_text(json.dumps(job))
    ctx.monkeypatch.setenv("EVALHUB_JOB_SPEC_PATH", str(path))
    ctx.namespace["recorder"] = recorder


def check(ctx: Context) -> None:
    names = ctx.namespace

    assert names["recorder"].last["metrics"] == {"accuracy": 0.5}
    assert names["headers"] == {"Authorization": "Bearer k1"}
    assert names["judge_key"] == names["judge"].api_key == "k2"
    assert names["card"].custom == {"seed": 7}
    assert names["described"](names["spec"], 0.5).eval_card.languages == ["en"]
    stored = names["store"](names["spec"], names["callbacks"], ctx.directory)
    assert stored.reference.startswith("oci:")
    assert len(names["results"](names["spec"]).results) == 3
    names["check"](names["spec"])
    progress = names["CapitalsWithProgress"]().run_benchmark_job(names["spec"], names["callbacks"])
    assert progress.num_examples_evaluated == 3
