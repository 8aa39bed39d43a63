from __future__ import annotations

import hashlib
import sys
from subprocess import run
from typing import TYPE_CHECKING, Any

import pytest

import evalhub.oci.persister as module
from evalhub.errors import ArtifactError, ConfigurationError
from evalhub.models.oci import OCIArtifactSpec, OCICoordinates
from evalhub.oci import (
    DEFAULT_OCI_PROXY_HOST,
    OCIArtifactContext,
    OCIArtifactPersister,
    OCILayoutPersister,
    Persister,
    default_tag_hasher,
    verify,
)

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = OCIArtifactContext("job", "mmlu", "lm-eval", 3)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "results.json"
    path.write_text("{}")
    return path


def _layout(tmp_path: Path, **options: Any) -> OCIArtifactPersister:
    return OCIArtifactPersister(registry_url=f"oci:{tmp_path}/layout", **options)


def test_the_tag_is_the_one_the_ecosystem_knows() -> None:
    assert default_tag_hasher(CONTEXT) == (
        "evalhub-" + hashlib.sha256(b"job:lm-eval:mmlu:3").hexdigest()
    )
    assert default_tag_hasher(OCIArtifactContext("job", "mmlu")) == (
        "evalhub-" + hashlib.sha256(b"job::mmlu:0").hexdigest()
    )
    assert DEFAULT_OCI_PROXY_HOST == "localhost:8080"


@pytest.mark.parametrize(
    ("spec", "context"),
    [
        ({}, CONTEXT),
        ({"job_id": "job", "benchmark_id": "mmlu", "provider_id": "lm-eval"}, CONTEXT),
        (
            {
                "id": "job",
                "benchmark_id": "mmlu",
                "provider_id": "lm-eval",
                "benchmark_index": 3,
            },
            OCIArtifactContext("other", "other"),
        ),
    ],
)
def test_ids_come_from_the_spec_or_else_the_context(
    tmp_path: Path, file: Path, spec: dict[str, Any], context: OCIArtifactContext
) -> None:
    persister = _layout(tmp_path, context=context)

    stored = persister.persist(OCIArtifactSpec(files=[file], **spec))

    assert f":{default_tag_hasher(CONTEXT)}@" in stored.reference


def test_without_ids_the_tag_is_made_of_the_digest(tmp_path: Path, file: Path) -> None:
    stored = _layout(tmp_path).persist(OCIArtifactSpec(files=[file]))

    tag = f"evalhub-{stored.digest.removeprefix('sha256:')}"
    assert stored.reference == f"oci:{tmp_path}/layout:{tag}@{stored.digest}"


def test_a_tag_hasher_of_one_s_own(tmp_path: Path, file: Path) -> None:
    def hasher(context: OCIArtifactContext) -> str:
        return f"{context.benchmark_id}-{context.benchmark_index}"

    persister = _layout(tmp_path, context=CONTEXT, tag_hasher=hasher)

    assert ":mmlu-3@" in persister.persist(OCIArtifactSpec(files=[file])).reference


def test_the_tag_of_the_coordinates_wins(tmp_path: Path, file: Path) -> None:
    coordinates = OCICoordinates(oci_host="h", oci_repository="r", oci_tag="mine")

    stored = OCILayoutPersister(tmp_path / "l", context=CONTEXT).persist(
        OCIArtifactSpec(files=[file], coordinates=coordinates)
    )

    assert ":mine@" in stored.reference


def test_the_user_s_annotations_win_and_make_another_artifact(tmp_path: Path, file: Path) -> None:
    coordinates = OCICoordinates(oci_host="h", oci_repository="r", annotations={"a": "1", "b": "2"})
    spec = OCIArtifactSpec(files=[file], coordinates=coordinates, annotations={"b": "3"})
    persister = OCILayoutPersister(tmp_path / "l", context=CONTEXT)

    one = persister.persist(spec)
    two = persister.persist(spec.model_copy(update={"annotations": {}}))

    assert one.digest != two.digest
    manifest = (
        tmp_path / "l" / "blobs" / "sha256" / one.digest.removeprefix("sha256:")
    ).read_text()
    assert '"a":"1","b":"3"' in manifest


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"files": []}, "no files to store"),
        ({"files": ["/gone"]}, "cannot read /gone: No such file or directory"),
        ({"annotations": {"": "x"}}, "illegal annotation ''"),
        (
            {"coordinates": {"oci_host": "h:5000", "oci_repository": "UPPER"}},
            "illegal repository 'UPPER'",
        ),
        (
            {"coordinates": {"oci_host": "h:5000", "oci_repository": "r", "oci_tag": "a b"}},
            "illegal tag 'a b'",
        ),
        ({"coordinates": {"oci_host": "h h", "oci_repository": "r"}}, "illegal registry host"),
        (
            {"coordinates": {"oci_host": "me:s3cret@host", "oci_repository": "r"}},
            "the URL of the registry contains credentials",
        ),
    ],
)
def test_bad_input_is_an_artifact_error_that_names_the_place(
    tmp_path: Path, file: Path, spec: dict[str, Any], expected: str
) -> None:
    persister = _layout(tmp_path)
    given = OCIArtifactSpec.model_validate({"files": [file], **spec})

    with pytest.raises(ArtifactError) as caught:
        persister.persist(given)

    error = caught.value
    host = spec.get("coordinates", {}).get("oci_host", "").rpartition("@")[2]
    assert error.registry == (host or f"oci:{tmp_path}/layout")
    assert error.reference.startswith(error.registry)
    assert str(error).startswith(f"cannot store {error.reference}: {expected}")
    assert "s3cret" not in str(error)
    assert not (tmp_path / "layout" / "index.json").exists()


