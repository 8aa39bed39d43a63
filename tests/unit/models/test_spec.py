from __future__ import annotations

import json
from typing import Any

import pytest

from evalhub.errors import ConfigurationError, JobSpecError
from evalhub.models.spec import JobSpec

WIRE: dict[str, Any] = {
    "id": "7a1c",
    "provider_id": "kp",
    "benchmark_id": "k1",
    "benchmark_index": 1,
    "model": {
        "url": "http://localhost:8080/llm/v1",
        "name": "mm",
        "auth": {"secret_ref": "modelsec"},
        "parameters": {"temperature": 0},
    },
    "num_examples": 3,
    "parameters": {"x": 1},
    "experiment_name": "exp1",
    "tags": [{"key": "k", "value": "v"}],
    "callback_url": "http://localhost:8080",
    "exports": {
        "oci": {
            "coordinates": {
                "oci_host": "quay.io",
                "oci_repository": "org/repo",
                "oci_tag": "t",
                "annotations": {"a": "b"},
            }
        }
    },
    "primary_score": {"metric": "acc", "lower_is_better": True},
}


@pytest.fixture
def job_file(tmp_path):
    return tmp_path / "job.json"


def test_the_service_s_file_is_read_and_written_back_whole(job_file):
    job_file.write_text(json.dumps(WIRE))
    spec = JobSpec.from_file(str(job_file))
    assert spec.to_wire() == WIRE
    assert JobSpec.model_validate({**WIRE, "timeout_seconds": 5}).to_wire()["timeout_seconds"] == 5
    assert (spec.job_id, spec.id) == ("7a1c", "7a1c")
    assert spec.benchmark_config is spec.parameters
    assert spec.tags == {"k": "v"}


def test_the_documented_names_are_the_fields():
    spec = JobSpec(
        job_id="j",
        benchmark_id="b",
        model={"name": "m", "url": "http://m"},
        benchmark_config={"few": 2},
        callback_url="http://c",
        tags={"a": "b"},
    )
    dumped = spec.model_dump(exclude_unset=True)
    assert dumped["job_id"] == "j"
    assert dumped["benchmark_config"] == {"few": 2}
    assert dumped["tags"] == {"a": "b"}


def test_fields_are_assigned_by_either_name():
    spec = JobSpec.model_validate(WIRE)
    spec.id = "other"
    spec.parameters = {"y": 2}
    spec.parameters["z"] = 3
    spec.benchmark_id = "renamed"
    spec.experiment_name = None
    copy = spec.model_copy(deep=True)
    assert copy.to_wire()["parameters"] == {"y": 2, "z": 3}
    assert copy.job_id == "other"


def test_unknown_keys_are_kept_at_any_depth():
    document = {**WIRE, "new": {"deep": 1}, "model": {**WIRE["model"], "region": "eu"}}
    wire = JobSpec.model_validate(document).to_wire()
    assert wire["new"] == {"deep": 1}
    assert wire["model"]["region"] == "eu"


def test_an_adapter_that_loads_the_file_itself_keeps_unknown_keys_too():
    spec = JobSpec(**{**WIRE, "new": 1, "model": {**WIRE["model"], "newer": 2}})

    assert spec.model.to_wire() == {**WIRE["model"], "newer": 2}
    assert spec.model_extra == {"new": 1}


@pytest.mark.parametrize(
    ("field", "value"), [("timeout_seconds", 0), ("timeout_seconds", -1), ("retry_attempts", -1)]
)
def test_no_run_has_less_than_no_time_or_fewer_than_no_attempts(field, value):
    with pytest.raises(JobSpecError) as caught:
        JobSpec.from_json(json.dumps({**WIRE, field: value}))
    assert field in caught.value.details[0]


def test_null_tags_are_no_tags():
    assert JobSpec.model_validate({**WIRE, "tags": None}).tags == {}


