"""Compatibility: the trajectory models of `evalhub.models.atif`, where 1.0 has them, too."""

from __future__ import annotations

from evalhub.models.atif import *  # noqa: F403
from evalhub.models.atif import __all__ as __all__  # noqa: PLC0414
