"""The GPUs of this machine: from NVIDIA's tool, else from its library."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GPUs", "find_gpus"]

_TOOL = "nvidia-smi"
_TIMEOUT = 5.0
"""For all questions together, in seconds: a driver in trouble answers none of them."""

_REAP_TIMEOUT = 0.5


@dataclass(frozen=True, slots=True)
class GPUs:
    """The GPUs; a count of `None` means that the machine did not tell."""

    count: int | None = None
    model: str | None = None
    """Distinct names, joined by commas."""

    driver: str | None = None
    cuda: str | None = None
    topology: str | None = None
    """Kinds of links between the GPUs, as `nvidia-smi topo -m` names them."""


def find_gpus(timeout: float = _TIMEOUT) -> GPUs:
    """Return the GPUs; importing a framework to count them would take seconds.

    Args:
        timeout: Longest wait for the tool, in seconds.
    """
    until = time.monotonic() + timeout
    try:
        rows = _ask(until, "--query-gpu=name,driver_version", "--format=csv,noheader")
    except FileNotFoundError:
        return _from_library()
    except TimeoutError:
        return GPUs()
    except (OSError, subprocess.SubprocessError):
        return _from_library()
    names, drivers = _columns(rows)
    if not names:
        return GPUs(count=0)
    topology = cuda = None
    with suppress(OSError, subprocess.SubprocessError):
        cuda = _cuda_of_torch() or _cuda_of_tool(_ask(until))
        topology = _links(_ask(until, "topo", "-m"), len(names)) if len(names) > 1 else None
    return GPUs(len(names), ", ".join(sorted(set(names))), drivers[0], cuda, topology)


def _ask(until: float, *arguments: str) -> str:
    """Return what the tool prints.

    Raises:
        TimeoutError: It did not end in time.
        subprocess.CalledProcessError: It failed.
    """
    # In a session of its own: what the tool has started ends with it, and nothing keeps its pipe.
    process = subprocess.Popen(  # noqa: S603 - arguments of this module
        (_TOOL, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        _end(process)
        raise TimeoutError(f"{_TOOL} did not answer") from None
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return output


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # A process that waits for a broken driver does not even die; nothing waits for it.
    with suppress(subprocess.TimeoutExpired):
        process.wait(_REAP_TIMEOUT)
    if process.stdout is not None:
        process.stdout.close()


def _columns(rows: str) -> tuple[list[str], list[str]]:
    found = [row for row in csv.reader(rows.splitlines(), skipinitialspace=True) if len(row) > 1]
    return [row[0].strip() for row in found], [row[-1].strip() for row in found]


def _cuda_of_tool(banner: str) -> str | None:
    """The newest version that the driver supports."""
    found = re.search(r"CUDA Version\s*:\s*([\d.]+)", banner)
    return found[1] if found else None


def _cuda_of_torch() -> str | None:
    """The version that PyTorch was built for; it is not imported for it."""
    torch: Any = sys.modules.get("torch")
    loaded = getattr(getattr(torch, "version", None), "cuda", None)
    if isinstance(loaded, str):
        return loaded
    try:
        build = version("torch").partition("+cu")[2]
    except PackageNotFoundError:
        return None
    return f"{build[:-1]}.{build[-1]}" if build.isdigit() and len(build) > 1 else None


def _links(matrix: str, count: int) -> str | None:
    # The line of the columns' names starts with a tab.
    rows = (line.split() for line in matrix.splitlines() if re.match(r"GPU\d+\s", line))
    links = {link for row in rows for link in row[1 : count + 1]}
    return ", ".join(sorted(links - {"X"})) or None


def _from_library() -> GPUs:
    try:
        nvml: Any = import_module("pynvml")
        nvml.nvmlInit()
    except Exception:  # noqa: BLE001 - no library, or no driver: its errors are its own
        return GPUs(count=0)
    try:
        count = int(nvml.nvmlDeviceGetCount())
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
        names = {_text(nvml.nvmlDeviceGetName(handle)) for handle in handles}
        driver = _text(nvml.nvmlSystemGetDriverVersion())
        number = int(nvml.nvmlSystemGetCudaDriverVersion())
    except Exception:  # noqa: BLE001 - as above
        return GPUs()
    finally:
        with suppress(Exception):
            nvml.nvmlShutdown()
    cuda = _cuda_of_torch() or f"{number // 1000}.{number % 1000 // 10}"
    return GPUs(count, ", ".join(sorted(names)) or None, driver, cuda)


def _text(value: str | bytes | Sequence[int]) -> str:
    """Older releases of the library return bytes."""
    return value if isinstance(value, str) else bytes(value).decode(errors="replace")
