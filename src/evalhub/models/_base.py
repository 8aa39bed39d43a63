"""What every model shares: two vocabularies, unknown keys, JSON for the service.

A model is either built by a person or read from the service. A person's typo is an error that
names the nearest field; a key the service added since this release is kept. The classes below
decide which of the two is happening, so that no caller has to.
"""

from __future__ import annotations

from contextvars import ContextVar
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    model_validator,
)
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.functional_validators import ModelWrapValidatorHandler

__all__ = ["Model", "OpenEnum", "Received", "is_reading", "on_build", "or_empty"]

_reading: ContextVar[bool] = ContextVar("evalhub_reading", default=False)


def is_reading() -> bool:
    """Whether what is validated now comes from the service."""
    return _reading.get()


def on_build(check: Callable[[Any], None]) -> AfterValidator:
    """Check a value that a person gives; what the service has stored is taken as it is.

    Args:
        check: Raises `ValueError` with what is wrong.
    """

    def validate(value: Any) -> Any:
        if not _reading.get():
            check(value)
        return value

    return AfterValidator(validate)


or_empty = BeforeValidator(lambda value: [] if value is None else value)
"""Reads the `null` of a list that was never set as a list of nothing."""


class OpenEnum(StrEnum):
    """Names known today; one that the service adds later is read as a member of its own."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not (_reading.get() and isinstance(value, str)):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member


class Model(BaseModel):
    """A model that a person may build: unknown keys are refused unless the service sent them."""

    model_config = ConfigDict(
        extra="allow",
        populate_by_name=True,
        protected_namespaces=(),
        # An input may hold a secret; errors travel into logs.
        hide_input_in_errors=True,
        # Most processes use a handful of the models; the others never pay for their schema.
        defer_build=True,
    )

    @model_validator(mode="after")
    def _refuse_unknown_keys(self) -> Self:
        if self.model_extra and not _reading.get():
            raise PydanticCustomError(
                "unknown_field",
                "{problem}",
                {"problem": "; ".join(_unknown(type(self), key) for key in self.model_extra)},
            )
        return self

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object the service reads: its names, nothing that is absent."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Received(Model):
    """The root of something the service sends: whatever is unknown, at any depth, is kept."""

    @model_validator(mode="wrap")
    @classmethod
    def _keep_unknown_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        token = _reading.set(True)
        try:
            return handler(data)
        finally:
            _reading.reset(token)


def _unknown(model: type[Model], key: str) -> str:
    near = get_close_matches(key, _input_names(model), n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{model.__name__} has no field {key!r}{hint}"


def _input_names(model: type[Model]) -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        names.append(name)
        match field.validation_alias or field.alias:
            case str(alias):
                names.append(alias)
            case AliasChoices(choices=choices):
                names.extend(choice for choice in choices if isinstance(choice, str))
            case _:
                pass
    return names
