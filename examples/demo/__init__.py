"""The demo: one job on the real service, from the submission to the verdicts."""
