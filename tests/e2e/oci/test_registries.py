"""Artifacts in real registries, read back by this package and by skopeo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.registry import docker_registry

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec, OCICoordinates
from evalhub.oci import (
    OCIArtifactContext,
    OCIArtifactPersister,
    OCILayoutPersister,
    default_tag_hasher,
    pull,
    verify,
)
from evalhub.testing.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.registry import Registry

    from .conftest import Skopeo

    Content = Callable[[Path], dict[str, bytes]]

pytestmark = pytest.mark.e2e

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "basic": {"auth": "basic"},
    "tls": {"tls": True},
    "tls-basic": {"tls": True, "auth": "basic"},
    "token": {"auth": "token"},
}

PUSH_AND_TELL = """\
import json, re, sys
from pathlib import Path
from evalhub.oci import OCIArtifactPersister
from evalhub.models.oci import OCIArtifactSpec

result = OCIArtifactPersister(sys.argv[1]).persist(OCIArtifactSpec(files_path=sys.argv[2]))
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(json.dumps([result.size_bytes, int(peak[1])]))
"""


@pytest.fixture(scope="module", params=KINDS)
def any_registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registry]:
    directory = tmp_path_factory.mktemp(request.param)
    with docker_registry(directory, **KINDS[request.param]) as running:
        yield running


def _persister(registry: Registry, **options: Any) -> OCIArtifactPersister:
    return OCIArtifactPersister(
        registry.host,
        username=registry.username,
        password=registry.password,
        ca_bundle_path=registry.ca,
        **options,
    )


def _access(registry: Registry) -> dict[str, Any]:
    return {
        "username": registry.username,
        "password": registry.password,
        "ca_bundle_path": registry.ca,
    }


def test_every_byte_comes_back_from_every_kind_of_registry(
    any_registry: Registry, results: Path, skopeo: Skopeo, tmp_path: Path, content: Content
) -> None:
    (results / "large.bin").write_bytes(os.urandom(64 << 20))
    spec = OCIArtifactSpec(
        files_path=results, job_id="job-1", benchmark_id="MMLU|abstract algebra", model_name="m"
    )

    stored = _persister(any_registry).persist(spec)

    tag = default_tag_hasher(OCIArtifactContext("job-1", "MMLU|abstract algebra"))
    place = f"{any_registry.host}/eval-results/mmlu-abstract-algebra"
    assert stored.reference == f"{place}:{tag}@{stored.digest}"
    image = f"docker://{place}@{stored.digest}"
    assert skopeo.files(image, *skopeo.access(any_registry, prefix="src-")) == content(results)
    assert pull(stored.reference, tmp_path / "pulled", **_access(any_registry)) == stored
    assert content(tmp_path / "pulled") == content(results)
    assert verify(stored.reference, **_access(any_registry)) == stored


def test_the_manifest_says_what_it_is_and_whose(
    registry: Registry, results: Path, skopeo: Skopeo
) -> None:
    spec = OCIArtifactSpec(
        files=[results / "results.json", results / "weights.bin"],
        job_id="job-2",
        benchmark_id="mmlu",
        provider_id="lm-eval",
        model_name="llama",
        title="Results",
        description="All of them",
        annotations={"score": "0.85", "org.opencontainers.image.title": "Mine"},
    )

    stored = _persister(registry).persist(spec)

    image = f"docker://{stored.reference.partition('@')[0]}"
    manifest = skopeo.manifest(image, *skopeo.access(registry))
    assert manifest["artifactType"] == "application/vnd.eval-hub.github.io"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert [layer["mediaType"] for layer in manifest["layers"]] == [
        "application/json",
        "application/octet-stream",
    ]
    created = manifest["annotations"].pop("org.opencontainers.image.created")
    assert stored.created_at is not None
    assert created == stored.created_at.isoformat().replace("+00:00", "Z")
    assert manifest["annotations"] == {
        "io.github.eval-hub.job_id": "job-2",
        "io.github.eval-hub.benchmark_id": "mmlu",
        "io.github.eval-hub.provider_id": "lm-eval",
        "io.github.eval-hub.model_name": "llama",
        "org.opencontainers.image.title": "Mine",
        "org.opencontainers.image.description": "All of them",
        "score": "0.85",
    }


def test_the_form_adapters_in_the_field_use(registry: Registry, results: Path) -> None:
    persister = OCIArtifactPersister(
        context=OCIArtifactContext("job-3", "arc", provider_id="lm-eval", benchmark_index=2),
        oci_auth_config_path=None,
        oci_insecure=True,
        tag_hasher=lambda context: f"{context.benchmark_id}-{context.benchmark_index}",
        oci_proxy_host=None,
    )
    coordinates = OCICoordinates(oci_host=registry.host, oci_repository="team/results")

    stored = persister.persist(OCIArtifactSpec(files_path=results, coordinates=coordinates))

    assert stored.reference == f"{registry.host}/team/results:arc-2@{stored.digest}"


def test_the_same_files_make_the_same_artifact_and_are_sent_once(
    registry: Registry, results: Path
) -> None:
    spec = OCIArtifactSpec(files_path=results, job_id="job-4", benchmark_id="same")
    with Faults(registry.url) as proxy:
        persister = OCIArtifactPersister(proxy.url)
        first = persister.persist(spec)
        uploads = [
            seen
            for seen in proxy.seen
            if seen.path.startswith("/v2/eval-results/same/blobs/uploads")
        ]
        proxy.seen.clear()

        second = persister.persist(spec)

        assert second == first
        assert len(uploads) == 2 * (5 + 1)  # five files and the configuration, POST and PUT
        assert not [seen for seen in proxy.seen if "uploads" in seen.path]


def test_a_blob_of_another_repository_is_mounted(registry: Registry, results: Path) -> None:
    with Faults(registry.url) as proxy:
        persister = OCIArtifactPersister(proxy.url)
        one = OCIArtifactSpec(files_path=results, job_id="job-5", benchmark_id="one")
        persister.persist(one)
        proxy.seen.clear()

        persister.persist(one.model_copy(update={"benchmark_id": "two"}))

        sent = [seen for seen in proxy.seen if seen.method == "PUT" and "uploads" in seen.path]
        assert [seen.request_bytes for seen in sent] == [2]  # the configuration alone
        mounts = [seen.path for seen in proxy.seen if "mount=sha256" in seen.path]
        assert all("from=eval-results%2Fone" in path for path in mounts)
        assert len(mounts) == 5


def test_the_subject_lists_what_refers_to_it(
    registry: Registry, results: Path, skopeo: Skopeo
) -> None:
    def push(tag: str, subject: str | None) -> str:
        coordinates = OCICoordinates(
            oci_host=registry.url, oci_repository="team/subject", oci_tag=tag, oci_subject=subject
        )
        spec = OCIArtifactSpec(files_path=results / "results.json", coordinates=coordinates)
        return OCIArtifactPersister().persist(spec).digest

    subject = push("subject", None)
    referrers = [push("first", subject), push("second", "subject"), push("first", subject)]

    image = f"docker://{registry.host}/team/subject"
    fallback = skopeo.manifest(f"{image}:{subject.replace(':', '-')}", *skopeo.access(registry))
    assert [entry["digest"] for entry in fallback["manifests"]] == referrers[:1]
    assert {entry["artifactType"] for entry in fallback["manifests"]} == {
        "application/vnd.eval-hub.github.io"
    }
    manifest = skopeo.manifest(f"{image}:first", *skopeo.access(registry))
    assert manifest["subject"]["digest"] == subject


def test_a_subject_that_is_not_there(registry: Registry, results: Path) -> None:
    coordinates = OCICoordinates(
        oci_host=registry.url, oci_repository="team/none", oci_subject="sha256:" + "0" * 64
    )
    spec = OCIArtifactSpec(files_path=results, coordinates=coordinates)

    with pytest.raises(ArtifactError, match=rf"there is no sha256:0+ in {registry.host}/team/none"):
        OCIArtifactPersister().persist(spec)


def test_a_layout_is_read_by_others(
    results: Path, skopeo: Skopeo, tmp_path: Path, content: Content
) -> None:
    persister = OCILayoutPersister(tmp_path / "layout")
    persister.persist(OCIArtifactSpec(files_path=results / "results.json", job_id="a"))
    stored = persister.persist(OCIArtifactSpec(files_path=results, job_id="b"))

    assert skopeo.files(stored.reference.partition("@")[0]) == content(results)


def test_credentials_come_from_docker_s_configuration(
    private_registry: Registry,
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    private_registry.write_auth_file(tmp_path / "config.json")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    spec = OCIArtifactSpec(files_path=results, job_id="j")

    stored = OCIArtifactPersister(
        private_registry.host, ca_bundle_path=private_registry.ca
    ).persist(spec)

    assert verify(stored.reference, ca_bundle_path=private_registry.ca) == stored


def test_wrong_credentials(private_registry: Registry, results: Path) -> None:
    persister = OCIArtifactPersister(
        private_registry.host,
        username="pusher",
        password="wr0ng-secret",
        ca_bundle_path=private_registry.ca,
    )

    with pytest.raises(ArtifactError, match="refused the credentials of user 'pusher'") as caught:
        persister.persist(OCIArtifactSpec(files_path=results, job_id="j"))

    assert caught.value.registry == private_registry.host
    assert caught.value.reference == f"{private_registry.host}/eval-results"
    assert "wr0ng-secret" not in str(caught.value)


def test_no_credentials(
    private_registry: Registry,
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    persister = OCIArtifactPersister(private_registry.host, ca_bundle_path=private_registry.ca)

    with pytest.raises(
        ArtifactError, match=r"requires credentials, and there are none in .*config\.json"
    ):
        persister.persist(OCIArtifactSpec(files_path=results, job_id="j"))


def test_an_unknown_authority(private_registry: Registry, results: Path) -> None:
    persister = OCIArtifactPersister(private_registry.host, username="pusher", password="p")

    with pytest.raises(ArtifactError, match="is not trusted; pass ca_bundle_path"):
        persister.persist(OCIArtifactSpec(files_path=results, job_id="j"))


def test_insecure_takes_any_certificate(private_registry: Registry, results: Path) -> None:
    persister = OCIArtifactPersister(
        private_registry.host,
        username=private_registry.username,
        password=private_registry.password,
        insecure=True,
    )

    stored = persister.persist(OCIArtifactSpec(files_path=results, job_id="j"))

    assert stored.reference.startswith(f"{private_registry.host}/eval-results:evalhub-")


def test_nothing_listens(results: Path) -> None:
    with Faults("http://127.0.0.1:1") as proxy:
        host = proxy.url.removeprefix("http://")
    code = (
        "import sys; from evalhub.oci import OCIArtifactPersister;"
        "from evalhub.models.oci import OCIArtifactSpec;"
        "OCIArtifactPersister(sys.argv[1]).persist(OCIArtifactSpec(files_path=sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"http://{host}", str(results)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.splitlines()[-1] == (
        f"evalhub.errors.ArtifactError: cannot store {host}/eval-results: "
        f"no answer from {host}: Connection refused"
    )
    assert "requests" not in done.stderr


def test_memory_does_not_grow_with_the_file(registry: Registry, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as stream:
        for _ in range(256):
            stream.write(os.urandom(1 << 20))
    done = subprocess.run(
        [sys.executable, "-c", PUSH_AND_TELL, registry.url, str(large)],
        capture_output=True,
        check=True,
    )

    size, peak_kib = json.loads(done.stdout)
    assert size == 256 << 20
    assert peak_kib < 150 * 1024
