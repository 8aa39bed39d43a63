"""Compatibility: new code imports from `evalhub.models.atif`."""

from evalhub.models.atif.trajectory import Agent

__all__ = ["Agent"]
