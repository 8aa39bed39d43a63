from __future__ import annotations

from pathlib import Path

import pytest

from evalhub.adapter.job import get_job_spec_path, job_folder
from evalhub.errors import ConfigurationError
from evalhub.settings import AdapterSettings, EvalHubMode


def test_the_job_file_is_the_one_the_environment_names(clean_environment):
    clean_environment(EVALHUB_JOB_SPEC_PATH="none/job.json")
    assert get_job_spec_path() == Path("none/job.json")


def test_in_a_cluster_the_job_file_has_its_place(clean_environment):
    clean_environment(EVALHUB_MODE="k8s")
    assert get_job_spec_path() == Path("/meta/job.json")


def test_an_environment_that_is_not_usable_is_told(clean_environment):
    clean_environment(EVALHUB_MODE="moon")
    with pytest.raises(ConfigurationError, match="the environment is not usable: EVALHUB_MODE"):
        get_job_spec_path()


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("/jobs/1/meta/job.json", Path("/jobs/1")),
        ("/jobs/1/job.json", Path("/jobs/1")),
        ("/meta/job.json", Path("/")),
    ],
)
def test_the_job_s_folder_is_where_its_meta_folder_lies(path, folder, clean_environment):
    settings = AdapterSettings(job_spec_path=Path(path))
    assert job_folder(settings) == folder
    assert job_folder(AdapterSettings(), Path(path)) == folder


def test_the_job_s_folder_is_absolute(clean_environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert job_folder(AdapterSettings(job_spec_path=Path("job.json"))) == tmp_path


def test_the_file_given_wins_over_the_environment_s(clean_environment):
    settings = AdapterSettings(job_spec_path=Path("/a/job.json"))
    assert job_folder(settings, Path("/b/job.json")) == Path("/b")


def test_in_a_cluster_a_job_has_no_folder(clean_environment):
    settings = AdapterSettings(mode=EvalHubMode.K8S, job_spec_path=Path("/jobs/1/meta/job.json"))
    assert job_folder(settings) is None
