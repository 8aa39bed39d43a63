from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from evalhub.errors import ArtifactError, ConfigurationError
from evalhub.oci._reference import Reference
from evalhub.oci._registry.access import Access
from evalhub.oci._registry.credentials import Credentials, find_credentials

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret"
PLACE = Reference(host="ghcr.io", repository="org/team/results")


@pytest.fixture(autouse=True)
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's own configuration directory, empty at first."""
    directory = tmp_path / "docker"
    directory.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(directory))
    return directory


def _auth(user: str, password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def _write(directory: Path, **config: Any) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps(config))
    return path


def _found(place: Reference = PLACE, **access: Any) -> Credentials:
    return find_credentials(Access(**access), place)


def _helper(directory: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = directory / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=":")


def test_what_is_given_comes_first(docker: Path) -> None:
    _write(docker, auths={"ghcr.io": _auth("file")})

    assert _found(username="me", password=SECRET).username == "me"
    bearer = _found(token=SECRET).bearer
    assert bearer is not None
    assert bearer.get_secret_value() == SECRET


def test_the_named_file_comes_before_docker_s_own(docker: Path, tmp_path: Path) -> None:
    _write(docker, auths={"ghcr.io": _auth("own"), "quay.io": _auth("quay")})
    named = _write(tmp_path, auths={"ghcr.io": _auth("named")})

    assert _found(auth_config_path=named).username == "named"
    assert (
        _found(Reference(host="quay.io", repository="a"), auth_config_path=named).username == "quay"
    )


def test_nobody_is_anonymous(docker: Path, tmp_path: Path) -> None:
    assert not _found()
    assert _found().source == f"{docker}/config.json"
    assert _found().basic is None
    _write(docker)
    named = tmp_path / "auth.json"
    named.write_text("{}")
    assert _found(auth_config_path=named).source == f"{named} or {docker}/config.json"


def test_a_home_that_cannot_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", "x" * 300)

    assert not _found()


def test_the_sidecar_has_its_own(docker: Path) -> None:
    _write(docker, auths={"ghcr.io": _auth("file")})

    assert not _found(proxy_host="localhost:8080")


@pytest.mark.parametrize(
    "key",
    [
        "ghcr.io",
        "https://ghcr.io",
        "https://ghcr.io/v2/",
        "GHCR.io",
        "ghcr.io/org",
        "http://ghcr.io/",
    ],
)
def test_hosts_are_written_in_many_ways(docker: Path, key: str) -> None:
    _write(docker, auths={key: _auth("me"), "other.io": _auth("other")})

    found = _found()

    assert found.username == "me"
    assert found.basic == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"]
)
@pytest.mark.parametrize("host", ["docker.io", "index.docker.io"])
def test_docker_hub_has_many_names(docker: Path, key: str, host: str) -> None:
    _write(docker, auths={key: _auth("me")})

    assert _found(Reference(host=host, repository="me/repo")).username == "me"


def test_the_most_specific_entry_wins(docker: Path) -> None:
    _write(docker, auths={"ghcr.io": _auth("host"), "ghcr.io/org/team": _auth("team")})

    assert _found().username == "team"


def test_other_forms_of_an_entry(docker: Path) -> None:
    _write(
        docker,
        auths={
            "a.io": {"username": "me", "password": SECRET},
            "b.io": {"identitytoken": SECRET},
            "c.io": {"registrytoken": SECRET},
            "d.io": {},
        },
    )

    def found(host: str) -> Credentials:
        return _found(Reference(host=host, repository="a"))

    assert found("a.io").basic == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert found("b.io").identity_token is not None
    assert found("c.io").bearer is not None
    assert not found("d.io")


@pytest.mark.parametrize("auth", ["%%%", "bm9jb2xvbg==", "/w==", "ä"])
def test_an_entry_that_is_none(docker: Path, auth: str) -> None:
    _write(docker, auths={"ghcr.io": {"auth": auth}})

    with pytest.raises(
        ArtifactError, match=r"auth in .*config\.json \(ghcr\.io\) is not the base64 of user"
    ) as e:
        _found()

    assert auth not in str(e.value)


