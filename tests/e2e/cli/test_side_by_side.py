"""What 1.0.6 and this package do with the command lines of 1.0: each difference has a reason."""

from __future__ import annotations

import pytest
from support.side_by_side import EARLIER, pairs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not EARLIER.exists(), reason="make side-by-side installs 1.0.6"),
]


def test_every_difference_has_a_reason():
    found = pairs()

    unexplained = [
        f"{pair.case.line}: {pair.differences}\n1.0.6: {pair.theirs}\nhere: {pair.ours}"
        for pair in found
        if bool(pair.differences) != bool(pair.case.why)
    ]
    assert not unexplained, "\n\n".join(unexplained)
    assert "Traceback" not in "".join(pair.ours.err for pair in found)
