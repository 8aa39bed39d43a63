"""Both vocabularies, in every way pydantic copies, dumps and updates a model."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from evalhub.models.oci import OCIArtifactSpec
from evalhub.models.result import JobResults
from evalhub.models.spec import JobSpec

SPEC: dict[str, Any] = {
    "id": "job-1",
    "benchmark_id": "mmlu",
    "model": {"name": "m"},
    "parameters": {"limit": 1},
    "callback_url": None,
}


@pytest.fixture
def spec() -> JobSpec:
    return JobSpec(**SPEC)


@pytest.fixture
def results() -> JobResults:
    return JobResults(
        job_id="job-1",
        benchmark_id="mmlu",
        model_name="m",
        results=[],
        num_examples_evaluated=0,
        duration_seconds=0,
    )


@pytest.mark.parametrize("name", ["id", "job_id"])
def test_a_copy_takes_either_name(spec: JobSpec, results: JobResults, name: str) -> None:
    for model in (spec, results):
        changed = model.model_copy(update={name: "job-2"})
        assert (changed.id, changed.job_id) == ("job-2", "job-2")
        assert not changed.model_extra


@pytest.mark.parametrize("name", ["parameters", "benchmark_config"])
@pytest.mark.parametrize("by_alias", [True, False])
def test_a_dump_with_one_field_replaced_is_the_changed_job(
    spec: JobSpec, name: str, *, by_alias: bool
) -> None:
    dump = spec.model_dump(by_alias=by_alias)
    for changed in (
        JobSpec(**{**dump, name: {"limit": 2}}),
        JobSpec.model_validate(dump | {name: {"limit": 2}}),
        JobSpec.model_validate_json(json.dumps({**dump, name: {"limit": 2}})),
    ):
        assert changed.parameters == changed.benchmark_config == {"limit": 2}
        assert not changed.model_extra


def test_a_dump_finds_a_field_by_either_name(spec: JobSpec) -> None:
    dump = spec.model_dump()
    assert dump["id"] == dump["job_id"] == dump.get("id") == "job-1"
    assert dump["parameters"] is dump["benchmark_config"]
    assert "parameters" in dump
    assert "elsewhere" not in dump
    assert dump.get("elsewhere", 3) == 3
    with pytest.raises(KeyError, match="elsewhere"):
        _ = dump["elsewhere"]


def test_a_dump_lists_each_field_once(spec: JobSpec) -> None:
    dump = spec.model_dump()
    assert list(dump).count("job_id") == 1
    assert "id" not in list(dump)
    assert dict(dump) == dump


def test_a_dump_is_changed_by_either_name(spec: JobSpec) -> None:
    dump = spec.model_dump()
    dump["id"] = "job-2"
    dump.update({"parameters": {}})
    assert (dump["job_id"], dump["benchmark_config"]) == ("job-2", {})
    assert dump.setdefault("id", "job-3") == "job-2"
    assert dump.pop("id") == "job-2"
    assert "job_id" not in dump
    del dump["parameters"]
    assert "benchmark_config" not in dump
    assert dump.pop("id", None) is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda d: d.copy()])
def test_a_copied_dump_keeps_both_names(spec: JobSpec, duplicate: Any) -> None:
    assert duplicate(spec.model_dump())["id"] == "job-1"


def test_a_dump_crosses_processes(spec: JobSpec) -> None:
    assert pickle.loads(pickle.dumps(spec.model_dump()))["id"] == "job-1"


@pytest.mark.parametrize("name", ["parameters", "benchmark_config"])
def test_include_and_exclude_take_either_name(spec: JobSpec, name: str) -> None:
    assert list(spec.model_dump(include={name})) == ["benchmark_config"]
    assert "benchmark_config" not in list(spec.model_dump(exclude={name: True}))
    assert "benchmark_config" not in json.loads(spec.model_dump_json(exclude={name}))


def test_the_artifact_specification_takes_either_name() -> None:
    spec = OCIArtifactSpec(id="job-1", files=[])
    assert spec.model_copy(update={"id": "job-2"}).job_id == "job-2"
    assert spec.model_dump()["id"] == "job-1"
