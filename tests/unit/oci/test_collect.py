"""Which files an artifact has, and their names."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec
from evalhub.oci import OCILayoutPersister, pull
from evalhub.oci._collect import collect


@pytest.fixture
def base(tmp_path: Path) -> Path:
    directory = tmp_path / "base"
    (directory / "b").mkdir(parents=True)
    (directory / "z.json").write_text("{}")
    (directory / "b" / "a.json").write_text("[]")
    return directory


def _names(spec: OCIArtifactSpec) -> list[str]:
    return [file.name for file in collect(spec).files]


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

    (file,) = collect(OCIArtifactSpec(files=[Path("name")], base_path=base)).files

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
    # Python 3.13 calls the byte a character.
    with pytest.raises(ArtifactError, match=r"embedded null (byte|character)"):
        collect(OCIArtifactSpec(files=[tmp_path / "a\0b"]))


def test_a_directory_given_as_a_file(base: Path) -> None:
    with pytest.raises(ArtifactError, match="is a directory, not a file; pass it as files_path"):
        collect(OCIArtifactSpec(files=[base / "b"]))


def test_files_of_one_name_keep_their_directories_below_the_nearest_common_one(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("runs/a/x/r.json", "runs/b/x/r.json", "runs/r.json", "other.csv", "runs/a/s.csv"):
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_text(path)
    monkeypatch.chdir(base)
    files = [
        Path("runs/a/x/r.json"),
        base / "runs/b/x/r.json",
        Path("runs/r.json"),
        base / "b/../runs/a/x/r.json",
        Path("runs/a/s.csv"),
        Path("other.csv"),
    ]

    found = collect(OCIArtifactSpec(files=files)).files

    assert [file.name for file in found] == [
        "a/x/r.json",
        "b/x/r.json",
        "other.csv",
        "r.json",
        "s.csv",
    ]
    assert found[1].path.read_text() == "runs/b/x/r.json"


def test_a_file_listed_twice_is_stored_once(base: Path) -> None:
    spec = OCIArtifactSpec(files=[base / "z.json", base / "z.json"])

    assert _names(spec) == ["z.json"]
    assert _names(spec.model_copy(update={"base_path": base})) == ["z.json"]


def test_a_file_with_the_name_of_a_directory(base: Path) -> None:
    for path in ("a/r", "b/r", "c/a"):
        (base / path).parent.mkdir(parents=True, exist_ok=True)
        (base / path).write_text("")

    with pytest.raises(ArtifactError, match=r"c/a has the name of a directory .*'a'; pass base"):
        collect(OCIArtifactSpec(files=[base / "a/r", base / "b/r", base / "c/a"]))


def test_a_file_outside_the_base_path(base: Path) -> None:
    with pytest.raises(ArtifactError, match=r"z\.json is not below the base path .*/b"):
        collect(OCIArtifactSpec(files=[base / "z.json"], base_path=base / "b"))


def test_a_path_that_climbs_out_of_the_base(base: Path) -> None:
    with pytest.raises(ArtifactError, match=r"b/\.\./z\.json is a link that leads out of"):
        collect(OCIArtifactSpec(files=[base / "b" / ".." / "z.json"], base_path=base / "b"))


def test_a_link_inside_the_base_is_stored_as_a_file(base: Path) -> None:
    (base / "link.json").symlink_to("b/a.json")

    files = {file.name: file for file in collect(OCIArtifactSpec(files_path=base)).files}

    assert files["link.json"].path == base / "b" / "a.json"


def test_a_link_to_a_directory_inside_is_stored_once(base: Path) -> None:
    (base / "latest").symlink_to("b")

    assert _names(OCIArtifactSpec(files_path=base)) == ["b/a.json", "z.json"]


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc", "../../secret"])
def test_a_link_that_leads_out_of_the_directory_is_left_out(
    base: Path, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    (base.parent / "secret").write_text("s")
    (base / "b" / "link").symlink_to(target)

    found = collect(OCIArtifactSpec(files_path=base))

    assert [file.name for file in found.files] == ["b/a.json", "z.json"]
    assert found.omitted == {"b/link": "a link that leads out of the directory"}
    assert caplog.messages == [
        f"left out of the artifact of {base}: b/link (a link that leads out of the directory)"
    ]


@pytest.mark.parametrize("target", ["loop", "gone", "z.json/below"])
def test_a_link_without_a_target_is_left_out(base: Path, target: str) -> None:
    (base / "loop").symlink_to(target)

    found = collect(OCIArtifactSpec(files_path=base))

    assert [file.name for file in found.files] == ["b/a.json", "z.json"]
    assert found.omitted == {"loop": "a link without a target"}


def test_a_special_file_in_a_directory_is_left_out(base: Path) -> None:
    os.mkfifo(base / "pipe")
    (base / "link").symlink_to("pipe")

    found = collect(OCIArtifactSpec(files_path=base))

    assert [file.name for file in found.files] == ["b/a.json", "z.json"]
    assert found.omitted == dict.fromkeys(["link", "pipe"], "not a regular file")


def test_a_short_list_of_what_is_left_out(base: Path, tmp_path: Path) -> None:
    (base / "link").symlink_to("gone")

    stored = OCILayoutPersister(tmp_path / "l").persist(OCIArtifactSpec(files_path=base))

    blob = tmp_path / "l" / "blobs" / stored.digest.replace(":", "/")
    assert json.loads(blob.read_bytes())["annotations"]["io.github.eval-hub.omitted"] == (
        '{"link": "a link without a target"}'
    )


def test_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")

    with pytest.raises(ArtifactError, match="no files to store in"):
        collect(OCIArtifactSpec(files_path=tmp_path))


def test_the_manifest_lists_what_is_left_out(
    base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(150):
        (base / f"link{number:03}").symlink_to("/etc/passwd")
    # A name that is not valid UTF-8 is no reason to fail.
    Path(os.fsdecode(os.fsencode(base / "a") + b"\xff")).symlink_to("gone")

    stored = OCILayoutPersister(tmp_path / "l").persist(OCIArtifactSpec(files_path=base))

    blob = tmp_path / "l" / "blobs" / stored.digest.replace(":", "/")
    omitted = json.loads(json.loads(blob.read_bytes())["annotations"]["io.github.eval-hub.omitted"])
    assert len(omitted) == 101
    assert omitted["a\udcff"] == "a link without a target"
    assert omitted["link098"] == "a link that leads out of the directory"
    assert omitted["..."] == "51 more"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith(
        "link008 (a link that leads out of the directory) and 141 more"
    )


@pytest.mark.parametrize("where", ["layout", "b/deep/layout", "."])
def test_a_layout_is_not_stored_in_itself(base: Path, tmp_path: Path, where: str) -> None:
    persister = OCILayoutPersister(base / where)
    spec = OCIArtifactSpec(files_path=base, job_id="j")

    first, second = persister.persist(spec), persister.persist(spec)

    assert [file.path for file in first.files] == ["b/a.json", "z.json"]
    assert second == first
    assert pull(first.reference, tmp_path / "pulled") == first


def test_a_link_that_leaves_the_directory_of_a_single_file(base: Path) -> None:
    (base / "link.json").symlink_to("/etc/passwd")

    with pytest.raises(ArtifactError, match=r"link that leads out of .*, to /etc/passwd"):
        collect(OCIArtifactSpec(files=[base / "link.json"]))


def test_a_single_file_that_is_a_link_to_itself(base: Path) -> None:
    (base / "loop").symlink_to("loop")

    with pytest.raises(ArtifactError, match=r"cannot read .*loop"):
        collect(OCIArtifactSpec(files=[base / "loop"]))


def test_a_single_file_that_is_not_regular() -> None:
    with pytest.raises(ArtifactError, match="/dev/null is not a regular file"):
        collect(OCIArtifactSpec(files=[Path("/dev/null")]))
