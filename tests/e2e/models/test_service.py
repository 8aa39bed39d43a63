"""The models against the real service: what is sent arrives, what is refused is refused."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import ValidationError

from evalhub.models import (
    Collection,
    CollectionCloneRequest,
    CollectionCreateRequest,
    CollectionFile,
    CollectionList,
    EvaluationJob,
    EvaluationRequest,
    JobSubmissionRequest,
    PatchOp,
    PatchOperation,
    Provider,
    ProviderCreateRequest,
    ProviderFile,
)
from evalhub.testing.service import RealEvalHub

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "recorded" / "record.py"))
PROVIDER: dict[str, Any] = SCRIPT["PROVIDER"]
COLLECTION: dict[str, Any] = SCRIPT["COLLECTION"]
EVERYTHING: dict[str, Any] = SCRIPT["EVERYTHING"]


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """Talk to a service that was configured from our models."""
    provider = ProviderFile.model_validate(PROVIDER).to_yaml_dict()
    collection = CollectionFile.model_validate(COLLECTION).to_yaml_dict()
    with (
        RealEvalHub(providers=[provider], collections=[collection]) as service,
        httpx.Client(base_url=f"{service.url}/api/v1/evaluations") as http,
    ):
        yield http


def test_every_field_of_a_job_comes_back(http):
    request = JobSubmissionRequest.model_validate(EVERYTHING)

    reply = http.post("/jobs", json=request.to_wire())

    assert reply.status_code == 202, reply.text
    job = EvaluationJob.model_validate_json(reply.content)
    for field in request.model_fields_set:
        assert getattr(job, field) == getattr(request, field), field


def test_a_request_in_few_words_is_a_job(http):
    request = EvaluationRequest.model_validate(
        {
            "model": SCRIPT["MODEL"],
            "benchmarks": ["sums", "products"],
            "num_examples": 3,
            "tags": {"team": "blue"},
        }
    )

    reply = http.post("/jobs", json=request.to_job("toolbox").to_wire())

    assert reply.status_code == 202, reply.text
    job = EvaluationJob.model_validate_json(reply.content)
    assert [benchmark.id for benchmark in job.benchmarks] == ["sums", "products"]
    assert job.benchmarks[0].parameters == {"num_examples": 3}
    assert job.tags == ["team=blue"]


def test_a_provider_in_a_file_is_served_as_it_was_written(http):
    served = Provider.model_validate_json(http.get("/providers/toolbox").content)

    written = ProviderFile.model_validate(PROVIDER)
    for field in written.model_fields_set - {"id"}:
        assert getattr(served, field) == getattr(written, field), field


def test_a_collection_in_a_file_is_served_as_it_was_written(http):
    served = Collection.model_validate_json(http.get("/collections/school").content)

    written = CollectionFile.model_validate(COLLECTION)
    for field in written.model_fields_set - {"id", "benchmarks"}:
        assert getattr(served, field) == getattr(written, field), field


def test_trap_17_resources_of_a_provider_survive_rest(http):
    request = ProviderCreateRequest.model_validate(
        {key: value for key, value in PROVIDER.items() if key != "id"}
    )

    reply = http.post("/providers", json=request.to_wire())

    created = Provider.model_validate_json(reply.content)
    for field in request.model_fields_set:
        assert getattr(created, field) == getattr(request, field), field


def test_every_field_of_a_collection_comes_back(http):
    request = CollectionCreateRequest.model_validate(
        {
            **{key: value for key, value in COLLECTION.items() if key != "id"},
            "domains": ["d"],
            "tasks": ["t"],
            "modalities": ["m"],
            "evaluation_targets": ["e"],
            "agent": {"summary": "s", "hints": ["h"]},
        }
    )

    reply = http.post("/collections", json=request.to_wire())

    created = Collection.model_validate_json(reply.content)
    for field in request.model_fields_set - {"benchmarks"}:
        assert getattr(created, field) == getattr(request, field), field
    assert [one.weight for one in created.benchmarks] == [2, None]


def test_a_clone_differs_in_what_was_asked_for_alone(http):
    request = CollectionCloneRequest(name="Copy", tags=["copied"])

    reply = http.post("/collections/school/clones", json=request.to_wire())

    clone = Collection.model_validate_json(reply.content)
    assert (clone.name, clone.tags, clone.derived_from) == ("Copy", ["copied"], "school")
    assert clone.custom == COLLECTION["custom"]
    assert clone.category == COLLECTION["category"]
    assert len(clone.benchmarks) == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/benchmarks", None),
        ("/benchmarks", [{}]),
        ("/benchmarks", [{"primary_score": {}, "pass_criteria": {}, "test_data_ref": {}}]),
        ("/benchmarks", [{"test_data_ref": {"git": {}, "s3": {}, "pvc": {}, "hf": {}}}]),
        ("/name", None),
        ("/category", None),
    ],
)
def test_trap_18_what_an_unchecked_patch_left_is_read(http, path, value):
    body = {"name": "c", "category": "c", "benchmarks": SMALL["benchmarks"]}
    created = Collection.model_validate_json(http.post("/collections", json=body).content)
    patch = PatchOperation(op=PatchOp.REPLACE, path=path, value=value)

    reply = http.patch(f"/collections/{created.id}", json=[patch.to_wire()])

    assert reply.status_code == 200, reply.text
    assert Collection.model_validate_json(reply.content).id == created.id
    listed = CollectionList.model_validate_json(http.get("/collections").content)
    assert created.id in [collection.id for collection in listed.items]


SMALL: dict[str, Any] = {
    "name": "j",
    "model": {"name": "m", "url": "http://model/v1"},
    "benchmarks": [{"id": "sums", "provider_id": "toolbox"}],
}


def _with(**more: Any) -> dict[str, Any]:
    return {**SMALL, "benchmarks": [{**SMALL["benchmarks"][0], **more}]}


@pytest.mark.parametrize(
    "body",
    [
        {**SMALL, "name": ""},
        {**SMALL, "tags": [""]},
        {**SMALL, "tags": ["x" * 129]},
        {**SMALL, "tags": ["a,b"]},
        {**SMALL, "tags": ["a|b"]},
        {**SMALL, "model": {"name": "m"}},
        {**SMALL, "model": {"name": "", "url": "http://model/v1"}},
        {**SMALL, "model": {"name": "m", "url": "no-scheme"}},
        {**SMALL, "benchmarks": []},
        {**SMALL, "collection": {"id": "school"}},
        {**SMALL, "pass_criteria": {}},
        {**SMALL, "experiment": {"name": " "}},
        {**SMALL, "hardware_config": {"hardware_profile_name": "Big"}},
        {**SMALL, "hardware_config": {"hardware_profile_name": "a", "cpu": {"limit": "1"}}},
        {**SMALL, "exports": {"oci": {"coordinates": {"oci_host": "h"}}}},
        _with(weight=-1),
        _with(id=""),
        _with(primary_score={"lower_is_better": True}),
        _with(primary_score={"metric": ""}),
        _with(test_data_ref={}),
        _with(test_data_ref={"pvc": {"claim_name": "A B"}}),
        _with(test_data_ref={"hf": {"repo_id": " "}}),
        _with(test_data_ref={"git": {"url": "ssh://x/y.git", "ref": "main"}}),
        _with(test_data_ref={"git": {"url": "https://x.example/y.git"}}),
        _with(test_data_ref={"pvc": {"claim_name": "a"}, "type": "other"}),
        _with(
            test_data_ref={
                "git": {"url": "http://x.example/y.git", "ref": "main", "secret_ref": "s"}
            }
        ),
    ],
)
def test_the_service_refuses_what_the_models_refuse(http, body):
    with pytest.raises(ValidationError):
        JobSubmissionRequest.model_validate(body)
    assert http.post("/jobs", json=body).status_code == 400


@pytest.mark.parametrize(
    ("path", "model", "body"),
    [
        ("/providers", ProviderCreateRequest, {"name": "p", "description": "x" * 1025}),
        ("/providers", ProviderCreateRequest, {"name": "p", "tags": ["a,b"]}),
        ("/providers", ProviderCreateRequest, {"name": "p", "agent": {"summary": "x" * 201}}),
        ("/providers", ProviderCreateRequest, {"name": "p", "agent": {"target_type": "x"}}),
        ("/collections", CollectionCreateRequest, {"name": "c", "category": "c", "benchmarks": []}),
        (
            "/collections",
            CollectionCreateRequest,
            {"name": "c", "category": "", "benchmarks": SMALL["benchmarks"]},
        ),
        (
            "/collections",
            CollectionCreateRequest,
            {"name": "c", "category": "x" * 129, "benchmarks": SMALL["benchmarks"]},
        ),
        (
            "/collections",
            CollectionCreateRequest,
            {
                "name": "c",
                "category": "c",
                "benchmarks": SMALL["benchmarks"],
                "curation_order": -1,
            },
        ),
    ],
)
def test_the_service_refuses_what_the_catalog_refuses(http, path, model, body):
    with pytest.raises(ValidationError):
        model.model_validate(body)
    assert http.post(path, json=body).status_code == 400
