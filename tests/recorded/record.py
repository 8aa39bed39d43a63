"""Record what the real service answers: `python tests/recorded/record.py`.

Ids, times and ports are masked, so that a second recording differs only where the service does.
The events are sent by hand: the adapters of the providers below do nothing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

from evalhub.testing.service import RealEvalHub

FOLDER = Path(__file__).parent
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
SHUFFLED = {"items", "metrics_schema"}  # listed by random ids, or in another order every time
OUR_TIMES = {"2026-01-02T03:04:05Z", "2026-01-02T04:04:05.25+01:00"}

PROVIDER: dict[str, Any] = {
    "id": "toolbox",
    "name": "toolbox",
    "title": "Toolbox",
    "description": "Small benchmarks",
    "tags": ["small", "loopback"],
    "agent": {
        "evaluates": ["arithmetic"],
        "recommended_when": ["a quick answer is wanted"],
        "target_type": "model",
        "summary": "Arithmetic for a first look",
        "complements": ["toolshed"],
        "hints": ["cheap"],
        "result_interpretation": ["higher is better"],
    },
    "runtime": {
        "local": {"command": "true", "env": [{"name": "COLOUR", "value": "blue"}]},
        "k8s": {
            "image": "registry.example/toolbox:1",
            "entrypoint": ["python", "main.py"],
            "cpu_request": "100m",
            "memory_request": "128Mi",
            "cpu_limit": "500m",
            "memory_limit": "1Gi",
            "gpu": {
                "resource": "nvidia.com/gpu",
                "count": 1,
                "node_selector": {"accelerator": "a100"},
            },
            "env": [{"name": "COLOUR", "value": "blue"}],
            "image_pull_policy": "if_not_present",
        },
    },
    "benchmarks": [
        {
            "id": "sums",
            "name": "Sums",
            "description": "Additions of two numbers",
            "url": "https://example.com/sums",
            "category": "math",
            "metrics": ["accuracy", "latency"],
            "num_few_shot": 3,
            "dataset_size": 100,
            "tags": ["quick"],
            "primary_score": {"metric": "accuracy"},
            "pass_criteria": {"threshold": 0.5},
            "agent": {
                "result_interpretation": "Share of right sums",
                "score_ranges": [{"range": "0.9-1", "meaning": "can add"}],
            },
            "domains": ["mathematics"],
            "tasks": ["arithmetic"],
            "modalities": ["text"],
            "evaluation_targets": ["model"],
        },
        {"id": "products", "name": "Products", "category": "math"},
        {"id": "delay", "primary_score": {"metric": "p99", "lower_is_better": True}},
    ],
}
COLLECTION: dict[str, Any] = {
    "id": "school",
    "name": "School",
    "category": "education",
    "description": "What one learns first",
    "tags": ["small"],
    "custom": {"owner": "teachers"},
    "curation_order": 2,
    "industries": ["education"],
    "pass_criteria": {"threshold": 0.6},
    "benchmarks": [
        {
            "id": "sums",
            "provider_id": "toolbox",
            "weight": 2,
            "primary_score": {"metric": "accuracy"},
            "pass_criteria": {"threshold": 0.5},
            "parameters": {"num_examples": 5},
        },
        {"id": "products", "provider_id": "toolbox"},
    ],
}
MODEL = {
    "name": "calculator",
    "url": "http://localhost:9/v1",
    "auth": {"secret_ref": "model-secret"},
    "parameters": {"temperature": 0, "stop": None},
    "card_url": "https://example.com/card",
}
JUDGED = {"primary_score": {"metric": "accuracy"}, "pass_criteria": {"threshold": 0.5}}
BENCHMARKS = [
    {
        "id": "sums",
        "provider_id": "toolbox",
        "weight": 2,
        "parameters": {"num_examples": 5, "deep": {"list": [1, None, "x"]}},
        "hardware_config": {
            "queue": {"name": "fast", "kind": "kueue"},
            "cpu": {"request": "1", "limit": "2"},
            "memory": {"request": "1Gi", "limit": "2Gi"},
            "gpu": {"name": "nvidia.com/gpu", "count": 2},
        },
        **JUDGED,
    },
    {
        "id": "sums",
        "provider_id": "toolbox",
        "test_data_ref": {"type": "pre_recorded_data", "pvc": {"claim_name": "answers"}},
        **JUDGED,
    },
]
EVERYTHING: dict[str, Any] = {
    "name": "everything",
    "description": "Every field the service has",
    "tags": ["nightly", "small"],
    "model": MODEL,
    "pass_criteria": {"threshold": 0.7},
    "benchmarks": [
        *BENCHMARKS,
        {
            "id": "sums",
            "provider_id": "toolbox",
            "test_data_ref": {
                "s3": {"bucket": "data", "key": "questions/", "secret_ref": "s3-secret"}
            },
        },
        {
            "id": "products",
            "provider_id": "toolbox",
            "hardware_config": {"hardware_profile_name": "large"},
            "test_data_ref": {
                "type": "data_set",
                "git": {
                    "url": "https://example.com/questions.git",
                    "ref": "main",
                    "sub_path": "english",
                    "secret_ref": "git-secret",
                },
            },
        },
        {
            "id": "delay",
            "provider_id": "toolbox",
            "primary_score": {"metric": "p99", "lower_is_better": True},
            "pass_criteria": {"threshold": 2.5},
            "test_data_ref": {
                "hf": {
                    "repo_id": "someone/questions",
                    "revision": "v1",
                    "sub_path": "english",
                    "secret_ref": "hub-secret",
                }
            },
        },
    ],
    "exports": {
        "oci": {
            "coordinates": {
                "oci_host": "registry.example",
                "oci_repository": "team/results",
                "oci_tag": "nightly",
                "oci_subject": "sha256:" + "0" * 64,
                "annotations": {"team": "blue"},
            },
            "k8s": {"connection": "registry-secret"},
        }
    },
    "hardware_config": {"hardware_profile_name": "small"},
    "queue": {"name": "slow", "kind": "kueue"},
    "custom": {"ticket": 7, "nested": {"list": [1, 2]}},
}
SUCCESS = {
    "status": "completed",
    "phase": "completed",
    "started_at": "2026-01-02T03:04:05Z",
    "completed_at": "2026-01-02T04:04:05.25+01:00",
    "metrics": {
        "accuracy": 0.8125,
        "by_category": {"add": 0.9, "carry": None},
        "curve": [0.1, 0.5],
        "label": "good",
        "done": True,
    },
    "metrics_schema": [
        {"name": "curve", "type": "array_ordered"},
        {"name": "label", "type": "categorical"},
    ],
    "artifacts": {"oci_reference": "registry.example/team/results:t@sha256:1", "files": 3},
    "additional_info": {"num_examples": 5, "confidence": {"accuracy": [0.7, 0.9]}},
    "mlflow_run_id": "run-1",
    "logs_path": "/data/log.txt",
    "warning_message": {
        "message": "one answer was cut",
        "message_code": "answer_cut",
        "message_origin": "adapter",
    },
}
FAILURE = {
    "status": "failed",
    "started_at": "2026-01-02T03:04:05Z",
    "error_message": {
        "message": "the model does not answer",
        "message_code": "model_unreachable",
        "message_origin": "adapter",
    },
}


class Recorder:
    """Talks to the service and keeps its answers."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http
        self.bodies: dict[str, Any] = {}

    def call(self, method: str, path: str, body: Any = None, *, name: str = "") -> Any:
        """Send a request; keep the answer under `name`."""
        reply = self.http.request(method, f"/api/v1{path}", json=body)
        answer = reply.json() if reply.content else None
        if reply.is_error and not name.startswith("error"):
            raise SystemExit(f"{method} {path}: {reply.status_code} {reply.text}")
        if name:
            self.bodies[name] = answer
        return answer

    def job(self, *benchmarks: dict[str, Any], name: str, record: str = "", **more: Any) -> str:
        """Submit a job and return its id."""
        body = {"name": name, "model": MODEL, "benchmarks": list(benchmarks), **more}
        reply = self.call("POST", "/evaluations/jobs", body, name=record)
        return str(reply["resource"]["id"])

    def event(self, job: str, index: int, body: dict[str, Any], benchmark: str = "sums") -> None:
        """Report on a benchmark."""
        event = {"provider_id": "toolbox", "id": benchmark, "benchmark_index": index, **body}
        self.call("POST", f"/evaluations/jobs/{job}/events", {"benchmark_status_event": event})

    def keep(self, job: str, name: str) -> None:
        """Keep a job as it is now."""
        self.call("GET", f"/evaluations/jobs/{job}", name=name)


