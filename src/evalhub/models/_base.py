"""The base classes of the models: two vocabularies, unknown keys, JSON for the service.

A model is either built by a user or read from the service. A user's typo is an error that names
the nearest field; a key that a newer service sends is kept. The classes below distinguish the
two, so that no caller has to.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar, cast

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, WrapValidator
from pydantic_core import PydanticCustomError, PydanticSerializationError, core_schema

from evalhub.errors import ConfigurationError
from evalhub.models._problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from pydantic import GetCoreSchemaHandler

__all__ = [
    "Details",
    "ListOf",
    "Model",
    "OpenEnum",
    "ServiceModel",
    "input_names",
    "is_reading",
    "on_build",
    "reading",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_reading: ContextVar[bool] = ContextVar("evalhub_reading", default=False)


def is_reading() -> bool:
    """Return whether the input being validated comes from the service."""
    return _reading.get()


@contextmanager
def reading() -> Generator[None, None, None]:
    """Validate input in this block as the service's, not a user's."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def on_build(check: Callable[[Any], None]) -> AfterValidator:
    """Check a value that a user gives; values from the service are accepted unchecked.

    Args:
        check: Raises `ValueError` if the value is invalid.
    """

    def validate(value: Any) -> Any:
        if not _reading.get():
            check(value)
        return value

    return AfterValidator(validate)


class _OrEmpty:
    """Reads `null` as an empty list."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        # An "after" validator: a "before" one would convert all the JSON below to Python first.
        return core_schema.no_info_after_validator_function(
            lambda value: [] if value is None else value,
            core_schema.nullable_schema(handler(source)),
        )


ListOf = Annotated[list[T], _OrEmpty()]
"""A list; `null`, which the service sends for a list that was never set, becomes an empty list."""


def _any_dict(value: Any, validate: Callable[[Any], Any]) -> Any:
    return cast("Any", value) if isinstance(value, dict) else validate(value)


Details = Annotated[dict[str, Any], WrapValidator(_any_dict)]
"""What a framework tells beside its metrics; keys that are not text become text when sent."""


class OpenEnum(StrEnum):
    """An enumeration that accepts names a newer service sends, as members of their own."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not (_reading.get() and isinstance(value, str)):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        return member

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # Process pools pickle members, including those with a name not known here.
        return _read_member, (type(self), self.value)


def _read_member(kind: type[OpenEnum], value: str) -> OpenEnum:
    with reading():
        return kind(value)


class Model(BaseModel):
    """A model that a user may build: unknown keys are errors, unless the service sent them."""

    model_config = ConfigDict(
        extra="allow",
        populate_by_name=True,
        protected_namespaces=(),
        # An input may contain a secret, and errors are logged.
        hide_input_in_errors=True,
        # Most processes use only a few of the models: no schema is built for the others.
        defer_build=True,
    )

    _tolerant: ClassVar[bool] = False
    """Whether an unknown key is a warning: for what an adapter builds after hours of work."""

    _identified_by: ClassVar[tuple[str, ...]] = ()
    """The attributes in `repr`; empty for a model small enough to be shown whole."""

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        # A validator of the unknown keys only: it costs nothing for the thousands of models in a
        # list, where a validator of the model would run for each of them.
        schema = handler(source)
        if cls.model_config.get("extra") != "allow":  # a subclass with other rules
            return schema
        fields: Any = schema
        while fields["type"] != "model-fields":
            fields = fields["schema"]
        fields["extras_keys_schema"] = core_schema.no_info_after_validator_function(
            partial(_refuse_unknown, cls), core_schema.str_schema()
        )
        return schema

    if not TYPE_CHECKING:  # pragma: no branch - checkers know the fields

        def __setattr__(self, name: str, value: Any) -> None:
            kind = type(self)
            if name not in kind.model_fields and not (name[0] == "_" or hasattr(kind, name)):
                _refuse_unknown(kind, name)
            super().__setattr__(name, value)

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object for the service: its names, without absent fields.

        Raises:
            ConfigurationError: A value cannot be represented in JSON.
        """
        return self._dump(by_alias=True, exclude_none=True)

    def _dump(self, **options: Any) -> dict[str, Any]:
        try:
            return self.model_dump(mode="json", **options)
        except PydanticSerializationError as error:
            raise ConfigurationError(
                f"a value of {type(self).__name__} cannot be represented in JSON: {error}"
            ) from error

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        if not self._identified_by:
            return super().__repr_args__()
        values = ((name, getattr(self, name)) for name in self._identified_by)
        return [(name, str(v) if isinstance(v, StrEnum) else v) for name, v in values]


class ServiceModel(Model):
    """A model read from the service: unknown keys are kept, at any depth."""

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read the service's data from Python objects."""
        with reading():
            return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read the service's data from JSON text."""
        with reading():
            return super().model_validate_json(json_data, **options)


def _refuse_unknown(model: type[Model], key: str) -> str:
    if _reading.get() or issubclass(model, ServiceModel):
        return key
    hint = did_you_mean(key, input_names(model)) or (
        f"; its fields are {', '.join(model.model_fields)}"
    )
    if model._tolerant:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        _warn_of_unknown(f"{model.__name__} has no field {key!r}{hint}")
        return key
    raise PydanticCustomError(
        "unknown_field",
        "{model} has no field {key}{hint}",
        {"model": model.__name__, "key": repr(key), "hint": hint},
    )


@cache
def _warn_of_unknown(text: str) -> None:
    """Warn once: an adapter may report a misspelt field a thousand times."""
    logger.warning("%s", text)


def input_names(model: type[Model]) -> dict[str, str]:
    """Return the keys a model accepts, in both vocabularies, each with the field it sets."""
    names: dict[str, str] = {}
    for name, field in model.model_fields.items():
        names[name] = name
        match field.validation_alias or field.alias:
            case str(alias):
                names[alias] = name
            case AliasChoices(choices=choices):
                names |= {choice: name for choice in choices if isinstance(choice, str)}
            case _:
                pass
    return names
