"""The names published adapters import from here; their home is `evalhub.adapter.credentials`."""

from evalhub.adapter.credentials import (
    ModelCredentials,
    read_model_auth_key,
    resolve_model_credentials,
)

__all__ = ["ModelCredentials", "read_model_auth_key", "resolve_model_credentials"]
