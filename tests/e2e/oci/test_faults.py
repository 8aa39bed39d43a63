"""What breaks on the way: an artifact is complete or absent, never partial under its tag."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

import pytest
import requests
from support.registry import docker_registry

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCIArtifactSpec, OCICoordinates
from evalhub.oci import pull, verify
from evalhub.oci._artifact import error_context, store
from evalhub.oci._collect import collect
from evalhub.oci._manifest import layer
from evalhub.oci._progress import Progress
from evalhub.oci._reference import Reference, repository_in
from evalhub.oci._registry.access import Access
from evalhub.oci._registry.mounts import Mounts
from evalhub.oci._registry.repository import Repository
from evalhub.testing.faults import Answer, Delay, Faults, Hang, Pass, Reset, Truncate
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from support.registry import Registry

    from evalhub.models.oci import OCIArtifactResult
    from evalhub.testing.faults import Action

pytestmark = pytest.mark.e2e

AT_ONCE = Policy(retries=4, first_delay=0.01, max_delay=0.01, max_asked=0.01)
UPLOAD = "*/blobs/uploads/*"


@pytest.fixture
def proxy(registry: Registry) -> Iterator[Faults]:
    with Faults(registry.url) as running:
        yield running


@contextmanager
def _repository(
    url: str,
    name: str,
    access: Access | None = None,
    chunk: int | None = None,
    mounts: Mounts | None = None,
) -> Iterator[tuple[Repository, Reference]]:
    where = repository_in(url, name)
    repository = Repository(where, access or Access(), policy=AT_ONCE, chunk=chunk, mounts=mounts)
    try:
        with error_context("store") as context:
            context.where = where
            yield repository, where
    finally:
        repository.close()


def _push(
    url: str,
    name: str,
    files: Path,
    *,
    access: Access | None = None,
    chunk: int | None = None,
    mounts: Mounts | None = None,
) -> OCIArtifactResult:
    with _repository(url, name, access, chunk, mounts) as (repository, where):
        return store(OCIArtifactSpec(files_path=files), repository, where, tag="t")


def _tags(registry: Registry, name: str) -> list[str]:
    answer = requests.get(f"{registry.url}/v2/{name}/tags/list", timeout=5)
    return [] if answer.status_code == 404 else list(answer.json()["tags"] or [])


@pytest.mark.parametrize("after", [0, 1 << 20])
@pytest.mark.parametrize("chunk", [None, 1 << 20], ids=["whole", "chunks"])
def test_a_connection_that_drops_in_mid_blob(
    registry: Registry, proxy: Faults, results: Path, chunk: int | None, after: int
) -> None:
    name = f"faults/drop-{after}-{chunk or 0}"
    proxy.script(Reset(after=after), Reset(after=after), method="P[UA]T*", path=UPLOAD)

    stored = _push(proxy.url, name, results, chunk=chunk)

    reference = f"{registry.url}/{name}:t@{stored.digest}"
    assert verify(reference).files == stored.files


@pytest.mark.parametrize(
    ("fault", "chunks"),
    [
        # The registry never saw the second chunk, so that one is sent again.
        (Answer(503), 4),
        # It has the second chunk, and does not know an upload by the address it had before.
        (Reset(forwarded=True), 5),
    ],
    ids=["refused", "answer lost"],
)
def test_chunks_go_on_where_the_registry_says(
    registry: Registry, proxy: Faults, tmp_path: Path, fault: Action, chunks: int
) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(os.urandom(4 << 20))
    name = f"faults/resume-{chunks}"
    proxy.script(Pass(), fault, method="PATCH")

    stored = _push(proxy.url, name, file, chunk=1 << 20)

    assert verify(f"{registry.url}/{name}@{stored.digest}").files == stored.files
    sent = [seen.request_bytes for seen in proxy.seen if seen.method == "PATCH"]
    assert sent == [1 << 20] * chunks


def test_a_busy_registry_is_given_time(proxy: Faults, results: Path) -> None:
    proxy.script(Answer(503, headers={"Retry-After": "0"}), Answer(429), Answer(502), method="POST")

    assert _push(proxy.url, "faults/busy", results).size_bytes > 0


def test_a_registry_that_stays_busy(registry: Registry, proxy: Faults, results: Path) -> None:
    proxy.always(Answer(503, b"try later"), method="PUT", path=UPLOAD)

    with pytest.raises(ArtifactError, match=r"the registry answered 503: try later") as caught:
        _push(proxy.url, "faults/down", results)

    assert type(caught.value) is ArtifactError
    assert _tags(registry, "faults/down") == []


def test_a_registry_that_asks_for_too_much_time(proxy: Faults, results: Path) -> None:
    proxy.always(Answer(503, headers={"Retry-After": "86400"}))

    with pytest.raises(ArtifactError, match="the registry answered 503"):
        _push(proxy.url, "faults/long", results)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (413, "413; it does not accept files of this size"),
        (507, "507; its disk is full"),
        (405, "405"),
    ],
)
def test_a_registry_that_refuses(
    registry: Registry, proxy: Faults, results: Path, status: int, expected: str
) -> None:
    proxy.always(Answer(status), method="PUT", path=UPLOAD)

    with pytest.raises(ArtifactError, match=f"the registry answered {expected}"):
        _push(proxy.url, "faults/refused", results)

    assert _tags(registry, "faults/refused") == []


def test_a_full_disk(proxy: Faults, results: Path) -> None:
    body = b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"Err":28}}]}'
    proxy.always(Answer(500, body), method="PUT", path=UPLOAD)

    with pytest.raises(ArtifactError, match=r"answered 500: UNKNOWN unknown error \{'Err': 28\}"):
        _push(proxy.url, "faults/full", results)


def test_a_manifest_that_is_not_taken_leaves_what_was_there(
    registry: Registry, proxy: Faults, results: Path
) -> None:
    before = _push(proxy.url, "faults/before", results)
    (results / "results.json").write_text("{}")
    proxy.always(Reset(), method="PUT", path="*/manifests/*")

    with pytest.raises(ArtifactError, match="no answer from"):
        _push(proxy.url, "faults/before", results)

    assert verify(f"{registry.url}/faults/before:t").digest == before.digest


def test_a_manifest_that_is_refused(registry: Registry, proxy: Faults, results: Path) -> None:
    proxy.always(Answer(400, b"no artifacts here"), method="PUT", path="*/manifests/*")

    with pytest.raises(ArtifactError, match=r"cannot store the manifest t: .* 400: no artifacts"):
        _push(proxy.url, "faults/refused-manifest", results)

    assert _tags(registry, "faults/refused-manifest") == []


def test_an_answer_to_the_manifest_that_is_lost(
    registry: Registry, proxy: Faults, results: Path
) -> None:
    proxy.script(Reset(forwarded=True), method="PUT", path="*/manifests/*")

    stored = _push(proxy.url, "faults/lost", results)

    assert verify(f"{registry.url}/faults/lost:t").digest == stored.digest


def test_another_digest_for_a_blob(proxy: Faults, results: Path) -> None:
    other = "sha256:" + "1" * 64
    proxy.always(Answer(201, headers={"Docker-Content-Digest": other}), method="PUT", path=UPLOAD)

    with pytest.raises(ArtifactError, match=f"as {other}, expected sha256:"):
        _push(proxy.url, "faults/digest", results)


def test_another_digest_for_the_manifest(proxy: Faults, results: Path) -> None:
    other = "sha256:" + "1" * 64
    proxy.always(
        Answer(201, headers={"Docker-Content-Digest": other}), method="PUT", path="*/manifests/*"
    )

    with pytest.raises(ArtifactError, match=f"the manifest as {other}, expected sha256:"):
        _push(proxy.url, "faults/manifest-digest", results)


def test_another_size_for_a_blob(proxy: Faults, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("[1]")
    proxy.always(Answer(200, b"more", headers={"Content-Length": "4"}), method="HEAD")

    with pytest.raises(ArtifactError, match=r"has 4 bytes under sha256:\w+, expected 3"):
        _push(proxy.url, "faults/size", file)


def test_bytes_that_arrive_changed(proxy: Faults, results: Path) -> None:
    proxy.always(Answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}'), method="PUT", path=UPLOAD)

    with pytest.raises(ArtifactError, match="changed while it was stored"):
        _push(proxy.url, "faults/changed", results)


class _Meddling(Progress):
    """Writes to a file between its digest and its sending."""

    def __init__(self, write: Callable[[], object], times: int) -> None:
        super().__init__(0)
        self._write = write
        self._times = times

    @contextmanager
    def attempt(self) -> Generator[Callable[[int], None]]:
        if self._times:
            self._times -= 1
            self._write()
        with super().attempt() as sent:
            yield sent


@pytest.mark.parametrize("how", ["changes", "shrinks"])
def test_a_file_that_is_written_meanwhile(registry: Registry, tmp_path: Path, how: str) -> None:
    path = tmp_path / "growing.bin"
    path.write_bytes(os.urandom(1 << 20))

    def write() -> None:
        if how == "changes":
            path.write_bytes(os.urandom(1 << 20))
        else:
            os.truncate(path, path.stat().st_size - 4096)

    files = collect(OCIArtifactSpec(files_path=path)).files
    with _repository(registry.url, f"faults/{how}") as (repository, _):
        (blob,) = repository.add_files(files, _Meddling(write, times=1))
        assert blob == files[0].digest()
        descriptor = layer(blob)
        assert b"".join(repository.blocks(descriptor)) == path.read_bytes()

        write()
        with pytest.raises(ArtifactError, match=f"{path} changed while it was stored"):
            repository.add_files(files, _Meddling(write, times=2))


def test_a_token_that_ends_in_mid_push(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(12):
        (files / f"{number}.bin").write_bytes(os.urandom(100_000))
    with (
        docker_registry(tmp_path / "registry", auth="token", token_lifetime=3.0) as registry,
        Faults(registry.url) as proxy,
    ):
        proxy.always(Delay(1.5), method="POST")
        access = Access(username=registry.username, password=registry.password)

        stored = _push(proxy.url, "faults/token", files, access=access)

        assert registry.tokens is not None
        assert len(registry.tokens.scopes) > 2
        reference = f"{registry.url}/faults/token@{stored.digest}"
        found = verify(reference, username=registry.username, password=registry.password)
        assert found.files == stored.files


def test_a_token_that_is_refused_early_is_renewed(tmp_path: Path, results: Path) -> None:
    with (
        docker_registry(tmp_path / "registry", auth="token") as registry,
        Faults(registry.url) as proxy,
    ):
        assert registry.tokens is not None
        challenge = (
            f'Bearer realm="{registry.tokens.url}",service="test-registry",'
            'scope="repository:faults/renew:pull,push"'
        )
        proxy.script(
            *[Answer(401, headers={"WWW-Authenticate": challenge})] * 2, method="PUT", path=UPLOAD
        )
        access = Access(username=registry.username, password=registry.password)

        assert _push(proxy.url, "faults/renew", results, access=access).digest


def test_slow_answers(proxy: Faults, results: Path) -> None:
    proxy.always(Delay(0.2))

    assert _push(proxy.url, "faults/slow", results).size_bytes > 0


def test_random_faults(registry: Registry, proxy: Faults, results: Path) -> None:
    proxy.at_random(
        0.2, Answer(503), Reset(), Reset(after=1000), Reset(forwarded=True), seed=20, path="*/v2/*"
    )
    whole = 0
    for number in range(12):
        name = f"faults/random-{number}"
        try:
            stored = _push(proxy.url, name, results, chunk=(1 << 20) if number % 2 else None)
        except ArtifactError:
            assert _tags(registry, name) in ([], ["t"])
        else:
            whole += 1
            assert verify(f"{registry.url}/{name}:t").digest == stored.digest
        if "t" in _tags(registry, name):
            verify(f"{registry.url}/{name}:t")
    assert whole >= 6


def test_pulling_goes_on_where_it_broke(
    registry: Registry, proxy: Faults, results: Path, tmp_path: Path
) -> None:
    stored = _push(registry.url, "faults/pull", results)
    proxy.script(Truncate(after=1 << 20), Truncate(after=0), method="GET", path="*/blobs/*")

    pulled = pull(f"{proxy.url}/faults/pull@{stored.digest}", tmp_path / "pulled")

    assert pulled.files == stored.files


def test_a_blob_that_is_not_what_it_was(
    registry: Registry, proxy: Faults, results: Path, tmp_path: Path
) -> None:
    stored = _push(registry.url, "faults/wrong", results)
    proxy.script(Answer(200, b"something else"), method="GET", path="*/blobs/*")

    with pytest.raises(ArtifactError, match=r"expected sha256:\w+ \(\d+ bytes\), got sha256:\w+"):
        pull(f"{proxy.url}/faults/wrong@{stored.digest}", tmp_path / "pulled")

    assert not list((tmp_path / "pulled").glob(".*"))


def test_a_manifest_that_is_not_what_it_was(
    registry: Registry, proxy: Faults, results: Path
) -> None:
    stored = _push(registry.url, "faults/wrong-manifest", results)
    proxy.always(Answer(200, b'{"config": {}, "layers": []}'), path="*/manifests/*")

    with pytest.raises(ArtifactError, match=f"expected {stored.digest}, got sha256:"):
        verify(f"{proxy.url}/faults/wrong-manifest@{stored.digest}")


def test_a_manifest_without_permission(registry: Registry, proxy: Faults, results: Path) -> None:
    _push(registry.url, "faults/secret", results)
    proxy.always(Answer(403), path="*/manifests/*")

    with pytest.raises(ArtifactError, match=r"cannot read the manifest t: .* \(403\)"):
        verify(f"{proxy.url}/faults/secret:t")


def test_a_manifest_the_registry_calls_something_else(
    registry: Registry, proxy: Faults, results: Path
) -> None:
    _push(registry.url, "faults/called", results)
    other = "sha256:" + "1" * 64
    proxy.always(Answer(200, b"{}", {"Docker-Content-Digest": other}), path="*/manifests/*")

    with pytest.raises(ArtifactError, match=f"expected the manifest {other}, got sha256:44136fa"):
        verify(f"{proxy.url}/faults/called:t")


def test_a_blob_that_is_gone(registry: Registry, proxy: Faults, results: Path) -> None:
    _push(registry.url, "faults/gone", results)
    proxy.always(Answer(404), path="*/blobs/*")

    with pytest.raises(ArtifactError, match=r"cannot read sha256:\w+: the registry answered 404"):
        verify(f"{proxy.url}/faults/gone:t")


def test_a_registry_that_knows_no_ranges(registry: Registry, proxy: Faults, tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(os.urandom(1 << 20))
    stored = _push(registry.url, "faults/ranges", file)
    proxy.script(
        Truncate(after=700_000), Answer(200, file.read_bytes()), method="GET", path="*/blobs/*"
    )

    pull(f"{proxy.url}/faults/ranges@{stored.digest}", tmp_path / "pulled")

    assert (tmp_path / "pulled" / "weights.bin").read_bytes() == file.read_bytes()


def test_a_configuration_that_is_not_taken(
    registry: Registry, proxy: Faults, results: Path
) -> None:
    proxy.script(Pass(), Answer(400), method="PUT", path=UPLOAD)

    with pytest.raises(ArtifactError, match="cannot store the empty configuration: the registry"):
        _push(proxy.url, "faults/configuration", results / "results.json")

    assert _tags(registry, "faults/configuration") == []


@pytest.mark.parametrize("faults", [[], [Answer(403)]], ids=["unknown", "forbidden"])
def test_a_blob_that_cannot_be_mounted_is_sent(
    registry: Registry, proxy: Faults, tmp_path: Path, faults: list[Action]
) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(os.urandom(100))
    (found,) = collect(OCIArtifactSpec(files_path=file)).files
    host = proxy.url.removeprefix("http://")
    mounts = Mounts()
    mounts.add(repository_in(host, "no/such"), found.digest().digest)
    proxy.script(*faults, method="POST")

    stored = _push(proxy.url, "faults/mount", file, mounts=mounts)

    assert "mount=" in next(seen.path for seen in proxy.seen if seen.method == "POST")
    assert verify(f"{registry.url}/faults/mount@{stored.digest}").files == stored.files


def test_referrers_without_permission(registry: Registry, proxy: Faults, results: Path) -> None:
    subject = _push(registry.url, "faults/referrers", results)
    proxy.always(Answer(403), path="*/manifests/sha256-*")
    coordinates = OCICoordinates(oci_host="h", oci_repository="r", oci_subject=subject.digest)
    spec = OCIArtifactSpec(files_path=results, coordinates=coordinates)

    with (
        pytest.raises(ArtifactError, match=r"cannot read the referrers tag sha256-\w+: .* \(403\)"),
        _repository(proxy.url, "faults/referrers") as (repository, where),
    ):
        store(spec, repository, where, tag="u")


def test_referrers_that_are_no_index(registry: Registry, proxy: Faults, results: Path) -> None:
    subject = _push(registry.url, "faults/no-index", results)
    proxy.always(Answer(200, b"[]"), method="GET", path="*/manifests/sha256-*")
    coordinates = OCICoordinates(oci_host="h", oci_repository="r", oci_subject=subject.digest)
    spec = OCIArtifactSpec(files_path=results, coordinates=coordinates)

    with (
        pytest.raises(ArtifactError, match="the referrers tag is not an image index"),
        _repository(proxy.url, "faults/no-index") as (repository, where),
    ):
        store(spec, repository, where, tag="u")


def test_tokens_that_never_suffice(tmp_path: Path, results: Path) -> None:
    with (
        docker_registry(tmp_path / "registry", auth="token") as registry,
        Faults(registry.url) as proxy,
    ):
        assert registry.tokens is not None
        challenge = f'Bearer realm="{registry.tokens.url}",scope="repository:a:push"'
        proxy.always(Answer(401, headers={"WWW-Authenticate": challenge}), method="POST")
        access = Access(username=registry.username, password=registry.password)

        with pytest.raises(ArtifactError, match="refused the credentials of user 'pusher'"):
            _push(proxy.url, "faults/never", results, access=access)


@pytest.mark.parametrize("path", ["*/manifests/*", "*/blobs/*"])
def test_a_refusal_that_breaks_off(proxy: Faults, results: Path, path: str) -> None:
    _push(proxy.url, "faults/broken", results)
    broken = Answer(404, b"x" * 100, {"Content-Length": "1000"})
    proxy.script(*[broken] * 5, method="GET", path=path)

    with pytest.raises(ArtifactError):
        verify(f"{proxy.url}/faults/broken:t")


def test_one_refusal_stops_the_others(proxy: Faults, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(100):
        (files / f"{number:03}.bin").write_bytes(os.urandom(1000))
    proxy.script(Answer(413), method="PUT", path=UPLOAD)

    with pytest.raises(ArtifactError, match="does not accept files of this size"):
        _push(proxy.url, "faults/one", files)

    assert len([seen for seen in proxy.seen if seen.method == "PUT"]) < 100


def test_an_interruption_does_not_wait_for_the_registry(proxy: Faults, results: Path) -> None:
    proxy.always(Hang(), method="PUT", path=UPLOAD)
    interrupt = Timer(0.5, signal.pthread_kill, [threading.get_ident(), signal.SIGINT])
    interrupt.start()

    with pytest.raises(KeyboardInterrupt):
        _push(proxy.url, "faults/interrupted", results)

    proxy.stop()  # lets go of the connections that wait
