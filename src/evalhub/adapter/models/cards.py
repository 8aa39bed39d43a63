"""The names published adapters import from here; each has its home elsewhere."""

from evalhub.adapter.environment import EnvironmentCardMetadata
from evalhub.models.card import CapabilityEvalEntry, EvalCardMetadata, SafetyEvalEntry

__all__ = [
    "CapabilityEvalEntry",
    "EnvironmentCardMetadata",
    "EvalCardMetadata",
    "SafetyEvalEntry",
]
