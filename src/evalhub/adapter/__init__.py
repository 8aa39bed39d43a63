"""evalhub/adapter."""
