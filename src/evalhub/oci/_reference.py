"""References to artifacts: `host/repository:tag@digest`, and `oci:PATH:tag@digest` on disk."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalhub.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "LayoutReference",
    "Reference",
    "check_digest",
    "check_tag",
    "layout_path",
    "parse",
    "registry_of",
    "repository_in",
    "repository_segment",
    "split_scheme",
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
    """A repository of a registry, or an artifact in it.

    Args:
        host: Host and optional port.
        repository: Path below the host.
        tag: Tag of the artifact.
        digest: Digest of its manifest.
        scheme: `http` or `https` if the user chose one.
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

    @property
    def registry(self) -> str:
        """The host, for error messages."""
        return self.host

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}{_suffix(self.tag, self.digest)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutReference:
    """An image layout on disk, or an artifact in it."""

    path: Path
    tag: str | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        # The rest of the name would be parsed as the tag.
        if ":" in self.path.name:
            raise _illegal("image layout", str(self.path), "a name without a colon")

    @property
    def registry(self) -> str:
        """The layout without tag and digest, for error messages."""
        return f"{LAYOUT_PREFIX}{self.path}"

    def __str__(self) -> str:
        return f"{self.registry}{_suffix(self.tag, self.digest)}"


def parse(text: str) -> Reference | LayoutReference:
    """Parse a reference of the form `OCIArtifactResult.reference` has.

    Raises:
        ArtifactError: It is not a reference, or a part of it is illegal.
    """
    shown = _without_credentials(text)
    with _name_in_error(registry_of(shown), shown):
        name, at, digest = text.rpartition("@")
        if not at or "/" in digest:  # the name of a directory may contain an @, too
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
    """Return the directory in `oci:PATH`.

    Raises:
        ArtifactError: There is none; `oci://` is how other tools write a registry.
    """
    with _name_in_error(text, text):
        path = text.removeprefix(LAYOUT_PREFIX)
        if not path or path.startswith("//"):
            raise _illegal("image layout", text, "oci:PATH; write a registry without oci://")
        return Path(path)


def repository_in(url: str, repository: str) -> Reference:
    """Return a repository of a registry that is given as a host or URL.

    A path in the URL is prepended to the repository, as in `ghcr.io/my-org`.

    Raises:
        ArtifactError: The registry or the repository is illegal.
    """
    registry = split_scheme(_without_credentials(url))[1]
    with _name_in_error(registry, f"{registry}/{repository}"):
        if "@" in url:
            raise ArtifactError(
                "the URL of the registry contains credentials; pass username and password"
            )
        scheme, rest = split_scheme(url)
        host, _, prefix = rest.strip("/").partition("/")
        path = f"{prefix}/{repository}" if prefix else repository
        return Reference(host=host, repository=path, scheme=scheme)


def split_scheme(url: str) -> tuple[str | None, str]:
    """Return the scheme of a URL, if it is HTTP or HTTPS, and the rest."""
    if match := _SCHEME.match(url):
        return match[1], url[match.end() :]
    return None, url


def repository_segment(name: str) -> str:
    """Return a name as one path segment: `MMLU|abstract algebra` becomes `mmlu-abstract-algebra`.

    Legal characters are kept.
    """
    return re.sub(
        r"[^a-z0-9]+",
        lambda match: match[0] if _SEPARATOR.fullmatch(match[0]) else "-",
        name.lower(),
    ).strip("._-")


def check_tag(tag: str) -> str:
    """Return a legal tag unchanged.

    Raises:
        ArtifactError: It is illegal.
    """
    if not _TAG.fullmatch(tag):
        raise _illegal("tag", tag, "up to 128 letters, digits, . _ and -, not starting with . or -")
    return tag


def check_digest(digest: str) -> str:
    """Return a legal digest unchanged.

    Raises:
        ArtifactError: It is illegal.
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
    return ArtifactError(f"illegal {what} {_without_credentials(value)!r}: expected {legal}")


@contextmanager
def _name_in_error(registry: str, reference: str) -> Generator[None]:
    try:
        yield
    except ArtifactError as error:
        error.registry, error.reference = registry, reference
        raise


def registry_of(reference: str) -> str:
    """Return the host or layout of a reference that may be illegal, for an error message."""
    if reference.startswith(LAYOUT_PREFIX):
        return LAYOUT_PREFIX + _TAG_AND_DIGEST.sub("", reference.removeprefix(LAYOUT_PREFIX))
    return split_scheme(reference)[1].partition("/")[0]


def _without_credentials(text: str) -> str:
    """Remove `user:password@`, a common mistake, from a reference or host."""
    if text.startswith(LAYOUT_PREFIX) and not text.startswith(f"{LAYOUT_PREFIX}//"):
        return text
    return _USER_INFO.sub(r"\1", text)
