"""Describe the machine that an evaluation ran on, without importing any framework."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalhub.models.card import EnvironmentCard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["EnvironmentCardMetadata"]

_PACKAGES = ("eval-hub-sdk", "torch", "transformers", "vllm", "datasets", "numpy")
_GPU_QUERY = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
_GPU_SECONDS = 5.0


class EnvironmentCardMetadata(EnvironmentCard):
    """The environment an evaluation ran in; `capture()` reads it from the machine."""

    @classmethod
    def capture(
        cls,
        framework_name: str | None = None,
        framework_version: str | None = None,
        container_image: str | None = None,
        extra_packages: Sequence[str] | None = None,
        **fields: Any,
    ) -> Self:
        """Return a card of this machine and process.

        Args:
            framework_name: Distribution name of the evaluation framework.
            framework_version: Its version; looked up by name unless given.
            container_image: Image this process runs in; by default `EVALHUB_CONTAINER_IMAGE`.
            extra_packages: More distributions whose versions to record.
            fields: Any other field of the card.
        """
        from evalhub.settings import AdapterSettings

        gpus = _gpus()
        seen: dict[str, Any] = {
            "gpu_model": gpus[0][0] if gpus else None,
            "gpu_count": len(gpus),
            "gpu_driver_version": gpus[0][1] if gpus else None,
            "cpu_model": _cpu_model(),
            "total_memory_gb": _memory_gb(),
            "os_info": platform.platform(),
            "python_version": platform.python_version(),
            "framework_name": framework_name,
            "framework_version": framework_version
            or (_versions([framework_name]).get(framework_name) if framework_name else None),
            "container_image": container_image or AdapterSettings.from_env().container_image,
            "key_packages": _versions((*_PACKAGES, *(extra_packages or ()))),
        }
        return cls(**{**seen, **fields})


def _versions(names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _gpus() -> list[tuple[str, str]]:
    """Query `nvidia-smi`: importing a framework to count GPUs takes seconds."""
    try:
        output = subprocess.run(  # noqa: S603 - a fixed command line
            _GPU_QUERY, capture_output=True, text=True, timeout=_GPU_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.split(", ") for line in output.splitlines())
    return [(row[0], row[-1]) for row in rows]


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.processor() or None


def _memory_gb() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None
    return round(size / 2**30, 1)
