"""Follow pages to their end, and no further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from evalhub.errors import ConfigurationError
from evalhub.wire.answer import Answer
from evalhub.wire.flow import Call, Emit
from evalhub.wire.send import fetch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.wire.flow import Flow, Stream
    from evalhub.wire.send import Policy

__all__ = ["Cursor", "each", "every", "refuse_unknown", "together"]

_PAGE_SIZE = 500


class Item(Protocol):
    """Something the service lists."""

    @property
    def id(self) -> str: ...


I = TypeVar("I", bound=Item)  # noqa: E741 - an item
I_co = TypeVar("I_co", bound=Item, covariant=True)


class PageOf(Answer, Protocol[I_co]):
    """One page of a list."""

    @property
    def items(self) -> Sequence[I_co]: ...
    @property
    def next(self) -> object | None: ...


class Cursor:
    """Where we are in a list of the service.

    The service orders lists by id, which is random, and counts pages by position: what is made
    or deleted meanwhile moves the rest. An item that comes twice is passed on once.

    Args:
        path: Path of the list.
        limit: How many items to return in all; `None` means every one.
        filters: Query parameters; those that are `None` are left out.
        tenant: Tenant of the items.
        page_size: How many items to ask for at once.
    """

    def __init__(
        self,
        path: str,
        limit: int | None,
        filters: Mapping[str, str | bool | None],
        tenant: str | None,
        *,
        page_size: int = _PAGE_SIZE,
    ) -> None:
        if limit is not None and limit < 0:
            raise ConfigurationError(f"limit must not be negative: {limit}")
        self._path = path
        self._left = limit
        self._filters = {name: value for name, value in filters.items() if value is not None}
        self._tenant = tenant
        self._page_size = page_size
        self._offset = 0
        self._seen: set[str] = set()
        self.done = limit == 0

    def call(self) -> Call:
        """Return the call for the next page."""
        # Never 0: the service takes it for "all", with a next page that is the same for ever.
        size = self._page_size if self._left is None else min(self._left, self._page_size)
        params = {**self._filters, "limit": size, "offset": self._offset}
        return Call("GET", self._path, params=params, tenant=self._tenant)

    def take(self, page: PageOf[I]) -> list[I]:
        """Return what is new on a page, and move behind it."""
        self._offset += len(page.items)
        fresh = [item for item in page.items if item.id not in self._seen]
        self._seen.update(item.id for item in fresh)
        if self._left is not None:
            fresh = fresh[: self._left]
            self._left -= len(fresh)
        self.done = page.next is None or not page.items or self._left == 0
        return fresh


def every(page: type[PageOf[I]], cursor: Cursor, policy: Policy) -> Flow[list[I]]:
    """Return the items of all pages."""
    items: list[I] = []
    while not cursor.done:
        items += cursor.take((yield from fetch(page, cursor.call(), policy)))
    return items


def each(page: type[PageOf[I]], cursor: Cursor, policy: Policy) -> Stream[I]:
    """Emit the items of all pages, as they come."""
    while not cursor.done:
        for item in cursor.take((yield from fetch(page, cursor.call(), policy))):
            yield Emit(item)


def refuse_unknown(filters: Mapping[str, object], known: type) -> None:
    """Refuse filters that a typed dictionary does not have: a typo would select everything.

    Raises:
        ConfigurationError: It names them and those there are.
    """
    unknown = filters.keys() - known.__annotations__.keys()
    if unknown:
        raise ConfigurationError(
            f"no filter {', '.join(sorted(unknown))}; there are {', '.join(known.__annotations__)}"
        )


def together(values: str | Sequence[str] | None, join: str = ",") -> str | None:
    """Return filter values as the service reads them: `,` means all of them, `|` any of them."""
    return values if values is None or isinstance(values, str) else join.join(values)
