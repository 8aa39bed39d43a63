"""What a person submits: refused where the service would refuse it, with the field named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from evalhub.errors import ConfigurationError
from evalhub.models import (
    BenchmarkConfig,
    EvaluationJob,
    EvaluationRequest,
    JobSubmissionRequest,
    ModelConfig,
    PassCriteria,
    PatchOperation,
    TestDataRef,
)

EVERYTHING: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "recorded" / "job_everything.json").read_text()
)
MODEL: dict[str, Any] = {"name": "m", "url": "http://model/v1"}
BENCHMARK: dict[str, Any] = {"id": "mmlu", "provider_id": "p"}
URL_REQUIRED = (
    "model.url is required unless test_data_ref.type of every benchmark is 'pre_recorded_data'"
)
JOB: dict[str, Any] = {"name": "j", "model": MODEL, "benchmarks": [BENCHMARK]}
GIT = {"url": "https://example.com/x.git", "ref": "main"}


def problem(model: Any, data: Any) -> tuple[str, str]:
    """Return where and what the one thing wrong is."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    (error,) = caught.value.errors()
    return ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")


def with_benchmark(**more: Any) -> dict[str, Any]:
    return {**JOB, "benchmarks": [{**BENCHMARK, **more}]}


def test_a_job_with_every_field_the_service_has_goes_out_as_it_was_written():
    sent = {key: EVERYTHING[key] for key in EVERYTHING.keys() - {"resource", "status", "results"}}
    sent["experiment"] = {
        "name": "e",
        "tags": [{"key": "k", "value": "v"}],
        "artifact_location": "s3://bucket",
    }

    job = JobSubmissionRequest.model_validate(sent)

    assert job.model_dump(mode="json", by_alias=True, exclude_unset=True) == sent
    assert job.to_wire()["model"]["parameters"] == {"stop": None, "temperature": 0}


def test_a_small_job_says_nothing_it_was_not_told():
    assert JobSubmissionRequest.model_validate(JOB).to_wire() == {
        "name": "j",
        "tags": [],
        "model": MODEL,
        "benchmarks": [{**BENCHMARK, "parameters": {}}],
    }


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        ({**JOB, "name": " "}, "name", "must not be blank"),
        ({**JOB, "tags": [""]}, "tags", "a tag must have 1 to 128 characters, '' has 0"),
        (
            {**JOB, "tags": ["ok", "x" * 129]},
            "tags",
            f"a tag must have 1 to 128 characters, '{'x' * 20}' has 129",
        ),
        (
            {**JOB, "tags": ["a|b"]},
            "tags",
            "a tag must not contain ',' or '|', which join tags in a filter: 'a|b'",
        ),
        ({**JOB, "model": {**MODEL, "name": ""}}, "model.name", "must not be blank"),
        (
            {**JOB, "model": {**MODEL, "url": "model:8000"}},
            "model",
            "url must start with http:// or https://",
        ),
        (
            {**JOB, "model": {**MODEL, "url": "http://[::1"}},
            "model",
            "url is not a valid URL: Invalid IPv6 URL",
        ),
        (
            {**JOB, "model": {"name": "m"}},
            "",
            URL_REQUIRED,
        ),
        ({"name": "j", "model": MODEL}, "", "set either benchmarks or collection"),
        ({**JOB, "collection": {"id": "c"}}, "", "set either benchmarks or collection"),
        ({**JOB, "benchmarks": []}, "benchmarks", "must not be empty"),
        (
            {**JOB, "pass_criteria": {"threshold": None}},
            "pass_criteria.threshold",
            "must be a number",
        ),
        ({**JOB, "pass_criteria": {}}, "pass_criteria.threshold", "Field required"),
        (with_benchmark(id=""), "benchmarks.0.id", "must not be blank"),
        (
            with_benchmark(primary_score={"metric": ""}),
            "benchmarks.0.primary_score.metric",
            "must not be blank",
        ),
        (
            with_benchmark(parameters={"num_examples": "3"}),
            "benchmarks.0.parameters",
            "num_examples must be a number, not str",
        ),
        (with_benchmark(weight=-1), "benchmarks.0.weight", "must be at least 0, not -1.0"),
        (
            with_benchmark(weight=float("nan")),
            "benchmarks.0.weight",
            "must be at least 0, not nan",
        ),
        (
            with_benchmark(hardware_config={"hardware_profile_name": "a", "cpu": {"limit": "1"}}),
            "benchmarks.0.hardware_config",
            "set either hardware_profile_name or queue, cpu, memory, gpu, not both",
        ),
        (
            {**JOB, "hardware_config": {"hardware_profile_name": "Big"}},
            "hardware_config.hardware_profile_name",
            "must be a DNS label (1 to 63 of a-z, 0-9 and '-', no '-' at either end), not 'Big'",
        ),
        (
            {**JOB, "hardware_config": {"gpu": {"count": 0}}},
            "hardware_config.gpu.count",
            "must be at least 1, not 0",
        ),
        ({**JOB, "experiment": {"name": " "}}, "experiment.name", "must not be blank"),
        (
            {**JOB, "experiment": {"name": "e", "tags": [{"key": "k", "value": "v"}] * 21}},
            "experiment.tags",
            "must have at most 20 characters or entries, not 21",
        ),
        (
            {**JOB, "experiment": {"name": "e", "tags": [{"key": "k", "value": ""}]}},
            "experiment.tags.0.value",
            "must not be empty",
        ),
        (
            {**JOB, "experiment": {"name": "e", "tags": [{"key": "k" * 251, "value": "v"}]}},
            "experiment.tags.0.key",
            "must have at most 250 characters or entries, not 251",
        ),
        (
            {"name": "j", "model": MODEL, "collection": {"id": ""}},
            "collection.id",
            "must not be blank",
        ),
        (
            {**JOB, "pass_criterias": {"threshold": 1}},
            "pass_criterias",
            "JobSubmissionRequest has no field 'pass_criterias'; did you mean 'pass_criteria'?",
        ),
    ],
)
def test_what_the_service_would_refuse_is_refused(data, where, what):
    assert problem(JobSubmissionRequest, data) == (where, what)


