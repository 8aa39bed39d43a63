"""evalhub/testing."""
