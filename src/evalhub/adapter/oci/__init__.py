"""evalhub/adapter/oci."""
