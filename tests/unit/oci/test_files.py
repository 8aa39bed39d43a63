from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec
from evalhub.oci._collect import collect
from evalhub.oci._files import (
    File,
    FileChangedError,
    check_name,
    retry_if_changed,
)

if TYPE_CHECKING:
    from evalhub.oci._files import Blob


@pytest.fixture
def base(tmp_path: Path) -> Path:
    directory = tmp_path / "base"
    (directory / "b").mkdir(parents=True)
    (directory / "z.json").write_text("{}")
    (directory / "b" / "a.json").write_text("[]")
    return directory


def test_a_fifo_put_in_the_place_of_a_file_does_not_block(base: Path) -> None:
    (file,) = collect(OCIArtifactSpec(files=[base / "z.json"])).files
    file.path.unlink()
    os.mkfifo(file.path)

    with pytest.raises(ArtifactError, match="is not a regular file"):
        file.digest()


def test_a_link_put_in_the_place_of_a_file_is_not_followed(base: Path) -> None:
    (file,) = collect(OCIArtifactSpec(files=[base / "z.json"])).files
    file.path.unlink()
    file.path.symlink_to("/etc/passwd")

    with pytest.raises(ArtifactError, match=r"cannot read .*z\.json"):
        file.digest()


def test_an_unreadable_file_and_directory(base: Path) -> None:
    """In a process of its own: root, which may run the tests, can read everything."""
    code = (
        "import os, sys; from pathlib import Path;"
        "from evalhub.oci._collect import collect;"
        "from evalhub.models.oci import OCIArtifactSpec\n"
        "spec = OCIArtifactSpec(files_path=Path(sys.argv[1]))\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: [file.digest() for file in collect(spec).files]\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    # Below a folder that every user may enter, unlike pytest's own.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        base = Path(shutil.copytree(base, Path(folder) / "base"))
        _check_unreadable(base, code)


def _check_unreadable(base: Path, code: str) -> None:
    def error() -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(base)], capture_output=True, text=True, check=True
        ).stdout

    (base / "z.json").chmod(0)
    assert error() == f"ArtifactError cannot read {base}/z.json: Permission denied\n"
    (base / "b").chmod(0o744)  # its files are listed, and cannot be looked at
    (base / "z.json").chmod(0o644)
    assert error() == f"ArtifactError cannot read {base}/b/a.json: Permission denied\n"
    (base / "b").chmod(0)
    assert error() == f"ArtifactError cannot read {base}/b: Permission denied\n"
    (base / "b").chmod(0o755)


def test_reading_fails_in_the_middle() -> None:
    # The memory of a process has no first page, which makes reading it an I/O error.
    memory = File(name="mem", path=Path("/proc/self/mem"), size=0)

    with pytest.raises(ArtifactError, match="cannot read /proc/self/mem: Input/output error"):
        memory.digest()
    with pytest.raises(ArtifactError, match="cannot read /proc/self/mem: Input/output error"):
        memory.copy(io.BytesIO(), sent=lambda _: None)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../a", "a/../../b", "a//b", "./a", "a/", ".", ".."]
)
def test_names_that_lead_out(name: str) -> None:
    with pytest.raises(ArtifactError, match="leads out of its directory"):
        check_name(name)


def test_names_that_cannot_be_written_down() -> None:
    with pytest.raises(ArtifactError, match=r"'a\\nb' contains control characters"):
        check_name("a\nb")
    with pytest.raises(ArtifactError, match="is not valid UTF-8"):
        check_name(os.fsdecode(b"caf\xe9"))


def _blob(path: Path) -> Blob:
    return File(name=path.name, path=path, size=path.stat().st_size).digest()


def test_the_digest_of_a_file_and_of_its_copy_are_the_same(base: Path) -> None:
    file = File(name="z.json", path=base / "z.json", size=2)
    copy = io.BytesIO()
    sent: list[int] = []

    assert file.copy(copy, sent=sent.append) == file.digest()
    assert copy.getvalue() == b"{}"
    assert sent == [2]
    # `printf '{}' | sha256sum`
    assert file.digest().digest == (
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


def test_a_part_of_a_file(base: Path) -> None:
    (base / "digits").write_bytes(b"0123456789")
    sent: list[int] = []

    blocks = _blob(base / "digits").blocks(start=2, length=3, sent=sent.append)

    assert b"".join(blocks) == b"234"
    assert sent == [3]


@pytest.mark.parametrize("content", [b"shorter", b"9876543210", b"longer than before"])
def test_a_file_that_changed_is_noticed(base: Path, content: bytes) -> None:
    path = base / "digits"
    path.write_bytes(b"0123456789")
    blob = _blob(path)
    path.write_bytes(content)
    os.utime(path, ns=(0, 1))

    with pytest.raises(FileChangedError):
        list(blob.blocks(start=0, length=blob.size, sent=lambda _: None))


def test_a_file_that_grows_while_it_is_copied(base: Path) -> None:
    path = base / "z.json"

    def grow(_: int) -> None:
        if path.stat().st_size < 10:
            with path.open("ab") as stream:
                stream.write(b"more")

    with pytest.raises(FileChangedError):
        File(name="z.json", path=path, size=2).copy(io.BytesIO(), sent=grow)


def test_a_changed_file_is_stored_once_more(base: Path) -> None:
    file = File(name="z.json", path=base / "z.json", size=2)
    blob = file.digest()
    attempts: list[int] = []

    def store() -> Blob:
        attempts.append(1)
        if len(attempts) == 1:
            raise FileChangedError
        return blob

    assert retry_if_changed(file, store) is blob


def test_a_file_that_keeps_changing_is_an_error(base: Path) -> None:
    file = File(name="z.json", path=base / "z.json", size=2)

    def store() -> Blob:
        raise FileChangedError

    with pytest.raises(ArtifactError, match=r"z\.json changed while it was stored; close it"):
        retry_if_changed(file, store)
