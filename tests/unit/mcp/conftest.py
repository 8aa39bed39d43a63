from __future__ import annotations

import pytest
from support.agent import Agent


@pytest.fixture(params=["auto", "legacy"])
def agent(request):
    """An agent of the newest protocol, and one of an older."""
    return Agent(request.param)
