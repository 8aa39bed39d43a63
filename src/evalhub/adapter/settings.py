"""The names published adapters import from here; their home is `evalhub.settings`."""

from evalhub.settings import AdapterSettings, EvalHubMode, MlflowBackend

__all__ = ["AdapterSettings", "EvalHubMode", "MlflowBackend"]
