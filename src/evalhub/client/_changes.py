"""Bodies of requests that create and change things, from models or plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalhub.models._base import Model
from evalhub.models.patch import PatchOp, PatchOperation

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["body", "operations"]

_SERVER_SIDE = frozenset({"derived_from", "pinned_order", "resource", "status"})


def body(model: type[Model], data: Model | Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object for the service; a dictionary is checked as the model.

    What the service has sent may be sent back: what only it can set is left out.
    """
    if not isinstance(data, Model):
        return model.model_validate(data).to_wire()
    return {name: value for name, value in data.to_wire().items() if name not in _SERVER_SIDE}


def operations(
    data: Mapping[str, Any] | Sequence[PatchOperation | Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return patch operations, made of fields and their new values where that is what is given."""
    if isinstance(data, Mapping):
        return [_set(name, value).to_wire() for name, value in data.items()]
    return [PatchOperation.model_validate(operation).to_wire() for operation in data]


def _set(name: str, value: Any) -> PatchOperation:
    if value is None:
        return PatchOperation(op=PatchOp.REMOVE, path=f"/{name}")
    plain = value.to_wire() if isinstance(value, Model) else value
    return PatchOperation(op=PatchOp.REPLACE, path=f"/{name}", value=plain)
