"""The page about errors: the same service as the client's guide."""

from __future__ import annotations

from docs.setup_client import setup

__all__ = ["setup"]
