"""Jobs in files: their shape, and what options add to them."""

from __future__ import annotations

import pytest
import yaml

from evalhub.cli.root import run
from evalhub.cli.submission import job_of
from evalhub.errors import ConfigurationError

JOB = {
    "name": "nightly",
    "model": {"name": "m", "url": "http://127.0.0.1:1/v1"},
    "benchmarks": ["gsm8k", "mmlu@harness", {"id": "own", "provider_id": "p", "weight": 2}],
}


@pytest.fixture
def file_of(tmp_path):
    def write(**changes):
        path = tmp_path / "job.yaml"
        path.write_text(yaml.safe_dump({**JOB, **changes}))
        return str(path)

    return write


@pytest.mark.parametrize("alone", [True, False])
def test_benchmarks_may_be_ids(file_of, alone):
    job = job_of({"file": file_of(), "file_alone": alone})

    assert job["benchmarks"] == [
        {"id": "gsm8k", "provider_id": None},
        {"id": "mmlu", "provider_id": "harness"},
        {"id": "own", "provider_id": "p", "weight": 2},
    ]


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"modl": {}}, "a job has no field 'modl'; did you mean 'model'?"),
        ({"model": "llama"}, "model must be a mapping, not 'llama'"),
        ({"model": ["llama"]}, "model must be a mapping"),
        ({"collection": "safety"}, "collection must be a mapping, not 'safety'"),
        ({"benchmarks": ["@harness"]}, "benchmark '@harness' has no id"),
    ],
)
def test_a_shape_that_is_none(file_of, changes, text, alone):
    with pytest.raises(ConfigurationError) as caught:
        job_of({"file": file_of(**changes), "file_alone": alone, "model_name": "m", "set": []})

    assert text in str(caught.value)


def test_set_cannot_spoil_the_shape(file_of):
    with pytest.raises(ConfigurationError, match="--set: model must be a mapping, not 'x'"):
        job_of({"file": file_of(), "set": ["model=x"]})


def test_numbers_are_finite(file_of, capsys):
    assert run(["run", file_of(), "--threshold", "nan", "--dry-run"]) == 2

    assert capsys.readouterr().err == (
        "error: invalid job: pass_criteria.threshold: must not be nan\n"
    )


def test_options_win_over_the_file(file_of):
    job = job_of({"file": file_of(), "model_name": "other", "tags": ["a"]})

    assert job["model"] == {"name": "other", "url": "http://127.0.0.1:1/v1"}
    assert job["tags"] == ["a"]
