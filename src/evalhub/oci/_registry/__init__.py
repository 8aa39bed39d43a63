"""Talk to an OCI registry."""
