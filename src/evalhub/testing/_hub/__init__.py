"""A service that is not there: the rules of EvalHub in memory."""

from evalhub.testing._hub.endpoints import Received
from evalhub.testing._hub.service import FakeEvalHub

__all__ = ["FakeEvalHub", "Received"]
