"""Providers and collections, over REST and as files."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evalhub.models import (
    Collection,
    CollectionCloneRequest,
    CollectionCreateRequest,
    CollectionFile,
    Provider,
    ProviderCreateRequest,
    ProviderFile,
    ProviderUpdateRequest,
    TargetType,
)

RECORDED = Path(__file__).parents[2] / "recorded"
SCRIPT = runpy.run_path(str(RECORDED / "record.py"))
PROVIDER: dict[str, Any] = SCRIPT["PROVIDER"]
COLLECTION: dict[str, Any] = SCRIPT["COLLECTION"]


def recorded(name: str) -> Any:
    return json.loads((RECORDED / f"{name}.json").read_text())


def test_a_file_and_the_service_name_the_same_provider_differently():
    file = ProviderFile.model_validate(PROVIDER)
    served = Provider.model_validate(recorded("provider_system"))

    assert file.runtime == served.runtime
    assert file.benchmarks[0] == served.benchmarks[0]
    assert file.to_yaml_dict()["runtime"] == PROVIDER["runtime"]
    assert served.to_wire()["runtime"] == recorded("provider_system")["runtime"]


def test_over_rest_the_runtime_has_the_names_the_service_reads():
    request = ProviderCreateRequest.model_validate(
        {
            "name": "p",
            "runtime": {
                "k8s": {
                    "image": "i",
                    "entrypoint": ["python"],
                    "cpu_request": "1",
                    "memory_request": "2",
                    "cpu_limit": "3",
                    "memory_limit": "4",
                    "env": [{"name": "A", "value": "b"}],
                    "gpu": {"resource": "r", "count": 1, "node_selector": {"a": "b"}},
                    "image_pull_policy": "always",
                }
            },
        }
    )

    assert request.to_wire()["runtime"]["k8s"] == {
        "Image": "i",
        "Entrypoint": ["python"],
        "CPURequest": "1",
        "MemoryRequest": "2",
        "CPULimit": "3",
        "MemoryLimit": "4",
        "Env": [{"Name": "A", "Value": "b"}],
        "gpu": {"resource": "r", "count": 1, "node_selector": {"a": "b"}},
        "image_pull_policy": "always",
    }


def test_a_file_is_written_as_it_was_read():
    provider = ProviderFile.model_validate(PROVIDER)
    collection = CollectionFile.model_validate(COLLECTION)

    assert ProviderFile.model_validate(provider.to_yaml_dict()) == provider
    assert provider.model_dump(mode="json", exclude_unset=True) == PROVIDER
    assert collection.model_dump(mode="json", exclude_unset=True) == COLLECTION
    assert CollectionFile.model_validate(collection.to_yaml_dict()) == collection


def test_what_a_provider_never_set_is_an_empty_list():
    provider = Provider.model_validate(recorded("provider_created"))

    assert provider.benchmarks == []
    assert provider.runtime is not None
    assert provider.runtime.k8s is not None
    assert provider.runtime.k8s.entrypoint == []
    assert provider.runtime.k8s.env == []


def test_a_provider_says_what_it_is():
    provider = Provider.model_validate(recorded("provider_system"))

    assert provider.id == provider.resource.id == "toolbox"
    assert provider.resource.owner == "system"
    assert provider.agent is not None
    assert provider.agent.target_type is TargetType.MODEL
    assert provider.benchmarks[2].primary_score is not None
    assert provider.benchmarks[2].primary_score.lower_is_better


def test_a_clone_says_where_it_comes_from():
    clone = Collection.model_validate(recorded("collection_clone"))

    assert clone.id == clone.resource.id
    assert clone.derived_from == "school"
    assert clone.curation_order is None
    assert clone.status is not None
    assert clone.status.run_count == 0


def test_a_patched_collection_is_read_though_no_rule_holds_for_it():
    patched = Collection.model_validate(recorded("collection_patched"))

    assert patched.category == ""
    assert patched.benchmarks == []
    assert patched.tags == ["a,b"]
    assert patched.pinned_order == 1
    assert patched.pass_criteria is not None
    assert patched.pass_criteria.threshold is None


def test_a_clone_is_asked_for_with_what_differs_alone():
    assert CollectionCloneRequest(name="Copy").to_wire() == {"name": "Copy"}
    assert CollectionCloneRequest(custom={}).to_wire() == {"custom": {}}


MINIMAL = {"name": "c", "category": "x", "benchmarks": [{"id": "b", "provider_id": "p"}]}


@pytest.mark.parametrize(
    ("model", "data", "where", "what"),
    [
        (CollectionCreateRequest, {**MINIMAL, "name": ""}, "name", "must not be blank"),
        (CollectionCreateRequest, {**MINIMAL, "category": ""}, "category", "must not be empty"),
        (
            CollectionCreateRequest,
            {**MINIMAL, "category": "x" * 129},
            "category",
            "must have at most 128 characters or entries, not 129",
        ),
        (CollectionCreateRequest, {**MINIMAL, "benchmarks": []}, "benchmarks", "must not be empty"),
        (
            CollectionCreateRequest,
            {**MINIMAL, "benchmarks": None},
            "benchmarks",
            "must not be empty",
        ),
        (
            CollectionCreateRequest,
            {**MINIMAL, "curation_order": -1},
            "curation_order",
            "must be at least 0, not -1",
        ),
        (
            CollectionCreateRequest,
            {**MINIMAL, "derived_from": "x"},
            "derived_from",
            (
                "CollectionCreateRequest has no field 'derived_from'; its fields are description,"
                " tags, custom, pass_criteria, agent, curation_order, domains, tasks, modalities,"
                " industries, evaluation_targets, name, category, benchmarks"
            ),
        ),
        (
            CollectionCreateRequest,
            {**MINIMAL, "benchmarks": [{"id": "b", "provider": "p", "provider_id": "p"}]},
            "benchmarks.0.provider",
            "BenchmarkReference has no field 'provider'; did you mean 'provider_id'?",
        ),
        (
            ProviderUpdateRequest,
            {"name": "p", "description": "x" * 1025},
            "description",
            "must have at most 1024 characters or entries, not 1025",
        ),
        (
            ProviderCreateRequest,
            {"name": "p", "agent": {"summary": "x" * 201}},
            "agent.summary",
            "must have at most 200 characters or entries, not 201",
        ),
        (
            ProviderCreateRequest,
            {"name": "p", "runtime": {"k8s": {"cpu_requests": "1"}}},
            "runtime.k8s.cpu_requests",
            "K8sRuntime has no field 'cpu_requests'; did you mean 'cpu_request'?",
        ),
        (
            ProviderFile,
            {"name": "p", "id": "x" * 37},
            "id",
            "must have at most 36 characters or entries, not 37",
        ),
    ],
)
def test_what_the_service_would_refuse_is_refused(model, data, where, what):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)

    (error,) = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == where
    assert error["msg"].removeprefix("Value error, ") == what
