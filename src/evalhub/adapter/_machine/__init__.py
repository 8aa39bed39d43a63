"""What a machine says of itself, without importing a framework; each part may be unknown."""
