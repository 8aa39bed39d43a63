"""Compatibility: logging as `setup_logging` of 1.0 configured it.

New code calls `logging.basicConfig`: a library leaves logging to the program.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

__all__ = ["setup_logging"]

_FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"


def setup_logging(
    level: str = "INFO", format_string: str | None = None, stream: Any = None
) -> logging.Logger:
    """Write the log of the program to a stream, and return this package's logger.

    A program that has configured logging before keeps its handlers.

    Args:
        level: Name of the level.
        format_string: Format of a line, as `logging.Formatter` takes it.
        stream: The stream; stdout by default.

    Raises:
        ValueError: There is no such level.
    """
    logger = logging.getLogger("evalhub")
    logger.setLevel(level.upper())
    logging.basicConfig(
        level=logger.level,
        format=format_string or _FORMAT,
        stream=sys.stdout if stream is None else stream,
    )
    return logger
