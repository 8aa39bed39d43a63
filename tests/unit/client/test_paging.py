from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from evalhub.client._paging import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Item:
    id: str


@dataclass
class Page:
    items: list[Item]
    next: object | None = None


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