@pytest.mark.parametrize(
    "text", [SECRET, "[]", '{"auths": "s3cret"}', '{"auths": {"ghcr.io": {"password": 5}}}']
)
def test_a_file_that_is_none(docker: Path, text: str) -> None:
    (docker / "config.json").write_text(text)

    with pytest.raises(
        ArtifactError, match=r"config\.json is not a valid docker configuration$"
    ) as e:
        _found()

    assert SECRET not in str(e.value)
    assert e.value.__suppress_context__


def test_an_environment_that_is_unusable_elsewhere(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(docker, auths={"ghcr.io": _auth("me")})
    monkeypatch.setenv("EVALHUB_REPORT_TIMEOUT", "soon")

    assert _found().username == "me"


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"cannot read credentials in .*gone: No such file"):
        _found(auth_config_path=tmp_path / "gone")


def test_a_helper_is_asked(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _helper(
        docker,
        "vault",
        'read host; echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"s3cret\\"}"',
        monkeypatch,
    )
    _write(docker, credHelpers={"ghcr.io": "vault"}, auths={"ghcr.io": _auth("file")})

    assert _found().username == "ghcr.io"
    assert _found().source == "docker-credential-vault"


def test_a_store_is_asked_for_docker_hub_by_its_old_name(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _helper(
        docker,
        "store",
        'read host; echo "{\\"Username\\": \\"$host\\", \\"Secret\\": \\"s3cret\\"}"',
        monkeypatch,
    )
    _write(docker, credsStore="store")

    hub = Reference(host="docker.io", repository="me/repo")
    assert _found(hub).username == "https://index.docker.io/v1/"


def test_a_helper_with_an_identity_token(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _helper(docker, "vault", 'echo \'{"Username": "<token>", "Secret": "s3cret"}\'', monkeypatch)
    _write(docker, credsStore="vault")

    assert _found().identity_token is not None


@pytest.mark.parametrize("script", ["echo s3cret; exit 1", "echo s3cret", "echo '{}'", None])
def test_a_helper_that_fails_is_passed_over(
    docker: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    script: str | None,
) -> None:
    if script is not None:
        _helper(docker, "vault", script, monkeypatch)
    _write(docker, credsStore="vault", auths={"ghcr.io": _auth("file")})

    assert _found().username == "file"
    assert "docker-credential-vault" in caplog.text
    assert SECRET not in caplog.text


def test_secrets_do_not_show() -> None:
    access = Access(username="me", password=SecretStr(SECRET))

    assert SECRET not in repr(access)
    assert SECRET not in repr(find_credentials(access, PLACE))


def test_half_of_the_credentials_and_two_kinds() -> None:
    with pytest.raises(ConfigurationError, match="needs both username and password"):
        Access(username="me")
    with pytest.raises(ConfigurationError, match="either username and password, or a token"):
        Access(username="me", password=SECRET, token=SECRET)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_break_at_the_end_of_a_secret_is_dropped(docker: Path, end: str) -> None:
    assert Access(token=SecretStr(SECRET + end)).token == SecretStr(SECRET)
    assert Access(username="me", password=SECRET + end).password == SecretStr(SECRET)
    auth = base64.b64encode(f"me:{SECRET}{end}".encode()).decode()
    for entry, field in (
        ({"auth": auth}, "password"),
        ({"registrytoken": SECRET + end}, "bearer"),
        ({"identitytoken": SECRET + end}, "identity_token"),
    ):
        (docker / "config.json").write_text(json.dumps({"auths": {"ghcr.io": entry}}))
        assert getattr(_found(), field) == SecretStr(SECRET)


def test_a_secret_of_line_breaks_is_none() -> None:
    assert Access(token="\n").token is None
    with pytest.raises(ConfigurationError, match="both username and password"):
        Access(username="me", password="\n")
