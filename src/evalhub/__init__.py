"""evalhub."""
