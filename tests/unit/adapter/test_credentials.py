from __future__ import annotations

import logging
import os
from typing import Any

import pytest

from evalhub.adapter import credentials
from evalhub.adapter.credentials import (
    ModelCredentials,
    read_model_auth_key,
    resolve_model_credentials,
)
from evalhub.errors import ConfigurationError
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


@pytest.mark.parametrize("name", ["", " ", ".", "..", "../job.json", "/etc/passwd", "a\\b", "a\0"])
def test_a_key_is_no_path(name, local, secret, caplog):
    local(secret.as_uri())

    assert read_model_auth_key(name) is None
    assert caplog.messages == [f"{name!r} is not the name of a key in a secret"]


def test_a_key_that_is_missing_is_told_with_its_place(local, secret, caplog):
    local(secret.as_uri())
    with caplog.at_level(logging.INFO):
        assert read_model_auth_key("attacker_api-key") is None

    assert caplog.messages == [
        f"the model's secret has no key 'attacker_api-key': looked for {secret}/attacker_api-key"
    ]


def test_a_model_in_another_role_has_its_own_key_and_url(local, secret):
    (secret / "judge_url").write_text("http://judge/v1\n")
    (secret / "attacker_sa_token").write_text("sa-1")
    local(secret.as_uri())

    judge = resolve_model_credentials(role="judge")
    assert (judge.api_key, judge.url, judge.hf_token) == ("sk-2", "http://judge/v1", "hf-1")
    assert judge.ca_cert_path == secret / "ca_cert"
    assert resolve_model_credentials("attacker").api_key == "sa-1"
    # The key of the model under evaluation goes to nobody else.
    assert resolve_model_credentials("target").api_key is None
    assert resolve_model_credentials("../judge") == ModelCredentials()
    assert resolve_model_credentials(" ").api_key == "sk-1"


def test_the_headers_of_a_request_are_those_of_the_key(local, secret):
    local(secret.as_uri())
    assert resolve_model_credentials().auth_headers == {"Authorization": "Bearer sk-1"}
    assert ModelCredentials().auth_headers == {}


@pytest.mark.parametrize(("key", "is_it"), [("api-key:ref", True), ("sk-1", False), (None, False)])
def test_a_reference_is_told_from_a_value(key, is_it):
    assert ModelCredentials(api_key=key).is_reference is is_it


def test_a_link_out_of_the_secret_is_ignored(local, secret, tmp_path, caplog):
    (tmp_path / "elsewhere").write_text("stolen")
    for name in ("link", "ca_cert"):
        (secret / name).unlink(missing_ok=True)
        (secret / name).symlink_to(tmp_path / "elsewhere")
    (secret / "dangling").symlink_to(secret / "nowhere")
    (secret / "relative").symlink_to("../elsewhere")
    local(secret.as_uri())

    assert read_model_auth_key("link") is None
    assert read_model_auth_key("relative") is None
    assert read_model_auth_key("dangling") is None
    assert resolve_model_credentials().ca_cert_path is None
    assert [message for message in caplog.messages if "leads out" in message] == [
        f"{secret / name} is a link that leads out of the secret and is ignored"
        for name in ("link", "relative", "ca_cert")
    ]


def test_a_projected_secret_is_read(local, secret, tmp_path):
    # As the kubelet mounts it, which replaces a secret by pointing `..data` elsewhere.
    (secret / "..2026_01_02").mkdir()
    (secret / "..2026_01_02" / "projected").write_text("sk-3")
    (secret / "..data").symlink_to("..2026_01_02")
    (secret / "projected").symlink_to("..data/projected")
    local(secret.as_uri())

    assert read_model_auth_key("projected") == "sk-3"
    local((secret / "..data").as_uri())
    assert read_model_auth_key("projected") == "sk-3"


def test_a_data_directory_that_leads_out_is_ignored(local, secret, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "projected").write_text("stolen")
    (secret / "..data").symlink_to(tmp_path / "outside")
    (secret / "projected").symlink_to("..data/projected")
    local(secret.as_uri())

    assert read_model_auth_key("projected") is None


def test_links_in_a_circle_are_named(local, secret):
    (secret / "one").symlink_to("two")
    (secret / "two").symlink_to("one")
    local(secret.as_uri())
    with pytest.raises(ConfigurationError, match=f"cannot read {secret / 'one'}: "):
        read_model_auth_key("one")


def test_a_secret_that_is_a_link_is_refused(local, secret, tmp_path):
    (tmp_path / "link").symlink_to(secret)
    local((tmp_path / "link").as_uri())
    with pytest.raises(ConfigurationError) as caught:
        resolve_model_credentials()
    assert str(caught.value) == (
        f"the model's secret {tmp_path}/link is a symbolic link; name the directory it leads to"
    )


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


def test_a_key_that_is_no_file_is_ignored(local, secret, caplog):
    (secret / "folder").mkdir()
    os.mkfifo(secret / "api-key2")
    local(secret.as_uri())

    assert read_model_auth_key("folder") is read_model_auth_key("api-key2") is None
    assert f"{secret / 'folder'} is not a file and is ignored" in caplog.messages
    assert f"{secret / 'api-key2'} is not a file and is ignored" in caplog.messages


def test_a_key_that_cannot_be_read_is_named(local, secret, monkeypatch):
    def refuse(path: Any, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    local(secret.as_uri())
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigurationError) as caught:
        read_model_auth_key("api-key")
    assert str(caught.value) == f"cannot read {secret / 'api-key'}: Permission denied"


def test_a_key_that_is_no_text_is_named_and_not_shown(local, secret, caplog):
    (secret / "api-key").write_bytes(b"sk-\xff")
    local(secret.as_uri())

    assert resolve_model_credentials().api_key is None
    assert caplog.messages == [f"{secret / 'api-key'} is not UTF-8 text and is ignored"]


def test_without_a_job_file_there_are_no_credentials(clean_environment, tmp_path, caplog):
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(tmp_path / "none.json"))

    assert resolve_model_credentials() == ModelCredentials()
    assert read_model_auth_key("x") is None
    assert caplog.messages == []


def test_a_broken_job_file_is_a_warning(clean_environment, tmp_path, caplog):
    (tmp_path / "job.json").write_text("{")
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(tmp_path / "job.json"))

    assert resolve_model_credentials() == ModelCredentials()
    assert read_model_auth_key("x") is None
    assert "looking for the model's credentials in /var/run/secrets/model: job file" in caplog.text
    assert "is not JSON" in caplog.text


@pytest.mark.parametrize("job", ["none", "broken", "no auth"])
def test_without_a_secret_of_its_own_a_local_job_has_the_mounted_one(
    job, clean_environment, monkeypatch, secret, tmp_path
):
    path = tmp_path / "job.json"
    if job == "broken":
        path.write_text("[]")
    elif job == "no auth":
        path = job_file(tmp_path, model={})
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(path))
    monkeypatch.setattr(credentials, "CLUSTER_SECRET", secret)

    assert read_model_auth_key("api-key") == "sk-1"


def test_a_job_file_that_changes_is_read_again(local, secret, tmp_path):
    local(secret.as_uri())
    assert read_model_auth_key("api-key") == "sk-1"
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "api-key").write_text("sk-9")
    local((tmp_path / "second").as_uri())
    assert read_model_auth_key("api-key") == "sk-9"


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
