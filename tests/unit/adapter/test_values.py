from __future__ import annotations

import json
import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from evalhub.adapter._report.jsonable import timestamp, to_json


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
    ids=repr,
)  # fmt: skip
def test_every_kind_of_value_becomes_json(value, expected):
    converted = to_json(value)
    if isinstance(value, type):
        assert converted == str(value)
    else:
        assert converted == expected
        assert type(converted) is type(expected)


def test_non_finite_numbers_become_null_and_are_told():
    non_finite: dict[str, str] = {}
    value = {"a": math.nan, "b": [1.0, math.inf], "c": {"d": -math.inf}, "e": np.float64("nan"),
             "f": Decimal("Infinity")}  # fmt: skip
    assert to_json(value, at="m", non_finite=non_finite) == {
        "a": None, "b": [1.0, None], "c": {"d": None}, "e": None, "f": None,
    }  # fmt: skip
    assert non_finite == {
        "m.a": "nan", "m.b[1]": "inf", "m.c.d": "-inf", "m.e": "nan", "m.f": "inf",
    }  # fmt: skip


class NAType:
    """What pandas calls the type of `pandas.NA`."""

    def __str__(self):
        return "<NA>"


class NaTType(datetime):
    """What pandas calls the type of `pandas.NaT`, which is a datetime."""


def test_nulls_of_pandas_become_null_and_are_told():
    non_finite: dict[str, str] = {}
    value = {"a": NAType(), "b": [NaTType(2026, 1, 1)]}

    assert to_json(value, non_finite=non_finite) == {"a": None, "b": [None]}
    assert non_finite.keys() == {"a", "b[0]"}
    assert non_finite["a"] == "<NA>"


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
