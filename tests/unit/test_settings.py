from __future__ import annotations

import pwd
from pathlib import Path

import pytest
from pydantic import ValidationError

from evalhub.errors import ConfigurationError
from evalhub.settings import AdapterSettings, ClientSettings, EvalHubMode, MlflowBackend


def test_an_empty_environment_means_local(monkeypatch, clean_environment):
    settings = AdapterSettings.from_env()
    assert settings.mode is EvalHubMode.LOCAL
    assert settings.mlflow_backend is MlflowBackend.ODH
    assert settings.registry_url is None
    assert settings.report_timeout == 600.0
    assert settings.termination_grace == 20.0
    assert settings.resolved_auth_token_path is None


def test_the_documented_variables(clean_environment):
    clean_environment(
        EVALHUB_MODE="K8S",
        REGISTRY_URL="localhost:5000",
        REGISTRY_USERNAME="user",
        REGISTRY_PASSWORD="hunter2",
        REGISTRY_INSECURE="true",
    )
    settings = AdapterSettings.from_env()
    assert settings.mode is EvalHubMode.K8S
    assert (settings.registry_url, settings.registry_username) == ("localhost:5000", "user")
    assert settings.registry_insecure is True
    assert settings.registry_password is not None
    assert settings.registry_password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)


def test_an_empty_variable_is_no_variable(clean_environment):
    clean_environment(EVALHUB_JOB_SPEC_PATH="", EVALHUB_INSECURE="")
    settings = AdapterSettings.from_env()
    assert settings.job_spec_path is None
    assert settings.evalhub_insecure is False


def test_every_unusable_variable_is_named_and_no_value_is_shown(clean_environment):
    clean_environment(EVALHUB_MODE="s3cret", EVALHUB_INSECURE="s3cret", EVALHUB_REPORT_TIMEOUT="-1")
    with pytest.raises(ConfigurationError) as caught:
        AdapterSettings.from_env()
    assert caught.value.message == (
        "invalid environment variables: EVALHUB_MODE, EVALHUB_INSECURE, EVALHUB_REPORT_TIMEOUT"
    )
    assert len(caught.value.details) == 3
    assert "s3cret" not in str(caught.value)


def test_what_is_usable_of_an_environment_that_is_not(clean_environment):
    clean_environment(
        EVALHUB_MODE="moon", EVALHUB_REPORT_TIMEOUT="-1", EVALHUB_TERMINATION_GRACE="5"
    )
    settings = AdapterSettings.usable()
    assert settings.mode is EvalHubMode.LOCAL
    assert settings.report_timeout == 600.0
    assert settings.termination_grace == 5.0


def test_all_of_a_usable_environment_is_used(clean_environment):
    clean_environment(EVALHUB_URL="http://a", EVALHUB_TOKEN="t")
    assert ClientSettings.usable() == ClientSettings.from_env()


