"""One process, one job: run an adapter, watch signals and deadlines, report failures."""
