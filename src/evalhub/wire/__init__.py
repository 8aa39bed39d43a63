"""Requests to the service: flows that do no I/O, and the drivers that perform them."""
