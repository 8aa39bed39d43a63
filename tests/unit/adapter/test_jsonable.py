from __future__ import annotations

import itertools
import json
import math
import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from evalhub.adapter._report.jsonable import Changes, to_json
from evalhub.models.event import timestamp


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


@dataclass
class Point:
    x: int
    where: Path


class Inner(BaseModel):
    secret: SecretStr
    when: date


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no")


class Stubborn:
    def tolist(self):
        raise TypeError("sparse")

    def __str__(self) -> str:
        return "stubborn"


class Echo:
    """An object whose `tolist` gives another object like itself."""

    def tolist(self):
        return Echo()

    def __str__(self) -> str:
        return "echo"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        ("text", "text"),
        ("lone \ud800", "lone ?"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Path("a/b"), "a/b"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (timedelta(minutes=1), 60.0),
        (Decimal("1.5"), 1.5),
        (b"\x00\xff", "AP8="),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, (2, {3})], [1, [2, [3]]]),
        ({3, 1, 2}, [1, 2, 3]),
        (OrderedDict(a=1), {"a": 1}),
        ({1: "a", ("x", 2): "b", Colour.RED: "c", "\ud800": "d"},
         {"1": "a", "x,2": "b", "red": "c", "?": "d"}),
        (Point(1, Path("p")), {"x": 1, "where": "p"}),
        (Inner(secret=SecretStr("s3cret"), when=date(2026, 1, 2)),
         {"secret": "**********", "when": "2026-01-02"}),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(5), 5),
        (np.datetime64("2026-01-02T03:04:05"), "2026-01-02T03:04:05+00:00"),
        (Stubborn(), "stubborn"),
        (Echo(), "echo"),
        (Unprintable(), "<Unprintable: no text, RuntimeError>"),
        (Point, "<class 'unit.adapter.test_values.Point'>"),
    ],
    # Without addresses: with pytest-xdist every process must see the same names.
    ids=lambda value: re.sub(r" at 0x[0-9a-f]+", "", repr(value)),
)  # fmt: skip
def test_every_kind_of_value_becomes_json(value, expected):
    converted = to_json(value)
    if isinstance(value, type):
        assert converted == str(value)
    else:
        assert converted == expected
        assert type(converted) is type(expected)


def test_non_finite_numbers_become_null_and_are_told():
    changes = Changes()
    value = {"a": math.nan, "b": [1.0, math.inf], "c": {"d": -math.inf}, "e": np.float64("nan"),
             "f": Decimal("Infinity")}  # fmt: skip
    assert to_json(value, at="m", changes=changes) == {
        "a": None, "b": [1.0, None], "c": {"d": None}, "e": None, "f": None,
    }  # fmt: skip
    assert changes.non_finite == {
        "m.a": "nan", "m.b[1]": "inf", "m.c.d": "-inf", "m.e": "nan", "m.f": "inf",
    }  # fmt: skip


def test_a_cycle_ends():
    loop: dict[str, object] = {}
    loop["self"] = loop
    assert "<nested deeper than 64>" in json.dumps(to_json(loop))


def test_long_text_of_an_unknown_object_is_cut():
    class Long:
        def __str__(self) -> str:
            return "x" * 20_000

    assert to_json(Long()) == "x" * 10_000


def test_a_naive_time_is_taken_as_utc():
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02T03:04:05+00:00"  # noqa: DTZ001 - the case under test
    east = timezone(timedelta(hours=5, minutes=30))
    assert timestamp(datetime(2026, 1, 2, tzinfo=east)) == "2026-01-02T00:00:00+05:30"


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(json_like)
def test_whatever_goes_in_strict_json_comes_out(value):
    json.dumps(to_json(value), allow_nan=False).encode("utf-8")


def test_integers_beyond_a_float_become_null_like_infinities():
    changes = Changes()
    assert to_json({"n": 10**400, "m": -(2**1024), "k": 2**1023}, changes=changes) == {
        "n": None, "m": None, "k": 2**1023,
    }  # fmt: skip
    assert changes.non_finite == {"n": "1.000000e+400", "m": "-1.797693e+308"}
    assert to_json(10**5000, changes=changes) is None


class Liar:
    """An object whose class, attributes and text are errors."""

    @property  # type: ignore[misc]  # the lie
    def __class__(self):
        raise RuntimeError("no class")

    def __getattribute__(self, name):
        raise RuntimeError(name)


class BrokenMapping(dict[str, int]):
    def items(self):
        raise RuntimeError("no items")


class BrokenText(str):
    __slots__ = ()

    def __str__(self):
        raise RuntimeError("no text")

    def encode(self, *_):
        raise RuntimeError("no bytes")


class BrokenNumber(int):
    def __int__(self):
        raise RuntimeError("no number")

    __index__ = __int__


class Unsortable:
    def __repr__(self):
        raise RuntimeError("no repr")

    def __str__(self):
        return "unsortable"


class NAType:
    """As pandas names the type of its missing value."""


Missing = NAType


@pytest.mark.parametrize(
    ("value", "expected", "change"),
    [
        ({"x": Liar()}, {"x": "<Liar: no JSON form, RuntimeError>"}, "x"),
        ({"x": BrokenMapping(a=1)}, {"x": "<BrokenMapping: no JSON form, RuntimeError>"}, "x"),
        ({"x": BrokenText("a")}, {"x": "a"}, None),
        ({"x": BrokenNumber(3)}, {"x": 3}, None),
        ({"x": {Unsortable()}}, {"x": ["unsortable"]}, None),
        ({"x": "a\0b"}, {"x": "a\ufffdb"}, "x"),
        ({"x": "\ud800"}, {"x": "?"}, "x"),
        ({1: "a", "1": "b", None: "c"}, {"1": "a", "1 (2)": "b", "None": "c"}, "1 (2)"),
        ({"x": (n for n in (1, 2))}, {"x": [1, 2]}, "x"),
        ({"x": range(3)}, {"x": [0, 1, 2]}, None),
        ({"x": {"a": 1}.values()}, {"x": [1]}, None),
        ({"x": {"a": 1}.keys()}, {"x": ["a"]}, None),
        ({"x": deque([1])}, {"x": [1]}, None),
        ({"x": Fraction(1, 4)}, {"x": 0.25}, None),
        ({"x": Fraction(10**400)}, {"x": "<Fraction: no JSON form, OverflowError>"}, "x"),
        ({"x": Decimal("sNaN")}, {"x": "<Decimal: no JSON form, ValueError>"}, "x"),
        ({"x": np.datetime64("NaT", "ns")}, {"x": None}, None),
        ({"x": Missing()}, {"x": None}, "x"),
        ({"x": 1j}, {"x": "1j"}, None),
    ],
    ids=lambda value: (
        str(type(value["x"]).__name__) if isinstance(value, dict) and "x" in value else ""
    ),
)
def test_no_value_is_too_odd(value, expected, change):
    changes = Changes()
    assert to_json(value, changes=changes) == expected
    assert list(changes.others) == ([change] if change else [])


def test_an_endless_iterator_ends():
    changes = Changes()
    items = to_json(itertools.count(), changes=changes)
    assert isinstance(items, list)
    assert len(items) == 100_000
    assert changes.others == {"": "100000 items of an iterator as a list"}
