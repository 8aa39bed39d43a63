"""A service that is not there: the rules of EvalHub in memory."""

from evalhub.testing.hub.endpoints import Received
from evalhub.testing.hub.service import FakeEvalHub

__all__ = ["FakeEvalHub", "Received"]
