"""Record the public names of eval-hub-sdk 1.0.6, installed with its extras in an environment.

    PYTHONPATH= path/to/python tests/compat/record_names.py > tests/compat/names_1_0_6.json

A module's names are those of its `__all__`; without one, those that it defines or imports from the
package. Run once: the list is a fact about a release.
"""

from __future__ import annotations

import json
import sys
import types
import warnings
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

_NOT_ITS_OWN = {"ABC", "F", "TYPE_CHECKING", "UTC"}


def names_of(module: types.ModuleType) -> list[str]:
    """Return the public names of a module."""
    if hasattr(module, "__all__"):
        return sorted(set(module.__all__))
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in _NOT_ITS_OWN and _is_public(name, value)
    )


def _is_public(name: str, value: Any) -> bool:
    if isinstance(value, types.ModuleType):
        return False
    return name.isupper() or str(getattr(value, "__module__", "")).startswith("evalhub")


def record() -> dict[str, list[str]]:
    """Return the public names of every public module."""
    package = import_module("evalhub")
    paths = ["evalhub", *(found.name for found in walk_packages(package.__path__, "evalhub."))]
    public = [path for path in paths if not any(part[0] == "_" for part in path.split("."))]
    return {path: names_of(import_module(path)) for path in public}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump(record(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
