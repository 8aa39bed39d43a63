"""Build the bodies of create, update and patch requests, from models or dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalhub.models._base import Model
from evalhub.models._problems import refuse_non_finite, validated
from evalhub.models.patch import PatchOp, PatchOperation

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["operations", "request_body"]

_SERVER_SIDE = frozenset({"derived_from", "pinned_order", "resource", "status"})


def request_body(model: type[Model], data: Model | Mapping[str, Any], noun: str) -> dict[str, Any]:
    """Return the JSON object to send; a dictionary is validated as the model.

    A model that came from the service may be sent back: fields only the service sets are left out.

    Args:
        model: The model of a dictionary.
        data: A model or a dictionary.
        noun: Noun for the data, for error messages.

    Raises:
        ConfigurationError: The data are invalid.
    """
    if not isinstance(data, Model):
        data = validated(model, data, noun)
        refuse_non_finite(noun, data.model_dump(by_alias=True))
        return data.to_wire()
    refuse_non_finite(noun, data.model_dump(by_alias=True))
    return {name: value for name, value in data.to_wire().items() if name not in _SERVER_SIDE}


def operations(
    data: Mapping[str, Any] | Sequence[PatchOperation | Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return patch operations; a dictionary of new values becomes one operation for each field.

    Raises:
        ConfigurationError: An operation is invalid.
    """
    if isinstance(data, Mapping):
        refuse_non_finite("change", data)
        return [_set(name, value).to_wire() for name, value in data.items()]
    return [validated(PatchOperation, operation, "patch operation").to_wire() for operation in data]


def _set(name: str, value: Any) -> PatchOperation:
    if value is None:
        return PatchOperation(op=PatchOp.REMOVE, path=f"/{name}")
    plain = value.to_wire() if isinstance(value, Model) else value
    return PatchOperation(op=PatchOp.REPLACE, path=f"/{name}", value=plain)
