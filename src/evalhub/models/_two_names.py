"""Models with fields of two names: the documented one and the service's (design 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from pydantic import model_validator

from evalhub.models._base import Model, input_names

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["Dump", "TwoNames"]


class TwoNames(Model):
    """A model with fields of two names: both work in copies, dumps and updates.

    If both names of a field are given, the later one wins: `{**spec.model_dump(), "id": ...}`
    changes the job id, whichever of the names the dump has.
    """

    @model_validator(mode="before")
    @classmethod
    def _take_the_later_name(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        fields: Mapping[Any, Any] = cast("Any", given)
        return _one_name_each(cls, fields)

    if not TYPE_CHECKING:  # pragma: no branch - checkers take the arguments from the fields

        @classmethod
        def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
            """Return a model without validation, from the names of either vocabulary."""
            return super().model_construct(_fields_set, **_one_name_each(cls, values))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; `update` accepts the names of both vocabularies."""
        return super().model_copy(update=_one_name_each(type(self), update or {}), deep=deep)

    def copy(self, *, update: Mapping[str, Any] | None = None, **options: Any) -> Self:
        """Return a copy, as pydantic 1 did; accepts the names of both vocabularies."""
        changes = _one_name_each(type(self), update or {})
        # Its deprecation is pydantic's to tell, to whoever calls it.
        return super().copy(update=changes, **_by_field(type(self), options))  # pyright: ignore[reportDeprecated]

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """Return the fields as a dictionary, which finds them by the names of both vocabularies."""
        fields = super().model_dump(**_by_field(type(self), options))
        return Dump(fields, _names_of(type(self)))

    def model_dump_json(self, **options: Any) -> str:
        """Return the fields as JSON; `include` and `exclude` accept both vocabularies."""
        return super().model_dump_json(**_by_field(type(self), options))


class Dump(dict[str, Any]):
    """The dump of a model: it finds a field by either of its names, and lists it by one.

    Args:
        fields: The dumped fields.
        names: All names of a field, by each of them.
    """

    def __init__(self, fields: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(fields)
        self._names = names

    def __missing__(self, name: str) -> Any:
        key = self._key(name)
        if key == name:
            raise KeyError(name)
        return self[key]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(self._key(name))

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(self._key(name), value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(self._key(name))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        given: Mapping[Any, Any] = cast("Any", other)
        return dict(self) == {self._key(name): value for name, value in given.items()}

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # as a dictionary

    if not TYPE_CHECKING:  # pragma: no branch - for checkers it is what `dict` has

        def __or__(self, other: Mapping[str, Any]) -> Dump:
            merged = self.copy()
            merged.update(other)
            return merged

        def __ror__(self, other: Mapping[str, Any]) -> Dump:
            return Dump(other, self._names) | self

        def __ior__(self, other: Mapping[str, Any]) -> Self:
            self.update(other)
            return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Dump, (dict(self), self._names)

    def get(self, name: Any, default: Any = None) -> Any:
        """Return a field by either of its names."""
        return super().get(self._key(name), default)

    def pop(self, name: Any, *default: Any) -> Any:
        """Remove a field by either of its names, and return its value."""
        return super().pop(self._key(name), *default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a field by either of its names; add it if it is missing."""
        return super().setdefault(self._key(name), default)

    def update(self, *fields: Any, **more: Any) -> None:
        """Set fields by either of their names."""
        for name, value in dict(*fields, **more).items():
            self[name] = value

    def copy(self) -> Dump:
        """Return a copy that finds fields by either of their names."""
        return Dump(self, self._names)

    def _key(self, name: Any) -> Any:
        if super().__contains__(name):
            return name
        names = self._names.get(name, ()) if isinstance(name, str) else ()
        return next((other for other in names if super(Dump, self).__contains__(other)), name)


def _one_name_each(model: type[Model], given: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the values by field; of two names for a field the later one wins."""
    fields = input_names(model)
    return {fields.get(name, name): value for name, value in given.items()}


def _by_field(model: type[Model], options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a dump, `include` and `exclude` by field."""
    return options | {
        name: _selection(model, options[name])
        for name in ("include", "exclude")
        if options.get(name) is not None
    }


def _selection(model: type[Model], names: AbstractSet[Any] | Mapping[Any, Any]) -> Any:
    if isinstance(names, Mapping):
        return _one_name_each(model, names)
    fields = input_names(model)
    return {fields.get(name, name) for name in names}


def _names_of(model: type[Model]) -> dict[str, tuple[str, ...]]:
    fields = input_names(model)
    return {
        name: tuple(other for other in fields if fields[other] == field)
        for name, field in fields.items()
    }
