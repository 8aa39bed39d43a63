"""Temporary directories that last as long as the process."""

from __future__ import annotations

import atexit
import shutil
from pathlib import Path
from tempfile import mkdtemp

__all__ = ["temporary_folder"]


def temporary_folder(prefix: str) -> Path:
    """Make a directory that is removed when this process ends."""
    folder = Path(mkdtemp(prefix=f"evalhub-{prefix}-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
