"""A repository of a registry."""

from __future__ import annotations

import json
from http import HTTPStatus
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeVar

from evalhub.errors import ArtifactError
from evalhub.oci._files import FileChangedError, retry_if_changed
from evalhub.oci._manifest import (
    EMPTY_CONFIG,
    EMPTY_CONFIG_BODY,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    digest_of,
    index,
)
from evalhub.oci._registry.errors import (
    Backoff,
    TransientError,
    raise_if_transient,
    read_blocks,
)
from evalhub.oci._registry.mounts import Mounts
from evalhub.oci._registry.threads import map_in_threads
from evalhub.oci._registry.transport import Transport
from evalhub.oci._registry.upload import Upload
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evalhub.oci._files import Blob, File
    from evalhub.oci._progress import Progress
    from evalhub.oci._reference import Reference
    from evalhub.oci._registry.access import Access
    from evalhub.oci._registry.transport import Response

__all__ = ["Repository"]

T = TypeVar("T")

THREADS = 8
SIDECAR_CHUNK = 16 << 20
"""Bytes in one request to the sidecar, which ends requests after 30 s (wire contract 5.1)."""

_SMALL = 64 << 10
_LOOKUPS = 8
_POLICY = Policy(retries=4, first_delay=0.5, max_delay=20.0)
_MANIFEST_TYPES = (
    f"{MANIFEST_TYPE}, {INDEX_TYPE}, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json"
)