@pytest.mark.parametrize(
    ("given", "deadline"),
    [({}, None), ({"timeout_seconds": None}, None), ({"timeout_seconds": 5}, 5.0)],
)
def test_a_deadline_is_one_the_job_sets(given, deadline):
    assert JobSpec.model_validate({**WIRE, **given}).deadline_seconds == deadline


def test_a_byte_order_mark_is_no_obstacle(job_file):
    job_file.write_bytes(b"\xef\xbb\xbf" + json.dumps(WIRE).encode())
    assert JobSpec.from_file(job_file).job_id == "7a1c"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"id": "a"', "is not JSON: Expecting ',' delimiter (line 1, column 11)"),
        (b"not json", "is not JSON: Expecting value (line 1, column 1)"),
        (b"[" * 200_000, "contains a number too large, or nesting too deep, to parse"),
        (
            b'{"id": ' + b"9" * 5000 + b"}",
            "contains a number too large, or nesting too deep, to parse",
        ),
        (b"[1]", "contains a JSON array, not an object"),
        (b"null", "contains a JSON null, not an object"),
        (b'"text"', "contains a JSON string, not an object"),
        (b"3", "contains a JSON number, not an object"),
        (b"true", "contains a JSON boolean, not an object"),
        (b"\xff\xfe{}", "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_job_is_refused_in_one_line(job_file, content, problem):
    job_file.write_bytes(content)
    with pytest.raises(JobSpecError) as caught:
        JobSpec.from_file(job_file)
    assert str(caught.value) == f"job file {job_file} {problem}"
    assert caught.value.path == job_file


def test_a_missing_file_says_what_to_set(job_file):
    with pytest.raises(JobSpecError, match=r"does not exist; set EVALHUB_JOB_SPEC_PATH or pass"):
        JobSpec.from_file(job_file)


def test_a_directory_is_not_a_file(tmp_path):
    with pytest.raises(JobSpecError, match=r"cannot be read: Is a directory"):
        JobSpec.from_file(tmp_path)


def test_everything_that_is_missing_is_named_at_once_in_both_vocabularies(job_file):
    job_file.write_text('{"provider_id": "p"}')
    with pytest.raises(JobSpecError) as caught:
        JobSpec.from_file(job_file)
    error = caught.value
    assert isinstance(error, ConfigurationError)
    assert error.message == (
        f"job file {job_file} is invalid: missing job_id (on the wire: id), benchmark_id, model, "
        "benchmark_config (on the wire: parameters), callback_url"
    )
    assert error.details == (
        "missing: job_id (on the wire: id)",
        "missing: benchmark_id",
        "missing: model",
        "missing: benchmark_config (on the wire: parameters)",
        "missing: callback_url",
    )


def test_wrong_types_are_named_and_no_value_is_shown():
    document = {
        **WIRE,
        "benchmark_index": "sk-secret",
        "model": {"name": 3, "api_key": "sk-secret"},
        "callback_url": 7,
        "tags": [{"sk-secret": 1}],
    }
    with pytest.raises(JobSpecError) as caught:
        JobSpec.from_json(json.dumps(document))
    text = str(caught.value)
    assert text.startswith("job specification is invalid: 4 invalid fields\n")
    for name in ("benchmark_index", "model.name", "callback_url", "tags"):
        assert f"  - {name}: " in text
    assert "sk-secret" not in text


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host", "http://", "not a url"])
def test_a_callback_url_that_is_not_one_is_refused(url):
    with pytest.raises(JobSpecError, match=r"callback_url: .*must be an http\(s\) URL"):
        JobSpec.from_json(json.dumps({**WIRE, "callback_url": url}))


def test_null_and_empty_callback_urls_report_nowhere():
    for url in (None, ""):
        assert JobSpec.from_json(json.dumps({**WIRE, "callback_url": url})).callback_url is None


@pytest.mark.parametrize("name", ["id", "benchmark_id"])
def test_an_id_names_something(name):
    with pytest.raises(JobSpecError, match=r"should have at least 1 character"):
        JobSpec.from_json(json.dumps({**WIRE, name: ""}))
