"""Read lists of the service page by page."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from evalhub.errors import ConfigurationError
from evalhub.models._problems import did_you_mean
from evalhub.wire.answer import ResponseModel, parse
from evalhub.wire.flow import Begin, Call, Emit, Finish
from evalhub.wire.send import send

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evalhub.wire.flow import Begun, Flow, Reply, Since, Stream
    from evalhub.wire.send import Policy

__all__ = ["Cursor", "Pages", "all_items", "iter_items", "join_values", "refuse_unknown"]

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
    @property
    def total_count(self) -> int: ...


class Cursor:
    """The position in a paged list.

    The service orders lists by id, which is random, and addresses pages by offset: items created
    or deleted between two requests shift the rest. An item received twice is returned once; two
    pages of ids are remembered for that, however long the list is.

    Args:
        path: Path of the list.
        limit: Maximum number of items in all; `None` means no limit.
        filters: Query parameters; those that are `None` are left out.
        tenant: Tenant of the items.
        page_size: Number of items to request at once.
        since: What in the filters older services do not have.
    """

    def __init__(
        self,
        path: str,
        limit: int | None,
        filters: Mapping[str, str | bool | None],
        tenant: str | None,
        *,
        page_size: int = _PAGE_SIZE,
        since: Since | None = None,
    ) -> None:
        if limit is not None and limit < 0:
            raise ConfigurationError(f"limit must be 0 or more, not {limit}")
        self._path = path
        self._left = limit
        self._filters = {name: value for name, value in filters.items() if value is not None}
        self._tenant = tenant
        self._page_size = page_size
        self._since = since
        self._offset = 0
        self.total = 0
        self._seen: deque[set[str]] = deque(maxlen=2)
        self.done = limit == 0

    def call(self) -> Call:
        """Return the call for the next page."""
        return self._call(self._offset, self._left)

    def following(self) -> Call | None:
        """Return the call for the page after the next, as far as can be told beforehand.

        `None` at the end of the list, and before the first page, which tells its length.
        """
        offset = self._offset + self._page_size
        left = None if self._left is None else self._left - self._page_size
        if offset >= self.total or (left is not None and left <= 0):
            return None
        return self._call(offset, left)

    def _call(self, offset: int, left: int | None) -> Call:
        # Never 0: the service takes 0 for "all" and then repeats the same next page for ever.
        size = self._page_size if left is None else min(left, self._page_size)
        params = {**self._filters, "limit": size, "offset": offset}
        return Call("GET", self._path, params=params, tenant=self._tenant, since=self._since)

    def take(self, page: PageOf[I]) -> list[I]:
        """Return the new items of a page and advance past it."""
        self._offset += len(page.items)
        self.total = page.total_count
        fresh = [item for item in page.items if not any(item.id in ids for ids in self._seen)]
        self._seen.append({item.id for item in page.items})
        if self._left is not None:
            fresh = fresh[: self._left]
            self._left -= len(fresh)
        self.done = page.next is None or not page.items or self._left == 0
        return fresh


class Pages(Generic[I]):
    """The pages of a list; of a long one, each is requested while the one before is read.

    Args:
        page: Model of a page.
        cursor: The position in the list.
        policy: Retries of the requests.
    """

    def __init__(self, page: type[PageOf[I]], cursor: Cursor, policy: Policy) -> None:
        self._page = page
        self._cursor = cursor
        self._policy = policy
        self._requested: Call | None = None
        self._begun: Begun | None = None

    def next(self) -> Flow[list[I]]:
        """Return the new items of the next page."""
        reply = yield from self._reply(self._cursor.call())
        yield from self._request(self._cursor.following())
        items = self._cursor.take(parse(self._page, reply))
        if self._requested is None and not self._cursor.done:
            yield from self._request(self._cursor.call())
        return items

    def _reply(self, call: Call) -> Flow[Reply]:
        begun, self._begun = self._begun, None
        requested, self._requested = self._requested, None
        if begun is not None and requested == call:
            reply: Reply = yield Finish(begun)
            return reply
        return (yield from send(call, self._policy))

    def _request(self, call: Call | None) -> Flow[None]:
        if call is not None:
            self._requested = call
            self._begun = yield Begin(send(call, self._policy))


def all_items(page: type[PageOf[I]], cursor: Cursor, policy: Policy) -> Flow[list[I]]:
    """Return the items of all pages."""
    items: list[I] = []
    pages = Pages(page, cursor, policy)
    while not cursor.done:
        items += yield from pages.next()
    return items


def iter_items(page: type[PageOf[I]], cursor: Cursor, policy: Policy) -> Stream[I]:
    """Emit the items of all pages as they arrive."""
    pages = Pages(page, cursor, policy)
    while not cursor.done:
        for item in (yield from pages.next()):
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
