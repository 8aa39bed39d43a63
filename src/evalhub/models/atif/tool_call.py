"""Compatibility: new code imports from `evalhub.models.atif`."""

from evalhub.models.atif.step import ToolCall

__all__ = ["ToolCall"]
