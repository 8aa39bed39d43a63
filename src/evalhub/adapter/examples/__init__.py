"""Example adapters, to learn from and to try EvalHub with."""

from __future__ import annotations

from evalhub.adapter.examples.simple_adapter import ExampleAdapter

__all__ = ["ExampleAdapter"]
