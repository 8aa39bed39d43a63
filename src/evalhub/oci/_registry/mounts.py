"""Blobs that another repository of the same registry is known to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalhub.oci._reference import Reference

__all__ = ["Mounts"]


class Mounts:
    """Remember which repository holds a blob, so that others mount it instead of sending it."""

    def __init__(self) -> None:
        self._repositories: dict[tuple[str, str], str] = {}

    def add(self, where: Reference, digest: str) -> None:
        """Record that a repository holds a blob."""
        self._repositories.setdefault((where.host, digest), where.repository)

    def source(self, where: Reference, digest: str) -> str | None:
        """Return another repository of the registry that holds a blob, if one is known."""
        repository = self._repositories.get((where.host, digest))
        return None if repository == where.repository else repository
