"""Intervals from influence values hold what they promise with few clusters, or few units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.designs import CallawaySantAnna
from impact_eval.stats.inference.covariance import Clustered, Covariance, Robust

pytestmark = pytest.mark.long
DRAWS = 600
LOWEST, HIGHEST = 0.92, 0.975  # 95 % give or take what 600 draws allow at 99.9 %


def covered(covariance: Covariance, *, places: int, treated: int, people: int) -> float:
    """Return how often the interval of a null effect holds zero, shocks being of places."""
    rng = np.random.default_rng(11)
    unit = np.arange(places * people)
    place = unit // people
    start = np.where(place < treated, 2.0, np.inf)
    held = []
    for _ in range(DRAWS):
        shock = rng.normal(size=places)[place] if people > 1 else 0.0
        change = shock + rng.normal(size=unit.size) * np.where(place < treated, 1.5, 1.0)
        frame = pd.DataFrame(
            {
                "id": np.repeat(unit, 2),
                "t": np.tile([1, 2], unit.size),
                "g": np.repeat(start, 2),
                "place": np.repeat(place, 2),
                "y": np.column_stack([np.zeros(unit.size), change]).ravel(),
            }
        )
        sample = Sample(frame, unit="id", time="t", cohort="g")
        row = CallawaySantAnna(covariance=covariance).fit(sample, "y").aggregate("simple")["att"]
        assert row.conf_low is not None
        assert row.conf_high is not None
        held.append(row.conf_low <= 0 <= row.conf_high)
    return float(np.mean(held))


def test_cr2_holds_with_twelve_places_of_which_four_treated() -> None:
    share = covered(Clustered("place"), places=12, treated=4, people=8)
    assert LOWEST < share < 0.99  # a little wide: the working model knows no shock of places


def test_the_plain_sum_by_place_does_not() -> None:
    """What CR2 is for: the same data, without what leverage took away, under the normal law."""
    share = covered(Clustered("place", "CR0"), places=12, treated=4, people=8)
    assert share < LOWEST


def test_hc2_is_welch_with_seven_people_against_twenty() -> None:
    share = covered(Robust("HC2"), places=27, treated=7, people=1)
    assert LOWEST < share < HIGHEST
