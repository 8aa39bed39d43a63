"""Jobs in files: their shape, and what options add to them."""

from __future__ import annotations

from typing import Any

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


def options(**given):
    return {"model_url": "http://m", "model_name": "m", "benchmarks": ("b@p",), **given}


@pytest.mark.parametrize(
    ("given", "path", "value"),
    [
        ({"model_auth_secret": "s"}, "model.auth", {"secret_ref": "s"}),
        ({"queue": "q"}, "queue", {"name": "q"}),
        ({"experiment": "e"}, "experiment", {"name": "e"}),
        ({"threshold": 0.0}, "pass_criteria", {"threshold": 0.0}),
        ({"hardware_profile": "h"}, "hardware_config", {"hardware_profile_name": "h"}),
        (
            {"oci_host": "quay.io", "oci_repository": "a/b", "oci_connection": "c"},
            "exports.oci",
            {
                "coordinates": {"oci_host": "quay.io", "oci_repository": "a/b"},
                "k8s": {"connection": "c"},
            },
        ),
        (
            {"test_data_s3_bucket": "b", "test_data_s3_key": "k", "test_data_s3_secret": "s"},
            "benchmarks.0.test_data_ref.s3",
            {"bucket": "b", "key": "k", "secret_ref": "s"},
        ),
        (
            {"test_data_pvc_claim_name": "c", "test_data_pvc_sub_path": "d"},
            "benchmarks.0.test_data_ref.pvc",
            {"claim_name": "c", "sub_path": "d"},
        ),
        (
            {"test_data_git_url": "https://g", "test_data_git_ref": "main"},
            "benchmarks.0.test_data_ref.git",
            {"url": "https://g", "ref": "main"},
        ),
        (
            {"test_data_hf_repo_id": "o/r", "test_data_hf_secret": "s"},
            "benchmarks.0.test_data_ref.hf",
            {"repo_id": "o/r", "secret_ref": "s"},
        ),
    ],
)
def test_where_an_option_lands(given, path, value):
    found: Any = job_of(options(**given))
    for name in path.split("."):
        found = found[int(name)] if name.isdigit() else found[name]

    assert found == value


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--oci-host", "quay.io"], "--oci-host and --oci-repository go together"),
        (["--test-data-s3-key", "k"], "need --test-data-s3-bucket, --test-data-s3-secret"),
        (["--test-data-git-url", "https://g"], "test data from git need --test-data-git-ref"),
        (
            ["--test-data-pvc-claim-name", "c", "--test-data-hf-repo-id", "r"],
            "test data come from one source, not pvc and hf",
        ),
        (["--wait", "--watch"], "give either --wait or --watch"),
        (["--junit", "scores.html"], "--junit writes XML"),
        (["--report", "scores.pdf"], "does not say which form to write"),
    ],
)
def test_options_that_contradict(capsys, words, text):
    words = ["run", "-m", "http://m", "-n", "m", "-b", "b@p", *words]

    assert run(["--base-url", "http://127.0.0.1:1", *words]) == 2
    assert text in capsys.readouterr().err
