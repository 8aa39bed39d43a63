"""Changes to a part of a provider or a collection."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from evalhub.models._base import Model

__all__ = ["PatchOp", "PatchOperation"]


class PatchOp(StrEnum):
    """What to do at a path; the service knows no others of RFC 6902."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


class PatchOperation(Model):
    """One change.

    Patches of collections are stored unchecked; an update checks what it is given.
    """

    op: PatchOp
    path: str
    """JSON pointer, such as `/tags` or `/benchmarks/0/parameters`."""

    value: Any = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.path.startswith("/"):
            raise ValueError(f"path must start with '/': {self.path!r}")
        if self.op is not PatchOp.REMOVE and "value" not in self.model_fields_set:
            raise ValueError(f"value is required to {self.op}")
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object the service reads; a value of `None` is a value."""
        return self.model_dump(mode="json", exclude_unset=True)