def record_jobs(recorder: Recorder) -> None:
    """Record a job in each state."""
    job = recorder.job(*BENCHMARKS, name="two", record="job_submitted")
    recorder.keep(job, "job_pending")
    started = {"started_at": "2026-01-02T03:04:05Z", "warning_message": SUCCESS["warning_message"]}
    recorder.event(job, 1, {"status": "running", "phase": "loading_data", **started})
    recorder.keep(job, "job_running")
    recorder.event(job, 1, SUCCESS)
    recorder.keep(job, "job_running_one_done")
    recorder.event(job, 0, FAILURE)
    recorder.keep(job, "job_partially_failed")

    job = recorder.job(*BENCHMARKS, name="good", pass_criteria={"threshold": 0.9})
    recorder.event(job, 1, SUCCESS)
    recorder.event(job, 0, {"status": "completed", "metrics": {"accuracy": 1}})
    recorder.keep(job, "job_completed")

    job = recorder.job(BENCHMARKS[0], name="bad")
    recorder.event(job, 0, FAILURE)
    recorder.keep(job, "job_failed")

    job = recorder.job(*BENCHMARKS, name="stopped")
    recorder.event(job, 0, {"status": "running"})
    recorder.call("DELETE", f"/evaluations/jobs/{job}")
    recorder.keep(job, "job_cancelled")

    recorder.call("POST", "/evaluations/jobs", EVERYTHING, name="job_everything")

    body = {"name": "school", "model": MODEL, "collection": {"id": "school"}}
    job = recorder.call("POST", "/evaluations/jobs", body)["resource"]["id"]
    recorder.event(job, 1, {"status": "completed", "metrics": {"accuracy": 0.5}}, "products")
    recorder.event(job, 0, {"status": "completed", "metrics": {"accuracy": 0.75}})
    recorder.keep(job, "job_of_collection")

    for _ in range(3):
        recorder.job(BENCHMARKS[0], name="one of three")
    recorder.call("GET", "/evaluations/jobs?limit=2&name=one of three", name="jobs_page")
    recorder.call("GET", "/evaluations/jobs?name=nobody", name="jobs_none")


