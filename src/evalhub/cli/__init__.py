"""evalhub/cli."""
