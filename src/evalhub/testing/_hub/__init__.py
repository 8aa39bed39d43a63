"""A fake EvalHub service, in memory."""

from evalhub.testing._hub.endpoints import EventRequest
from evalhub.testing._hub.service import FakeEvalHub

__all__ = ["EventRequest", "FakeEvalHub"]
