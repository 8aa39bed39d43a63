"""The way of one event, from the adapter to the service."""