def record_providers(recorder: Recorder) -> None:
    """Record providers from a file and over REST."""
    rest: dict[str, Any] = {"name": "rest", "title": "Over REST", "tags": ["mine"]}
    rest["runtime"] = {
        "local": {"command": "true"},
        "k8s": {"Image": "registry.example/rest:1", "CPURequest": "1", "MemoryLimit": "1Gi"},
    }
    recorder.call("GET", "/evaluations/providers/toolbox", name="provider_system")
    recorder.call("POST", "/evaluations/providers", rest, name="provider_created")
    recorder.call("POST", "/evaluations/providers", {}, name="provider_empty")
    recorder.call("GET", "/evaluations/providers", name="providers_page")
    recorder.call("GET", "/evaluations/providers?benchmarks=false", name="providers_bare")


def record_collections(recorder: Recorder) -> None:
    """Record collections: from a file, created, cloned and patched."""
    created = {
        **{key: value for key, value in COLLECTION.items() if key not in ("id", "curation_order")},
        "name": "Mine",
        "domains": ["mathematics"],
        "agent": {"summary": "First things first", "hints": ["start here"]},
    }
    path = "/evaluations/collections"
    recorder.call("GET", f"{path}/school", name="collection_system")
    mine = recorder.call("POST", path, created, name="collection_created")["resource"]["id"]
    recorder.call("POST", f"{path}/school/clones", {"name": "Copy"}, name="collection_clone")
    patch = [
        {"op": "replace", "path": "/pass_criteria", "value": {}},
        {"op": "replace", "path": "/benchmarks", "value": []},
        {"op": "replace", "path": "/category", "value": ""},
        {"op": "replace", "path": "/tags", "value": ["a,b"]},
        {"op": "add", "path": "/pinned_order", "value": 1},
    ]
    recorder.call("PATCH", f"{path}/{mine}", patch, name="collection_patched")
    recorder.call("GET", path, name="collections_page")


def record_rest(recorder: Recorder) -> None:
    """Record errors and the health."""
    recorder.call("GET", "/health", name="health")
    recorder.call("GET", "/evaluations/jobs/nobody", name="error_not_found")
    recorder.call("POST", "/evaluations/jobs", {"name": ""}, name="error_validation")
    recorder.call("GET", "/evaluations/jobs?nonsense=1", name="error_parameter")
    recorder.call("PATCH", "/evaluations/providers/toolbox", [], name="error_read_only")


def mask(value: Any, ids: dict[str, str], key: str = "") -> Any:
    """Replace what differs from one recording to the next."""
    match value:
        case dict():
            return {key: mask(inner, ids, key) for key, inner in value.items()}
        case list():
            entries = sorted(value, key=lambda entry: entry["name"]) if key in SHUFFLED else value
            return [mask(entry, ids) for entry in entries]
        case str():
            value = UUID.sub(lambda m: ids.setdefault(m[0], _id(len(ids))), value)
            return TIME.sub(_time, value)
        case _:
            return value


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _time(found: re.Match[str]) -> str:
    if found[0] in OUR_TIMES:
        return found[0]
    return "2026-09-18T10:11:12.123456789Z" if found[1] else "2026-09-18T10:11:12Z"


def main() -> None:
    """Record everything into this folder."""
    with (
        RealEvalHub(providers=[PROVIDER], collections=[COLLECTION]) as service,
        httpx.Client(base_url=service.url) as http,
    ):
        recorder = Recorder(http)
        record_jobs(recorder)
        record_providers(recorder)
        record_collections(recorder)
        record_rest(recorder)
    ids: dict[str, str] = {}
    for name, body in recorder.bodies.items():
        text = json.dumps(mask(body, ids), indent=2) + "\n"
        (FOLDER / f"{name}.json").write_text(text)
        print(name)


if __name__ == "__main__":
    main()
