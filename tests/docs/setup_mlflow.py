"""A server that answers as MLflow does to the page, and what an adapter has in its hands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from evalhub.models.result import JobResults
from evalhub.testing import RecordingCallbacks, job_spec
from evalhub.testing.faults import Answer, Faults

if TYPE_CHECKING:
    from docs.context import Context

INFO = {
    "trace_id": "tr-1",
    "state": "OK",
    "tags": {"mlflow.artifactLocation": "mlflow-artifacts:/t"},
}
SPAN = {"name": "agent", "span_id": "00000000000000aa", "start_time_unix_nano": 1}
RUN = {"run_id": "r1", "experiment_id": "9", "artifact_uri": "mlflow-artifacts:/9/r1/artifacts"}


def setup(ctx: Context) -> None:
    server = ctx.enter(Faults("http://127.0.0.1:9"))
    for path, body in {
        "*/get-by-name": {"experiment": {"experiment_id": "9", "name": "nightly"}},
        "*/runs/create": {"run": {"info": RUN}},
        "*/runs/get": {"run": {"info": RUN}},
        "*/artifacts/list": {"files": [{"path": "notes", "is_dir": True}]},
        "*/traces/search": {"traces": [INFO]},
        "*/traces/get": {"trace": {"trace_info": INFO, "spans": [SPAN]}},
        "*/traces": {"trace": {"trace_info": INFO}},
        "*": {},
    }.items():
        server.always(_answer(body), path=path)
    ctx.replace["http://localhost:5000"] = server.url
    config = job_spec(experiment_name="nightly")
    ctx.namespace.update(
        server=server,
        config=config,
        callbacks=RecordingCallbacks(config),
        results=JobResults.for_job(
            config, {"accuracy": 0.75}, num_examples_evaluated=4, duration_seconds=1.0
        ),
    )


def check(ctx: Context) -> None:
    assert ctx.namespace["results"].mlflow_run_id is None
    assert ctx.namespace["copy"].startswith("tr-")
    assert ctx.namespace["trace"].data["spans"][0]["name"] == "agent"
    ended = [call for call in ctx.namespace["server"].seen if call.path.endswith("/runs/update")]
    assert len(ended) == 1


def _answer(body: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode())
