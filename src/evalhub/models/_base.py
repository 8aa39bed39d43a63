"""What every model shares: two vocabularies, unknown keys, JSON for the service.

A model is either built by a person or read from the service. A person's typo is an error that
names the nearest field; a key the service added since this release is kept. The classes below
decide which of the two is happening, so that no caller has to.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError, PydanticSerializationError, core_schema

from evalhub.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pydantic import GetCoreSchemaHandler

__all__ = ["ListOf", "Model", "OpenEnum", "Received", "is_reading", "on_build", "reading"]

T = TypeVar("T")

_reading: ContextVar[bool] = ContextVar("evalhub_reading", default=False)


def is_reading() -> bool:
    """Whether what is validated now comes from the service."""
    return _reading.get()


@contextmanager
def reading() -> Generator[None, None, None]:
    """Take what is validated in this block for the service's."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


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


class _OrEmpty:
    """Takes `null` for an empty list."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        # After, not before: a validator before would turn all the JSON below into Python first.
        return core_schema.no_info_after_validator_function(
            lambda value: [] if value is None else value,
            core_schema.nullable_schema(handler(source)),
        )


ListOf = Annotated[list[T], _OrEmpty()]
"""A list; the `null` that the service sends for one that was never set is an empty list."""


class OpenEnum(StrEnum):
    """Names known today; one that the service adds later is read as a member of its own."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not (_reading.get() and isinstance(value, str)):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # What was read crosses process pools, a name not known here included.
        return _read_member, (type(self), self.value)


def _read_member(kind: type[OpenEnum], value: str) -> OpenEnum:
    with reading():
        return kind(value)


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

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        # A validator of the unknown keys alone: a model without any pays nothing for the check,
        # where a validator of the model would run for each of the thousands in a list.
        schema = handler(source)
        if cls.model_config.get("extra") != "allow":  # a subclass that wants it otherwise
            return schema
        fields: Any = schema
        while fields["type"] != "model-fields":
            fields = fields["schema"]
        fields["extras_keys_schema"] = core_schema.no_info_after_validator_function(
            partial(_refuse_unknown, cls), core_schema.str_schema()
        )
        return schema

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object the service reads: its names, nothing that is absent.

        Raises:
            ConfigurationError: It holds something JSON has no form for.
        """
        try:
            return self.model_dump(mode="json", by_alias=True, exclude_none=True)
        except PydanticSerializationError as error:
            raise ConfigurationError(f"{type(self).__name__} cannot be sent: {error}") from error


class Received(Model):
    """The root of something the service sends: whatever is unknown, at any depth, is kept."""

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read what the service sent, as Python objects."""
        with reading():
            return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read what the service sent, as JSON text."""
        with reading():
            return super().model_validate_json(json_data, **options)


def _refuse_unknown(model: type[Model], key: str) -> str:
    if _reading.get() or issubclass(model, Received):
        return key
    from difflib import get_close_matches

    near = get_close_matches(key, _input_names(model), n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise PydanticCustomError(
        "unknown_field",
        "{model} has no field {key}{hint}",
        {"model": model.__name__, "key": repr(key), "hint": hint},
    )


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
