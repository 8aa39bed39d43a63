"""The documented path of the models: `from evalhub.models.api import ModelConfig`.

The names are those of `evalhub.models`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_models = import_module("evalhub.models")


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _models.__all__
    if name in _models.__all__:
        return getattr(_models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_models.__all__)
