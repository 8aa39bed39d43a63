"""evalhub/wire."""
