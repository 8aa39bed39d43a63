"""An adapter of a few lines, without this package: it writes a log and reports one score."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from pathlib import Path

spec = json.loads(Path(os.environ["EVALHUB_JOB_SPEC_PATH"]).read_text())


def report(status: str, **more: object) -> None:
    event = {
        "provider_id": spec["provider_id"],
        "id": spec["benchmark_id"],
        "benchmark_index": spec["benchmark_index"],
        "status": status,
        **more,
    }
    request = urllib.request.Request(
        f"{spec['callback_url']}/api/v1/evaluations/jobs/{spec['id']}/events",
        data=json.dumps({"benchmark_status_event": event}).encode(),
        method="POST",
    )
    urllib.request.urlopen(request, timeout=10).close()


report("running", phase="running_evaluation")
for number in range(20):
    print(f"example {number}", flush=True)
    time.sleep(0.02)
report("completed", metrics={"accuracy": 0.75, "latency_ms": 12.5})
