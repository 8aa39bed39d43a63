"""Every public name of 1.0.6 is here, or its absence is explained on the page."""

from __future__ import annotations

import re

import pytest

from compat.names import DIFFERENT, GONE, PAGE, RECORDED, reason_of, resolves, table

NAMES = [(module, name) for module, names in RECORDED.items() for name in names]
ROW = re.compile(
    r"^\| `(evalhub[\w.]*)` \| (.*) \| (here|different|gone)(?:: .*)? \|$", re.MULTILINE
)


def rows_of_the_page() -> dict[tuple[str, str], str]:
    return {
        (module, name.strip("`")): state
        for module, names, state in ROW.findall(PAGE.read_text())
        for name in names.split(", ")
    }


@pytest.mark.parametrize("module", RECORDED)
def test_name_resolves_or_is_explained(module):
    assert [
        name
        for name in RECORDED[module]
        if not resolves(module, name) and not reason_of(GONE, module, name)
    ] == []


def test_page_has_every_name_and_claims_no_more_than_is_true():
    page = rows_of_the_page()

    assert page.keys() == set(NAMES)
    absent = {key for key in NAMES if not resolves(*key)}
    assert {key for key in absent if page[key] in ("here", "different")} == set()


def test_differences_are_of_names_that_are_here():
    wrong = [(module, name) for module, name in NAMES if reason_of(DIFFERENT, module, name)]

    assert [key for key in wrong if not resolves(*key)] == []


def test_record_is_whole():
    assert (len(RECORDED), len(NAMES), len(table())) == (49, 581, 581)
