"""Files as one packed layer."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec
from evalhub.oci import OCILayoutPersister, pull, verify
from evalhub.oci._files import File, FileChangedError
from evalhub.oci._layout import Layout
from evalhub.oci._manifest import Descriptor, build, describe, digest_of
from evalhub.oci._pack import MEDIA_TYPE, ROOT, UNPACK, is_packed, members, pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    directory = tmp_path / "results"
    (directory / "samples" / "deep").mkdir(parents=True)
    (directory / "täglich 100 %.json").write_text("{}")
    (directory / "samples" / "deep" / "a.csv").write_text("a,b\n")
    (directory / "empty").write_bytes(b"")
    (directory / ("n" * 200)).write_text("long")
    return directory


def _content(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def _layer(body: bytes, *, title: str = "d", root: bool = False) -> Descriptor:
    annotations = {"org.opencontainers.image.title": title, UNPACK: "true"}
    return Descriptor(
        media_type=MEDIA_TYPE,
        digest=digest_of(body),
        size=len(body),
        annotations={**annotations, ROOT: "root"} if root else annotations,
    )


def _archive(*entries: tuple[str, bytes]) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as tar:
        for name, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            entry.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            entry.size = 1 if kind == tarfile.REGTYPE else 0
            tar.addfile(entry, io.BytesIO(b"x"))
    return body.getvalue()


def _stored(path: Path, layer: Descriptor, body: bytes) -> str:
    """Store an artifact of one layer and return its reference."""
    manifest = build([layer], annotations={})
    layout = Layout(path)
    blob = path / "blobs" / layer.digest.replace(":", "/")
    blob.parent.mkdir(parents=True)
    blob.write_bytes(body)
    layout.add_manifest(manifest, describe(manifest, annotations={}), tag="t", subject=None)
    return f"oci:{path}:t"


def _read(path: Path, layer: Descriptor) -> dict[str, bytes]:
    return {name: b"".join(content or ()) for name, content in members(path, layer)}


def test_pull_returns_the_same_files_as_without_packing(results: Path, tmp_path: Path) -> None:
    persister = OCILayoutPersister(tmp_path / "layout")

    stored = persister.persist(OCIArtifactSpec(files_path=results, pack=True))

    assert verify(stored.reference) == stored
    assert pull(stored.reference, tmp_path / "pulled") == stored
    assert _content(tmp_path / "pulled") == _content(results)
    (layer,) = stored.files
    assert (layer.path, layer.media_type) == ("results", MEDIA_TYPE)


@pytest.mark.parametrize(
    ("spec", "title", "names"),
    [
        ({"files": ["results/empty"]}, "files", {"empty"}),
        (
            {"files": ["results/samples/deep/a.csv"], "base_path": "results/samples"},
            "samples",
            {"deep/a.csv"},
        ),
        ({"files_path": "results/empty"}, "empty", {"empty"}),
    ],
)
def test_the_title_is_the_name_of_the_directory(
    results: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spec: dict[str, object],
    title: str,
    names: set[str],
) -> None:
    monkeypatch.chdir(results.parent)
    persister = OCILayoutPersister("layout")

    stored = persister.persist(OCIArtifactSpec.model_validate({**spec, "pack": True}))

    assert stored.files[0].path == title
    pull(stored.reference, tmp_path / "pulled")
    assert set(_content(tmp_path / "pulled")) == names


def test_equal_files_make_an_equal_archive(results: Path, tmp_path: Path) -> None:
    os.utime(results / "empty", (1e9, 2e9))
    spec = OCIArtifactSpec(files_path=results, pack=True)

    one = OCILayoutPersister(tmp_path / "one").persist(spec)
    two = OCILayoutPersister(tmp_path / "two").persist(spec)

    assert one.digest == two.digest
    assert one.created_at is not None
    assert one.created_at.timestamp() == int(2e9)


def test_an_archive_of_oras_keeps_its_directory(tmp_path: Path) -> None:
    body = _archive(("d", tarfile.DIRTYPE), ("d/a", tarfile.REGTYPE), ("d/b/c", tarfile.REGTYPE))
    path = tmp_path / "archive"
    path.write_bytes(body)

    assert _read(path, _layer(body)) == {"d/a": b"x", "d/b/c": b"x"}
    assert _read(path, _layer(body, root=True)) == {"a": b"x", "b/c": b"x"}


def test_links_in_an_archive_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = _archive(("d/link", tarfile.SYMTYPE), ("d/p", tarfile.FIFOTYPE), ("d/a", b"0"))
    reference = _stored(tmp_path / "layout", _layer(body), body)

    pull(reference, tmp_path / "pulled")

    assert _content(tmp_path / "pulled") == {"d/a": b"x"}
    assert caplog.messages == [
        "left out d/link of d: not a regular file",
        "left out d/p of d: not a regular file",
    ]


@pytest.mark.parametrize("name", ["../a", "d/../../a"])
def test_nothing_is_written_if_a_name_leads_out(tmp_path: Path, name: str) -> None:
    body = _archive(("d/fine", tarfile.REGTYPE), (name, tarfile.REGTYPE))
    reference = _stored(tmp_path / "layout", _layer(body), body)

    with pytest.raises(ArtifactError, match="leads out of"):
        pull(reference, tmp_path / "pulled")

    assert list((tmp_path / "pulled").iterdir()) == []


def test_a_name_behind_a_link_that_leads_out(tmp_path: Path) -> None:
    body = _archive(("d/link/a", tarfile.REGTYPE))
    reference = _stored(tmp_path / "layout", _layer(body), body)
    (tmp_path / "pulled" / "d").mkdir(parents=True)
    (tmp_path / "pulled" / "d" / "link").symlink_to(tmp_path)

    with pytest.raises(ArtifactError, match="leads out of"):
        pull(reference, tmp_path / "pulled")


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "other/a", "d/../../a", "a", "d/\x07"])
def test_names_that_lead_out_of_the_directory(tmp_path: Path, name: str) -> None:
    body = _archive(("d/fine", tarfile.REGTYPE), (name, tarfile.REGTYPE))
    path = tmp_path / "archive"
    path.write_bytes(body)

    with pytest.raises(ArtifactError, match=r"leads out of|control characters"):
        list(members(path, _layer(body)))


@pytest.mark.parametrize(
    "body",
    [b"", b"not gzip", gzip.compress(b"not tar" * 100), _archive(("d/a", b"0"))[:-20]],
    ids=["empty", "no gzip", "no tar", "truncated"],
)
def test_what_is_not_an_archive(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "archive"
    path.write_bytes(body)

    with pytest.raises(ArtifactError, match="'d' is not a packed directory: "):
        list(members(path, _layer(body)))


def test_only_layers_that_say_so_are_unpacked() -> None:
    layer = _layer(b"")

    assert is_packed(layer)
    assert not is_packed(Descriptor(media_type=MEDIA_TYPE, digest="d", size=0))
    assert not is_packed(
        Descriptor(media_type="application/gzip", digest="d", size=0, annotations={UNPACK: "true"})
    )


def _meddling(path: Path, write: Callable[[], object], *, times: int) -> File:
    """Return a file that is written to after it was opened, the first times it is read."""
    left = times

    class Stream(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal left
            if left:
                left -= 1
                write()
            return super().read(-1 if size is None else size)

    class Meddling(File):
        def open(self) -> io.FileIO:
            return Stream(self.path)

    return Meddling(path.name, path, path.stat().st_size)


def _grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"y")


def _shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


@pytest.mark.parametrize("change", [_grow, _shrink])
def test_a_file_that_changes_while_it_is_packed(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 100)

    with pack([_meddling(path, lambda: change(path), times=1)], title="d") as archive:
        layer = _layer(archive.path.read_bytes())
        found = _read(archive.path, layer)

    assert found == {"d/a.log": path.read_bytes()}
    assert len(path.read_bytes()) != 100


@pytest.mark.parametrize("change", [_grow, _shrink])
def test_a_file_that_keeps_changing(tmp_path: Path, change: Callable[[Path], object]) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 100)
    file = _meddling(path, lambda: change(path), times=1000)

    with (
        pytest.raises(ArtifactError, match="files changed while they were packed"),
        pack([file], title="d"),
    ):
        pytest.fail("it was packed")


def test_a_change_is_not_hidden_by_the_block_that_uses_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("a")

    with pytest.raises(FileChangedError), pack([File("a", path, 1)], title="d"):
        raise FileChangedError


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("a")

    class Full(gzip.GzipFile):
        def write(self, data: Any) -> int:
            if data == b"a":
                raise OSError(28, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(gzip, "GzipFile", Full)
    with (
        pytest.raises(ArtifactError, match=r"cannot pack files in .*: No space left on device"),
        pack([File("a", path, 1)], title="d"),
    ):
        pytest.fail("the disk was full")