@pytest.mark.parametrize(
    ("mode", "named", "there", "expected"),
    [
        ("local", None, True, Path("meta/job.json")),
        ("local", None, False, Path("/meta/job.json")),
        ("k8s", None, True, Path("/meta/job.json")),
        ("k8s", "other.json", True, Path("other.json")),
    ],
)
def test_where_the_job_file_is(
    mode, named, there, expected, clean_environment, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if there:
        (tmp_path / "meta").mkdir()
        (tmp_path / "meta/job.json").touch()
    clean_environment(EVALHUB_MODE=mode, EVALHUB_JOB_SPEC_PATH=named or "")
    assert AdapterSettings.from_env().resolved_job_spec_path == expected


def test_the_ca_bundle_named_is_the_one_used(clean_environment, tmp_path):
    clean_environment(EVALHUB_CA_BUNDLE_PATH=str(tmp_path / "ca.crt"))
    assert AdapterSettings.from_env().resolved_ca_bundle_path == tmp_path / "ca.crt"


def test_docker_s_configuration_is_where_docker_looks(clean_environment, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert AdapterSettings.from_env().docker_config_path == tmp_path / ".docker/config.json"
    clean_environment(DOCKER_CONFIG="/etc/docker")
    assert AdapterSettings.from_env().docker_config_path == Path("/etc/docker/config.json")


def test_a_user_without_a_home_has_no_docker_configuration(clean_environment, monkeypatch):
    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)  # as in a container run with a uid of its own
    assert AdapterSettings.from_env().docker_config_path is None


def test_runtime_validation_names_every_file_at_once(clean_environment, tmp_path):
    clean_environment(
        EVALHUB_JOB_SPEC_PATH=str(tmp_path / "none.json"), OCI_AUTH_CONFIG_PATH=str(tmp_path)
    )
    with pytest.raises(ConfigurationError) as caught:
        AdapterSettings.from_env().validate_runtime()
    assert caught.value.message == "2 of the files the adapter needs cannot be read"
    assert caught.value.details == (
        f"EVALHUB_JOB_SPEC_PATH: {tmp_path / 'none.json'} does not exist",
        f"OCI_AUTH_CONFIG_PATH: {tmp_path} is not a file",
    )


def test_runtime_validation_is_quiet_when_all_is_there(clean_environment, tmp_path):
    job = tmp_path / "job.json"
    job.touch()
    clean_environment(EVALHUB_JOB_SPEC_PATH=str(job))
    AdapterSettings.from_env().validate_runtime()


@pytest.mark.parametrize(
    ("variables", "url", "token"),
    [
        ({}, "http://localhost:8080", None),
        ({"EVALHUB_URL": "http://a", "EVALHUB_AUTH_TOKEN": "t"}, "http://a", "t"),
        (
            {"EVALHUB_BASE_URL": "http://b", "EVALHUB_URL": "http://a", "EVALHUB_TOKEN": "u"},
            "http://b",
            "u",
        ),
    ],
)
def test_the_client_s_variables(variables, url, token, clean_environment):
    clean_environment(**variables)
    settings = ClientSettings.from_env()
    assert settings.base_url == url
    assert (settings.auth_token and settings.auth_token.get_secret_value()) == token
    assert settings.tenant is None


def test_what_is_given_wins_over_the_environment(clean_environment):
    clean_environment(EVALHUB_MODE="local", REGISTRY_URL="elsewhere")
    settings = AdapterSettings(mode=EvalHubMode.K8S, registry_url="oci:here")
    assert (settings.mode, settings.registry_url) == (EvalHubMode.K8S, "oci:here")


def test_a_misspelt_setting_is_refused(clean_environment):
    with pytest.raises(ValidationError, match=r"registry_ulr"):
        AdapterSettings(registry_ulr="x")  # type: ignore[call-arg]


def test_every_setting_has_a_variable_of_its_own():
    for settings in (AdapterSettings, ClientSettings):
        names = [name for names in settings.variables().values() for name in names]
        assert len(names) == len(set(names)) >= len(settings.model_fields)


def test_a_variable_of_another_case_is_another_variable(clean_environment):
    clean_environment(evalhub_insecure="true")
    assert AdapterSettings.from_env().evalhub_insecure is False


def test_an_argument_wins_over_the_environment_by_either_name(clean_environment):
    clean_environment(EVALHUB_MODE="k8s", EVALHUB_URL="http://env")
    assert AdapterSettings(mode=EvalHubMode.LOCAL).mode is EvalHubMode.LOCAL
    assert AdapterSettings.model_validate({"EVALHUB_MODE": "local"}).mode is EvalHubMode.LOCAL
    assert ClientSettings(base_url="http://given").base_url == "http://given"


def test_a_dotenv_file_is_read_only_if_asked_for(clean_environment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("EVALHUB_TENANT=from-file\nOTHER=1\nbase_url=x\n")
    assert ClientSettings.from_env().tenant is None
    settings = ClientSettings(_env_file=".env")
    assert (settings.tenant, settings.base_url) == ("from-file", "http://localhost:8080")
