from __future__ import annotations

import json
import resource
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec, OCICoordinates
from evalhub.oci import OCILayoutPersister, Persister, pull, verify
from evalhub.oci._collect import collect
from evalhub.oci._layout import Layout
from evalhub.oci._manifest import describe
from evalhub.oci._progress import Progress

if TYPE_CHECKING:
    from evalhub.models.oci import OCIArtifactResult


@pytest.fixture
def files(tmp_path: Path) -> Path:
    directory = tmp_path / "files"
    (directory / "deep").mkdir(parents=True)
    (directory / "a.json").write_text('{"a": 1}')
    (directory / "deep" / "b.csv").write_text("1,2")
    (directory / "deep" / "empty").write_text("")
    return directory


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return tmp_path / "layout"


def _store(layout: Path, files: Path, tag: str, subject: str | None = None) -> OCIArtifactResult:
    coordinates = OCICoordinates(
        oci_host="ignored", oci_repository="ignored", oci_tag=tag, oci_subject=subject
    )
    spec = OCIArtifactSpec(files_path=files, coordinates=coordinates)
    return OCILayoutPersister(layout).persist(spec)


def test_a_layout_is_what_the_specification_says(layout: Path, files: Path) -> None:
    stored = _store(layout, files, "t")

    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout / "index.json").read_text())
    assert index["mediaType"] == "application/vnd.oci.image.index.v1+json"
    (entry,) = index["manifests"]
    assert entry["digest"] == stored.digest
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "t"}
    blobs = {path.name for path in (layout / "blobs" / "sha256").iterdir()}
    # Three files, the configuration and the manifest; nothing unfinished.
    assert len(blobs) == 5
    assert stored.digest.removeprefix("sha256:") in blobs
    assert stored.reference == f"oci:{layout}:t@{stored.digest}"


def test_several_tags_in_one_layout_and_one_replaced(layout: Path, files: Path) -> None:
    first, second = _store(layout, files, "first"), _store(layout, files / "a.json", "second")
    third = _store(layout, files / "deep", "first")

    assert verify(f"oci:{layout}:first").digest == third.digest != first.digest
    assert verify(f"oci:{layout}:second").digest == second.digest


def test_the_same_files_make_the_same_artifact(layout: Path, files: Path, tmp_path: Path) -> None:
    assert _store(layout, files, "t").digest == _store(tmp_path / "other", files, "t").digest


def test_writers_do_not_lose_each_other_s_artifacts(layout: Path, files: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: _store(layout, files, f"tag{number}"), range(16)))

    tags = [Layout(layout).manifest(f"tag{number}")[0].digest for number in range(16)]
    assert len(set(tags)) == 1


def test_first_writers_do_not_lose_each_other_s_artifacts(layout: Path) -> None:
    body = b"{}"
    manifest = describe(body, annotations={})
    start = Barrier(8)

    def add(number: int) -> None:
        for attempt in range(40):
            start.wait()
            place = Layout(layout / str(attempt))
            place.add_manifest(body, manifest, tag=f"tag{number}", subject=None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))

    for attempt in range(40):
        index = json.loads((layout / str(attempt) / "index.json").read_bytes())
        assert len(index["manifests"]) == 8


def test_files_come_back(layout: Path, files: Path, tmp_path: Path) -> None:
    stored = _store(layout, files, "t")

    assert pull(f"oci:{layout}:t", tmp_path / "out") == stored
    assert (tmp_path / "out" / "deep" / "b.csv").read_text() == "1,2"
    assert (tmp_path / "out" / "deep" / "empty").read_bytes() == b""
    assert pull(f"oci:{layout}", tmp_path / "only").digest == stored.digest


def test_a_subject_of_the_same_layout(layout: Path, files: Path) -> None:
    subject = _store(layout, files, "t")

    refers = _store(layout, files, "u", subject=subject.digest)

    _, body = Layout(layout).manifest(refers.digest)
    assert json.loads(body)["subject"]["digest"] == subject.digest
    assert "annotations" not in json.loads(body)["subject"]


