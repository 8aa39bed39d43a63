"""A repository of a registry: blobs first, several at a time, then the manifest."""

from __future__ import annotations

import json
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from http import HTTPStatus
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from evalhub.errors import ArtifactError
from evalhub.oci._files import despite_change
from evalhub.oci._manifest import (
    EMPTY_CONFIG,
    EMPTY_CONFIG_BODY,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    digest_of,
    index,
)
from evalhub.oci._registry.answers import lasting, stream
from evalhub.oci._registry.mounts import Mounts
from evalhub.oci._registry.retry import Patience, TransientError
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

WORKERS = 8
SIDECAR_CHUNK = 16 << 20
"""Bytes in a request through the sidecar, which ends requests after 30 s (wire contract 5.1)."""

_SMALL = 64 << 10
_QUESTIONS = 8
_PATIENCE = Policy(retries=4, first_delay=0.5, max_delay=20.0)
_MANIFEST_TYPES = (
    f"{MANIFEST_TYPE}, {INDEX_TYPE}, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json"
)


class Repository:
    """Content in a registry.

    Args:
        where: The repository.
        access: How its registry is reached, and as whom.
        policy: How patiently failures that may pass are met.
        chunk: Bytes in a request that stores a blob, or `None` for all of them.
    """

    def __init__(
        self,
        where: Reference,
        access: Access,
        *,
        mounts: Mounts | None = None,
        policy: Policy = _PATIENCE,
        chunk: int | None = None,
    ) -> None:
        self._where = where
        # The sidecar allows only the repository of its job.
        self._mounts = mounts if mounts is not None and not access.proxy_host else Mounts()
        self._policy = policy
        self._chunk = chunk or (SIDECAR_CHUNK if access.proxy_host else None)
        self._transport = Transport(where, access)
        self._stop = Event()
        self._found = self._missed = 0

    def close(self) -> None:
        """Give connections back."""
        self._transport.session.close()

    def add_files(self, files: Sequence[File], progress: Progress) -> list[Blob]:
        """Store files, several at a time, and return what they hold, in the same order.

        Raises:
            ArtifactError: One could not be stored; the others were stopped.
        """
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="evalhub-oci")
        futures = [pool.submit(self._add_file, file, progress) for file in files]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException as error:
            self._stop.set()
            # An interruption has no time to wait for sockets.
            pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
            raise
        pool.shutdown()
        return [future.result() for future in futures]

    def add_manifest(
        self, body: bytes, manifest: Descriptor, *, tag: str, subject: Descriptor | None
    ) -> None:
        """Store a manifest under a tag, and list it with what refers to its subject.

        Raises:
            ArtifactError: The registry does not take it, or stored something else.
        """
        self._patiently(self._add_config)
        response = self._put_manifest(body, MANIFEST_TYPE, tag)
        stored = response.headers.get("Docker-Content-Digest", manifest.digest)
        if stored != manifest.digest:
            raise ArtifactError(
                f"the registry stored the manifest as {stored}, its digest is {manifest.digest}"
            )
        url = self._transport.manifest_url(manifest.digest)
        self._patiently(lambda: self._check_size(url, manifest))
        if subject is not None and "OCI-Subject" not in response.headers:
            self._list_referrer(manifest, subject)

    def manifest(self, reference: str | None) -> tuple[Descriptor, bytes]:
        """Return the manifest a tag or digest names, and its bytes.

        Raises:
            ArtifactError: There is none, or the registry says it is another.
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
        promised = response.headers.get("Docker-Content-Digest", manifest.digest)
        if promised != manifest.digest:
            raise ArtifactError(f"the manifest {name} is {manifest.digest}, not {promised}")
        return manifest, response.content

    def blocks(self, blob: Descriptor) -> Iterator[bytes]:
        """Yield the bytes of a blob; where a connection breaks, go on with another.

        Raises:
            ArtifactError: They are not there, or did not come.
        """
        patience = Patience(self._policy, self._stop.wait)
        offset = 0
        while True:
            try:
                for block in self._get_blob(blob, offset):
                    yield block
                    offset += len(block)
                    patience.renew()
            except TransientError as error:
                patience.wait(error)
            else:
                return

    def _add_file(self, file: File, progress: Progress) -> Blob:
        return despite_change(file, lambda: self._add_blob(file.digest(), progress))

    def _add_blob(self, blob: Blob, progress: Progress) -> Blob:
        if self._worth_asking(blob) and self._patiently(lambda: self._has(blob)):
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
            upload.run(Patience(self._policy, self._stop.wait))
        self._mounts.add(self._where, blob.digest)
        return blob

    def _worth_asking(self, blob: Blob) -> bool:
        """Return whether to ask for a blob first; to send a small one costs no more than that.

        So small blobs are asked for only as long as the registry tends to have them.
        """
        return blob.size > _SMALL or self._missed <= self._found + _QUESTIONS

    def _has(self, blob: Blob) -> bool:
        """Return whether the registry says it has a blob; who may only push is not told."""
        found = self._check_size(self._transport.blob_url(blob.digest), blob)
        # Threads may lose a count; it only decides whether to ask.
        self._found += found
        self._missed += not found
        return found

    def _check_size(self, url: str, content: Blob | Descriptor) -> bool:
        response = self._transport.do_request(url, "HEAD", headers={"Accept": _MANIFEST_TYPES})
        lasting(response, f"cannot look for {content.digest}")
        if response.status_code != HTTPStatus.OK:
            return False
        size = response.headers.get("Content-Length", str(content.size))
        if size != str(content.size):
            raise ArtifactError(
                f"the registry holds {size} bytes under {content.digest}, they are {content.size}"
            )
        return True

    def _add_config(self) -> None:
        url = self._transport.blob_url(EMPTY_CONFIG.digest)
        if self._transport.do_request(url, "HEAD").ok:
            return
        what = "cannot store the empty configuration"
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
            raise self._transport.refusal(response, what)

    def _put_manifest(self, body: bytes, media_type: str, name: str) -> Response:
        def put() -> Response:
            url, headers = self._transport.manifest_url(name), {"Content-Type": media_type}
            response = self._transport.do_request(url, "PUT", data=body, headers=headers)
            if not response.ok:
                raise self._transport.refusal(response, f"cannot store the manifest {name}")
            return response

        return self._patiently(put)

    def _get_manifest(self, name: str) -> Response:
        def get() -> Response:
            url, headers = self._transport.manifest_url(name), {"Accept": _MANIFEST_TYPES}
            response = self._transport.do_request(url, headers=headers)
            return lasting(response, f"cannot read the manifest {name}")

        return self._patiently(get)

    def _get_blob(self, blob: Descriptor, offset: int) -> Iterator[bytes]:
        url = self._transport.blob_url(blob.digest)
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        response = self._transport.do_request(url, headers=headers, stream=True)
        with response:
            if not response.ok:
                raise self._transport.refusal(response, f"cannot read {blob.digest}")
            # Some registries know no ranges and start over.
            skip = 0 if response.status_code == HTTPStatus.PARTIAL_CONTENT else offset
            for block in stream(response):
                if len(block) > skip:
                    yield block[skip:]
                skip = max(0, skip - len(block))

    def _list_referrer(self, manifest: Descriptor, subject: Descriptor) -> None:
        """Add a manifest to the index that stands in for the referrers API where it is missing."""
        tag = subject.digest.replace(":", "-")
        response = self._get_manifest(tag)
        if response.ok:
            listed = _entries(response.content)
        elif response.status_code == HTTPStatus.NOT_FOUND:
            listed = []
        else:
            raise self._transport.refusal(response, f"cannot read the referrers {tag}")
        if all(entry.get("digest") != manifest.digest for entry in listed):
            self._put_manifest(index([*listed, manifest.to_json()]), INDEX_TYPE, tag)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        patience = Patience(self._policy, self._stop.wait)
        while True:
            try:
                return attempt()
            except TransientError as error:
                patience.wait(error)


def _entries(body: bytes) -> list[dict[str, Any]]:
    try:
        return [dict(entry) for entry in json.loads(body)["manifests"]]
    except (ValueError, KeyError, TypeError):
        raise ArtifactError("what stands in for the list of referrers is not an index") from None
