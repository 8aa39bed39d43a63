"""Logging of an adapter's process."""

from __future__ import annotations

import logging

__all__ = ["configure_logging"]

logger = logging.getLogger(__name__)

DEFAULT_LEVEL = "INFO"


def configure_logging(level: str) -> None:
    """Send the log to stderr, unless the process has configured logging already."""
    logging.basicConfig(
        level=DEFAULT_LEVEL, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        level = level.strip().upper()
        # Ours by its own name, too: a framework that sets the root's level must not silence it.
        for name in ("", "evalhub"):
            logging.getLogger(name).setLevel(int(level) if level.isdigit() else level)
    except ValueError:
        logger.warning("LOG_LEVEL is not a logging level, using %s", DEFAULT_LEVEL)
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
