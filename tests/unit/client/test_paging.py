from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from evalhub.client._paging import Cursor, all_items, iter_items
from evalhub.errors import BadRequestError
from evalhub.models._base import ServiceModel
from evalhub.wire.drive import AsyncDriver, Driver
from evalhub.wire.identity import Identity
from evalhub.wire.send import Policy

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Item:
    id: str


@dataclass
class Page:
    items: list[Item]
    next: object | None = None
    total_count: int = 0


@dataclass
class Service:
    """Pages by position through items in the order of their ids, as the service does."""

    ids: list[str]
    asked: list[tuple[int, int]] = field(default_factory=list)
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)

    def page(self, call):
        limit, offset = call.params["limit"], call.params["offset"]
        self.asked.append((limit, offset))
        items = [Item(id_) for id_ in self.ids[offset : offset + limit]]
        more = offset + limit < len(self.ids)
        self.meanwhile.get(len(self.asked), lambda: None)()
        return Page(items, next="/next" if more else None)


def read(service, limit=None, page_size=3, **filters):
    cursor = Cursor("/x", limit, filters, None, page_size=page_size)
    found = []
    while not cursor.done:
        found += cursor.take(service.page(cursor.call()))
    return [item.id for item in found]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
def test_everything_is_read(count):
    ids = [str(number) for number in range(count)]

    assert read(Service(ids)) == ids


@pytest.mark.parametrize(("limit", "asked"), [(2, [(2, 0)]), (3, [(3, 0)]), (4, [(3, 0), (1, 3)])])
def test_limit_bounds_the_total_and_no_more_is_asked_for(limit, asked):
    service = Service([str(number) for number in range(9)])

    assert len(read(service, limit)) == limit
    assert service.asked == asked


def test_no_page_of_size_zero_is_ever_asked_for():
    service = Service(["a", "b"])

    assert read(service, 0) == []
    assert service.asked == []


def test_item_that_moved_to_the_next_page_is_passed_on_once():
    service = Service(["b", "c", "d", "e"])
    service.meanwhile[1] = lambda: service.ids.insert(0, "a")

    assert read(service) == ["b", "c", "d", "e"]


def test_next_that_points_at_nothing_ends():
    class Endless(Service):
        def page(self, call):
            return Page(super().page(call).items, next="/for/ever")

    assert read(Endless(["a"])) == ["a"]


def test_filters_that_are_absent_are_left_out():
    cursor = Cursor("/x", None, {"name": None, "tags": "a", "benchmarks": False}, "team")

    call = cursor.call()

    assert call.params == {"tags": "a", "benchmarks": False, "limit": 500, "offset": 0}
    assert call.tenant == "team"


class Named(ServiceModel):
    id: str


class NamedPage(ServiceModel):
    items: list[Named]
    next: object | None = None
    total_count: int


class Lists:
    """A service that lists items; `asked` holds the offsets of the pages requested."""

    def __init__(self, count: int) -> None:
        self.ids = [f"{number:03}" for number in range(count)]
        self.asked: list[int] = []
        self.fails_at: int | None = None

    def answer(self, request):
        limit, offset = (int(request.url.params[name]) for name in ("limit", "offset"))
        self.asked.append(offset)
        if offset == self.fails_at:
            return httpx.Response(400, content=b"no such page")
        items = [{"id": id_} for id_ in self.ids[offset : offset + limit]]
        more = {"next": {"href": "/"}} if offset + limit < len(self.ids) else {}
        total = len(self.ids)
        return httpx.Response(
            200, content=json.dumps({"items": items, "total_count": total, **more})
        )

    def cursor(self, limit=None):
        return Cursor("/x", limit, {}, None, page_size=3)

    def read(self, kind, flow):
        transport = httpx.MockTransport(self.answer)
        if kind == "sync":
            return Driver(Identity("http://hub"), transport=transport).run(flow)
        return asyncio.run(AsyncDriver(Identity("http://hub"), transport=transport).run(flow))


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 6, 7, 20])
def test_long_list_is_read_with_each_page_requested_once(kind, count):
    lists = Lists(count)

    items = lists.read(kind, all_items(NamedPage, lists.cursor(), Policy()))

    assert [item.id for item in items] == lists.ids
    assert sorted(lists.asked) == list(range(0, max(count, 1), 3))


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("limit", [1, 3, 5, 6, 8])
def test_nothing_beyond_the_limit_is_requested(kind, limit):
    lists = Lists(20)

    items = lists.read(kind, all_items(NamedPage, lists.cursor(limit), Policy()))

    assert [item.id for item in items] == lists.ids[:limit]
    assert sorted(lists.asked) == list(range(0, limit, 3))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_page_requested_beforehand_that_fails_is_an_error_where_it_is_read(kind):
    lists = Lists(20)
    lists.fails_at = 6

    with pytest.raises(BadRequestError, match="no such page"):
        lists.read(kind, all_items(NamedPage, lists.cursor(), Policy()))

    assert lists.asked == [0, 3, 6]


def test_next_page_is_requested_while_one_is_read():
    lists = Lists(20)
    driver = Driver(Identity("http://hub"), transport=httpx.MockTransport(lists.answer))

    found = driver.stream(iter_items(NamedPage, lists.cursor(), Policy()))
    assert next(found).id == "000"
    until(lambda: lists.asked == [0, 3])
    assert [next(found).id for _ in range(3)][-1] == "003"
    until(lambda: lists.asked == [0, 3, 6])
    found.close()

    until(lambda: not [each for each in threading.enumerate() if each.name == "evalhub-beside"])
    assert lists.asked == [0, 3, 6]


def test_next_page_is_requested_while_one_is_read_on_an_event_loop():
    lists = Lists(20)
    driver = AsyncDriver(Identity("http://hub"), transport=httpx.MockTransport(lists.answer))

    async def main():
        found = driver.stream(iter_items(NamedPage, lists.cursor(), Policy()))
        assert (await anext(found)).id == "000"
        await asyncio.sleep(0.01)
        assert lists.asked == [0, 3]
        await found.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_ids_of_two_pages_are_remembered():
    cursor = Cursor("/x", None, {}, None, page_size=3)
    service = Service([f"{number:03}" for number in range(300)])

    while not cursor.done:
        cursor.take(service.page(cursor.call()))

    assert sum(len(ids) for ids in cursor._seen) == 6


def until(condition):
    """Wait for what a thread does."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
