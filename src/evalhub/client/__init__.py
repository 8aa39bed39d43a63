"""evalhub/client."""