@pytest.mark.parametrize(
    ("data", "where", "what"),
    [
        ({}, "", "set exactly one of s3, pvc, git, hf"),
        ({"pvc": {"claim_name": "a"}, "git": GIT}, "", "set exactly one of s3, pvc, git, hf"),
        (
            {"git": {**GIT, "url": "git@example.com:x.git"}},
            "git",
            "url must start with http:// or https://",
        ),
        (
            {"git": {**GIT, "url": "http://example.com/x.git", "secret_ref": "s"}},
            "git",
            "url must start with https://",
        ),
        ({"git": {**GIT, "ref": ""}}, "git.ref", "must not be blank"),
        ({"hf": {"repo_id": " "}}, "hf.repo_id", "must not be blank"),
        ({"s3": {"bucket": "b", "key": "k"}}, "s3.secret_ref", "Field required"),
        (
            {"pvc": {"claim_name": "a"}, "type": "dataset"},
            "type",
            "Input should be 'data_set' or 'pre_recorded_data'",
        ),
    ],
)
def test_test_data_come_from_one_place(data, where, what):
    assert problem(TestDataRef, data) == (where, what)


def test_a_commit_that_is_not_known_yet_may_be_said_to_be():
    data = TestDataRef.model_validate({"pvc": {"claim_name": "a"}, "resolved_sha": None})

    assert data.to_wire() == {"pvc": {"claim_name": "a"}}


def test_a_model_that_is_not_asked_needs_no_url():
    answers = {"type": "pre_recorded_data", "pvc": {"claim_name": "answers"}}

    job = JobSubmissionRequest.model_validate(
        {**with_benchmark(test_data_ref=answers), "model": {"name": "m"}}
    )

    assert job.to_wire()["model"] == {"name": "m"}


def test_a_collection_may_hold_recorded_answers_and_so_needs_no_url():
    job = JobSubmissionRequest(
        name="j",
        model=ModelConfig(name="m"),
        collection={"id": "c"},
    )

    assert job.to_wire()["collection"] == {"id": "c"}


def test_what_the_service_has_stored_is_read_as_it_is():
    job = EvaluationJob.model_validate(
        {
            **JOB,
            "resource": {"id": "1", "created_at": "2026-01-02T03:04:05Z"},
            "status": {"state": "completed"},
            "name": "",
            "tags": ["a,b"],
            "pass_criteria": {"threshold": None},
            "benchmarks": [
                {
                    "id": "",
                    "provider_id": "p",
                    "weight": -1,
                    "hardware_config": {"hardware_profile_name": "A B", "cpu": {}},
                    "test_data_ref": {
                        "git": {"url": "ssh://x", "ref": ""},
                        "hf": {"repo_id": ""},
                        "resolved_sha": "abcdef0",
                    },
                }
            ],
        }
    )

    data = job.benchmarks[0].test_data_ref
    assert data is not None
    assert data.resolved_sha == "abcdef0"


def test_a_benchmark_read_from_a_job_is_submitted_without_its_read_only_fields() -> None:
    source = {"hf": {"repo_id": "a/b"}}
    job = EvaluationJob.model_validate(
        {
            "resource": {"id": "1", "created_at": "2026-01-02T03:04:05Z"},
            "status": {"state": "completed"},
            "name": "n",
            "model": MODEL,
            "benchmarks": [
                {
                    "id": "a",
                    "provider_id": "p",
                    "test_data_ref": {**source, "resolved_sha": "abcdef0"},
                },
                {"id": "b", "provider_id": "p"},
            ],
        }
    )

    again = JobSubmissionRequest(
        name="again",
        model=ModelConfig(**MODEL),
        benchmarks=job.benchmarks,
    )

    assert again.to_wire()["benchmarks"] == [
        {"id": "a", "provider_id": "p", "parameters": {}, "test_data_ref": source},
        {"id": "b", "provider_id": "p", "parameters": {}},
    ]
    assert job.benchmarks[0].test_data_ref is not None
    assert job.benchmarks[0].test_data_ref.resolved_sha == "abcdef0"


