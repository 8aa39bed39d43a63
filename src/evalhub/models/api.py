"""The documented home of the models: `from evalhub.models.api import ModelConfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalhub import models

if TYPE_CHECKING:
    from evalhub.models import *  # noqa: F403 - the same names, by another path

__all__: list[str] = []
__all__ += models.__all__


def __getattr__(name: str) -> Any:
    try:
        return getattr(models, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
