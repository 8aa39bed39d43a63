"""The client's guide: a service with two providers whose adapter reports like a real one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from docs.context import Context

ADAPTER = Path(__file__).with_name("reporting_adapter.py")

COMMAND = f"{sys.executable} {ADAPTER}"

JUDGED = {"primary_score": {"metric": "accuracy"}, "pass_criteria": {"threshold": 0.5}}


def provider(name: str, *benchmarks: str) -> dict[str, object]:
    return {
        "id": name,
        "name": name,
        "benchmarks": [
            {"id": id_, "name": id_, "category": "knowledge", "tags": ["quick"], **JUDGED}
            for id_ in benchmarks
        ],
        "runtime": {"local": {"command": COMMAND}},
    }


COLLECTION = {
    "id": "release-gate",
    "name": "Release gate",
    "category": "knowledge",
    "benchmarks": [{"id": "mmlu", "provider_id": "harness"}],
}


def setup(ctx: Context) -> None:
    providers = [provider("harness", "mmlu", "gsm8k"), provider("other", "truthfulqa")]
    service = ctx.enter(RealEvalHub(providers=providers, collections=[COLLECTION]))
    ctx.replace["http://localhost:8080"] = service.url
    ctx.replace["python -m my_adapter"] = COMMAND
    for name in ("EVALHUB_URL", "EVALHUB_TOKEN", "EVALHUB_AUTH_TOKEN", "EVALHUB_TENANT"):
        ctx.monkeypatch.delenv(name, raising=False)
    ctx.monkeypatch.setenv("EVALHUB_BASE_URL", service.url)
