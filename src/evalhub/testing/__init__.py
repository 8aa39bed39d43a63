"""Test adapters and clients without a cluster.

- `AdapterHarness` runs an adapter as in production and returns the outcome
- `AdapterContract` is a test class that finds what would fail in a cluster
- `RecordingCallbacks` records what an adapter reports, validated as the service does
- `job_spec` and `job_file` make job specifications with defaults for every field
- `FakeModel` is an OpenAI-compatible endpoint on loopback
- `FakeEvalHub` is the service in memory: over loopback, or as a client's transport
- `RealEvalHub` is the real service, from the `server` extra
- `OCIRegistry` is a registry on loopback
- `Faults` is a proxy that drops, delays, truncates and answers by script
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalhub._lazy import lazy

if TYPE_CHECKING:
    from evalhub.testing._hub import FakeEvalHub
    from evalhub.testing.build import job_file, job_spec
    from evalhub.testing.callbacks import RecordingCallbacks
    from evalhub.testing.contract import AdapterContract
    from evalhub.testing.faults import Answer, Delay, Faults, Hang, Pass, Reset, Truncate
    from evalhub.testing.harness import AdapterHarness, Outcome
    from evalhub.testing.model import FakeModel, ModelRequest
    from evalhub.testing.registry import OCIRegistry
    from evalhub.testing.service import RealEvalHub

__all__ = [
    "AdapterContract",
    "AdapterHarness",
    "Answer",
    "Delay",
    "FakeEvalHub",
    "FakeModel",
    "Faults",
    "Hang",
    "ModelRequest",
    "OCIRegistry",
    "Outcome",
    "Pass",
    "RealEvalHub",
    "RecordingCallbacks",
    "Reset",
    "Truncate",
    "job_file",
    "job_spec",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "evalhub.testing.build": ("job_file", "job_spec"),
        "evalhub.testing.callbacks": ("RecordingCallbacks",),
        "evalhub.testing.contract": ("AdapterContract",),
        "evalhub.testing.faults": (
            "Answer",
            "Delay",
            "Faults",
            "Hang",
            "Pass",
            "Reset",
            "Truncate",
        ),
        "evalhub.testing.harness": ("AdapterHarness", "Outcome"),
        "evalhub.testing._hub": ("FakeEvalHub",),
        "evalhub.testing.model": ("FakeModel", "ModelRequest"),
        "evalhub.testing.registry": ("OCIRegistry",),
        "evalhub.testing.service": ("RealEvalHub",),
    },
)
