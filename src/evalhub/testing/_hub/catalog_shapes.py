"""The bodies of providers and collections (wire contract 1.8 and 1.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub.testing._hub.schema import Field, Struct
from evalhub.testing._hub.shapes import (
    CRITERIA,
    IN_COLLECTION,
    LIST,
    MAP,
    NOT_NEGATIVE,
    SCORE,
    SHORT,
    TAGS,
    TEXT,
    at_most,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evalhub.testing._hub.values import Json

__all__ = ["CATEGORY_OR_DOMAINS", "COLLECTION", "PROVIDER"]

_ENV = Field(Struct({"Name": Field(keep=True), "Value": Field(keep=True)}), many=True)
_KEPT = Field(keep=True)
_FACETS = dict.fromkeys(("domains", "tasks", "modalities"), LIST)
_AGENT = {
    "evaluates": LIST,
    "recommended_when": LIST,
    "summary": Field(checks=(at_most(200),)),
    "complements": LIST,
    "hints": LIST,
    "result_interpretation": LIST,
}
_PROVIDER_BENCHMARK = Struct(
    {
        "id": _KEPT,
        "url": TEXT,
        "name": _KEPT,
        "description": SHORT,
        "category": _KEPT,
        "metrics": LIST,
        "num_few_shot": Field("integer", keep=True),
        "dataset_size": Field("integer", keep=True),
        "tags": TAGS,
        "primary_score": SCORE,
        "pass_criteria": CRITERIA,
        "agent": Field(
            Struct(
                {
                    "result_interpretation": TEXT,
                    "score_ranges": Field(Struct({"range": TEXT, "meaning": TEXT}), many=True),
                },
            ),
            pointer=True,
        ),
        **_FACETS,
        "evaluation_targets": LIST,
    },
)
_K8S = Struct(
    {
        "Image": _KEPT,
        "Entrypoint": Field("list of strings", keep=True),
        "CPURequest": _KEPT,
        "MemoryRequest": _KEPT,
        "CPULimit": _KEPT,
        "MemoryLimit": _KEPT,
        "gpu": Field(
            Struct(
                {
                    "resource": TEXT,
                    "count": Field("integer"),
                    "node_selector": Field("map of strings"),
                },
            ),
            pointer=True,
        ),
        "Env": Field(_ENV.type, many=True, keep=True),
        "image_pull_policy": Field(one_of=("if_not_present", "always")),
    },
)
PROVIDER = Struct(
    {
        "name": _KEPT,
        "title": _KEPT,
        "description": SHORT,
        "tags": TAGS,
        "benchmarks": Field(_PROVIDER_BENCHMARK, many=True, pointer=True, keep=True),
        "runtime": Field(
            Struct(
                {
                    "k8s": Field(_K8S, pointer=True),
                    "local": Field(Struct({"command": TEXT, "env": _ENV}), pointer=True),
                },
            ),
            pointer=True,
        ),
        "agent": Field(
            Struct(
                {**_AGENT, "target_type": Field(one_of=("model", "agent", "inference_server"))},
            ),
            pointer=True,
        ),
    },
)

# Collections

COLLECTION = Struct(
    {
        "name": Field(required=True, keep=True),
        "description": SHORT,
        "category": Field(required=True, keep=True, checks=(at_most(128),)),
        "tags": TAGS,
        "custom": MAP,
        "pass_criteria": CRITERIA,
        "benchmarks": Field(
            Struct({**IN_COLLECTION, "url": TEXT}),
            many=True,
            required=True,
            keep=True,
        ),
        "agent": Field(Struct(_AGENT), pointer=True),
        "curation_order": Field("integer", checks=(NOT_NEGATIVE,)),
        **_FACETS,
        "industries": LIST,
        "evaluation_targets": LIST,
    },
)


def _category_or_domains(value: Json) -> Iterator[str]:
    if not value.get("category") and not value.get("domains"):
        yield "category is required without domains"


CATEGORY_OR_DOMAINS = Struct(
    {**COLLECTION.fields, "category": Field(keep=True, checks=(at_most(128),))},
    check=_category_or_domains,
)
"""A collection of service 1.0.3."""
