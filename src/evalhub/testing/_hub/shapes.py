"""The request bodies of the service: jobs and events (wire contract 1.4 and 2.1)."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evalhub.testing._hub.schema import Check, Field, Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.testing._hub.values import Json

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
    """Return the rule of a maximum length."""
    return f"must have at most {length} characters or entries", lambda value: len(value) <= length


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


_NOT_BLANK: Check = ("must not be blank", lambda text: bool(text.strip()))
_DNS_LABEL: Check = ("must be a DNS label", lambda text: bool(_LABEL.fullmatch(text)))
_DATETIME: Check = ("must be an RFC 3339 time", lambda text: bool(_TIME.fullmatch(text)))
NOT_NEGATIVE: Check = ("must be 0 or more", lambda number: number >= 0)
_URL: Check = ("must be a URL", _is_url)
_HTTP_URL: Check = (
    "must be an http(s) URL",
    lambda url: urlsplit(str(url)).scheme in ("http", "https"),
)
_CLONE_URL: Check = ("must name a public host", _is_public)

TEXT = Field()
_MUST = Field(required=True)
TAGS = Field(
    "list of strings", each=("must have 1 to 128 characters, without ',' and '|'", _is_tag)
)
SHORT = Field(checks=(at_most(1024),))
MAP = Field("object")
LIST = Field("list of strings")

_PASS_CRITERIA = Struct(
    {"threshold": Field("number", required=True, pointer=True, keep=True)},
)
_PRIMARY_SCORE = Struct({"metric": _MUST, "lower_is_better": Field("boolean")})
CRITERIA = Field(_PASS_CRITERIA, pointer=True)
SCORE = Field(_PRIMARY_SCORE, pointer=True)

# Jobs

_MODEL = Struct(
    {
        "url": Field(checks=(_URL,), keep=True),
        "name": Field(required=True, keep=True),
        "auth": Field(Struct({"secret_ref": _MUST}), pointer=True),
        "parameters": MAP,
        "card_url": TEXT,
    },
)


def _profile_or_quantities(value: Json) -> Iterator[str]:
    named = value.get("hardware_profile_name")
    if named and any(value.get(name) for name in ("queue", "cpu", "memory", "gpu")):
        yield "hardware_profile_name cannot be combined with queue, cpu, memory or gpu"


_QUEUE = Struct(
    {"kind": Field(one_of=("kueue",)), "name": Field(required=True, checks=(_DNS_LABEL,))},
)
_AMOUNT = Field(Struct({"request": TEXT, "limit": TEXT}), pointer=True)
_HARDWARE = Field(
    Struct(
        {
            "hardware_profile_name": Field(checks=(_DNS_LABEL,)),
            "queue": Field(_QUEUE, pointer=True),
            "cpu": _AMOUNT,
            "memory": _AMOUNT,
            "gpu": Field(Struct({"name": TEXT, "count": Field("integer")}), pointer=True),
        },
        check=_profile_or_quantities,
    ),
    pointer=True,
)

_SOURCES = ("s3", "pvc", "git", "hf")


def _one_source(value: Json) -> Iterator[str]:
    if len([name for name in _SOURCES if value.get(name) is not None]) != 1:
        yield f"exactly one of {', '.join(_SOURCES)} must be set"


def _credentials_need_tls(value: Json) -> Iterator[str]:
    if value.get("secret_ref") and urlsplit(str(value.get("url"))).scheme != "https":
        yield "url must use https, because there is a secret_ref"


_SECRET = Field(checks=(_DNS_LABEL,))
_TEST_DATA = Field(
    Struct(
        {
            "s3": Field(
                Struct({"bucket": _MUST, "key": _MUST, "secret_ref": _MUST}),
                pointer=True,
            ),
            "pvc": Field(
                Struct(
                    {
                        "claim_name": Field(required=True, checks=(_DNS_LABEL,)),
                        "sub_path": TEXT,
                    },
                ),
                pointer=True,
            ),
            "git": Field(
                Struct(
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
                    {
                        "repo_id": Field(required=True, checks=(_NOT_BLANK,)),
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
    "id": Field(required=True, keep=True),
    "provider_id": Field(required=True, keep=True),
    "weight": Field("number", checks=(NOT_NEGATIVE,)),
    "primary_score": SCORE,
    "pass_criteria": CRITERIA,
    "parameters": MAP,
    "test_data_ref": _TEST_DATA,
}
_BENCHMARK = Struct({**IN_COLLECTION, "hardware_config": _HARDWARE})
_COLLECTION_REF = Struct(
    {
        "id": Field(required=True, keep=True),
        "benchmarks": Field(_BENCHMARK, many=True),
        "collection_updated_at": TEXT,
    },
)
_EXPERIMENT = Struct(
    {
        "name": Field(required=True, checks=(_NOT_BLANK,)),
        "tags": Field(
            Struct(
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
    {
        "coordinates": Field(
            Struct(
                {
                    "oci_host": _MUST,
                    "oci_repository": _MUST,
                    "oci_tag": TEXT,
                    "oci_subject": TEXT,
                    "annotations": Field("map of strings"),
                },
            ),
            required=True,
        ),
        "k8s": Field(Struct({"connection": _MUST}), pointer=True),
    },
)


def _benchmarks_or_collection(value: Json) -> Iterator[str]:
    collection = value.get("collection", {}).get("id")
    if collection and value.get("benchmarks"):
        yield "benchmarks and collection cannot be combined"
    elif not collection and not value.get("benchmarks"):
        yield "benchmarks or collection is required"


JOB = Struct(
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
        "exports": Field(Struct({"oci": Field(_OCI, pointer=True)}), pointer=True),
        "hardware_config": _HARDWARE,
        "queue": Field(_QUEUE, pointer=True),
    },
    check=_benchmarks_or_collection,
)

# Events

_MESSAGE = Field(
    Struct({"message": _MUST, "message_code": _MUST, "message_origin": TEXT}),
    pointer=True,
)


def _schema_of_metrics(value: Json) -> Iterator[str]:
    names = [schema.get("name") for schema in value.get("metrics_schema", ())]
    for index, name in enumerate(names):
        if name not in value.get("metrics", {}):
            yield f"metrics_schema[{index}].name is not among the metrics"
    if len(set(names)) < len(names):
        yield "metrics_schema has a name twice"


_STATUS_EVENT = Struct(
    {
        "provider_id": _MUST,
        "id": _MUST,
        "benchmark_index": Field("integer"),
        "status": Field(required=True, one_of=("pending", "running", "completed", "failed")),
        "phase": Field(
            one_of=(
                "initializing",
                "loading_data",
                "running_evaluation",
                "post_processing",
                "persisting_artifacts",
                "completed",
            ),
        ),
        "metrics": MAP,
        "metrics_schema": Field(
            Struct(
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
                    ),
                },
            ),
            many=True,
        ),
        "artifacts": MAP,
        "additional_info": MAP,
        "error_message": _MESSAGE,
        "warning_message": _MESSAGE,
        "started_at": Field(checks=(_DATETIME,)),
        "completed_at": Field(checks=(_DATETIME,)),
        "mlflow_run_id": TEXT,
        "logs_path": TEXT,
        "job_meta": Field(Struct({"resolved_sha": TEXT}), pointer=True),
    },
    check=_schema_of_metrics,
)
EVENT = Struct(
    {"benchmark_status_event": Field(_STATUS_EVENT, required=True, pointer=True)},
)