def test_no_registry_at_all(file: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot store an artifact: no registry: give"):
        OCIArtifactPersister(context=CONTEXT).persist(OCIArtifactSpec(files=[file]))


def test_a_docker_configuration_that_cannot_be_read(file: Path, tmp_path: Path) -> None:
    for name in ("auth_config_path", "oci_auth_config_path"):
        persister = OCIArtifactPersister("127.0.0.1:1", **{name: tmp_path / name})  # type: ignore[arg-type] # one of two names

        with pytest.raises(ArtifactError, match=f"cannot read credentials in .*{name}: No such"):
            persister.persist(OCIArtifactSpec(files=[file]))


def test_half_of_the_credentials() -> None:
    with pytest.raises(ConfigurationError, match="both username and password"):
        OCIArtifactPersister("ghcr.io", username="user")


def test_both_persisters_keep_the_protocol(tmp_path: Path) -> None:
    assert isinstance(OCIArtifactPersister("ghcr.io"), Persister)
    assert isinstance(OCILayoutPersister(tmp_path), Persister)


class TestOpenPersister:
    def test_without_a_registry_artifacts_go_to_the_layout(
        self, tmp_path: Path, file: Path
    ) -> None:
        persister = OCIArtifactPersister(f"oci:{tmp_path}/artifacts", context=CONTEXT)

        stored = persister.persist(OCIArtifactSpec(files=[file]))

        assert stored.reference.startswith(f"oci:{tmp_path}/artifacts:evalhub-")
        assert verify(stored.reference) == stored

    def test_a_registry_url_may_be_a_layout(self, tmp_path: Path, file: Path) -> None:
        persister = OCIArtifactPersister(f"oci:{tmp_path}/yes")

        stored = persister.persist(OCIArtifactSpec(files=[file]))

        assert stored.reference.startswith(f"oci:{tmp_path}/yes:")

    def test_in_a_cluster_without_a_registry_nothing_is_stored(self, file: Path) -> None:
        persister = OCIArtifactPersister(proxy_host=DEFAULT_OCI_PROXY_HOST, insecure=True)

        with pytest.raises(ArtifactError, match=r"REGISTRY_URL.*exports\.oci"):
            persister.persist(OCIArtifactSpec(files=[file]))

    def test_the_credentials_are_checked_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="both username and password"):
            OCIArtifactPersister("ghcr.io", username="user")


def test_progress_is_reported(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalhub.oci._progress.INTERVAL", 0.0)
    reported: list[tuple[int, int]] = []
    persister = _layout(tmp_path, on_progress=lambda done, total: reported.append((done, total)))

    persister.persist(OCIArtifactSpec(files=[file]))

    assert reported == [(2, 2)]


def test_a_layout_needs_no_http_client(file: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from evalhub.oci import OCIArtifactPersister, pull;"
        "from evalhub.models.oci import OCIArtifactSpec;"
        "persister = OCIArtifactPersister(registry_url='oci:' + sys.argv[2]);"
        "stored = persister.persist(OCIArtifactSpec(files=[sys.argv[1]]));"
        "pull(stored.reference, sys.argv[2] + '-pulled');"
        "print({'httpx', 'oras', 'requests', 'urllib3', 'jsonschema'} & set(sys.modules))"
    )
    done = run(
        [sys.executable, "-c", code, str(file), str(tmp_path / "l")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "set()\n"


def test_everything_the_existing_import_paths_name() -> None:
    assert {
        "DEFAULT_OCI_PROXY_HOST",
        "OCIArtifactContext",
        "OCIArtifactPersister",
        "Persister",
        "default_tag_hasher",
    } <= set(module.__all__)
