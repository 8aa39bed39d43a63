"""The programs the other tests stand on, seen through skopeo and plain HTTP."""

from __future__ import annotations

import json
import subprocess
import tarfile
import urllib.error
import urllib.request
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from support.process import find, listening
from support.recorder import EventRecorder
from support.registry import Registry, docker_registry
from support.sidecar import runtime_sidecar

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

EVENT = {"provider_id": "demo", "id": "arith", "benchmark_index": 0, "status": "running"}


def post(url: str, body: object) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method="POST")
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def skopeo(
    registry: Registry, archive: Path, *, user: str | None
) -> subprocess.CompletedProcess[str]:
    certificates = archive.parent / "certificates"
    certificates.mkdir(exist_ok=True)
    if registry.ca is not None:
        (certificates / "ca.crt").write_bytes(registry.ca.read_bytes())
    verify = "true" if registry.scheme == "https" else "false"
    credentials = [f"--dest-creds={user}"] if user else ["--dest-no-creds"]
    command = [
        *(find("skopeo"), "--insecure-policy", "copy"),
        *(f"--dest-tls-verify={verify}", f"--dest-cert-dir={certificates}", *credentials),
        *(f"tarball:{archive}", f"docker://{registry.host}/team/results:first"),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "content.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("empty"), BytesIO())
    return path


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("auth", [None, "basic", "token"])
def test_registry_takes_a_push(tmp_path, archive, tls, auth):
    with docker_registry(tmp_path / "registry", tls=tls, auth=auth) as registry:
        user = f"{registry.username}:{registry.password}" if auth else None
        pushed = skopeo(registry, archive, user=user)

        assert pushed.returncode == 0, pushed.stderr
        assert list(registry.storage.glob("**/team/results/_manifests/tags/first"))


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_registry_refuses_a_wrong_password(tmp_path, archive, auth):
    with docker_registry(tmp_path / "registry", auth=auth) as registry:
        pushed = skopeo(registry, archive, user=f"{registry.username}:wrong")

        assert pushed.returncode != 0
        assert "authentication required" in pushed.stderr or "unauthorized" in pushed.stderr


def test_registry_refuses_an_expired_token(tmp_path):
    with docker_registry(tmp_path / "registry", auth="token", token_lifetime=0) as registry:
        assert registry.tokens is not None
        stale = registry.tokens.sign("repository:team/results:pull")
        registry.tokens.lifetime = 60
        fresh = registry.tokens.sign("repository:team/results:pull")

        assert tags(registry, stale) == 401
        assert tags(registry, fresh) == 404  # allowed to look; nothing is there


def tags(registry: Registry, token: str) -> int:
    request = urllib.request.Request(
        f"{registry.url}/v2/team/results/tags/list", headers={"Authorization": f"Bearer {token}"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
        pass
    with caught.value as error:
        return int(error.code)


def test_recorder_answers_as_the_service(service):
    # The same bodies to both; the real service has no such job, so only refusals are compared.
    with EventRecorder() as recorder:
        path = "/api/v1/evaluations/jobs/none/events"
        bodies: list[object] = [
            b"",
            b"nonsense",
            b'{"a": NaN}',
            {},
            [],
            {"benchmark_status_event": {}},
        ]
        for body in bodies:
            status, answer = post(recorder.url + path, body)
            real_status, real_answer = post(service.url + path, body)

            assert status == real_status == 400
            assert answer["message_code"] == real_answer["message_code"], body
        assert recorder.events == []


def test_recorder_refuses_events_after_the_end():
    with EventRecorder() as recorder:
        url = f"{recorder.url}/api/v1/evaluations/jobs/one/events"
        done = {"benchmark_status_event": {**EVENT, "status": "completed"}}

        assert post(url, {"benchmark_status_event": EVENT})[0] == 204
        assert post(url, done)[0] == 204
        status, answer = post(url, done)

        assert (status, answer["message_code"]) == (409, "job_can_not_be_updated")
        assert [event["status"] for event in recorder.events] == ["running", "completed"]


def test_sidecar_passes_events_on(tmp_path):
    with (
        EventRecorder() as recorder,
        runtime_sidecar(tmp_path / "sidecar", eval_hub=recorder.url) as sidecar,
    ):
        path = "/api/v1/evaluations/jobs/one/events"
        assert post(sidecar.url + path, {"benchmark_status_event": EVENT})[0] == 204

    assert recorder.last == EVENT


def test_sidecar_passes_pushes_on(tmp_path, archive):
    with (
        EventRecorder() as recorder,
        docker_registry(tmp_path / "registry", tls=True, auth="token") as registry,
    ):
        auth = registry.write_auth_file(tmp_path / "config.json")
        coordinates = {"oci_host": registry.host, "oci_repository": "team/results"}
        with runtime_sidecar(
            tmp_path / "sidecar",
            eval_hub=recorder.url,
            job_spec={"id": "one", "exports": {"oci": {"coordinates": coordinates}}},
            oci_auth=auth,
            oci_ca=registry.ca,
        ) as sidecar:
            started, _ = post(f"{sidecar.url}/v2/team/results/blobs/uploads/", b"")

    assert started == 202
    assert registry.tokens is not None
    assert registry.tokens.scopes == ["repository:team/results:push"]


def test_a_program_that_ends_tells_why():
    with (
        pytest.raises(pytest.fail.Exception, match=r"ended with 3:\nno such disk"),
        listening(["sh", "-c", "echo no such disk; exit 3"], 1),
    ):
        pass


def test_a_missing_program_is_a_skip_for_people_and_a_failure_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not installed"):
        find("no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not installed"):
        find("no-such-program")
