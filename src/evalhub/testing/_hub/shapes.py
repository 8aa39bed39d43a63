"""What the service takes: jobs and events (wire contract 1.4 and 2.1)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evalhub.testing._hub.schema import Check, Field, Struct
from evalhub.testing._hub.values import ANY, TEXTS, Json

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CRITERIA",
    "EVENT",
    "IN_COLLECTION",
    "JOB",
    "LIST",
    "MAP",
    "NOT_NEGATIVE",
    "SCORE",
    "SHORT",
    "TAGS",
    "TEXT",
    "at_most",
]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LONGEST_TAG = 128


def at_most(length: int) -> Check:
    """Return the check of a longest length."""
    return "max", lambda value: len(value) <= length


def _is_tag(text: str) -> bool:
    return 1 <= len(text) <= _LONGEST_TAG and not {",", "|"} & set(text)


def _is_url(text: str) -> bool:
    parts = urlsplit(text)
    return bool(parts.scheme and (parts.netloc or parts.path))


def _is_public(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_global
    except ValueError:
        return host != "localhost" and not host.endswith((".localhost", ".svc", ".local"))


_NOT_BLANK: Check = ("notblank", lambda text: bool(text.strip()))
_DNS_LABEL: Check = ("rfc1123_dns_label", lambda text: bool(_LABEL.fullmatch(text)))
_DATETIME: Check = ("datetime", lambda text: bool(_TIME.fullmatch(text)))
NOT_NEGATIVE: Check = ("min", lambda number: number >= 0)
_URL: Check = ("url", _is_url)
_HTTP_URL: Check = ("http_url", lambda url: urlsplit(str(url)).scheme in ("http", "https"))
_CLONE_URL: Check = ("git_clone_url", _is_public)

TEXT = Field()
_MUST = Field(required=True)
TAGS = Field(TEXTS, each=("tagname", _is_tag))
SHORT = Field(checks=(at_most(1024),))
MAP = Field(ANY)
LIST = Field(TEXTS)

_PASS_CRITERIA = Struct(
    "PassCriteria",
    {"threshold": Field("float32", required=True, pointer=True, keep=True)},
)
_PRIMARY_SCORE = Struct("PrimaryScore", {"metric": _MUST, "lower_is_better": Field("bool")})
CRITERIA = Field(_PASS_CRITERIA, pointer=True)
SCORE = Field(_PRIMARY_SCORE, pointer=True)

# Jobs

_MODEL = Struct(
    "ModelRef",
    {
        "url": Field(checks=(_URL,), keep=True),
        "name": Field(required=True, keep=True),
        "auth": Field(Struct("ModelAuth", {"secret_ref": _MUST}), pointer=True),
        "parameters": MAP,
        "card_url": TEXT,
    },
)


def _one_kind_of_hardware(value: Json) -> str | None:
    named = value.get("hardware_profile_name")
    if named and any(value.get(name) for name in ("queue", "cpu", "memory", "gpu")):
        rule = "hardware_profile_name cannot be combined with queue, cpu, memory, or gpu"
        return f"hardware_config: {rule}"
    return None


_QUEUE = Struct(
    "QueueConfig",
    {"kind": Field(one_of=("kueue",)), "name": Field(required=True, checks=(_DNS_LABEL,))},
)
_AMOUNT = Field(Struct("ResourceRequirement", {"request": TEXT, "limit": TEXT}), pointer=True)
_HARDWARE = Field(
    Struct(
        "HardwareConfig",
        {
            "hardware_profile_name": Field(checks=(_DNS_LABEL,)),
            "queue": Field(_QUEUE, pointer=True),
            "cpu": _AMOUNT,
            "memory": _AMOUNT,
            "gpu": Field(
                Struct("GPURequirement", {"name": TEXT, "count": Field("int")}), pointer=True
            ),
        },
        check=_one_kind_of_hardware,
    ),
    pointer=True,
)

_SOURCES = ("s3", "pvc", "git", "hf")


def _one_source(value: Json) -> str | None:
    given = [name for name in _SOURCES if value.get(name) is not None]
    if not given:
        return "test_data_ref: one of s3, pvc, git, or hf must be set"
    if len(given) > 1:
        return "test_data_ref: exactly one of s3, pvc, git, or hf must be set"
    return None


def _credentials_need_tls(value: Json) -> str | None:
    if value.get("secret_ref") and urlsplit(str(value["url"])).scheme != "https":
        return "git url with credentials must use https scheme"
    return None


_SECRET = Field(checks=(_DNS_LABEL,))
_TEST_DATA = Field(
    Struct(
        "TestDataRef",
        {
            "s3": Field(
                Struct("S3TestDataRef", {"bucket": _MUST, "key": _MUST, "secret_ref": _MUST}),
                pointer=True,
            ),
            "pvc": Field(
                Struct(
                    "PVCTestDataRef",
                    {
                        "claim_name": Field(required=True, checks=(_DNS_LABEL,)),
                        "sub_path": TEXT,
                    },
                ),
                pointer=True,
            ),
            "git": Field(
                Struct(
                    "GitTestDataRef",
                    {
                        "url": Field(required=True, checks=(_HTTP_URL, _CLONE_URL)),
                        "ref": _MUST,
                        "sub_path": TEXT,
                        "secret_ref": _SECRET,
                    },
                    check=_credentials_need_tls,
                ),
                pointer=True,
            ),
            "hf": Field(
                Struct(
                    "HFTestDataRef",
                    {
                        "repo_id": Field(required=True, checks=(_NOT_BLANK,), missing="notblank"),
                        "revision": TEXT,
                        "sub_path": TEXT,
                        "secret_ref": _SECRET,
                    },
                ),
                pointer=True,
            ),
            "type": Field(one_of=("data_set", "pre_recorded_data")),
            "resolved_sha": TEXT,
        },
        check=_one_source,
    ),
    pointer=True,
)

IN_COLLECTION = {
    "id": Field(required=True, keep=True, label="Ref.id"),
    "provider_id": Field(required=True, keep=True),
    "weight": Field("float32", checks=(NOT_NEGATIVE,)),
    "primary_score": SCORE,
    "pass_criteria": CRITERIA,
    "parameters": MAP,
    "test_data_ref": _TEST_DATA,
}
_BENCHMARK = Struct("EvaluationBenchmarkConfig", {**IN_COLLECTION, "hardware_config": _HARDWARE})
_COLLECTION_REF = Struct(
    "CollectionRef",
    {
        "id": Field(required=True, keep=True),
        "benchmarks": Field(_BENCHMARK, many=True),
        "collection_updated_at": TEXT,
    },
)
_EXPERIMENT = Struct(
    "ExperimentConfig",
    {
        "name": Field(required=True, checks=(_NOT_BLANK,), missing="notblank"),
        "tags": Field(
            Struct(
                "ExperimentTag",
                {
                    "key": Field(required=True, checks=(at_most(250),)),
                    "value": Field(required=True, checks=(at_most(5000),)),
                },
            ),
            many=True,
            checks=(at_most(20),),
        ),
        "artifact_location": TEXT,
    },
)
_OCI = Struct(
    "EvaluationExportsOCI",
    {
        "coordinates": Field(
            Struct(
                "OCICoordinates",
                {
                    "oci_host": _MUST,
                    "oci_repository": _MUST,
                    "oci_tag": TEXT,
                    "oci_subject": TEXT,
                    "annotations": Field("map[string]string"),
                },
            ),
            required=True,
        ),
        "k8s": Field(Struct("OCIK8s", {"connection": _MUST}), pointer=True),
    },
)


def _benchmarks_or_collection(value: Json) -> Iterator[tuple[str, str]]:
    collection = value.get("collection", {}).get("id")
    if collection and value.get("benchmarks"):
        yield "benchmarks", "benchmarks or collection"
    elif not collection and not value.get("benchmarks"):
        yield "benchmarks", "minimum one benchmark"


JOB = Struct(
    "EvaluationJobConfig",
    {
        "name": Field(required=True, keep=True),
        "description": Field(pointer=True),
        "tags": TAGS,
        "model": Field(_MODEL, required=True, pointer=True),
        "pass_criteria": CRITERIA,
        "benchmarks": Field(_BENCHMARK, many=True),
        "collection": Field(_COLLECTION_REF, pointer=True),
        "experiment": Field(_EXPERIMENT, pointer=True),
        "custom": MAP,
        "exports": Field(
            Struct("EvaluationExports", {"oci": Field(_OCI, pointer=True)}), pointer=True
        ),
        "hardware_config": _HARDWARE,
        "queue": Field(_QUEUE, pointer=True),
    },
    also=_benchmarks_or_collection,
)

# Events

_MESSAGE = Field(
    Struct("MessageInfo", {"message": _MUST, "message_code": _MUST, "message_origin": TEXT}),
    pointer=True,
)


def _schema_of_metrics(value: Json) -> Iterator[tuple[str, str]]:
    names = [schema.get("name") for schema in value.get("metrics_schema", ())]
    for index, name in enumerate(names):
        if name not in value.get("metrics", {}):
            yield f"metrics_schema[{index}].name", "metrics_schema_name_not_in_metrics"
    if len(set(names)) < len(names):
        yield "metrics_schema", "metrics_schema_duplicate_name"


_STATUS_EVENT = Struct(
    "BenchmarkStatusEvent",
    {
        "provider_id": _MUST,
        "id": _MUST,
        "benchmark_index": Field("int"),
        "status": Field(
            required=True, one_of=("pending", "running", "completed", "failed"), alias="api.State"
        ),
        "phase": Field(
            one_of=(
                "initializing",
                "loading_data",
                "running_evaluation",
                "post_processing",
                "persisting_artifacts",
                "completed",
            ),
            alias="api.JobPhase",
        ),
        "metrics": MAP,
        "metrics_schema": Field(
            Struct(
                "MetricSchema",
                {
                    "name": _MUST,
                    "type": Field(
                        required=True,
                        one_of=(
                            "numeric",
                            "categorical",
                            "array_ordered",
                            "array_unordered",
                            "time_series",
                        ),
                        alias="api.ResultType",
                    ),
                },
            ),
            many=True,
        ),
        "artifacts": MAP,
        "additional_info": MAP,
        "error_message": _MESSAGE,
        "warning_message": _MESSAGE,
        "started_at": Field(checks=(_DATETIME,), alias="api.DateTime"),
        "completed_at": Field(checks=(_DATETIME,), alias="api.DateTime"),
        "mlflow_run_id": TEXT,
        "logs_path": TEXT,
        "job_meta": Field(Struct("JobMeta", {"resolved_sha": TEXT}), pointer=True),
    },
    also=_schema_of_metrics,
)
EVENT = Struct(
    "StatusEvent",
    {"benchmark_status_event": Field(_STATUS_EVENT, required=True, pointer=True)},
)
