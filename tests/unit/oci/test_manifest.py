from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from evalhub.errors import ArtifactError
from evalhub.oci._files import File
from evalhub.oci._manifest import (
    EMPTY_CONFIG,
    EMPTY_CONFIG_BODY,
    Descriptor,
    build,
    check_annotations,
    digest_of,
    layer,
)

if TYPE_CHECKING:
    from pathlib import Path


def _descriptor(**changes: object) -> Descriptor:
    known = {"media_type": "text/plain", "digest": "sha256:" + "a" * 64, "size": 3}
    return Descriptor(**{**known, **changes})  # type: ignore[arg-type] # a table of fields


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.json", "application/json"),
        ("A.JSONL", "application/jsonl"),
        ("d/a.tar.gz", "application/gzip"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("README", "application/octet-stream"),
        ("a.exe", "application/octet-stream"),
    ],
)
def test_the_suffix_gives_the_media_type(tmp_path: Path, name: str, media_type: str) -> None:
    path = tmp_path / "file"
    path.write_text("abc")

    descriptor = layer(File(name=name, path=path, size=3).digest())

    assert descriptor.media_type == media_type
    assert descriptor.title == name


def test_the_empty_configuration_is_what_it_says() -> None:
    assert digest_of(EMPTY_CONFIG_BODY) == EMPTY_CONFIG.digest
    assert len(EMPTY_CONFIG_BODY) == EMPTY_CONFIG.size


def test_a_manifest_names_its_subject() -> None:
    subject = _descriptor(annotations={"not": "repeated"})

    manifest = json.loads(build([_descriptor()], annotations={"a": "ü"}, subject=subject))

    assert manifest["subject"] == subject.to_json()
    assert manifest["annotations"] == {"a": "ü"}
    assert "subject" not in json.loads(build([], annotations={}))


def test_a_manifest_that_registries_would_refuse() -> None:
    layers = [_descriptor(annotations={"title": "x" * 1000})] * 5000

    with pytest.raises(ArtifactError, match=r"of 5000 files has .*; store them with pack=True"):
        build(layers, annotations={})


def test_a_descriptor_reads_as_it_is_written() -> None:
    descriptor = _descriptor(annotations={"a": "b"}, artifact_type="x/y", data="e30=")

    assert Descriptor.from_json(descriptor.to_json()) == descriptor


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"mediaType": "a/b", "digest": "sha256:1", "size": "3"},
    ],
)
def test_what_is_not_a_descriptor(value: object) -> None:
    with pytest.raises(ArtifactError, match="a descriptor in the manifest is not valid"):
        Descriptor.from_json(value)


@pytest.mark.parametrize("annotations", [None, ["a"], {"a": 1}])
def test_annotations_that_are_none(annotations: object) -> None:
    value = {**_descriptor().to_json(), "annotations": annotations}

    assert Descriptor.from_json(value) == _descriptor()


def test_a_layer_without_a_title_is_called_by_its_digest() -> None:
    assert _descriptor().title == "sha256-" + "a" * 64


@pytest.mark.parametrize("key", ["", "a b", "a\n", "a\ud800"])
def test_illegal_annotations(key: str) -> None:
    with pytest.raises(ArtifactError, match="illegal annotation"):
        check_annotations({key: "value"})


def test_an_annotation_that_is_not_unicode() -> None:
    with pytest.raises(ArtifactError, match="illegal annotation 'key': not valid Unicode"):
        check_annotations({"key": "\ud800"})
