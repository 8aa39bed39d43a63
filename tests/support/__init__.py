"""What the end-to-end tests run against: real programs on loopback ports."""
