"""The example image: what it starts exists, gets signals, and is not root."""

from __future__ import annotations

import importlib.util
import json

from docs.blocks import ROOT

INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in (ROOT / "Dockerfile.example").read_text().splitlines()
    if line and not line.startswith("#")
]


def test_entrypoint_is_the_adapter_itself():
    name, entrypoint = INSTRUCTIONS[-1]
    python, flag, module, adapter = json.loads(entrypoint)  # a list, so no shell stands between

    assert (name, python, flag) == ("ENTRYPOINT", "python", "-m")
    assert importlib.util.find_spec(f"{module}.__main__") is not None
    assert ["COPY", f"{adapter.partition(':')[0]}.py ."] in INSTRUCTIONS


def test_adapter_does_not_run_as_root():
    users = [argument for name, argument in INSTRUCTIONS if name == "USER"]

    assert users[-1].isdigit()
    assert int(users[-1]) > 0
