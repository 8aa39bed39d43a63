"""Changes to some fields of a provider or a collection (JSON Patch)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from evalhub.models._base import Model

__all__ = ["PatchOp", "PatchOperation"]


class PatchOp(StrEnum):
    """The operations of RFC 6902 that the service supports."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


class PatchOperation(Model):
    """One change.

    The service does not validate patches of collections; it does validate updates.
    """

    op: PatchOp
    path: str
    """JSON pointer, such as `/tags` or `/benchmarks/0/parameters`."""

    value: Any = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.path.startswith("/"):
            raise ValueError(f"path must start with '/', unlike {self.path!r}")
        if self.op is not PatchOp.REMOVE and "value" not in self.model_fields_set:
            raise ValueError(f"value is required for {self.op}")
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object for the service; a value of `None` is sent as `null`."""
        return self._dump(exclude_unset=True)