class Repository:
    """Store and read blobs and manifests.

    Args:
        where: The repository.
        access: How its registry is reached, and with which credentials.
        mounts: Blobs known to be in other repositories.
        policy: Retries after transient failures.
        chunk: Bytes in one request of an upload, or `None` for the whole blob.
    """

    def __init__(
        self,
        where: Reference,
        access: Access,
        *,
        mounts: Mounts | None = None,
        policy: Policy = _POLICY,
        chunk: int | None = None,
    ) -> None:
        self._where = where
        # The sidecar allows only the repository of its job.
        self._mounts = mounts if mounts is not None and not access.proxy_host else Mounts()
        self._policy = policy
        self._chunk = chunk or (SIDECAR_CHUNK if access.proxy_host else None)
        self._transport = Transport(where, access)
        self._stop = Event()
        self._lock = Lock()
        self._claimed: set[str] = set()
        self._found = self._missed = 0

    def close(self) -> None:
        """Close the connections."""
        self._transport.session.close()

    def add_files(self, files: Sequence[File], progress: Progress) -> list[Blob]:
        """Store files, several at a time, and return their blobs in the same order.

        Raises:
            ArtifactError: A file could not be stored; the others were stopped.
        """
        self._claimed.clear()
        return map_in_threads(
            lambda file: self._add_file(file, progress), files, threads=THREADS, stop=self._stop
        )

    def add_manifest(
        self, body: bytes, manifest: Descriptor, *, tag: str, subject: Descriptor | None
    ) -> None:
        """Store a manifest under a tag, and add it to the referrers of its subject.

        Raises:
            ArtifactError: The registry refused it, or stored something else.
        """
        self._retry(self._add_config)
        response = self._put_manifest(body, MANIFEST_TYPE, tag)
        stored = response.headers.get("Docker-Content-Digest", manifest.digest)
        if stored != manifest.digest:
            raise ArtifactError(
                f"the registry stored the manifest as {stored}, expected {manifest.digest}"
            )
        url = self._transport.manifest_url(manifest.digest)
        self._retry(lambda: self._exists(url, manifest))
        if subject is not None and "OCI-Subject" not in response.headers:
            self._add_referrer(manifest, subject)

    def manifest(self, reference: str | None) -> tuple[Descriptor, bytes]:
        """Return the descriptor and the bytes of the manifest with a tag or digest.

        Raises:
            ArtifactError: It does not exist, or does not match the digest the registry gives.
        """
        name = reference or "latest"
        response = self._get_manifest(name)
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise ArtifactError(
                f"there is no {name} in {self._where.host}/{self._where.repository}"
            )
        if not response.ok:
            raise self._transport.refusal(response, f"cannot read the manifest {name}")
        manifest = Descriptor(
            media_type=response.headers.get("Content-Type", MANIFEST_TYPE),
            digest=digest_of(response.content),
            size=len(response.content),
        )
        expected = response.headers.get("Docker-Content-Digest", manifest.digest)
        if expected != manifest.digest:
            raise ArtifactError(f"expected the manifest {expected}, got {manifest.digest}")
        return manifest, response.content

    def blocks(self, blob: Descriptor) -> Iterator[bytes]:
        """Yield the bytes of a blob; resume on a new connection if one is lost.

        Raises:
            ArtifactError: The blob does not exist, or could not be read to its end.
        """
        backoff = Backoff(self._policy, self._stop.wait)
        offset = 0
        while True:
            try:
                for block in self._get_blob(blob, offset):
                    yield block
                    offset += len(block)
                    backoff.reset()
            except TransientError as error:
                backoff.wait(error)
            else:
                return

    def _add_file(self, file: File, progress: Progress) -> Blob:
        return retry_if_changed(file, lambda: self._add_blob(file.digest(), progress))

    def _add_blob(self, blob: Blob, progress: Progress) -> Blob:
        if not self._claim(blob) or self._is_found(blob):
            progress.add(blob.size)
        else:
            upload = Upload(
                self._transport,
                blob,
                chunk=self._chunk,
                source=self._mounts.source(self._where, blob.digest),
                progress=progress,
                stop=self._stop,
            )
            try:
                upload.run(Backoff(self._policy, self._stop.wait))
            except FileChangedError:
                self._claimed.discard(blob.digest)
                raise
        self._mounts.add(self._where, blob.digest)
        return blob

    def _claim(self, blob: Blob) -> bool:
        """Return whether this thread is to store a blob: the first file of several equal ones."""
        with self._lock:
            is_first = blob.digest not in self._claimed
            self._claimed.add(blob.digest)
        return is_first

    def _is_found(self, blob: Blob) -> bool:
        """Return whether the repository has a blob; without permission to pull, it has none.

        Sending a small blob costs little more than a HEAD request, so HEAD requests for small
        blobs end when most of them find nothing.
        """
        if blob.size <= _SMALL and self._missed > self._found + _LOOKUPS:
            return False
        url = self._transport.blob_url(blob.digest)
        found = self._retry(lambda: self._exists(url, blob))
        # Threads may lose a count; it only decides about further HEAD requests.
        self._found += found
        self._missed += not found
        return found

    def _exists(self, url: str, content: Blob | Descriptor) -> bool:
        response = self._transport.do_request(url, "HEAD", headers={"Accept": _MANIFEST_TYPES})
        raise_if_transient(response, f"cannot look up {content.digest}")
        if response.status_code != HTTPStatus.OK:
            return False
        size = response.headers.get("Content-Length", str(content.size))
        if size != str(content.size):
            raise ArtifactError(
                f"the registry has {size} bytes under {content.digest}, expected {content.size}"
            )
        return True

    def _add_config(self) -> None:
        url = self._transport.blob_url(EMPTY_CONFIG.digest)
        if self._transport.do_request(url, "HEAD").ok:
            return
        response = self._transport.do_request(self._transport.uploads_url(), "POST")
        if response.ok:
            response = self._transport.do_request(
                self._transport.location(response),
                "PUT",
                data=EMPTY_CONFIG_BODY,
                headers={"Content-Type": "application/octet-stream"},
                params={"digest": EMPTY_CONFIG.digest},
            )
        if not response.ok:
            raise self._transport.refusal(response, "cannot store the empty configuration")

    def _put_manifest(self, body: bytes, media_type: str, name: str) -> Response:
        def put() -> Response:
            url, headers = self._transport.manifest_url(name), {"Content-Type": media_type}
            response = self._transport.do_request(url, "PUT", data=body, headers=headers)
            if not response.ok:
                raise self._transport.refusal(response, f"cannot store the manifest {name}")
            return response

        return self._retry(put)

    def _get_manifest(self, name: str) -> Response:
        def get() -> Response:
            url, headers = self._transport.manifest_url(name), {"Accept": _MANIFEST_TYPES}
            response = self._transport.do_request(url, headers=headers)
            return raise_if_transient(response, f"cannot read the manifest {name}")

        return self._retry(get)

    def _get_blob(self, blob: Descriptor, offset: int) -> Iterator[bytes]:
        url = self._transport.blob_url(blob.digest)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        response = self._transport.do_request(url, headers=headers, stream=True)
        with response:
            if not response.ok:
                raise self._transport.refusal(response, f"cannot read {blob.digest}")
            # A registry without range requests starts over.
            skip = 0 if response.status_code == HTTPStatus.PARTIAL_CONTENT else offset
            for block in read_blocks(response):
                if len(block) > skip:
                    yield block[skip:]
                skip = max(0, skip - len(block))

    def _add_referrer(self, manifest: Descriptor, subject: Descriptor) -> None:
        """Add a manifest to the referrers tag, the fallback of the referrers API."""
        tag = subject.digest.replace(":", "-")
        response = self._get_manifest(tag)
        if response.ok:
            listed = _entries(response.content)
        elif response.status_code == HTTPStatus.NOT_FOUND:
            listed = []
        else:
            raise self._transport.refusal(response, f"cannot read the referrers tag {tag}")
        if all(entry.get("digest") != manifest.digest for entry in listed):
            self._put_manifest(index([*listed, manifest.to_json()]), INDEX_TYPE, tag)

    def _retry(self, attempt: Callable[[], T]) -> T:
        backoff = Backoff(self._policy, self._stop.wait)
        while True:
            try:
                return attempt()
            except TransientError as error:
                backoff.wait(error)


def _entries(body: bytes) -> list[dict[str, Any]]:
    try:
        return [dict(entry) for entry in json.loads(body)["manifests"]]
    except (ValueError, KeyError, TypeError):
        raise ArtifactError("the referrers tag is not an image index") from None
