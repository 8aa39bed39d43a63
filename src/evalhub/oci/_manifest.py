"""OCI 1.1 manifests and descriptors. Pure: the same input has the same bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from evalhub.errors import ArtifactError
from evalhub.models.oci import OCI_ARTIFACT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.oci._files import Blob

__all__ = [
    "EMPTY_CONFIG",
    "EMPTY_CONFIG_BODY",
    "INDEX_TYPE",
    "MANIFEST_TYPE",
    "Descriptor",
    "build",
    "check_annotations",
    "digest_of",
    "layer",
    "read_annotations",
]

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
TITLE = "org.opencontainers.image.title"

_OTHER = "application/octet-stream"
# Not `mimetypes`, whose tables differ between machines, and with them the digests.
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".ndjson": "application/x-ndjson",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tar": "application/x-tar",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zip": "application/zip",
    ".zst": "application/zstd",
}
# The size that registries should accept at least (distribution specification).
_LARGEST_MANIFEST = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A content descriptor: media type, digest, size in bytes and annotations."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    artifact_type: str | None = None
    data: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the specification."""
        optional = {
            "artifactType": self.artifact_type,
            "annotations": dict(self.annotations),
            "data": self.data,
        }
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
            **{key: value for key, value in optional.items() if value},
        }

    @classmethod
    def from_json(cls, value: Any) -> Descriptor:
        """Parse a descriptor.

        Raises:
            ArtifactError: It is not valid.
        """
        match value:
            case {"mediaType": str(media_type), "digest": str(digest), "size": int(size)}:
                return cls(
                    media_type=media_type,
                    digest=digest,
                    size=size,
                    annotations=read_annotations(value),
                    artifact_type=value.get("artifactType"),
                    data=value.get("data"),
                )
            case _:
                raise ArtifactError("a descriptor in the manifest is not valid")

    @property
    def title(self) -> str:
        """The name of the file, or else a name made of the digest."""
        return self.annotations.get(TITLE) or self.digest.replace(":", "-")


EMPTY_CONFIG_BODY = b"{}"
EMPTY_CONFIG = Descriptor(
    media_type="application/vnd.oci.empty.v1+json",
    digest="sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    size=2,
    data="e30=",
)


def layer(blob: Blob) -> Descriptor:
    """Return the layer of a file."""
    return Descriptor(
        media_type=_MEDIA_TYPES.get(PurePosixPath(blob.file.name).suffix.lower(), _OTHER),
        digest=blob.digest,
        size=blob.size,
        annotations={TITLE: blob.file.name},
    )


def build(
    layers: Sequence[Descriptor],
    *,
    annotations: Mapping[str, str],
    subject: Descriptor | None = None,
) -> bytes:
    """Return the manifest of an artifact.

    Raises:
        ArtifactError: It is larger than registries accept.
    """
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": OCI_ARTIFACT_TYPE,
        "config": EMPTY_CONFIG.to_json(),
        "layers": [descriptor.to_json() for descriptor in layers],
        "annotations": dict(annotations),
    }
    if subject is not None:
        manifest["subject"] = subject.to_json()
    body = dump(manifest)
    if len(body) > _LARGEST_MANIFEST:
        raise ArtifactError(
            f"the manifest of {len(layers)} files has {len(body)} bytes, and registries accept "
            f"{_LARGEST_MANIFEST}; store them with pack=True"
        )
    return body


def describe(body: bytes, *, annotations: Mapping[str, str]) -> Descriptor:
    """Return the descriptor of a manifest."""
    return Descriptor(
        media_type=MANIFEST_TYPE,
        digest=digest_of(body),
        size=len(body),
        annotations=annotations,
        artifact_type=OCI_ARTIFACT_TYPE,
    )


def index(manifests: Sequence[Mapping[str, Any]]) -> bytes:
    """Return an image index."""
    return dump({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": list(manifests)})


def digest_of(body: bytes) -> str:
    """Return the SHA-256 digest of bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def read_annotations(value: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations of a manifest or descriptor, except those that are not text."""
    match value.get("annotations"):
        case {**annotations}:
            return {
                key: text
                for key, text in annotations.items()
                if isinstance(key, str) and isinstance(text, str)
            }
        case _:
            return {}


def check_annotations(annotations: Mapping[str, str]) -> None:
    """Check that annotations are legal.

    Raises:
        ArtifactError: A key is empty or contains spaces or control characters, or a text is not
            valid Unicode.
    """
    for key, value in annotations.items():
        if not key or not key.isprintable() or " " in key:
            raise ArtifactError(f"illegal annotation {key!r}: expected a key without spaces")
        try:
            (key + value).encode()
        except UnicodeEncodeError:
            raise ArtifactError(f"illegal annotation {key!r}: not valid Unicode") from None


def dump(value: Any) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
