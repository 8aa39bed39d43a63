from __future__ import annotations

import numpy as np
import pytest

from evalhub.adapter.examples.measures import percentile, wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Worked examples of Newcombe (1998), Statistics in Medicine 17, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_agrees_with_published_values(successes, trials, low, high) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("trials", [1, 7, 84, 10_000])
def test_wilson_interval_is_symmetric_and_holds_the_share(trials) -> None:
    for successes in {0, 1, trials // 3, trials}:
        low, high = wilson_interval(successes, trials)
        mirrored = wilson_interval(trials - successes, trials)
        assert 0 <= low <= successes / trials <= high <= 1
        assert (1 - high, 1 - low) == pytest.approx(mirrored)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 4)])
def test_a_share_of_nothing_has_no_interval(successes, trials) -> None:
    with pytest.raises(ValueError, match=f"{successes} successes in {trials} trials"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.99, 1.0])
@pytest.mark.parametrize("values", [[3.0], [2.0, 1.0], [5.0, 1.0, 4.0, 2.5, 9.0]])
def test_percentile_agrees_with_numpy(values, share) -> None:
    assert percentile(values, share) == pytest.approx(float(np.percentile(values, 100 * share)))
