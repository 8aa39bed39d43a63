"""A place for temporary files in a container whose root file system is read-only."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

__all__ = ["provide_temporary_directory"]

logger = logging.getLogger(__name__)

DATA = Path("/data")
"""The volume that an adapter may write to in a cluster (wire contract 4.2)."""


def provide_temporary_directory(fallback: Path = DATA) -> None:
    """Use a folder for temporary files if there is no other, in child processes as well."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        if os.access(fallback, os.W_OK):
            logger.info("temporary files go to %s: no other place can be written", fallback)
            os.environ["TMPDIR"] = str(fallback)