class TestEvaluationRequest:
    def test_ids_become_benchmarks_of_the_provider(self):
        request = EvaluationRequest(
            model=ModelConfig(name="m", url="http://model/v1"),
            benchmarks=["mmlu", BenchmarkConfig(id="own", provider_id="q", parameters={"x": 2})],
            num_examples=10,
            num_few_shot=0,
            benchmark_config={"x": 1},
            description="d",
            pass_criteria=PassCriteria(threshold=0.5),
        )

        assert request.benchmark_ids == ["mmlu"]
        assert request.to_job("p").to_wire() == {
            "name": "m: mmlu, own",
            "description": "d",
            "tags": [],
            "model": MODEL,
            "benchmarks": [
                {
                    "id": "mmlu",
                    "provider_id": "p",
                    "parameters": {"x": 1, "num_examples": 10, "num_few_shot": 0},
                },
                {
                    "id": "own",
                    "provider_id": "q",
                    "parameters": {"x": 2, "num_examples": 10, "num_few_shot": 0},
                },
            ],
            "pass_criteria": {"threshold": 0.5},
        }

    def test_one_benchmark_of_a_named_provider_needs_nothing_else(self):
        request = EvaluationRequest.model_validate(
            {"model": MODEL, "benchmark_id": "mmlu", "provider_id": "p", "name": "mine"}
        )

        job = request.to_job("ignored")

        assert job.name == "mine"
        assert job.benchmarks == [BenchmarkConfig(id="mmlu", provider_id="p")]

    def test_each_benchmark_may_have_a_provider_of_its_own(self):
        request = EvaluationRequest.model_validate({"model": MODEL, "benchmarks": ["a", "b"]})

        job = request.to_job({"a": "p", "b": "q"})

        assert [(one.id, one.provider_id) for one in job.benchmarks or ()] == [
            ("a", "p"),
            ("b", "q"),
        ]

    @pytest.mark.parametrize("providers", [None, "", {"a": "p"}])
    def test_a_benchmark_without_a_provider_is_named(self, providers):
        request = EvaluationRequest.model_validate({"model": MODEL, "benchmark_id": "b"})

        with pytest.raises(
            ConfigurationError, match="benchmark 'b' has no provider; set provider_id"
        ):
            request.to_job(providers)

    @pytest.mark.parametrize(
        ("more", "tags", "experiment"),
        [
            ({"tags": {"team": "a", "run": "7"}}, ["team=a", "run=7"], None),
            ({"tags": ["nightly"]}, ["nightly"], None),
            (
                {"tags": {"team": "a"}, "experiment_name": "e"},
                [],
                {"name": "e", "tags": [{"key": "team", "value": "a"}]},
            ),
            (
                {"tags": ["nightly"], "experiment_name": "e"},
                ["nightly"],
                {"name": "e", "tags": []},
            ),
        ],
    )
    def test_tags_go_where_they_can(self, more, tags, experiment):
        request = EvaluationRequest.model_validate({"model": MODEL, "benchmark_id": "b", **more})

        wire = request.to_job("p").to_wire()

        assert wire["tags"] == tags
        assert wire.get("experiment") == experiment

    @pytest.mark.parametrize("more", [{}, {"benchmark_id": "a", "benchmarks": ["b"]}])
    def test_the_benchmarks_are_named_once(self, more):
        assert problem(EvaluationRequest, {"model": MODEL, **more}) == (
            "",
            "set either benchmark_id or benchmarks",
        )

    def test_a_count_that_cannot_be_is_refused(self):
        data = {"model": MODEL, "benchmark_id": "a", "num_examples": 0}

        where, _ = problem(EvaluationRequest, data)

        assert where == "num_examples"


class TestPatchOperation:
    def test_a_value_of_none_is_sent(self):
        patch = PatchOperation(op="replace", path="/description", value=None)

        assert patch.to_wire() == {"op": "replace", "path": "/description", "value": None}

    def test_removing_takes_no_value(self):
        patch = PatchOperation(op="remove", path="/description")

        assert patch.to_wire() == {"op": "remove", "path": "/description"}

    @pytest.mark.parametrize(
        ("data", "where", "what"),
        [
            ({"op": "add", "path": "tags"}, "", "path must start with '/', unlike 'tags'"),
            ({"op": "add", "path": "/tags"}, "", "value is required for add"),
            ({"op": "move", "path": "/x"}, "op", "Input should be 'add', 'replace' or 'remove'"),
        ],
    )
    def test_what_the_service_would_refuse_is_refused(self, data, where, what):
        assert problem(PatchOperation, data) == (where, what)
