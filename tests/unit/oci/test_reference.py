from __future__ import annotations

from pathlib import Path

import pytest

from evalhub.errors import ArtifactError
from evalhub.oci._reference import (
    LayoutReference,
    Reference,
    _without_credentials,
    check_digest,
    check_tag,
    parse,
    registry_of,
    repository_in,
    repository_segment,
)

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "text",
    [
        "ghcr.io/org/repo:v1",
        f"ghcr.io/org/repo@{DIGEST}",
        f"localhost:5000/repo:v1@{DIGEST}",
        "registry/some.one/re__po",
        "[::1]:5000/a/b:c",
        "oci:/tmp/layout:tag",
        f"oci:layout@{DIGEST}",
        "oci:/tmp/a.b/layout",
        f"oci:/home/me@corp/layout:tag@{DIGEST}",
        "oci:/home/me@corp/layout:tag",
        "oci:/jobs/arc:easy/layout",
        f"oci:/jobs/arc:easy/layout:tag@{DIGEST}",
    ],
)
def test_a_reference_reads_as_it_is_written(text: str) -> None:
    assert str(parse(text)) == text


def test_the_parts_of_a_reference() -> None:
    assert parse(f"http://host:5000/a/b:t@{DIGEST}") == Reference(
        host="host:5000", repository="a/b", tag="t", digest=DIGEST, scheme="http"
    )
    assert parse(f"oci:/a/b:t@{DIGEST}") == LayoutReference(
        path=Path("/a/b"), tag="t", digest=DIGEST
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repo", "illegal reference 'repo'"),
        ("host/Repo", "illegal repository 'Repo'"),
        ("host/a//b", "illegal repository 'a//b'"),
        ("host/" + "a" * 256, "illegal repository"),
        ("ho st/repo", "illegal registry host 'ho st'"),
        ("host/repo:.tag", "illegal tag '.tag'"),
        ("host/repo@sha256:1", "illegal digest 'sha256:1'"),
        ("oci:/a/b:c:tag", "illegal image layout '/a/b:c'"),
        ("oci:", "illegal image layout 'oci:'"),
        ("oci://ghcr.io/org:tag", "write a registry without oci://"),
        ("user:s3cret@host/repo", "illegal registry host 'host'"),
    ],
)
def test_what_is_not_a_reference(text: str, expected: str) -> None:
    with pytest.raises(ArtifactError, match=expected):
        parse(text)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("ghcr.io", "ghcr.io/eval-results"),
        ("https://ghcr.io/", "ghcr.io/eval-results"),
        ("ghcr.io/my-org", "ghcr.io/my-org/eval-results"),
        ("http://localhost:5000/a/b/", "localhost:5000/a/b/eval-results"),
    ],
)
def test_a_registry_may_come_with_a_prefix(url: str, place: str) -> None:
    assert str(repository_in(url, "eval-results")) == place


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("mmlu", "mmlu"),
        ("arc_easy", "arc_easy"),
        ("MMLU|abstract algebra", "mmlu-abstract-algebra"),
        ("lighteval|arc:challenge|25", "lighteval-arc-challenge-25"),
        ("a...b___c", "a-b-c"),
        ("_x-", "x"),
        ("日本", ""),
    ],
)
def test_names_are_made_legal(name: str, legal: str) -> None:
    assert repository_segment(name) == legal


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a b", "a" * 129, "ä"])
def test_illegal_tags(tag: str) -> None:
    with pytest.raises(ArtifactError, match="illegal tag"):
        check_tag(tag)


def test_legal_tags_and_digests() -> None:
    assert check_tag("_A.b-9") == "_A.b-9"
    assert check_digest("sha512:" + "0" * 128)


@pytest.mark.parametrize(
    "url", ["user:s3cret@host", "https://user:s3cret@host", "https://user:s3/cr@et@host"]
)
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        repository_in(url, "repo")

    assert "s3" not in str(caught.value)


def test_credentials_are_taken_out_of_a_name() -> None:
    assert _without_credentials("https://u:p@host/a") == "https://host/a"
    assert _without_credentials("oci://u:p@host/a") == "oci://host/a"
    assert _without_credentials(f"host/a@{DIGEST}") == f"host/a@{DIGEST}"
    assert _without_credentials("oci:/home/me@corp/a") == "oci:/home/me@corp/a"


@pytest.mark.parametrize("rest", ["", ":tag", f"@{DIGEST}", f":tag@{DIGEST}"])
def test_the_registry_of_a_reference(rest: str) -> None:
    assert registry_of(f"host:5000/a{rest}") == "host:5000"
    assert registry_of(f"oci:/home/me@corp/a{rest}") == "oci:/home/me@corp/a"
    assert registry_of(f"oci:/arc:easy/a{rest}") == "oci:/arc:easy/a"
