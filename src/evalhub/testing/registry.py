"""An OCI registry on loopback, for tests that push and pull.

    with OCIRegistry() as registry:
        coordinates = OCICoordinates(oci_host=registry.url, oci_repository="org/results")
        ...
        assert registry.tags("org/results") == ["v1"]

It implements blobs, uploads, manifests, tags and referrers of the distribution specification, and
stores blobs in files: an artifact may be larger than memory.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode
from uuid import uuid4

from evalhub.testing._loopback import Double, Request, Response
from evalhub.testing._oci import (
    DIGEST,
    INDEX,
    JSON,
    Manifest,
    RegistryError,
    StoredRepository,
    check_digest,
    check_references,
    descriptor,
    json_answer,
    manifest_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["OCIRegistry"]

_BLOCK = 1 << 20
_LARGEST_MANIFEST = 4 << 20
_OCTETS = "application/octet-stream"
_REFERENCE = r"(\w[\w.-]{0,127}|sha256:[0-9a-f]{64})"
_NAME = r"([a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)"


class OCIRegistry(Double):
    """A registry; empty at the start, deleted when it stops.

    Args:
        username: User name for Basic authentication; by default none is required.
        password: Password of the user.
    """

    def __init__(self, *, username: str | None = None, password: str = "") -> None:
        super().__init__(self._respond)
        login = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._login = None if username is None else f"Basic {login}"
        self._repositories: dict[str, StoredRepository] = {}
        self._lock = RLock()
        self._folder = TemporaryDirectory(prefix="evalhub-registry-")

    @property
    def host(self) -> str:
        """Host and port."""
        return self.url.removeprefix("http://")

    def repositories(self) -> list[str]:
        """Return the names of the repositories, sorted."""
        return sorted(self._repositories)

    def tags(self, repository: str) -> list[str]:
        """Return a repository's tags, sorted."""
        return sorted(self._repository(repository).tags)

    def manifest(self, repository: str, reference: str) -> dict[str, Any]:
        """Return a manifest by its tag or digest.

        Raises:
            KeyError: It does not exist.
        """
        try:
            return self._repository(repository).manifest(reference).value
        except RegistryError:
            raise KeyError(f"{repository}:{reference}") from None

    def blob(self, repository: str, digest: str) -> bytes:
        """Return a blob by its digest.

        Raises:
            KeyError: It does not exist.
        """
        if digest not in self._repository(repository).blobs:
            raise KeyError(f"{repository}@{digest}")
        return self._blob_path(digest).read_bytes()

    def stop(self) -> None:
        """Stop, and delete everything."""
        super().stop()
        self._folder.cleanup()

    def _repository(self, name: str) -> StoredRepository:
        return self._repositories.get(name) or StoredRepository()

    def _blob_path(self, digest: str) -> Path:
        return Path(self._folder.name, digest.removeprefix("sha256:"))

    def _upload_path(self, session: str) -> Path:
        path = Path(self._folder.name, f"upload-{session}")
        if not path.is_file():
            raise RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return path

    def _respond(self, request: Request) -> Response:
        version = {"Docker-Distribution-Api-Version": "registry/2.0"}
        try:
            response = self._route(request)
        except RegistryError as refusal:
            error = {"code": refusal.code, "message": str(refusal)}
            if refusal.status == 401:  # noqa: PLR2004 - unauthorized
                version["WWW-Authenticate"] = 'Basic realm="evalhub"'
            response = json_answer({"errors": [error] * refusal.times}, status=refusal.status)
        body = b"" if request.method == "HEAD" else response.body
        return Response(response.status, body, {**response.headers, **version})

    def _route(self, request: Request) -> Response:
        if self._login is not None and request.headers.get("authorization") != self._login:
            raise RegistryError(401, "UNAUTHORIZED", "authentication required")
        for pattern, endpoints in self._routes:
            if match := pattern.fullmatch(request.path):
                if request.method not in endpoints:
                    return Response(405)
                return endpoints[request.method](self, request, *match.groups())
        return Response(404, b"404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"})

    def _ping(self, _: Request) -> Response:
        return Response(200, b"{}", JSON)

    def _catalog(self, _: Request) -> Response:
        return json_answer({"repositories": self.repositories()})

    # Blobs

    def _get_blob(self, request: Request, name: str, digest: str) -> Response:
        check_digest(digest)
        if digest not in self._repository(name).blobs:
            raise RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry")
        path = self._blob_path(digest)
        size = path.stat().st_size
        first, last = _range(request, size)
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Length": str(last - first + 1),
            "Content-Type": _OCTETS,
            "Docker-Content-Digest": digest,
        }
        if "range" not in request.headers:
            return Response(200, _blocks(path, 0, size), headers)
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        return Response(206, _blocks(path, first, last - first + 1), headers)

    def _start_upload(self, request: Request, name: str) -> Response:
        query = request.query
        mounted = next(iter(query.get("mount", ())), None)
        source = next(iter(query.get("from", ())), "")
        if mounted is not None and mounted in self._repository(source).blobs:
            return self._stored(request, name, mounted)
        session = str(uuid4())
        Path(self._folder.name, f"upload-{session}").touch()
        if "digest" in query:
            return self._finish_upload(request, name, session)
        return self._progress(request, name, session, 202)

    def _upload_status(self, request: Request, name: str, session: str) -> Response:
        return self._progress(request, name, session, 204)

    def _append(self, request: Request, name: str, session: str) -> Response:
        path = self._upload_path(session)
        start = request.headers.get("content-range", "").partition("-")[0]
        if start and int(start) != path.stat().st_size:
            raise RegistryError(
                416, "BLOB_UPLOAD_INVALID", "the chunk does not follow the previous one"
            )
        with path.open("ab") as file:
            copyfileobj(request.body, file, _BLOCK)
        return self._progress(request, name, session, 202)

    def _finish_upload(self, request: Request, name: str, session: str) -> Response:
        path = self._upload_path(session)
        with path.open("ab") as file:
            copyfileobj(request.body, file, _BLOCK)
        digest = next(iter(request.query.get("digest", ())), "")
        with path.open("rb") as file:
            actual = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if digest != actual:
            path.unlink()
            message = "provided digest did not match uploaded content"
            raise RegistryError(400, "DIGEST_INVALID", message)
        path.rename(self._blob_path(digest))
        return self._stored(request, name, digest)

    def _cancel_upload(self, _: Request, __: str, session: str) -> Response:
        self._upload_path(session).unlink()
        return Response(204)

    def _progress(self, request: Request, name: str, session: str, status: int) -> Response:
        size = self._upload_path(session).stat().st_size
        headers = {
            "Docker-Upload-UUID": session,
            "Location": _location(request, name, f"blobs/uploads/{session}"),
            "Range": f"0-{max(0, size - 1)}",
        }
        return Response(status, headers=headers)

    def _stored(self, request: Request, name: str, digest: str) -> Response:
        with self._lock:
            self._repositories.setdefault(name, StoredRepository()).blobs.add(digest)
        return _created(_location(request, name, f"blobs/{digest}"), digest)

    # Manifests

    def _get_manifest(self, request: Request, name: str, reference: str) -> Response:
        del request
        manifest = self._repository(name).manifest(reference)
        return Response(200, manifest.content, manifest.headers)

    def _put_manifest(self, request: Request, name: str, reference: str) -> Response:
        content = request.body.read(_LARGEST_MANIFEST + 1)
        if len(content) > _LARGEST_MANIFEST:
            raise RegistryError(413, "SIZE_INVALID", "the manifest is larger than 4 MiB")
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if DIGEST.fullmatch(reference) and reference != digest:
            message = "provided digest did not match uploaded content"
            raise RegistryError(400, "DIGEST_INVALID", message)
        value = manifest_value(content)
        media_type = request.headers.get("content-type") or value.get("mediaType", "")
        with self._lock:
            repository = self._repositories.setdefault(name, StoredRepository())
            check_references(value, repository)
            repository.manifests[digest] = Manifest(digest, content, media_type)
            if not DIGEST.fullmatch(reference):
                repository.tags[reference] = digest
        response = _created(_location(request, name, f"manifests/{digest}"), digest)
        subject = value.get("subject")
        extra = {"OCI-Subject": subject["digest"]} if subject else {}
        return Response(response.status, headers={**response.headers, **extra})

    def _delete_manifest(self, _: Request, name: str, reference: str) -> Response:
        with self._lock:
            repository = self._repository(name)
            manifest = repository.manifest(reference)
            if reference in repository.tags:
                del repository.tags[reference]
            else:
                del repository.manifests[manifest.digest]
                kept = {tag: one for tag, one in repository.tags.items() if one != reference}
                repository.tags = kept
        return Response(202)

    def _list_tags(self, request: Request, name: str) -> Response:
        if name not in self._repositories:
            raise RegistryError(404, "NAME_UNKNOWN", "repository name not known to registry")
        query = request.query
        last = next(iter(query.get("last", ())), "")
        tags = [tag for tag in self.tags(name) if tag > last]
        count = int(next(iter(query.get("n", ())), len(tags)))
        shown, headers = tags[:count], dict[str, str]()
        if shown and len(shown) < len(tags):
            following = urlencode({"last": shown[-1], "n": count})
            headers["Link"] = f'</v2/{name}/tags/list?{following}>; rel="next"'
        return json_answer({"name": name, "tags": shown}, headers)

    def _list_referrers(self, request: Request, name: str, digest: str) -> Response:
        check_digest(digest)
        wanted = next(iter(request.query.get("artifactType", ())), None)
        manifests: list[dict[str, Any]] = []
        for manifest in self._repository(name).manifests.values():
            value = manifest.value
            subject: dict[str, Any] = value.get("subject") or {}
            if subject.get("digest") == digest:
                described = descriptor(manifest, value)
                if wanted in (None, described.get("artifactType")):
                    manifests.append(described)
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        headers = {"Content-Type": INDEX}
        if wanted is not None:
            headers["OCI-Filters-Applied"] = "artifactType"
        return json_answer(index, headers)

    _endpoints: ClassVar[dict[str, dict[str, Callable[..., Response]]]] = {
        "/v2/?": {"GET": _ping, "HEAD": _ping},
        "/v2/_catalog": {"GET": _catalog},
        "/v2/{name}/blobs/(sha[^/]+)": {"GET": _get_blob, "HEAD": _get_blob},
        "/v2/{name}/blobs/uploads/": {"POST": _start_upload},
        "/v2/{name}/blobs/uploads/([^/]+)": {
            "GET": _upload_status,
            "PATCH": _append,
            "PUT": _finish_upload,
            "DELETE": _cancel_upload,
        },
        "/v2/{name}/manifests/{reference}": {
            "GET": _get_manifest,
            "HEAD": _get_manifest,
            "PUT": _put_manifest,
            "DELETE": _delete_manifest,
        },
        "/v2/{name}/tags/list": {"GET": _list_tags},
        "/v2/{name}/referrers/([^/]+)": {"GET": _list_referrers},
    }
    _routes: ClassVar[list[tuple[re.Pattern[str], dict[str, Callable[..., Response]]]]] = [
        (re.compile(path.replace("{name}", _NAME).replace("{reference}", _REFERENCE)), endpoints)
        for path, endpoints in _endpoints.items()
    ]


def _range(request: Request, size: int) -> tuple[int, int]:
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", "bytes=0-"))
    first = int(wanted[1]) if wanted else 0
    last = min(int(wanted[2]), size - 1) if wanted and wanted[2] else size - 1
    if first > last and "range" in request.headers:
        raise RegistryError(416, "SIZE_INVALID", "the range is outside the blob")
    return first, last


def _blocks(path: Path, first: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        while length > 0 and (block := file.read(min(_BLOCK, length))):
            length -= len(block)
            yield block


def _location(request: Request, name: str, rest: str) -> str:
    return f"http://{request.headers['host']}/v2/{name}/{rest}"


def _created(location: str, digest: str) -> Response:
    return Response(201, headers={"Location": location, "Docker-Content-Digest": digest})
