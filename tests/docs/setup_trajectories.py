"""Two trajectories, one of them broken, and a job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evalhub.testing import FakeModel, RecordingCallbacks, job_spec

if TYPE_CHECKING:
    from docs.context import Context


def document(tokens: int) -> dict[str, Any]:
    call = {"tool_call_id": "c1", "function_name": "bash", "arguments": {"cmd": "ls"}}
    return {
        "schema_version": "ATIF-v1.8",
        "agent": {"name": "terminus-2", "version": "2.0"},
        "steps": [
            {"step_id": 1, "source": "user", "message": "Look around."},
            {
                "step_id": 2,
                "source": "agent",
                "message": "I look.",
                "tool_calls": [call],
                "metrics": {"prompt_tokens": tokens},
            },
        ],
    }


def setup(ctx: Context) -> None:
    (ctx.directory / "trajectory.json").write_text(json.dumps(document(5)))
    (ctx.directory / "broken.json").write_text(json.dumps(document(-5)))
    model = ctx.enter(FakeModel("done"))
    ctx.namespace["config"] = job_spec(model={"name": model.name, "url": model.url})
    ctx.namespace["callbacks"] = RecordingCallbacks(ctx.namespace["config"])


def check(ctx: Context) -> None:
    assert (ctx.directory / "trajectories" / "hello.json").is_file()
    assert ctx.namespace["trajectory"].final_metrics.total_cost_usd == 0.002
    stored = ctx.namespace["results"].oci_artifact
    assert [file.path for file in stored.files] == ["trajectories/hello-1.json"]
