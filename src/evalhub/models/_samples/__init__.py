"""Samples as files: ours and those of other frameworks. Read only; no network, no framework.

Here, below both sides, because an adapter converts what its framework wrote and a client reads
what it pulled. `evalhub.adapter.samples` and `evalhub.client.samples` are the public names.
"""
