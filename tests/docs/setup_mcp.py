"""The page on MCP uses the service of the client's guide."""

from __future__ import annotations

from docs.setup_client import setup

__all__ = ["setup"]
