from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec
from evalhub.oci._files import (
    File,
    FileChangedError,
    check_name,
    collect,
    despite_change,
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


def _names(spec: OCIArtifactSpec) -> list[str]:
    return [file.name for file in collect(spec)]


def test_a_directory_keeps_its_relative_paths_in_order(base: Path) -> None:
    assert _names(OCIArtifactSpec(files_path=base)) == ["b/a.json", "z.json"]


def test_files_are_called_by_their_own_names(base: Path) -> None:
    spec = OCIArtifactSpec(files=[base / "z.json", base / "b" / "a.json"])

    assert _names(spec) == ["a.json", "z.json"]


def test_files_below_a_base_path_keep_their_directories(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base.parent)
    spec = OCIArtifactSpec(files=[Path("base/z.json"), Path("b/a.json")], base_path=Path("base"))

    assert _names(spec) == ["b/a.json", "z.json"]


def test_a_file_below_the_base_path_is_not_taken_for_its_namesake(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base.parent)
    (base / "name").write_text("below")
    Path("name").write_text("beside")

    (file,) = collect(OCIArtifactSpec(files=[Path("name")], base_path=base))

    assert file.path.read_text() == "below"


def test_one_file_as_files_path(base: Path) -> None:
    assert _names(OCIArtifactSpec(files_path=base / "b" / "a.json")) == ["a.json"]


@pytest.mark.parametrize("name", ["with space", "täglich", "50%", "a#b?c", "日本", "c:d", "-x"])
def test_unusual_names_are_kept(base: Path, name: str) -> None:
    (base / "b" / name).write_text("")

    assert f"b/{name}" in _names(OCIArtifactSpec(files_path=base))


def test_no_files() -> None:
    with pytest.raises(ArtifactError, match=r"^no files to store$"):
        collect(OCIArtifactSpec())


def test_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=f"no files to store in {tmp_path}"):
        collect(OCIArtifactSpec(files_path=tmp_path))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"cannot read .*gone\.json: No such file"):
        collect(OCIArtifactSpec(files=[tmp_path / "gone.json"]))


def test_a_path_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="embedded null byte"):
        collect(OCIArtifactSpec(files=[tmp_path / "a\0b"]))


def test_a_directory_given_as_a_file(base: Path) -> None:
    with pytest.raises(ArtifactError, match="is a directory, not a file; give it as files_path"):
        collect(OCIArtifactSpec(files=[base / "b"]))


def test_two_files_of_one_name_keep_their_directories(base: Path) -> None:
    (base / "b" / "z.json").write_text("other")

    found = collect(OCIArtifactSpec(files=[base / "z.json", base / "b" / "z.json"]))

    assert [file.name for file in found] == ["b/z.json", "z.json"]


def test_a_file_that_is_named_twice_is_stored_once(base: Path) -> None:
    found = collect(OCIArtifactSpec(files=[base / "z.json", base / "z.json"]))

    assert [file.name for file in found] == ["z.json"]


def test_a_file_outside_the_base_path(base: Path) -> None:
    with pytest.raises(ArtifactError, match=r"z\.json is not below the base path .*/b"):
        collect(OCIArtifactSpec(files=[base / "z.json"], base_path=base / "b"))


def test_a_path_that_climbs_out_of_the_base(base: Path) -> None:
    with pytest.raises(ArtifactError, match=r"b/\.\./z\.json is a link that leaves"):
        collect(OCIArtifactSpec(files=[base / "b" / ".." / "z.json"], base_path=base / "b"))


def test_a_link_inside_the_base_is_stored_as_a_file(base: Path) -> None:
    (base / "link.json").symlink_to("b/a.json")

    files = {file.name: file for file in collect(OCIArtifactSpec(files_path=base))}

    assert files["link.json"].path == base / "b" / "a.json"


def test_a_link_to_a_directory_inside_is_stored_once(base: Path) -> None:
    (base / "latest").symlink_to("b")

    assert _names(OCIArtifactSpec(files_path=base)) == ["b/a.json", "z.json"]


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "../secret"])
def test_a_link_that_leaves_the_base_is_refused(base: Path, target: str) -> None:
    (base.parent / "secret").write_text("s")
    (base / "link").symlink_to(target)

    with pytest.raises(ArtifactError, match=r"base/link is a link that leaves .*; it leads to /"):
        collect(OCIArtifactSpec(files_path=base))


def test_a_link_that_leaves_the_directory_of_a_single_file(base: Path) -> None:
    (base / "link.json").symlink_to("/etc/passwd")

    with pytest.raises(ArtifactError, match="leads to /etc/passwd"):
        collect(OCIArtifactSpec(files=[base / "link.json"]))


def test_a_link_to_itself(base: Path) -> None:
    (base / "loop").symlink_to("loop")

    with pytest.raises(ArtifactError, match=r"cannot read .*loop"):
        collect(OCIArtifactSpec(files_path=base))


@pytest.mark.parametrize("how", ["fifo", "device"])
def test_what_is_not_a_regular_file(base: Path, how: str) -> None:
    if how == "fifo":
        os.mkfifo(base / "pipe")
        spec = OCIArtifactSpec(files_path=base)
    else:
        spec = OCIArtifactSpec(files=[Path("/dev/null")])

    with pytest.raises(ArtifactError, match="is not a regular file"):
        collect(spec)


def test_a_fifo_put_in_the_place_of_a_file_does_not_block(base: Path) -> None:
    (file,) = collect(OCIArtifactSpec(files=[base / "z.json"]))
    file.path.unlink()
    os.mkfifo(file.path)

    with pytest.raises(ArtifactError, match="is not a regular file"):
        file.digest()


def test_a_link_put_in_the_place_of_a_file_is_not_followed(base: Path) -> None:
    (file,) = collect(OCIArtifactSpec(files=[base / "z.json"]))
    file.path.unlink()
    file.path.symlink_to("/etc/passwd")

    with pytest.raises(ArtifactError, match=r"cannot read .*z\.json"):
        file.digest()


def test_an_unreadable_file_and_directory(base: Path) -> None:
    """In a process of its own: whoever runs the tests may be allowed to read everything."""
    code = (
        "import os, sys; from pathlib import Path;"
        "from evalhub.oci._files import collect;"
        "from evalhub.models.oci import OCIArtifactSpec\n"
        "spec = OCIArtifactSpec(files_path=Path(sys.argv[1]))\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: [file.digest() for file in collect(spec)]\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    for directory in (base, *list(base.parents)[:3]):
        directory.chmod(0o755)

    def said() -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(base)], capture_output=True, text=True, check=True
        ).stdout

    (base / "z.json").chmod(0)
    assert said() == f"ArtifactError cannot read {base}/z.json: Permission denied\n"
    (base / "b").chmod(0)
    assert said() == f"ArtifactError cannot read {base}/b: Permission denied\n"
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
    with pytest.raises(ArtifactError, match=r"'a\\nb' holds control characters"):
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

    assert despite_change(file, store) is blob


def test_a_file_that_keeps_changing_is_an_error(base: Path) -> None:
    file = File(name="z.json", path=base / "z.json", size=2)

    def store() -> Blob:
        raise FileChangedError

    with pytest.raises(ArtifactError, match=r"z\.json changed while it was stored; close it"):
        despite_change(file, store)
