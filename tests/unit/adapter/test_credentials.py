from __future__ import annotations

from typing import Any

import pytest

from evalhub.adapter import credentials
from evalhub.adapter.credentials import (
    ModelCredentials,
    read_model_auth_key,
    resolve_model_credentials,
)
from evalhub.errors import ConfigurationError, JobSpecError
from evalhub.testing import job_file


@pytest.fixture
def secret(tmp_path):
    """A directory with what a model's secret may hold."""
    folder = tmp_path / "se cret"
    folder.mkdir()
    (folder / "api-key").write_text("sk-1\n")
    (folder / "hf-token").write_text("hf-1")
    (folder / "ca_cert").write_text("PEM")
    (folder / "judge_api-key").write_text("sk-2")
    (folder / "empty").write_text(" \n")
    return folder


@pytest.fixture
def local(tmp_path, clean_environment):
    """Return a setter of the model's secret of a local job."""

    def name(secret_ref: str | None) -> None:
        model: dict[str, Any] = {} if secret_ref is None else {"auth": {"secret_ref": secret_ref}}
        path = job_file(tmp_path, model=model)
        clean_environment(EVALHUB_JOB_SPEC_PATH=str(path))

    return name


def test_the_secret_of_a_local_job_is_a_directory(local, secret):
    local(secret.as_uri())  # its space is escaped
    assert resolve_model_credentials() == ModelCredentials(
        api_key="sk-1", hf_token="hf-1", ca_cert_path=secret / "ca_cert"
    )


def test_what_the_secret_does_not_hold_is_absent(local, tmp_path):
    (tmp_path / "other").mkdir()
    local(f"file://localhost{tmp_path}/other")
    assert resolve_model_credentials() == ModelCredentials(None, None, None)


def test_a_model_without_a_secret_needs_none(local):
    local(None)
    assert resolve_model_credentials() == ModelCredentials()
    assert read_model_auth_key("api-key") is None


def test_no_repr_shows_a_secret(local, secret):
    local(secret.as_uri())
    assert repr(resolve_model_credentials()) == (
        f"ModelCredentials(ca_cert_path={secret / 'ca_cert'!r})"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("judge_api-key", "sk-2"), (" api-key ", "sk-1"), ("absent", None), ("empty", None)],
)
def test_one_key_can_be_read(name, value, local, secret):
    local(secret.as_uri())
    assert read_model_auth_key(name) == value


@pytest.mark.parametrize("name", ["", " ", ".", "..", "../job.json", "/etc/passwd"])
def test_a_key_is_no_path(name, local, secret):
    local(secret.as_uri())
    with pytest.raises(ConfigurationError) as caught:
        read_model_auth_key(name)
    assert str(caught.value) == f"{name!r} is not the name of a key in a secret"


@pytest.mark.parametrize(
    "secret_ref", ["my-secret", "http://host/secret", "file://host/secret", "file:secret"]
)
def test_a_local_secret_that_is_no_directory_s_url_is_refused(secret_ref, local):
    local(secret_ref)
    with pytest.raises(ConfigurationError) as caught:
        resolve_model_credentials()
    assert str(caught.value) == (
        "in local mode model.auth.secret_ref must be file:///absolute/directory"
    )


def test_a_secret_there_is_not_is_named(local, tmp_path):
    local(f"file://{tmp_path}/none")
    with pytest.raises(ConfigurationError) as caught:
        resolve_model_credentials()
    assert str(caught.value) == f"the model's secret {tmp_path}/none is not a directory"


def test_a_key_that_cannot_be_read_is_named(local, secret):
    (secret / "folder").mkdir()
    local(secret.as_uri())
    with pytest.raises(ConfigurationError) as caught:
        read_model_auth_key("folder")
    assert str(caught.value) == f"cannot read {secret / 'folder'}: Is a directory"


def test_a_key_that_is_no_text_is_named_and_not_shown(local, secret):
    (secret / "api-key").write_bytes(b"sk-\xff")
    local(secret.as_uri())
    with pytest.raises(ConfigurationError) as caught:
        resolve_model_credentials()
    assert str(caught.value) == f"{secret / 'api-key'} is not UTF-8 text"


def test_a_local_job_without_a_file_is_told(clean_environment, tmp_path):
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(tmp_path / "none.json"))
    with pytest.raises(JobSpecError, match=r"none\.json does not exist"):
        resolve_model_credentials()


def test_in_a_cluster_the_secret_has_its_place(clean_environment, monkeypatch, secret):
    (secret / "api-key").write_text("api-key:ref")
    clean_environment(EVALHUB_MODE="k8s")  # the job file is not asked
    monkeypatch.setattr(credentials, "CLUSTER_SECRET", secret)
    assert resolve_model_credentials().api_key == "api-key:ref"
    assert read_model_auth_key("judge_api-key") == "sk-2"


def test_in_a_cluster_a_model_may_have_no_secret(clean_environment, monkeypatch, tmp_path):
    clean_environment(EVALHUB_MODE="k8s")
    monkeypatch.setattr(credentials, "CLUSTER_SECRET", tmp_path / "none")
    assert resolve_model_credentials() == ModelCredentials()
    assert read_model_auth_key("api-key") is None
