"""Compatibility: `setup_logging`. New code uses `logging.basicConfig`."""

from evalhub.utils.logging import setup_logging

__all__ = ["setup_logging"]
