from __future__ import annotations

from pathlib import Path

import pytest

from evalhub.adapter.config import get_job_spec_path
from evalhub.errors import ConfigurationError, JobSpecNotFoundError
from evalhub.settings import AdapterSettings, EvalHubMode


def test_the_job_file_is_the_one_the_environment_names(clean_environment):
    clean_environment(EVALHUB_JOB_SPEC_PATH="none/job.json")
    assert AdapterSettings.from_env().resolved_job_spec_path == Path("none/job.json")
    with pytest.raises(JobSpecNotFoundError, match=r"job file none/job\.json does not exist"):
        get_job_spec_path()


def test_in_a_cluster_the_job_file_has_its_place(clean_environment):
    clean_environment(EVALHUB_MODE="k8s")
    assert AdapterSettings.from_env().resolved_job_spec_path == Path("/meta/job.json")


def test_an_environment_that_is_not_usable_is_told(clean_environment):
    clean_environment(EVALHUB_MODE="moon")
    with pytest.raises(ConfigurationError, match="invalid environment variable: EVALHUB_MODE"):
        get_job_spec_path()


@pytest.fixture
def file(tmp_path):
    """Return a maker of files below a directory."""

    def make(name: str) -> Path:
        path: Path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return make


@pytest.mark.parametrize("name", ["jobs/1/meta/job.json", "jobs/1/job.json"])
def test_the_job_s_folder_is_where_its_meta_folder_lies(name, file, clean_environment, tmp_path):
    path = file(name)
    assert AdapterSettings(job_spec_path=path).job_folder == tmp_path / "jobs/1"


def test_the_job_s_folder_is_absolute(file, clean_environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file("job.json")
    assert AdapterSettings(job_spec_path=Path("job.json")).job_folder == tmp_path


def test_without_a_job_file_there_is_no_folder(clean_environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert AdapterSettings(job_spec_path=tmp_path / "job.json").job_folder is None
    # Above all not the root of the disk, below which the cluster's job file would lie.
    assert AdapterSettings().job_folder is None


def test_in_a_cluster_a_job_has_no_folder(file, clean_environment):
    settings = AdapterSettings(mode=EvalHubMode.K8S, job_spec_path=file("meta/job.json"))
    assert settings.job_folder is None


@pytest.mark.parametrize("name", ["/meta/job.json", "/job.json"])
def test_the_root_of_a_container_is_no_job_s_folder(name, clean_environment, monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda _: True)
    assert AdapterSettings(job_spec_path=Path(name)).job_folder is None
