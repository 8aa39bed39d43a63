"""What a process holds, and what it left behind."""

from __future__ import annotations

import asyncio
import gc
import re
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

_WARM_UP = 5
"""Snapshots before which a process still grows: caches, pools, lazy imports."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a process holds at a moment."""

    memory_mib: float
    descriptors: int
    threads: int
    tasks: int
    temporary_files: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """How much more of each a process may hold at the end than after its warm-up."""

    memory_mib: float = 16.0
    descriptors: int = 8
    threads: int = 2
    tasks: int = 0
    temporary_files: int = 0


def snapshot() -> Snapshot:
    """Return what this process holds now."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    memory = re.search(r"VmRSS:\s+(\d+)", status)
    assert memory is not None
    return Snapshot(
        memory_mib=int(memory[1]) / 1024,
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        threads=threading.active_count(),
        tasks=len(asyncio.all_tasks()),
        temporary_files=len(list(Path(tempfile.gettempdir()).iterdir())),
    )


def leaks(snapshots: list[Snapshot]) -> list[str]:
    """Return what grew by more than is allowed, from the end of the warm-up to the end."""
    first, last = snapshots[min(_WARM_UP, len(snapshots) - 1)], snapshots[-1]
    allowed = asdict(Allowed())
    return [
        f"leak: {name} grew from {before:.0f} to {after:.0f}; allowed: {allowed[name]:.0f} more"
        for (name, before), after in zip(asdict(first).items(), asdict(last).values(), strict=True)
        if after - before > allowed[name]
    ]


def report(snapshots: list[Snapshot]) -> str:
    """Return what the process held at the beginning, after its warm-up and at the end."""
    chosen = {
        "start": snapshots[0],
        "warm": snapshots[min(_WARM_UP, len(snapshots) - 1)],
        "end": snapshots[-1],
    }
    names = list(asdict(snapshots[0]))
    lines = [f"{'':6}" + "".join(f"{name.replace('_', ' '):>18}" for name in names)]
    lines += [
        f"{moment:6}" + "".join(f"{value:18.0f}" for value in asdict(held).values())
        for moment, held in chosen.items()
    ]
    return "\n".join(lines)


def processes_of(mark: str) -> list[str]:
    """Return the command lines of running processes whose environment holds a mark."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
