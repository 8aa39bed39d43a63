from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec
from evalhub.oci import OCILayoutPersister, pull, verify
from evalhub.oci._layout import Layout
from evalhub.oci._manifest import MANIFEST_TYPE, Descriptor, digest_of

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "org.opencontainers.image.title"


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    file = tmp_path / "a.json"
    file.write_text("{}")
    OCILayoutPersister(tmp_path / "layout").persist(OCIArtifactSpec(files=[file]))
    return tmp_path / "layout"


def _add(layout: Path, manifest: Any) -> str:
    """Put a manifest under a tag, whatever it says."""
    body = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    descriptor = Descriptor(media_type=MANIFEST_TYPE, digest=digest_of(body), size=len(body))
    Layout(layout).add_manifest(body, descriptor, tag="made", subject=None)
    return f"oci:{layout}:made"


def _layer(title: str | None, digest: str = digest_of(b"{}"), size: int = 2) -> dict[str, Any]:
    annotations = {} if title is None else {TITLE: title}
    return {"mediaType": "a/b", "digest": digest, "size": size, "annotations": annotations}


def _manifest(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"config": _layer(None), "layers": [*layers], **more}


@pytest.mark.parametrize("title", ["../out", "/etc/passwd", "a/../../out", "", ".."])
def test_names_that_leave_the_directory(layout: Path, tmp_path: Path, title: str) -> None:
    reference = _add(layout, _manifest(_layer("fine"), _layer(title)))

    if not title:  # no name at all: called by its digest
        assert pull(reference, tmp_path / "out").files[1].path.startswith("sha256-")
        return
    with pytest.raises(ArtifactError, match="leads out of its directory"):
        pull(reference, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_link_in_the_directory_that_leaves_it(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ArtifactError, match=r"'link/x' leads out of .*/out"):
        pull(_add(layout, _manifest(_layer("link/x"))), tmp_path / "out")

    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_link_in_the_place_of_a_file_is_replaced(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "out" / "x").symlink_to(victim)

    pull(_add(layout, _manifest(_layer("x"))), tmp_path / "out")

    assert victim.read_text() == "mine"
    assert (tmp_path / "out" / "x").read_text() == "{}"


def test_two_files_of_one_name(layout: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="two files have the name 'x'"):
        pull(_add(layout, _manifest(_layer("x"), _layer("x"))), tmp_path / "out")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (_layer("x", size=3), r"\(3 bytes\), got sha256:.* \(2 bytes\)"),
        (_layer("x", size=1), r"\(1 bytes\), got"),
        (_layer("x", digest="md5:1"), "illegal digest 'md5:1'"),
        (_layer("x", digest="sha256:../../../etc/passwd"), "illegal digest"),
    ],
)
def test_blobs_that_are_not_what_they_should_be(
    layout: Path, tmp_path: Path, layer: dict[str, Any], expected: str
) -> None:
    reference = _add(layout, _manifest(layer))

    with pytest.raises(ArtifactError, match=expected):
        verify(reference)
    with pytest.raises(ArtifactError, match=expected):
        pull(reference, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_a_configuration_that_is_not_what_it_should_be(layout: Path) -> None:
    manifest = {"config": _layer(None, size=3), r"layers": []}

    with pytest.raises(ArtifactError, match=r"\(3 bytes\), got"):
        verify(_add(layout, manifest))


@pytest.mark.parametrize("manifest", [b"{", b"\xff"])
def test_a_manifest_that_is_not_json(layout: Path, manifest: bytes) -> None:
    with pytest.raises(ArtifactError, match="the manifest is not JSON"):
        verify(_add(layout, manifest))


@pytest.mark.parametrize("manifest", [[], {"manifests": []}, {"config": {}, "layers": {}}])
def test_a_manifest_of_something_else(layout: Path, manifest: Any) -> None:
    with pytest.raises(ArtifactError, match="expected an artifact manifest, got application/vnd"):
        verify(_add(layout, manifest))


@pytest.mark.parametrize("created", ["yesterday", None])
def test_a_time_that_is_none(layout: Path, created: str | None) -> None:
    annotations = {"org.opencontainers.image.created": created}

    assert verify(_add(layout, _manifest(annotations=annotations))).created_at is None


def test_another_digest_than_asked_for(layout: Path) -> None:
    reference = _add(layout, _manifest())
    digest = verify(reference).digest
    (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_text("{}")

    with pytest.raises(ArtifactError, match=rf"expected {digest} \(\d+ bytes\), got"):
        verify(f"oci:{layout}@{digest}")


def test_a_directory_that_cannot_be_written_to(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(
        ArtifactError, match=r"cannot write below .*/file: (Not a directory|File exists)"
    ):
        pull(_add(layout, _manifest(_layer("x"))), tmp_path / "file")


@pytest.mark.parametrize("reference", ["nothing", "https://me:s3cret@host/repo:tag"])
def test_a_reference_that_is_none(reference: str) -> None:
    with pytest.raises(ArtifactError, match="cannot verify") as caught:
        verify(reference)

    assert "s3cret" not in str(caught.value)


def test_errors_name_the_registry(layout: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        verify(f"oci:{layout}:missing")

    assert caught.value.registry == f"oci:{layout}"
    assert caught.value.reference == f"oci:{layout}:missing"
