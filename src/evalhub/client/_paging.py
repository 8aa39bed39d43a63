"""Read lists of the service page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from evalhub.errors import ConfigurationError
from evalhub.models._problems import did_you_mean
from evalhub.wire.answer import ResponseModel
from evalhub.wire.flow import Call, Emit
from evalhub.wire.send import fetch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.wire.flow import Flow, Stream
    from evalhub.wire.send import Policy

__all__ = ["Cursor", "all_items", "iter_items", "join_values", "refuse_unknown"]

_PAGE_SIZE = 500


class Item(Protocol):
    """An item of a list."""

    @property
    def id(self) -> str: ...


I = TypeVar("I", bound=Item)  # noqa: E741 - an item
I_co = TypeVar("I_co", bound=Item, covariant=True)


class PageOf(ResponseModel, Protocol[I_co]):
    """One page of a list."""

    @property
    def items(self) -> Sequence[I_co]: ...
    @property
    def next(self) -> object | None: ...


class Cursor:
    """The position in a paged list.

    The service orders lists by id, which is random, and addresses pages by offset: items created
    or deleted between two requests shift the rest. An item received twice is returned once.

    Args:
        path: Path of the list.
        limit: Maximum number of items in all; `None` means no limit.
        filters: Query parameters; those that are `None` are left out.
        tenant: Tenant of the items.
        page_size: Number of items to request at once.
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
            raise ConfigurationError(f"limit must be 0 or more, not {limit}")
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
        # Never 0: the service takes 0 for "all" and then repeats the same next page for ever.
        size = self._page_size if self._left is None else min(self._left, self._page_size)
        params = {**self._filters, "limit": size, "offset": self._offset}
        return Call("GET", self._path, params=params, tenant=self._tenant)

    def take(self, page: PageOf[I]) -> list[I]:
        """Return the new items of a page and advance past it."""
        self._offset += len(page.items)
        fresh = [item for item in page.items if item.id not in self._seen]
        self._seen.update(item.id for item in fresh)
        if self._left is not None:
            fresh = fresh[: self._left]
            self._left -= len(fresh)
        self.done = page.next is None or not page.items or self._left == 0
        return fresh


def all_items(page: type[PageOf[I]], cursor: Cursor, policy: Policy) -> Flow[list[I]]:
    """Return the items of all pages."""
    items: list[I] = []
    while not cursor.done:
        items += cursor.take((yield from fetch(page, cursor.call(), policy)))
    return items


def iter_items(page: type[PageOf[I]], cursor: Cursor, policy: Policy) -> Stream[I]:
    """Emit the items of all pages as they arrive."""
    while not cursor.done:
        for item in cursor.take((yield from fetch(page, cursor.call(), policy))):
            yield Emit(item)


def refuse_unknown(filters: Mapping[str, object], known: type) -> None:
    """Refuse filters that a typed dictionary does not declare: a typo would select everything.

    Raises:
        ConfigurationError: It names the filter, and the nearest one or all there are.
    """
    names = known.__annotations__
    for name in filters:
        if name not in names:
            hint = did_you_mean(name, names) or f"; expected one of {', '.join(names)}"
            raise ConfigurationError(f"unknown filter {name!r}{hint}")


def join_values(name: str, values: str | Sequence[str] | None, join: str = ",") -> str | None:
    """Return the values of a filter in one string, as the service reads them.

    Args:
        name: The filter, for error messages.
        values: One value or several.
        join: `,` selects items that have all of them, `|` those that have any.

    Raises:
        ConfigurationError: A value is not a string.
    """
    if values is None or isinstance(values, str):
        return values
    try:
        return join.join(values)
    except TypeError:
        raise ConfigurationError(
            f"filter {name!r} must be a string or a list of strings, not {values!r}"
        ) from None
