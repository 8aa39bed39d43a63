"""What a test reads from the registry, and what it refuses; the protocol is tested end to end."""

from __future__ import annotations

import hashlib
import json
from http.client import HTTPConnection

import pytest

from evalhub.adapter import OCIArtifactPersister, OCIArtifactSpec, OCICoordinates
from evalhub.testing import OCIRegistry


@pytest.fixture
def registry():
    with OCIRegistry() as started:
        yield started


def ask(registry, method, path, body=None, **headers):
    connection = HTTPConnection(registry.host, timeout=5)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, content


def test_keeps_what_is_pushed(registry, tmp_path):
    (tmp_path / "answers.json").write_text("[1]")
    coordinates = OCICoordinates(oci_host=registry.url, oci_repository="org/r", oci_tag="v1")
    stored = OCIArtifactPersister().persist(
        OCIArtifactSpec(files_path=tmp_path / "answers.json", coordinates=coordinates)
    )
    assert registry.repositories() == ["org/r"]
    assert registry.tags("org/r") == ["v1"]
    manifest = registry.manifest("org/r", "v1")
    assert manifest == registry.manifest("org/r", stored.digest)
    layer = manifest["layers"][0]
    assert len(registry.blob("org/r", layer["digest"])) == layer["size"]
    for lookup in (lambda: registry.manifest("org/r", "v2"), lambda: registry.blob("x", "y")):
        with pytest.raises(KeyError):
            lookup()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2", 200),
        ("GET", "/elsewhere", 404),
        ("DELETE", "/v2/a/blobs/sha256:0", 405),
        ("GET", "/v2/a/blobs/sha256:0", 400),
        ("DELETE", "/v2/a/manifests/v1", 404),
        ("PUT", "/v2/a/manifests/v1", 400),
    ],
)
def test_answers(registry, method, path, status):
    assert ask(registry, method, path)[0] == status


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"'])
def test_a_manifest_must_be_an_object(registry, body):
    status, content = ask(registry, "PUT", "/v2/a/manifests/v1", body)
    assert (status, json.loads(content)["errors"][0]["code"]) == (400, "MANIFEST_INVALID")


def test_a_manifest_may_not_be_huge(registry):
    assert ask(registry, "PUT", "/v2/a/manifests/v1", b" " * 4_194_305)[0] == 413


def test_a_tag_is_deleted_alone(registry):
    body = json.dumps({"schemaVersion": 2}).encode()
    for tag in ("v1", "v2"):
        assert ask(registry, "PUT", f"/v2/a/manifests/{tag}", body)[0] == 201
    assert ask(registry, "DELETE", "/v2/a/manifests/v1")[0] == 202
    assert registry.tags("a") == ["v2"]
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert ask(registry, "DELETE", f"/v2/a/manifests/{digest}")[0] == 202
    assert registry.tags("a") == []


def test_a_range_beyond_the_end(registry):
    digest = f"sha256:{hashlib.sha256(b'x').hexdigest()}"
    assert ask(registry, "POST", f"/v2/a/blobs/uploads/?digest={digest}", b"x")[0] == 201
    assert ask(registry, "GET", f"/v2/a/blobs/{digest}", Range="bytes=5-9")[0] == 416
