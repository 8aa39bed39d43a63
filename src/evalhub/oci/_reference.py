"""Names of artifacts: `host/repository:tag@digest`, and `oci:PATH:tag@digest` on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from evalhub.errors import ArtifactError

__all__ = [
    "LayoutReference",
    "Reference",
    "check_digest",
    "check_tag",
    "layout_path",
    "legal_repository",
    "parse",
    "registry_of",
    "registry_place",
    "without_credentials",
]

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_SEPARATOR = re.compile(r"\.|__?|-+")
_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*"
)
_REPOSITORY_LENGTH = 255
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_SCHEME = re.compile(r"(https?)://")
_TAG_AND_DIGEST = re.compile(r"(:[^/:@]*)?(@[^/@]*)?$")
_USER_INFO = re.compile(r"^((?:(?:https?|oci)://)?).*@(?!sha(?:256|512):)", re.DOTALL)

LAYOUT_PREFIX = "oci:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An artifact, or a place for one, in a registry.

    Args:
        host: Host and optional port.
        repository: Path below the host.
        tag: Tag, where there is one.
        digest: Digest of the manifest, where it is known.
        scheme: `http` or `https` where the user said which; else the registry decides.
    """

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None
    scheme: str | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise _illegal("registry host", self.host, "a name or address with an optional port")
        too_long = len(self.repository) > _REPOSITORY_LENGTH
        if too_long or not _REPOSITORY.fullmatch(self.repository):
            raise _illegal(
                "repository",
                self.repository,
                "lower-case letters, digits and single separators . _ - between slashes",
            )

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}{_suffix(self.tag, self.digest)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutReference:
    """An artifact, or a place for one, in an image layout on disk."""

    path: Path
    tag: str | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        # What follows it would be taken for the tag.
        if ":" in self.path.name:
            raise _illegal("image layout", str(self.path), "a name without a colon")

    def __str__(self) -> str:
        return f"{LAYOUT_PREFIX}{self.path}{_suffix(self.tag, self.digest)}"


def parse(text: str) -> Reference | LayoutReference:
    """Read a reference as `OCIArtifactResult.reference` writes it.

    Raises:
        ArtifactError: It is not one, or a part of it is illegal.
    """
    name, at, digest = text.rpartition("@")
    if not at or "/" in digest:  # a directory's name may hold an @, too
        name, digest = text, ""
    if digest:
        check_digest(digest)
    if text.startswith(LAYOUT_PREFIX):
        path, tag = _split_tag(name.removeprefix(LAYOUT_PREFIX))
        directory = layout_path(LAYOUT_PREFIX + path)
        return LayoutReference(path=directory, tag=tag, digest=digest or None)
    scheme, rest = split_scheme(name)
    host, slash, path = rest.partition("/")
    if not slash:
        raise _illegal("reference", text, "host/repository:tag or host/repository@sha256:...")
    repository, tag = _split_tag(path)
    return Reference(
        host=host, repository=repository, tag=tag, digest=digest or None, scheme=scheme
    )


def layout_path(text: str) -> Path:
    """Return the directory that `oci:PATH` names.

    Raises:
        ArtifactError: It names none; `oci://` is how other tools name a registry.
    """
    path = text.removeprefix(LAYOUT_PREFIX)
    if not path or path.startswith("//"):
        raise _illegal("image layout", text, "oci:PATH; a registry is given without oci://")
    return Path(path)


def registry_place(url: str, repository: str) -> Reference:
    """Return the place of a repository in a registry named by host or URL.

    A path in the URL goes in front of the repository, as in `ghcr.io/my-org`.

    Raises:
        ArtifactError: The registry or the repository is illegal.
    """
    if "@" in url:
        raise ArtifactError(
            "the registry's URL holds credentials; give them as username and password"
        )
    scheme, rest = split_scheme(url)
    host, _, prefix = rest.strip("/").partition("/")
    path = f"{prefix}/{repository}" if prefix else repository
    return Reference(host=host, repository=path, scheme=scheme)


def split_scheme(url: str) -> tuple[str | None, str]:
    """Split `http://` or `https://` off a host."""
    if match := _SCHEME.match(url):
        return match[1], url[match.end() :]
    return None, url


def legal_repository(name: str) -> str:
    """Return a name as one segment of a repository: `MMLU|abstract algebra` is `mmlu-abstract-...`.

    What the grammar allows stays as it is.
    """
    return re.sub(
        r"[^a-z0-9]+",
        lambda match: match[0] if _SEPARATOR.fullmatch(match[0]) else "-",
        name.lower(),
    ).strip("._-")


def check_tag(tag: str) -> str:
    """Return a tag if it is legal.

    Raises:
        ArtifactError: It is not.
    """
    if not _TAG.fullmatch(tag):
        raise _illegal("tag", tag, "up to 128 letters, digits and . _ -, the first not . or -")
    return tag


def check_digest(digest: str) -> str:
    """Return a digest if it is legal.

    Raises:
        ArtifactError: It is not.
    """
    if not _DIGEST.fullmatch(digest):
        raise _illegal("digest", digest, "sha256: and 64 hexadecimal digits")
    return digest


def _split_tag(name: str) -> tuple[str, str | None]:
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return name, None
    return path, check_tag(tag)


def _suffix(tag: str | None, digest: str | None) -> str:
    return (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def _illegal(what: str, value: str, legal: str) -> ArtifactError:
    return ArtifactError(f"illegal {what} {without_credentials(value)!r}: expected {legal}")


def registry_of(reference: str) -> str:
    """Return the host or layout of a reference that need not be legal, for a message."""
    if reference.startswith(LAYOUT_PREFIX):
        return LAYOUT_PREFIX + _TAG_AND_DIGEST.sub("", reference.removeprefix(LAYOUT_PREFIX))
    return split_scheme(reference)[1].partition("/")[0]


def without_credentials(text: str) -> str:
    """Return a reference or host for a message; `user:password@host` is a common mistake."""
    if text.startswith(LAYOUT_PREFIX) and not text.startswith(f"{LAYOUT_PREFIX}//"):
        return text
    return _USER_INFO.sub(r"\1", text)
