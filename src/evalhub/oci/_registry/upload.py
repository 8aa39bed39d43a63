"""Upload a blob to a registry."""

from __future__ import annotations

import re
from contextlib import suppress
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from evalhub.errors import ArtifactError
from evalhub.oci._files import FileChangedError
from evalhub.oci._registry.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from threading import Event

    from evalhub.oci._files import Blob
    from evalhub.oci._progress import Progress
    from evalhub.oci._registry.errors import Backoff
    from evalhub.oci._registry.transport import Response, Transport

__all__ = ["Upload"]

_MISMATCH = frozenset({b"DIGEST_INVALID", b"SIZE_INVALID"})


class _Body:
    """A range of a blob, read from the file each time it is sent."""

    def __init__(
        self,
        blob: Blob,
        *,
        start: int = 0,
        length: int,
        sent: Callable[[int], None],
        stop: Event,
    ) -> None:
        self._blob = blob
        self._start = start
        self._length = length
        self._sent = sent
        self._stop = stop

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blob.blocks(start=self._start, length=self._length, sent=self._sent):
            if self._stop.is_set():
                raise ArtifactError("stopped, since another file could not be stored")
            yield block


class Upload:
    """One blob, sent in a single request or in chunks.

    After a failure a single request is repeated, and chunks resume at the offset the registry
    reports. Chunks are for proxies that end requests after some seconds, such as the sidecar.

    Args:
        transport: The registry.
        blob: The blob.
        chunk: Bytes in one request, or `None` for the whole blob.
        source: Another repository of the registry to mount the blob from.
        progress: Counts the bytes.
        stop: Set to abandon the upload.
    """

    def __init__(
        self,
        transport: Transport,
        blob: Blob,
        *,
        chunk: int | None,
        source: str | None,
        progress: Progress,
        stop: Event,
    ) -> None:
        self._transport = transport
        self._blob = blob
        self._chunk = chunk
        self._source = source
        self._progress = progress
        self._stop = stop
        self._location: str | None = None
        self._offset = 0

    def run(self, backoff: Backoff) -> None:
        """Send the blob.

        Raises:
            ArtifactError: The registry refused it.
            FileChangedError: The file changed since its digest was computed.
        """
        while True:
            try:
                if self._location is None and self._begin():
                    return
                self._send_chunks(backoff)
                self._finish()
            except TransientError as error:
                backoff.wait(error)
                self._resume_offset()
            else:
                return

    def _begin(self) -> bool:
        """Start an upload session; return whether none is needed, since the blob was mounted."""
        url = self._transport.uploads_url()
        if self._source is not None:
            mount = {"mount": self._blob.digest, "from": self._source}
            response = self._transport.do_request(url, "POST", params=mount)
            if response.status_code == HTTPStatus.CREATED:
                self._progress.add(self._blob.size)
                return True
            self._source = None
            if response.status_code == HTTPStatus.ACCEPTED:
                self._location = self._transport.location(response)
                return False
        response = self._transport.do_request(url, "POST")
        if response.status_code != HTTPStatus.ACCEPTED:
            name = self._blob.file.name
            raise self._transport.refusal(response, f"cannot start the upload of {name!r}")
        self._location = self._transport.location(response)
        return False

    def _send_chunks(self, backoff: Backoff) -> None:
        """Send the chunks of a large blob except the last, which completes the upload."""
        while self._chunk is not None and self._blob.size - self._offset > self._chunk:
            end = self._offset + self._chunk
            headers = {"Content-Range": f"{self._offset}-{end - 1}"}
            response = self._send("PATCH", self._chunk, headers=headers)
            self._location = self._transport.location(response)
            self._offset = end
            backoff.reset()

    def _finish(self) -> None:
        response = self._send(
            "PUT", self._blob.size - self._offset, params={"digest": self._blob.digest}
        )
        stored = response.headers.get("Docker-Content-Digest", self._blob.digest)
        if stored != self._blob.digest:
            raise ArtifactError(
                f"the registry stored {self._blob.file.name!r} as {stored}, "
                f"expected {self._blob.digest}"
            )

    def _send(
        self,
        method: str,
        length: int,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        params: dict[str, str] | None = None,
    ) -> Response:
        with self._progress.attempt() as sent:
            body = _Body(self._blob, start=self._offset, length=length, sent=sent, stop=self._stop)
            response = self._transport.do_request(
                self._location or "",
                method,
                # requests sends an empty iterable with chunked encoding, which registries refuse.
                data=body if length else b"",
                headers={"Content-Type": "application/octet-stream", **headers},
                params=params,
            )
            if not response.ok:
                if _MISMATCH & set(re.findall(rb"[A-Z_]+", response.content)):
                    raise FileChangedError
                raise self._transport.refusal(response, f"cannot store {self._blob.file.name!r}")
        return response

    def _resume_offset(self) -> None:
        """Continue at the offset the registry reports, or start over if it reports none."""
        received = 0
        if self._chunk is not None and self._location is not None:
            with suppress(ArtifactError):
                response = self._transport.do_request(self._location)
                received = _received(response) if response.ok else 0
                self._location = self._transport.location(response)
        if not received:
            self._location = None
        self._progress.add(received - self._offset)
        self._offset = received


def _received(response: Response) -> int:
    """Return the number of bytes received so far: `Range: 0-99` is a hundred."""
    _, _, last = response.headers.get("Range", "").partition("-")
    return int(last) + 1 if last.isdecimal() and int(last) else 0
