"""What is asked of the real service and of its double: one function for each subject."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

JOBS = "/api/v1/evaluations/jobs"
PROVIDERS = "/api/v1/evaluations/providers"
COLLECTIONS = "/api/v1/evaluations/collections"

LOG = "one\ntwo\nthree\n"

PROVIDER_FILES: list[dict[str, Any]] = [
    {
        "id": "demo",
        "name": "Demo",
        "benchmarks": [
            {
                "id": "arith",
                "name": "Arith",
                "category": "math",
                "metrics": ["acc"],
                "primary_score": {"metric": "acc"},
                "pass_criteria": {"threshold": 0.5},
                "tasks": ["qa"],
                "domains": ["m"],
            },
            {
                "id": "lower",
                "primary_score": {"metric": "loss", "lower_is_better": True},
                "pass_criteria": {"threshold": 0.3},
            },
            {"id": "plain"},
        ],
        "runtime": {"local": {"command": f"printf '{LOG}'"}},
    },
    {
        "id": "cluster",
        "benchmarks": [{"id": "only"}],
        "runtime": {
            "k8s": {
                "image": "i",
                "entrypoint": ["e"],
                "cpu_request": "1",
                "memory_limit": "2Gi",
                "env": [{"name": "A", "value": "b"}],
                "image_pull_policy": "always",
            }
        },
    },
]
COLLECTION_FILES: list[dict[str, Any]] = [
    {
        "id": "sys",
        "name": "Sys",
        "category": "c",
        "benchmarks": [
            {"id": "arith", "provider_id": "demo", "weight": 2},
            {"id": "lower", "provider_id": "demo"},
        ],
    }
]

ARITH = {"id": "arith", "provider_id": "demo"}
MODEL = {"name": "m", "url": "http://m"}
LONG = "x" * 1025
UNKNOWN = "11dc1cfe-30a2-41a1-9d54-b9c0c47b0ef8"


class Session:
    """Sends requests as one tenant, each answer kept for comparison."""

    def __init__(
        self,
        send: Callable[..., tuple[int, Any]],
        tenant: str,
        wait_for_logs: Callable[[str], None],
    ) -> None:
        self._send = send
        self.tenant = tenant
        self.wait_for_logs = wait_for_logs

    def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Any:
        headers = {"X_Tenant": self.tenant, **headers}
        named = {name.replace("_", "-"): value for name, value in headers.items() if value}
        return self._send(method, path, body, raw, named)[1]

    def submit(self, **overrides: Any) -> str:
        return str(self("POST", JOBS, config(**overrides))["resource"]["id"])

    def event(self, job: str, **fields: Any) -> None:
        event = {**ARITH, "benchmark_index": 0, "status": "running", **fields}
        event = {name: value for name, value in event.items() if value is not ...}
        self("POST", f"{JOBS}/{job}/events", {"benchmark_status_event": event})

    def job(self, job: str) -> None:
        self("GET", f"{JOBS}/{job}")


def config(**overrides: Any) -> dict[str, Any]:
    filled = {"name": "j", "model": MODEL, "benchmarks": [ARITH], **overrides}
    return {name: value for name, value in filled.items() if value is not None}


def routes(send: Session) -> None:
    for method, path in [
        ("GET", "/health"),
        ("GET", "/api/v1/health"),
        ("PUT", "/api/v1/health"),
        ("HEAD", "/api/v1/health"),
        ("GET", "/nope"),
        ("GET", f"{JOBS}/"),
        ("GET", "/api/v1/evaluations/benchmarks"),
        ("OPTIONS", JOBS),
        ("PATCH", JOBS),
        ("PUT", f"{JOBS}/{UNKNOWN}"),
        ("GET", f"{JOBS}/{UNKNOWN}/events"),
        ("POST", f"{JOBS}/{UNKNOWN}/logs"),
        ("GET", f"{JOBS}/{UNKNOWN}/zz"),
        ("POST", f"{PROVIDERS}/demo"),
        ("GET", f"{COLLECTIONS}/sys/clones"),
    ]:
        send(method, path)


def bodies(send: Session) -> None:
    for raw in [b"", b"{", b"null", b"[]", b"1", b'"x"', b'{"name": NaN}', b"{} x", b"{]", b"x"]:
        send("POST", JOBS, raw=raw)
    send("POST", JOBS, raw=b'{"name":"' + b"x" * 10_485_760 + b'"}')


def submissions(send: Session) -> None:
    def benchmark(**fields: Any) -> list[dict[str, Any]]:
        return [{**ARITH, **fields}]

    def data(**ref: Any) -> list[dict[str, Any]]:
        return benchmark(test_data_ref=ref)

    coordinates = {"oci_host": "h", "oci_repository": "r"}
    tag = {"key": "a", "value": "b"}
    cases: list[dict[str, Any]] = [
        {"name": None},
        {"name": ""},
        {"name": 1},
        {"name": True},
        {"name": None, "model": None, "benchmarks": None},
        {"model": None},
        {"model": {}},
        {"model": {"name": "x"}},
        {"model": {"url": "http://x"}},
        {"model": {"name": "x", "url": "nope"}},
        {"model": {"name": "", "url": "http://x"}},
        {"model": {"name": "x", "url": "http://x", "parameters": []}},
        {"model": {"name": "x", "url": "http://x", "auth": {}}},
        {"model": {"name": "x", "url": "http://x", "auth": {"secret_ref": "s"}}},
        {"model": "x"},
        {"benchmarks": None},
        {"benchmarks": []},
        {"benchmarks": {}},
        {"benchmarks": ["x"]},
        {"collection": {"id": "sys"}},
        {"benchmarks": [{"id": "arith"}]},
        {"benchmarks": [{"provider_id": "demo"}]},
        {"benchmarks": [{}]},
        {"benchmarks": [{"id": "arith", "provider_id": "nope"}]},
        {"benchmarks": [{"id": "nope", "provider_id": "demo"}]},
        {"benchmarks": None, "collection": {"id": "nope"}},
        {"benchmarks": None, "collection": {}},
        {"benchmarks": None, "collection": {"id": "sys"}},
        {"benchmarks": None, "collection": {"id": "sys", "benchmarks": [{"id": "arith"}]}},
        {
            "benchmarks": None,
            "collection": {"id": "sys", "benchmarks": benchmark(parameters={"a": 1})},
        },
        {
            "benchmarks": None,
            "collection": {"id": "sys", "benchmarks": [{"id": "plain", "provider_id": "demo"}]},
        },
        {"tags": ["a,b"]},
        {"tags": ["a|b", "ok", ""]},
        {"tags": ["x" * 128]},
        {"tags": ["x" * 129]},
        {"tags": "x"},
        {"tags": [1]},
        {"tags": ["a", "a"]},
        {"pass_criteria": {}},
        {"pass_criteria": {"threshold": "x"}},
        {"pass_criteria": {"threshold": 0}},
        {"experiment": {}},
        {"experiment": {"name": " "}},
        {"experiment": {"name": "e"}},
        {"experiment": {"name": "e", "tags": [{"key": "a"}]}},
        {"experiment": {"name": "e", "tags": [tag] * 21}},
        {"experiment": {"name": "e", "tags": [{"key": "a" * 251, "value": "b"}]}},
        {"exports": {"oci": {}}},
        {"exports": {"oci": {"coordinates": {"oci_host": "h"}}}},
        {"exports": {"oci": {"coordinates": coordinates, "k8s": {}}}},
        {"exports": {"oci": {"coordinates": {**coordinates, "annotations": {"a": "b"}}}}},
        {"exports": {"oci": {"coordinates": {**coordinates, "annotations": {"a": 1}}}}},
        {"hardware_config": {}},
        {"hardware_config": {"hardware_profile_name": "p", "cpu": {"request": "1"}}},
        {"hardware_config": {"hardware_profile_name": "Bad_Name"}},
        {"queue": {"name": "q", "kind": "kueue"}},
        {"queue": {"name": "q", "kind": "x"}},
        {"queue": {}},
        {"benchmarks": benchmark(weight=-1)},
        {"benchmarks": benchmark(weight="1")},
        {"benchmarks": benchmark(weight=2.5)},
        {"benchmarks": benchmark(primary_score={})},
        {"benchmarks": benchmark(primary_score={"metric": "x", "lower_is_better": "no"})},
        {"benchmarks": benchmark(primary_score={"metric": "x", "lower_is_better": False})},
        {"benchmarks": benchmark(pass_criteria={})},
        {"benchmarks": benchmark(pass_criteria={"threshold": 0})},
        {"benchmarks": benchmark(parameters={"num_examples": 3, "E": {}}, url="zz", weight=0)},
        {"benchmarks": data()},
        {"benchmarks": data(s3={"bucket": "b"})},
        {
            "benchmarks": data(
                s3={"bucket": "b", "key": "k", "secret_ref": "s"}, pvc={"claim_name": "c"}
            )
        },
        {"benchmarks": data(pvc={"claim_name": "Bad_Name"})},
        {"benchmarks": data(git={"url": "http://localhost/x", "ref": "r"})},
        {"benchmarks": data(git={"url": "http://10.0.0.1/x", "ref": "r"})},
        {"benchmarks": data(git={"url": "http://a.svc/x", "ref": "r"})},
        {"benchmarks": data(git={"url": "ssh://example.org/x", "ref": "r"})},
        {"benchmarks": data(git={"url": "http://example.org/x", "ref": "r", "secret_ref": "s"})},
        {"benchmarks": data(git={"url": "https://example.org/x"})},
        {"benchmarks": data(git={"url": "https://example.org/x", "ref": "r", "secret_ref": "s"})},
        {"benchmarks": data(hf={"repo_id": " "})},
        {"benchmarks": data(hf={})},
        {"benchmarks": data(pvc={})},
        {"benchmarks": data(hf={"repo_id": "a/b"}, resolved_sha="abcdef1")},
        {"benchmarks": data(hf={"repo_id": "a/b"}, type="zzz")},
        {
            "benchmarks": data(hf={"repo_id": "a/b"}, type="pre_recorded_data"),
            "model": {"name": "x"},
        },
        {"description": 1},
        {"description": ""},
        {"custom": []},
        {"custom": {"a": {}}},
        {"unknown": 1, "resource": {"id": "x"}, "NAME": "upper"},
    ]
    for overrides in cases:
        send("POST", JOBS, config(**overrides))


def refused_events(send: Session) -> None:
    job = send.submit()
    path = f"{JOBS}/{job}/events"
    numeric = {"name": "a", "type": "numeric"}
    for body in [{}, {"benchmark_status_event": None}, {"benchmark_status_event": {}}, [], None]:
        send("POST", path, body)
    for raw in [b"null", b"x", b'{"benchmark_status_event": {"metrics": {"a": NaN}}}']:
        send("POST", path, raw=raw)
    send("POST", path, raw=b'{"benchmark_status_event": {"metrics": {"a": 1e999}}}')
    cases: list[dict[str, Any]] = [
        {"provider_id": ""},
        {"id": ...},
        {"provider_id": "", "id": "", "status": ""},
        {"provider_id": "", "status": "x"},
        {"benchmark_index": "0"},
        {"benchmark_index": 0.5},
        {"benchmark_index": 1},
        {"benchmark_index": -1},
        {"id": "zz"},
        {"provider_id": "zz"},
        {"status": "cancelled"},
        {"status": "Running"},
        {"status": ...},
        {"status": 1},
        {"phase": "zz"},
        {"phase": 1},
        {"started_at": "2026-01-02"},
        {"started_at": "2026-01-02 03:04:05Z"},
        {"started_at": 5},
        {"completed_at": "2026-01-02T03:04:05+0000"},
        {"metrics": []},
        {"metrics_schema": {}},
        {"metrics": {"a": 1}, "metrics_schema": [{"name": "b", "type": "numeric"}]},
        {"metrics": {"a": 1}, "metrics_schema": [{"name": "a", "type": "x"}]},
        {"metrics": {"a": 1}, "metrics_schema": [{"name": "a"}]},
        {"metrics": {"a": 1}, "metrics_schema": [{"type": "numeric"}]},
        {"metrics": {"a": 1}, "metrics_schema": [numeric, numeric]},
        {"metrics_schema": [numeric]},
        {"artifacts": []},
        {"additional_info": []},
        {"mlflow_run_id": 1},
        {"logs_path": 1},
        {"error_message": {"message": "x"}},
        {"error_message": {"message": "x", "message_code": ""}},
        {"error_message": "x"},
        {"warning_message": {}},
        {"job_meta": 1},
    ]
    for fields in cases:
        send.event(job, **fields)
    send.job(job)
    send.event("nope")
    send.event("nope", status="x")
    send.event(UNKNOWN)


def one_benchmark(send: Session) -> None:
    job = send.submit()
    send.job(job)
    warning = {"message": "w", "message_code": "c"}
    send.event(job, phase="", started_at="", benchmark_index=...)
    send.event(job, status="pending")
    send.job(job)
    send.event(job, error_message={"message": "x", "message_code": "c", "message_origin": "weird"})
    send.event(job, job_meta={"resolved_sha": "xyz"})
    send.event(
        job, started_at="2026-01-02T03:04:05Z", phase="loading_data", warning_message=warning
    )
    send.job(job)
    send.event(job, metrics={"acc": 1}, additional_info={"k": 1})
    send.job(job)
    send.event(
        job,
        status="completed",
        completed_at="2026-01-02T03:05:05.5+01:00",
        metrics={
            "acc": 0.1234567890123,
            "l": [1, "a", None],
            "d": {"x": {"y": 1}},
            "big": 12345678901234567890,
        },
        metrics_schema=[{"name": "l", "type": "array_ordered"}],
        artifacts={"oci_reference": "r"},
        additional_info={"k": {"z": 1}},
        mlflow_run_id="run",
        logs_path="/x",
        overall_score=1,
        progress=2,
    )
    send.job(job)
    send.event(job)
    send.event(job, status="completed")
    send.event(job, status="failed")
    send("DELETE", f"{JOBS}/{job}")
    send("DELETE", f"{JOBS}/{job}?hard_delete=garbage")
    send("DELETE", f"{JOBS}/{job}?hard_delete=false")
    send("DELETE", f"{JOBS}/{job}?hard_delete=true")
    send("DELETE", f"{JOBS}/{job}?hard_delete=true")
    send("DELETE", f"{JOBS}/nope")
    send.job(job)


def failures(send: Session) -> None:
    error = {"message": "boom", "message_code": "b", "message_origin": "adapter"}
    job = send.submit()
    send.event(job, status="failed", error_message=error, metrics={"acc": 0.9})
    send.job(job)
    job = send.submit()
    send.event(job, status="failed")
    send.job(job)


def verdicts(send: Session) -> None:
    benchmarks: list[dict[str, Any]] = [
        {**ARITH, "weight": 3},
        {"id": "lower", "provider_id": "demo"},
        {
            "id": "plain",
            "provider_id": "demo",
            "primary_score": {"metric": "f1", "lower_is_better": True},
            "pass_criteria": {"threshold": 0.2},
        },
        {"id": "plain", "provider_id": "demo", "primary_score": {"metric": "f1"}},
        ARITH,
    ]
    job = send.submit(benchmarks=benchmarks, pass_criteria={"threshold": 0.6})
    done = {"status": "completed"}
    late = {"message": "late", "message_code": "l"}
    steps: list[dict[str, Any]] = [
        {"id": "plain", "benchmark_index": 2, **done, "metrics": {"f1": 0.1}},
        {**done, "metrics": {"acc": 0.75}},
        {"status": "running"},
        {"status": "failed", "error_message": late},
        {**done, "metrics": {"acc": 0.7}},
        {"id": "lower", "benchmark_index": 1, **done, "metrics": {"loss": "0.3"}},
        {"id": "lower", "benchmark_index": 1, **done, "metrics": {"loss": 0.25}},
        {"id": "plain", "benchmark_index": 3, **done, "metrics": {"f1": 1}},
        {"benchmark_index": 4, **done, "metrics": {"acc": True, "x": 2}},
    ]
    for fields in steps:
        send.event(job, **fields)
        send.job(job)
    cases: list[dict[str, Any]] = [
        {"benchmarks": [{**ARITH, "primary_score": {"metric": "acc"}}]},
        {"benchmarks": [{**ARITH, "pass_criteria": {"threshold": 0.9}}]},
        {"benchmarks": [{**ARITH, "pass_criteria": {"threshold": 0}}]},
        {"benchmarks": [{"id": "plain", "provider_id": "demo"}]},
        {"pass_criteria": {"threshold": 0}},
    ]
    for overrides in cases:
        job = send.submit(**overrides)
        named = {"id": "plain"} if "plain" in str(overrides) else {}
        send.event(job, **done, metrics={"acc": 0.8}, **named)
        send.job(job)
    job = send.submit(benchmarks=None, collection={"id": "sys"})
    send.job(job)
    send.event(job, **done, metrics={"acc": 0.4})
    send.event(job, id="lower", benchmark_index=1, **done, metrics={"loss": 0.4})
    send.job(job)


def several_benchmarks(send: Session) -> None:
    two: list[dict[str, Any]] = [ARITH, {"id": "lower", "provider_id": "demo"}]
    three = [*two, {"id": "plain", "provider_id": "demo"}]
    lower = {"id": "lower", "benchmark_index": 1}
    one, other = ({"message": name, "message_code": "l"} for name in ("one", "two"))
    job = send.submit(benchmarks=two)
    send.event(job, status="failed", error_message=one)
    send.job(job)
    send.event(job, status="pending")
    send.event(job, **lower, status="completed", metrics={"loss": 0.1})
    send.job(job)
    send.event(job)
    send("DELETE", f"{JOBS}/{job}")
    job = send.submit(benchmarks=two)
    send.event(job, status="failed", error_message=one)
    send.event(job, **lower, status="failed", error_message=other)
    send.job(job)
    job = send.submit(benchmarks=three)
    send.event(job, status="completed")
    send.event(job, **lower, phase="loading_data")
    send("DELETE", f"{JOBS}/{job}")
    send.job(job)
    send("DELETE", f"{JOBS}/{job}")
    send.event(job)
    job = send.submit(benchmarks=two)
    send("DELETE", f"{JOBS}/{job}")
    send.job(job)
    job = send.submit(benchmarks=two)
    send.event(job)
    send.event(job, status="pending")
    send.job(job)


def listing(send: Session) -> None:
    for name, owner in [("one", "bob"), ("two", "bob"), ("three", "al")]:
        send("POST", JOBS, config(name=name, tags=[name, "all"]), X_User=owner)
    send("POST", PROVIDERS, {"name": "mine", "tags": ["p"]}, X_User="bob")
    for query in [
        "",
        "?limit=x",
        "?limit=-1",
        "?offset=-1",
        "?offset=x",
        "?limit=0",
        "?limit=",
        "?offset=9",
        "?zz=1",
        "?status=zz",
        "?status=pending",
        "?status=!pending",
        "?status=running|pending",
        "?name=one",
        "?name=One",
        "?name=one|two",
        "?name=one,two",
        "?name=one&name=two",
        "?tags=all",
        "?tags=all,one",
        "?tags=one|two",
        "?tags=nope",
        "?owner=bob",
        "?owner=!bob",
        "?owner=bob&name=one",
        "?experiment_id=1",
        "?name=one&limit=1",
    ]:
        send("GET", f"{JOBS}{query}")
    # Ids are random and order the list, so only what is alike can be compared page by page.
    for _ in range(3):
        send.submit(name="same")
    for query in ["?limit=1&name=same", "?limit=2&name=same|x", "?offset=1&limit=1&name=same"]:
        send("GET", f"{JOBS}{query}")
    for query in [
        "?benchmarks=false",
        "?benchmarks=maybe",
        "?benchmarks=T",
        "?name=Demo",
        "?name=Demo|",
        "?name=mine",
        "?tags=p",
        "?owner=system",
        "?owner=!system",
        "?scope=tenant",
        "?scope=system",
        "?scope=zz",
        "?owner=a&scope=system",
        "?zz=1",
        "?status=x",
    ]:
        send("GET", f"{PROVIDERS}{query}")
    for query in [
        "",
        "?zz=1",
        "?category=c",
        "?domains=m",
        "?sort_by=zz",
        "?scope=tenant",
        "?category=c&domains=x",
        "?domains=m|x",
    ]:
        send("GET", f"{COLLECTIONS}{query}")


FULL_PROVIDER: dict[str, Any] = {
    "name": "n",
    "title": "t",
    "description": "d",
    "tags": ["x"],
    "custom": {"a": 1},
    "benchmarks": [
        {
            "id": "b",
            "url": "u",
            "name": "n",
            "description": "d",
            "category": "c",
            "metrics": ["m"],
            "num_few_shot": 2,
            "dataset_size": 3,
            "tags": ["q"],
            "primary_score": {"metric": "m", "lower_is_better": True},
            "pass_criteria": {"threshold": 0.1},
            "agent": {
                "result_interpretation": "r",
                "score_ranges": [{"range": "a", "meaning": "b"}],
            },
            "domains": ["d"],
            "tasks": ["t"],
            "modalities": ["m"],
            "evaluation_targets": ["e"],
        }
    ],
    "runtime": {
        "local": {"command": "c", "env": [{"name": "A", "value": "1"}]},
        "k8s": {
            "Image": "i",
            "Entrypoint": ["e"],
            "CPURequest": "1",
            "MemoryRequest": "1",
            "CPULimit": "1",
            "MemoryLimit": "1",
            "gpu": {"resource": "r", "count": 1, "node_selector": {"a": "b"}},
            "Env": [{"name": "B", "value": "2"}],
            "image_pull_policy": "always",
        },
    },
    "agent": {
        "evaluates": ["e"],
        "recommended_when": ["r"],
        "target_type": "model",
        "summary": "s",
        "complements": ["c"],
        "hints": ["h"],
    },
}


def providers(send: Session) -> None:
    for ident in ("demo", "cluster", "nope"):
        send("GET", f"{PROVIDERS}/{ident}")
    for body in [
        {"name": 1},
        {"description": LONG},
        {"tags": ["a,b"]},
        {"benchmarks": [{"description": LONG}]},
        {"benchmarks": {}},
        {"benchmarks": []},
        {"benchmarks": [{"num_few_shot": "1"}]},
        {"runtime": {"k8s": {"image_pull_policy": "zz"}}},
        {"runtime": {"k8s": {"image": "i", "cpu_request": "1"}, "local": {}}},
        {"agent": {"target_type": "zz"}},
        {"agent": {"summary": "x" * 201}},
        {"agent": {"hints": "x"}},
        {"runtime": {"k8s": {"gpu": {"node_selector": 1}}}},
        FULL_PROVIDER,
    ]:
        send("POST", PROVIDERS, body)
    ident = send("POST", PROVIDERS, {})["resource"]["id"]
    path = f"{PROVIDERS}/{ident}"
    send("GET", path)
    send("PUT", path, FULL_PROVIDER)
    send("PUT", path, {"name": "z", "runtime": {"k8s": {"image": "i"}, "local": {}}})
    send("PUT", path, {"tags": [""]})
    for other in ("demo", "nope"):
        send("PUT", f"{PROVIDERS}/{other}", FULL_PROVIDER)
        send("PUT", f"{PROVIDERS}/{other}", {"name": 1})
        send("PATCH", f"{PROVIDERS}/{other}", [])
        send("PATCH", f"{PROVIDERS}/{other}", [{"op": "remove", "path": "/name"}])
        send("DELETE", f"{PROVIDERS}/{other}")
    for steps in [
        {},
        [],
        [1],
        [{"op": "test", "path": "/name", "value": 1}],
        [{"path": "/name"}],
        [{"op": "replace", "value": 1}],
        [{"op": "replace", "path": "", "value": 1}],
        [{"op": "replace", "path": "name", "value": "1"}],
        [{"op": "replace", "path": "/id", "value": 1}],
        [{"op": "remove", "path": "/name"}],
        [{"op": "replace", "path": "/name", "value": "new"}],
        [{"op": "replace", "path": "/name", "value": 1}],
        [{"op": "replace", "path": "/name"}],
        [{"op": "add", "path": "/tags", "value": ["a"]}],
        [{"op": "add", "path": "/tags/-", "value": "b"}],
        [{"op": "add", "path": "/tags/0", "value": "0"}],
        [{"op": "replace", "path": "/tags/0", "value": "z"}],
        [{"op": "remove", "path": "/tags/1"}],
        [{"op": "remove", "path": "/tags/9"}],
        [{"op": "add", "path": "/tags/-", "value": "x,y"}],
        [{"op": "remove", "path": "/description"}],
        [
            {"op": "replace", "path": "/title", "value": "T"},
            {"op": "add", "path": "/description", "value": "D"},
        ],
        [{"op": "remove", "path": "/description"}],
        [{"op": "replace", "path": "/benchmarks", "value": [{"id": "zz"}]}],
        [{"op": "add", "path": "/benchmarks/-", "value": {"id": "b2"}}],
        [{"op": "replace", "path": "/benchmarks/0/name", "value": "bn"}],
        [{"op": "replace", "path": "/benchmarks/5/name", "value": "bn"}],
        [{"op": "replace", "path": "/runtime", "value": {"local": {"command": "x"}}}],
        [{"op": "replace", "path": "/runtime/local/command", "value": "y"}],
        [{"op": "add", "path": "/custom", "value": {"a": 1}}],
        [{"op": "add", "path": "/agent", "value": {"summary": "x"}}],
    ]:
        send("PATCH", path, steps)
    send("GET", path)
    send("DELETE", path)
    send("DELETE", path)


FULL_COLLECTION: dict[str, Any] = {
    "name": "n",
    "category": "c",
    "benchmarks": [
        {
            **ARITH,
            "url": "u",
            "weight": 2,
            "primary_score": {"metric": "acc"},
            "pass_criteria": {"threshold": 0.1},
            "parameters": {"Ab": 1},
            "hardware_config": {"cpu": {"request": "1"}},
        }
    ],
    "description": "",
    "tags": ["t"],
    "custom": {"a": 1},
    "pass_criteria": {"threshold": 0.2},
    "agent": {"evaluates": ["e"], "summary": "s", "target_type": "model"},
    "industries": ["i"],
    "pinned_order": 4,
    "derived_from": "x",
    "status": {"run_count": 3},
}


def collections(send: Session) -> None:
    needed = {"name": "n", "category": "c", "benchmarks": [{"id": "a", "provider_id": "b"}]}
    for body in [
        {},
        {"name": "n"},
        {"name": "n", "category": "c"},
        {**needed, "benchmarks": []},
        {**needed, "benchmarks": [{}]},
        {**needed, "category": "x" * 129},
        {**needed, "curation_order": -1},
        {**needed, "description": LONG},
        {**needed, "pass_criteria": {}, "tags": ["a,b"]},
        {**needed, "custom": 1},
    ]:
        send("POST", COLLECTIONS, body)
    curated = send("POST", COLLECTIONS, {**needed, "curation_order": 3})["resource"]["id"]
    send("PUT", f"{COLLECTIONS}/{curated}", needed)
    ident = send("POST", COLLECTIONS, FULL_COLLECTION)["resource"]["id"]
    path = f"{COLLECTIONS}/{ident}"
    send("GET", path)
    send("PUT", path, needed)
    send("PUT", path, {"name": "z"})
    send("PUT", path, FULL_COLLECTION)
    for other in ("sys", "nope"):
        send("PUT", f"{COLLECTIONS}/{other}", FULL_COLLECTION)
        send("PATCH", f"{COLLECTIONS}/{other}", [])
        send("PATCH", f"{COLLECTIONS}/{other}", [{"op": "replace", "path": "/name", "value": "x"}])
        send("DELETE", f"{COLLECTIONS}/{other}")
        send("POST", f"{COLLECTIONS}/{other}/clones")
    for body in [
        {"name": "cl", "benchmarks": []},
        {"category": "x" * 129},
        {"name": 1},
        {"description": "new", "tags": ["z"]},
    ]:
        send("POST", f"{path}/clones", body)
    for steps in [
        [],
        [{"op": "remove", "path": "/name"}],
        [{"op": "replace", "path": "/name", "value": "new"}],
        [{"op": "replace", "path": "/name", "value": 1}],
        [{"op": "replace", "path": "/category", "value": ""}],
        [{"op": "add", "path": "/tags/-", "value": "a,b"}],
        [{"op": "remove", "path": "/tags/9"}],
        [{"op": "add", "path": "/pass_criteria", "value": {}}],
        [{"op": "remove", "path": "/pass_criteria"}],
        [{"op": "remove", "path": "/pass_criteria"}],
        [{"op": "add", "path": "/pinned_order", "value": 2}],
        [{"op": "add", "path": "/pinned_order", "value": -2}],
        [{"op": "replace", "path": "/benchmarks", "value": []}],
        [{"op": "add", "path": "/agent", "value": {}}],
        [{"op": "add", "path": "/tasks", "value": ["x"]}],
        [
            {"op": "replace", "path": "/benchmarks", "value": [ARITH]},
            {"op": "replace", "path": "/category", "value": "k"},
        ],
        [{"op": "replace", "path": "/pass_criteria/threshold", "value": 1}],
        [{"op": "add", "path": "/pass_criteria", "value": {"threshold": 0.25}}],
    ]:
        send("PATCH", path, steps)
    send("GET", path)
    job = send.submit(benchmarks=None, collection={"id": ident})
    send("DELETE", path)
    send("DELETE", path)
    send.job(job)
    send.event(job)
    send("GET", f"{JOBS}/{job}/logs")


def logs(send: Session) -> None:
    job = send.submit(benchmarks=[ARITH, {"id": "plain", "provider_id": "demo"}])
    send.wait_for_logs(job)
    for query in [
        "",
        "?tail_lines=2",
        "?tail_lines=0",
        "?tail_lines=x",
        "?tail_lines=-1",
        "?tail_lines=10001",
        "?timestamps=maybe",
        "?timestamps=true",
        "?since_seconds=0",
        "?since_seconds=",
        "?since_seconds=x",
        "?since_seconds=5",
        "?zz=1",
    ]:
        send("GET", f"{JOBS}/{job}/logs{query}")
    for index in ("0", "1", "2", "-1", "x"):
        send("GET", f"{JOBS}/{job}/benchmarks/{index}/logs")
    send("GET", f"{JOBS}/nope/logs")
    send("GET", f"{JOBS}/nope/benchmarks/0/logs")
    send("DELETE", f"{JOBS}/{job}")
    send("GET", f"{JOBS}/{job}/logs")


def tenants(send: Session) -> None:
    other = f"{send.tenant}-other"
    job = send("POST", JOBS, config(), X_User="bob")["resource"]["id"]
    path = f"{JOBS}/{job}"
    event = {"benchmark_status_event": {**ARITH, "status": "running"}}
    send("GET", path, X_Tenant=other)
    send("GET", path, X_Tenant="")
    send("POST", f"{path}/events", event, X_Tenant=other)
    send("POST", f"{path}/events", event, X_Tenant="")
    send("GET", f"{path}/logs", X_Tenant=other)
    send("DELETE", path, X_Tenant=other)
    send("GET", JOBS, X_Tenant=other)
    send("GET", path)
    body = {"name": "tp", "benchmarks": [{"id": "q"}]}
    provider = send("POST", PROVIDERS, body, X_User="bob")["resource"]["id"]
    path = f"{PROVIDERS}/{provider}"
    send("GET", path, X_Tenant=other)
    send("PUT", path, {}, X_Tenant=other)
    send("DELETE", path, X_Tenant=other)
    mine = config(benchmarks=[{"id": "q", "provider_id": provider}])
    send("POST", JOBS, mine, X_Tenant=other)
    send("POST", JOBS, mine)
    send("PUT", path, {"name": "q"}, X_User="al")
    locked = send("POST", PROVIDERS, {"name": "s"}, X_User="system")["resource"]["id"]
    send("DELETE", f"{PROVIDERS}/{locked}", X_User="system")


SUBJECTS = [
    routes,
    bodies,
    submissions,
    refused_events,
    one_benchmark,
    failures,
    verdicts,
    several_benchmarks,
    listing,
    providers,
    collections,
    logs,
    tenants,
]
