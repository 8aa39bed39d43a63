"""The container this process runs in: limits, labels, image."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["container_image", "pod_labels", "resource_limits"]

_ROOT = Path("/")
_UNLIMITED = 1 << 60
"""What version 1 of cgroups shows for no limit is just below 2^63."""

_PERIOD = 100_000


def resource_limits(root: Path = _ROOT) -> dict[str, str]:
    """Return the limits of CPU and memory as Kubernetes quantities; without a limit, nothing.

    Args:
        root: Root of the file system.
    """
    limits: dict[str, str] = {}
    cpus = [*_cpus_v2(root), *_cpus_v1(root)]
    if cpus:
        limits["cpu"] = _cpu_quantity(min(cpus))
    sizes = [
        *_numbers(root, "", "memory.max"),
        *_numbers(root, "memory", "memory.limit_in_bytes"),
    ]
    if sizes := [size for size in sizes if size < _UNLIMITED]:
        limits["memory"] = _memory_quantity(min(sizes))
    return limits


def pod_labels(root: Path = _ROOT) -> dict[str, str]:
    """Return the labels of the pod, where the downward API mounts them.

    Args:
        root: Root of the file system.
    """
    labels: dict[str, str] = {}
    for line in _text(root / "etc/podinfo/labels").splitlines():
        key, equals, value = line.partition("=")
        if key.strip() and equals:
            labels[key.strip()] = _unquoted(value.strip())
    return labels


def container_image(root: Path = _ROOT) -> str | None:
    """Return the image, where the engine tells it; Podman does.

    Args:
        root: Root of the file system.
    """
    found = re.search(r'^image="(.+)"$', _text(root / "run/.containerenv"), re.MULTILINE)
    return found[1] if found else None


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the directories of this process's control group and of those above it."""
    top = root / "sys/fs/cgroup" / controller
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers.split(",").count(controller):
            group = top / path.lstrip("/")
            yield from (group, *(above for above in group.parents if above.is_relative_to(top)))
    # In a container that has a hierarchy of its own, whatever the path says.
    yield top


def _lines(root: Path, controller: str, name: str) -> Iterator[list[str]]:
    for group in dict.fromkeys(_groups(root, controller)):
        if words := _text(group / name).split():
            yield words


def _numbers(root: Path, controller: str, name: str) -> Iterator[int]:
    for words in _lines(root, controller, name):
        with suppress(ValueError):
            yield int(words[0])


def _cpus_v2(root: Path) -> Iterator[float]:
    for words in _lines(root, "", "cpu.max"):
        with suppress(ValueError, IndexError, ZeroDivisionError):
            yield int(words[0]) / int(words[1])


def _cpus_v1(root: Path) -> Iterator[float]:
    for group in dict.fromkeys(_groups(root, "cpu")):
        with suppress(ValueError, ZeroDivisionError):
            quota = int(_text(group / "cpu.cfs_quota_us"))
            period = int(_text(group / "cpu.cfs_period_us") or _PERIOD)
            if quota > 0:
                yield quota / period


def _cpu_quantity(cpus: float) -> str:
    return str(int(cpus)) if cpus.is_integer() else f"{round(cpus * 1000)}m"


def _memory_quantity(size: int) -> str:
    for unit, power in (("Gi", 30), ("Mi", 20), ("Ki", 10)):
        if size and size % (1 << power) == 0:
            return f"{size >> power}{unit}"
    return str(size)


def _unquoted(value: str) -> str:
    try:
        text = json.loads(value)
    except ValueError:
        return value.strip('"')
    return text if isinstance(text, str) else value


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
