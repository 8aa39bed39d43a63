"""evalhub/adapter/examples."""
