"""What people write against 1.0, one test a habit."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from typing import Any

import pytest
from pydantic import ValidationError

from evalhub.adapter import (
    DefaultCallbacks,
    ErrorInfo,
    JobResults,
    JobSpec,
    JobStatus,
    JobStatusUpdate,
    MessageInfo,
    OCIArtifactSpec,
    get_job_spec_path,
)
from evalhub.errors import JobSpecError, JobSpecNotFoundError
from evalhub.models.api import (
    Benchmark,
    BenchmarkConfig,
    BenchmarksList,
    EvaluationRequest,
    GitTestDataRef,
    JobSubmissionRequest,
    ModelConfig,
    OCISigningConfig,
)

JOB: dict[str, Any] = {
    "id": "job-1",
    "provider_id": "field",
    "benchmark_id": "arc",
    "benchmark_index": 2,
    "model": {"name": "m"},
    "parameters": {"limit": 7},
    "callback_url": "http://localhost:8080",
    "tags": [{"key": "team", "value": "red"}, {"key": "run", "value": "nightly"}],
}
OTHER = {"id": "job-2", "parameters": {"limit": 8}}
DOCUMENTED = {"job_id": "job-2", "benchmark_config": {"limit": 8}}


@pytest.fixture
def spec() -> JobSpec:
    return JobSpec(**JOB)


@pytest.fixture
def results() -> JobResults:
    return JobResults(  # type: ignore[call-arg]  # `id`, as adapters write it
        id="job-1",
        benchmark_id="arc",
        benchmark_index=2,
        model_name="m",
        results=[],
        num_examples_evaluated=0,
        duration_seconds=0.0,
    )


def old_copy(spec: JobSpec, update: dict[str, Any]) -> JobSpec:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return spec.copy(update=update)


CHANGES = {
    "model_copy": lambda spec, new: spec.model_copy(update=new),
    "deep copy": lambda spec, new: spec.model_copy(update=new, deep=True),
    "copy": old_copy,
    "dump, keywords": lambda spec, new: JobSpec(**{**spec.model_dump(), **new}),
    "dump, wire names": lambda spec, new: JobSpec(**{**spec.model_dump(by_alias=True), **new}),
    "dump, union": lambda spec, new: JobSpec.model_validate(spec.model_dump() | new),
    "union, dump": lambda spec, new: JobSpec.model_validate({**spec.model_dump()} | new),
    "json": lambda spec, new: JobSpec.model_validate_json(
        json.dumps({**json.loads(spec.model_dump_json()), **new})
    ),
    "by name": lambda spec, new: JobSpec.model_validate(
        {**spec.model_dump(), **new}, by_alias=False, by_name=True
    ),
    "by alias": lambda spec, new: JobSpec.model_validate(
        {**spec.model_dump(), **new}, by_alias=True, by_name=False
    ),
}


@pytest.mark.parametrize("new", [OTHER, DOCUMENTED], ids=["wire", "documented"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_has_the_new_values(spec: JobSpec, change: str, new: Any) -> None:
    changed = CHANGES[change](spec, new)

    assert changed.id == changed.job_id == "job-2"
    assert changed.parameters == changed.benchmark_config == {"limit": 8}
    assert not changed.model_extra
    assert changed == JobSpec(**{**JOB, **OTHER})


@pytest.mark.parametrize("new", [OTHER, DOCUMENTED], ids=["wire", "documented"])
def test_a_model_is_made_without_validation_from_either_names(spec: JobSpec, new: Any) -> None:
    made = JobSpec.model_construct(**{**spec.model_dump(), **new})

    assert (made.id, made.parameters, made.model_extra) == ("job-2", {"limit": 8}, {})


def test_assigning_is_seen_under_both_names(spec: JobSpec, results: JobResults) -> None:
    spec.parameters = {"limit": 8}
    results.id = "job-2"

    assert spec.benchmark_config == {"limit": 8}
    assert results.job_id == results.model_dump()["id"] == "job-2"


def test_dumps_compare_under_both_names(spec: JobSpec, results: JobResults) -> None:
    dump = results.model_dump()

    assert dump == {**results.model_dump(by_alias=True)}
    assert dump == dict(dump)
    assert dump != {**dump, "id": "job-2"}
    assert dump != list(dump)  # type: ignore[comparison-overlap]
    assert spec.model_dump()["parameters"] == {"limit": 7}


def test_a_dump_is_joined_under_both_names(spec: JobSpec) -> None:
    joined = spec.model_dump() | {"id": "job-2"}
    assert joined["job_id"] == joined["id"] == "job-2"
    assert ({"id": "job-2"} | spec.model_dump())["job_id"] == "job-1"
    joined |= {"job_id": "job-3"}
    assert joined["id"] == "job-3"


def test_the_old_forms_of_dumps_have_both_names(spec: JobSpec) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        assert spec.dict()["id"] == "job-1"
        assert spec.copy(exclude={"parameters"}).model_dump().get("benchmark_config") is None


def test_tags_are_read_as_pairs_and_as_a_dictionary(spec: JobSpec) -> None:
    pairs = {"team": "red", "run": "nightly"}

    assert {tag["key"]: tag["value"] for tag in spec.tags} == pairs  # type: ignore[index]
    assert {tag.get("key"): tag.get("value") for tag in spec.tags} == pairs  # type: ignore[attr-defined]
    assert dict(spec.tags) == {**spec.tags} == spec.tags == pairs
    assert [spec.tags[key] for key in spec.tags] == ["red", "nightly"]
    assert spec.tags[1]["value"] == "nightly"  # type: ignore[index]
    assert [tag["key"] for tag in spec.model_dump()["tags"]] == ["team", "run"]
    assert spec.model_dump(by_alias=True)["tags"] == JOB["tags"]
    with pytest.raises(KeyError, match="absent"):
        _ = spec.tags["absent"]
    with pytest.raises(KeyError, match="colour"):
        _ = next(iter(spec.tags))["colour"]  # type: ignore[index]
    assert next(iter(spec.tags))[0] == "t"
    assert next(iter(spec.tags)).get("colour", 1) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda spec: spec.model_copy(deep=True),
        copy.deepcopy,
        lambda spec: pickle.loads(pickle.dumps(spec)),
        lambda spec: spec.model_copy(update={"tags": JOB["tags"]}),
        lambda spec: JobSpec(**{**spec.model_dump(), "tags": dict(spec.tags)}),
    ],
)
def test_tags_of_a_copy_are_read_as_pairs_too(spec: JobSpec, duplicate: Any) -> None:
    assert [tag["value"] for tag in duplicate(spec).tags] == ["red", "nightly"]


def test_tags_are_assigned_in_either_form(spec: JobSpec) -> None:
    spec.tags = [{"key": "a", "value": "b"}]  # type: ignore[assignment]
    assert spec.tags == {"a": "b"}
    assert pickle.loads(pickle.dumps(list(spec.tags)))[0]["value"] == "b"
    with pytest.raises(ValueError, match="each tag must be an object with key and value"):
        spec.tags = ["a"]  # type: ignore[assignment]


def test_an_update_without_a_message_has_one_to_show() -> None:
    update = JobStatusUpdate(status=JobStatus.RUNNING)

    assert update.message.message == "status update"  # type: ignore[union-attr]
    assert not update.message
    assert JobStatusUpdate(status=JobStatus.RUNNING, message=None).message == update.message
    given = MessageInfo(message="half way", message_code="running")
    assert JobStatusUpdate(status=JobStatus.RUNNING, message=given).message == given


def test_the_error_is_found_in_either_field() -> None:
    message = MessageInfo(message="boom", message_code="a")
    error = ErrorInfo(message="bang", message_code="b")

    def resolved(**fields: Any) -> Any:
        return JobStatusUpdate(status=JobStatus.FAILED, **fields).resolved_error

    assert resolved() is None
    assert resolved(error=error) == error
    assert resolved(error_message=message, error=error) == message


def test_an_unknown_field_of_results_and_updates_is_a_warning(
    results: JobResults, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        JobStatusUpdate.model_validate({"status": "running", "procent": 5})
    results.overall_sore = 0.5  # type: ignore[attr-defined]
    OCIArtifactSpec(title="t", fles=[])

    assert [message.partition(";")[0] for message in caplog.messages] == [
        "JobStatusUpdate has no field 'procent'",
        "JobResults has no field 'overall_sore'",
        "OCIArtifactSpec has no field 'fles'",
    ]
    assert "did you mean 'overall_score'" in caplog.text


def test_what_is_assigned_to_results_is_checked(results: JobResults) -> None:
    with pytest.raises(ValidationError, match="valid number"):
        results.overall_score = "x"  # type: ignore[assignment]
    results.overall_score = "0.5"  # type: ignore[assignment]
    results.completed_at = "2026-01-01T00:00:00Z"  # type: ignore[assignment]

    assert results.overall_score == 0.5
    assert results.completed_at.year == 2026


def test_an_unknown_attribute_of_a_request_is_refused() -> None:
    benchmark = BenchmarkConfig(id="mmlu", provider_id="harness")
    with pytest.raises(ValueError, match="did you mean 'weight'"):
        benchmark.wieght = 2  # type: ignore[attr-defined]


def test_a_missing_job_file_is_a_file_not_found(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "none.json"
    monkeypatch.setenv("EVALHUB_JOB_SPEC_PATH", str(path))
    monkeypatch.delenv("EVALHUB_MODE", raising=False)

    for look in (lambda: JobSpec.from_file(path), get_job_spec_path):
        with pytest.raises(FileNotFoundError, match=r"none\.json does not exist") as raised:
            look()
        assert isinstance(raised.value, JobSpecError)
        assert isinstance(raised.value, JobSpecNotFoundError)
        assert raised.value.path == path


def test_the_place_of_the_job_file_is_returned(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.json").write_text("{}")
    monkeypatch.setenv("EVALHUB_JOB_SPEC_PATH", str(tmp_path / "job.json"))

    assert get_job_spec_path() == tmp_path / "job.json"


def test_callbacks_take_their_first_arguments_by_position() -> None:
    callbacks = DefaultCallbacks("j", "b", "p", 0, None, True, "token")

    assert callbacks.primary_score is None
    assert callbacks.generate_additional_info_fn is None


def test_a_model_without_a_url_has_an_empty_one(spec: JobSpec) -> None:
    assert spec.model.url.rstrip("/") == ""
    assert ModelConfig(name="m", url=None).url == ""
    request = JobSubmissionRequest.model_validate(
        {
            "name": "j",
            "model": {"name": "m"},
            "benchmarks": [
                {
                    "id": "b",
                    "provider_id": "p",
                    "test_data_ref": {"type": "pre_recorded_data", "pvc": {"claim_name": "c"}},
                }
            ],
        }
    )
    assert request.to_wire()["model"] == {"name": "m"}


def test_listed_benchmarks_may_name_their_provider() -> None:
    listed = BenchmarksList(
        total_count=2,
        items=[{"id": "a", "provider_id": "p"}, Benchmark(id="b")],
    )

    assert [getattr(item, "provider_id", None) for item in listed.items] == ["p", None]


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        (lambda: ModelConfig(name=" ", url="http://m"), "must not be blank"),
        (lambda: BenchmarkConfig(id=" ", provider_id="p"), "must not be blank"),
        (
            lambda: EvaluationRequest(model=ModelConfig(name="m"), benchmark_id=" "),
            "must not be blank",
        ),
        (
            lambda: EvaluationRequest(model=ModelConfig(name="m"), benchmarks=[""]),
            "must not be blank",
        ),
        (lambda: GitTestDataRef(url="https://", ref="main"), "url has no host: 'https://'"),
        (OCISigningConfig, "Field required"),
        (lambda: OCISigningConfig(type="key-pair", secret_ref=" "), "must not be blank"),
    ],
)
def test_what_the_service_refuses_is_refused_before_it_is_sent(build: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        build()
