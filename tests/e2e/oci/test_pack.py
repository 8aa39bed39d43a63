"""A packed artifact in a real registry, unpacked by this package, skopeo and oras."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import oras.client
import pytest

from evalhub.models.oci import OCIArtifactSpec, OCICoordinates
from evalhub.oci import OCIArtifactPersister, pull, verify
from evalhub.testing.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.registry import Registry

    from .conftest import Skopeo

    Content = Callable[[Path], dict[str, bytes]]

pytestmark = pytest.mark.e2e


def _spec(host: str, files: Path, repository: str) -> OCIArtifactSpec:
    coordinates = OCICoordinates(oci_host=host, oci_repository=repository, oci_tag="t")
    return OCIArtifactSpec(files_path=files, coordinates=coordinates, pack=True)


def test_every_tool_unpacks_it(
    registry: Registry, results: Path, tmp_path: Path, skopeo: Skopeo, content: Content
) -> None:
    stored = OCIArtifactPersister().persist(_spec(registry.host, results, "team/packed"))

    assert verify(stored.reference) == stored
    assert pull(stored.reference, tmp_path / "pulled") == stored
    assert content(tmp_path / "pulled") == content(results)

    copied = skopeo.files(
        f"docker://{registry.host}/team/packed:t", *skopeo.access(registry, prefix="src-")
    )
    with tarfile.open(fileobj=io.BytesIO(copied["results"])) as tar:
        tar.extractall(tmp_path / "skopeo", filter="data")
    assert content(tmp_path / "skopeo" / "results") == content(results)

    client = oras.client.OrasClient(insecure=True)
    client.pull(target=f"{registry.host}/team/packed:t", outdir=str(tmp_path / "oras"))
    assert content(tmp_path / "oras" / "results") == content(results)


def test_a_directory_pushed_by_oras(
    registry: Registry,
    results: Path,
    tmp_path: Path,
    content: Content,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(results.parent)
    reference = f"{registry.host}/team/oras:t"
    oras.client.OrasClient(insecure=True).push(target=reference, files=[results.name])

    pulled = pull(reference, tmp_path / "pulled")

    assert [file.path for file in pulled.files] == ["results"]
    # This client, unlike the command, asks for no unpacking.
    with tarfile.open(tmp_path / "pulled" / "results") as tar:
        tar.extractall(tmp_path / "again", filter="data")
    assert content(tmp_path / "again" / "results") == content(results)


def test_many_files_take_few_requests(registry: Registry, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(200):
        (files / f"{number}.json").write_text(f"[{number}]")
    with Faults(registry.url) as proxy:
        OCIArtifactPersister().persist(_spec(proxy.url, files, "team/few"))

        assert [seen.method for seen in proxy.seen] == [
            *("HEAD", "POST", "PUT"),  # the layer
            *("HEAD", "POST", "PUT"),  # the empty configuration
            *("PUT", "HEAD"),  # the manifest
        ]


def test_small_files_are_not_looked_up_for_ever(registry: Registry, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(60):
        (files / f"{number}.json").write_text(f"[{number}, 'unpacked']")
    with Faults(registry.url) as proxy:
        spec = _spec(proxy.url, files, "team/lookups").model_copy(update={"pack": False})
        persister = OCIArtifactPersister()
        persister.persist(spec)
        first = [seen.method for seen in proxy.seen]
        persister.persist(spec)
        second = [seen.method for seen in proxy.seen][len(first) :]

    assert first.count("HEAD") < 30
    assert first.count("PUT") == 62
    assert second == ["HEAD"] * 61 + ["PUT", "HEAD"]  # all is there


def test_files_of_equal_content_are_sent_once(registry: Registry, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(20):
        (files / f"{number}.json").write_text("the same, and not in the registry")
    (files / "latest.json").symlink_to("0.json")
    coordinates = OCICoordinates(oci_host="", oci_repository="team/equal", oci_tag="t")
    with Faults(registry.url) as proxy:
        coordinates.oci_host = proxy.url
        stored = OCIArtifactPersister().persist(
            OCIArtifactSpec(files_path=files, coordinates=coordinates)
        )

        uploads = [seen.path for seen in proxy.seen if seen.method == "PUT"]
        assert len([path for path in uploads if stored.files[0].digest[7:] in path]) == 1

    pulled = pull(f"{registry.url}/team/equal:t", tmp_path / "pulled")
    assert pulled.files == stored.files
    assert len(pulled.files) == 21
    assert (tmp_path / "pulled" / "latest.json").read_text().startswith("the same")
