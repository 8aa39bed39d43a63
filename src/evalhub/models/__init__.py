"""evalhub/models."""