@pytest.mark.parametrize("subject", ["../../other", "sha256:1"])
def test_an_illegal_subject(layout: Path, files: Path, subject: str) -> None:
    with pytest.raises(ArtifactError, match="illegal"):
        _store(layout, files, "u", subject=subject)


def test_what_a_layout_does_not_hold(layout: Path, files: Path) -> None:
    _store(layout, files, "t")
    _store(layout, files / "a.json", "u")

    with pytest.raises(ArtifactError, match=rf"there is no missing in the layout {layout}"):
        verify(f"oci:{layout}:missing")
    with pytest.raises(ArtifactError, match="has several artifacts; name one: t, u"):
        verify(f"oci:{layout}")
    with pytest.raises(ArtifactError, match="there is no artifact in the layout"):
        verify(f"oci:{layout}-not-there")


@pytest.mark.parametrize("index", ["{", "[]", "{}", '{"manifests": 1}', '{"manifests": [1]}'])
def test_an_index_that_is_none(layout: Path, index: str) -> None:
    layout.mkdir()
    (layout / "index.json").write_text(index)

    with pytest.raises(ArtifactError, match=r"index\.json is not the index of a layout"):
        verify(f"oci:{layout}:t")


def test_a_blob_that_is_gone_or_changed(layout: Path, files: Path) -> None:
    stored = _store(layout, files, "t")
    blob = layout / "blobs" / "sha256" / stored.files[0].digest.removeprefix("sha256:")

    blob.write_text('{"a": 2}')
    with pytest.raises(ArtifactError, match=rf"expected {stored.files[0].digest} \(8 bytes\), got"):
        verify(stored.reference)
    blob.write_text('{"a": 1, "b": 2}')
    with pytest.raises(ArtifactError, match=r"\(8 bytes\), got"):
        verify(stored.reference)
    blob.unlink()
    with pytest.raises(ArtifactError, match=r"cannot read sha256:.* No such file"):
        verify(stored.reference)


def test_a_directory_that_cannot_be_written_to(files: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ArtifactError, match=r"cannot write to the layout .*: Not a directory"):
        _store(tmp_path / "file", files, "t")


def test_a_full_disk(layout: Path, files: Path) -> None:
    with (
        pytest.raises(ArtifactError, match=r"cannot write to the layout .*: No space left"),
        Layout(layout)._new_file(layout),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write((files / "a.json").read_bytes())

    assert list(layout.iterdir()) == []


def test_a_disk_that_is_full_before_the_last_byte(layout: Path, files: Path) -> None:
    (files / "large").write_bytes(b"x" * 300_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (299_999, limits[1]))
    try:
        with pytest.raises(ArtifactError, match=r"cannot write to the layout .*: File too large"):
            _store(layout, files / "large", "t")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert list((layout / "blobs" / "sha256").iterdir()) == []


def test_an_index_that_cannot_be_locked(layout: Path, files: Path) -> None:
    (layout / "oci-layout").mkdir(parents=True)

    with pytest.raises(ArtifactError, match=r"cannot write to the layout .*: Is a directory"):
        _store(layout, files, "t")


def test_the_folder_of_a_benchmark_with_a_colon(files: Path, tmp_path: Path) -> None:
    stored = _store(tmp_path / "arc:easy" / "layout", files, "t")

    assert verify(stored.reference) == stored


def test_a_path_others_cannot_name(files: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="illegal image layout"):
        _store(tmp_path / "a:b", files, "t")


def test_a_file_that_changes_while_it_is_copied(layout: Path, files: Path) -> None:
    path = files / "a.json"

    class Meddling(Progress):
        def add(self, size: int) -> None:
            super().add(size)
            if size == len('{"a": 1}'):
                path.write_text('{"a": 22222}')

    progress = Meddling(0)
    (blob,) = Layout(layout).add_files(collect(OCIArtifactSpec(files_path=path)).files, progress)

    assert blob.size == progress.done == len('{"a": 22222}')
    assert [path.name for path in (layout / "blobs" / "sha256").iterdir()] == [
        blob.digest.removeprefix("sha256:")
    ]


def test_persisters_are_told_by_their_method(layout: Path) -> None:
    assert isinstance(OCILayoutPersister(layout), Persister)
    assert not isinstance(object(), Persister)
