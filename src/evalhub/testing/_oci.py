"""Repositories and manifests of an OCI registry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from evalhub.testing._loopback import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DIGEST",
    "INDEX",
    "JSON",
    "Manifest",
    "RegistryError",
    "StoredRepository",
    "check_digest",
    "check_references",
    "descriptor",
    "json_answer",
    "manifest_value",
]

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
INDEX = "application/vnd.oci.image.index.v1+json"
JSON = {"Content-Type": "application/json; charset=utf-8"}


class RegistryError(Exception):
    """An error response of the registry."""

    def __init__(self, status: int, code: str, message: str, *, times: int = 1) -> None:
        self.status = status
        self.code = code
        self.times = times
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Manifest:
    digest: str
    content: bytes
    media_type: str

    @property
    def value(self) -> dict[str, Any]:
        return dict(json.loads(self.content))

    @property
    def headers(self) -> dict[str, str]:
        length = str(len(self.content))
        return {
            "Content-Type": self.media_type,
            "Content-Length": length,
            "Docker-Content-Digest": self.digest,
        }


@dataclass(slots=True)
class StoredRepository:
    blobs: set[str] = field(default_factory=set[str])
    manifests: dict[str, Manifest] = field(default_factory=dict[str, Manifest])
    tags: dict[str, str] = field(default_factory=dict[str, str])

    def manifest(self, reference: str) -> Manifest:
        """Return a manifest by tag or digest."""
        digest = self.tags.get(reference, reference)
        if digest not in self.manifests:
            raise RegistryError(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return self.manifests[digest]


def json_answer(
    value: dict[str, Any], headers: Mapping[str, str] | None = None, *, status: int = 200
) -> Response:
    content = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return Response(status, content, {**JSON, **(headers or {})})


def check_digest(digest: str) -> None:
    if not DIGEST.fullmatch(digest):
        raise RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content")


def manifest_value(content: bytes) -> dict[str, Any]:
    try:
        value: Any = json.loads(content)
    except ValueError:
        raise RegistryError(400, "MANIFEST_INVALID", "manifest invalid") from None
    if not isinstance(value, dict):
        raise RegistryError(400, "MANIFEST_INVALID", "manifest invalid")
    return cast("dict[str, Any]", value)


def check_references(value: dict[str, Any], repository: StoredRepository) -> None:
    config: dict[str, Any] | None = value.get("config")
    blobs: list[dict[str, Any]] = [*([config] if config else []), *value.get("layers", ())]
    children: list[dict[str, Any]] = value.get("manifests", [])
    missing = [blob for blob in blobs if blob["digest"] not in repository.blobs]
    missing += [child for child in children if child["digest"] not in repository.manifests]
    if missing:
        problem = "blob unknown to registry"
        raise RegistryError(400, "MANIFEST_BLOB_UNKNOWN", problem, times=len(missing))


def descriptor(manifest: Manifest, value: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = value.get("config") or {}
    described = {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.content),
        "artifactType": value.get("artifactType") or config.get("mediaType"),
        "annotations": value.get("annotations"),
    }
    return {name: one for name, one in described.items() if one}
