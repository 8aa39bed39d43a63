"""Scores side by side."""
