"""Run an adapter as a process, and log the files it writes: `_run FILE MODULE CLASS LOG`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main() -> None:
    """Read the command line and run the adapter."""
    file, module_name, qualified_name, notes = sys.argv[1:5]
    _log_writes(notes)
    from evalhub.adapter import run

    run(attrgetter(qualified_name)(_load(file, module_name)))


def _load(file: str, name: str) -> ModuleType:
    """Import a module by its name, or from its file: test modules often have no importable name."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        found = None
    if found is not None and found.origin == file:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None  # noqa: S101 - the file of a class that was imported
    assert spec.loader is not None  # noqa: S101
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _log_writes(notes: str) -> None:
    descriptor = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def log(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not (isinstance(flags, int) and flags & _WRITES):
                return
        elif event == "os.mkdir":
            path = arguments[0]
        else:
            return
        if not isinstance(path, int):
            absolute = Path(os.fsdecode(path)).absolute()
            os.write(descriptor, os.fsencode(absolute) + b"\n")

    sys.addaudithook(log)


if __name__ == "__main__":
    main()
