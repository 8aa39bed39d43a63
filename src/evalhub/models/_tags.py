"""The tags of a job: a dictionary, which also reads as the service's list of pairs (design 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Tag", "Tags"]


class Tag(str):
    """The key of a tag; `tag["key"]` and `tag["value"]` read it as the service's object."""

    __slots__ = ("value",)
    value: str

    @classmethod
    def of(cls, key: str, value: str) -> Tag:
        """Return the tag."""
        tag = cls(key)
        tag.value = value
        return tag

    def __getitem__(self, key: Any) -> str:
        match key:
            case "key":
                return str(self)
            case "value":
                return self.value
            case str():
                raise KeyError(key)
            case _:
                return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the tag's key or value by the name of it."""
        return self[key] if key in ("key", "value") else default

    def __reduce__(self) -> tuple[Any, ...]:
        return Tag.of, (str(self), self.value)


class Tags(dict[str, str]):
    """Tags by key; iteration and positions give keys that also read as pairs."""

    @classmethod
    def read(cls, value: Any) -> Any:
        """Return tags from a dictionary or from a list of objects with key and value."""
        if value is None:
            return cls()
        if isinstance(value, list):
            return cls(_pair(tag) for tag in cast("list[object]", value))
        return cls(cast("dict[str, str]", value)) if isinstance(value, dict) else value

    def __iter__(self) -> Iterator[Tag]:
        return (Tag.of(key, value) for key, value in self.items())

    def __missing__(self, position: object) -> Tag:
        if isinstance(position, int):
            return list(iter(self))[position]
        raise KeyError(position)


def _pair(tag: Any) -> tuple[Any, Any]:
    try:
        return tag["key"], tag["value"]
    except (KeyError, TypeError):
        raise ValueError("each tag must be an object with key and value") from None
