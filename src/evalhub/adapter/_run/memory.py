"""Memory use of this container, as its cgroup accounts for it. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["MemoryUse", "memory_use", "readable_size"]

CGROUP = Path("/sys/fs/cgroup")
"""The cgroup of a container, as it sees it itself: version 2, or version 1 below `memory`."""

_NO_LIMIT = 1 << 60
"""Version 1 writes a limit that no machine reaches where there is none."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What a cgroup tells; `None` where it does not.

    Args:
        peak: Largest use so far, in bytes.
        limit: Largest use allowed, in bytes.
        kills: Processes that were killed because the limit was exceeded.
    """

    peak: int | None = None
    limit: int | None = None
    kills: int | None = None


def memory_use(cgroup: Path = CGROUP) -> MemoryUse:
    """Return the memory use of the cgroup mounted here."""
    old = cgroup / "memory"
    peak = _number(cgroup / "memory.peak", old / "memory.max_usage_in_bytes")
    limit = _number(cgroup / "memory.max", old / "memory.limit_in_bytes")
    kills = _counter("oom_kill", cgroup / "memory.events", old / "memory.oom_control")
    return MemoryUse(peak, limit if limit is not None and limit < _NO_LIMIT else None, kills)


def readable_size(size: int) -> str:
    """Return a number of bytes as people write it: `512 MiB`."""
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:  # noqa: PLR2004 - the step between units
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def _number(*files: Path) -> int | None:
    for file in files:
        text = _text(file).strip()
        if text.isdigit():
            return int(text)
    return None


def _counter(name: str, *files: Path) -> int | None:
    for file in files:
        for line in _text(file).splitlines():
            key, _, value = line.partition(" ")
            if key == name and value.isdigit():
                return int(value)
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
