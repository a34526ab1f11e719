"""A single place or person in the action: one fact, one code, no interval, whatever the design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval import Clustered, Sample, designs

DESIGNS = (
    "CallawaySantAnna", "ImputationDiD", "SunAbraham", "StackedDiD", "TwoWayFixedEffects",
    "ChaisemartinDHaultfoeuille", "DifferenceInDifferences",
)  # fmt: skip


def panel(*, per_place: int, places: int = 8) -> Sample:
    """Return six periods of places, the first of which enters at the fourth."""
    rng = np.random.default_rng(1)
    rows = [
        (f"{place}-{unit}", t, 4 * (place == 0), place, rng.normal() + (place == 0 and t >= 4))
        for place in range(places)
        for unit in range(per_place)
        for t in range(1, 7)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "t", "entry", "place", "y"])
    cluster = "place" if per_place > 1 else None
    return Sample(frame, unit="unit", time="t", cohort="entry", cluster=cluster)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(
    ("per_place", "code"), [(6, "one_treated_cluster"), (1, "one_treated_unit")]
)
def test_one_treated_is_one_fact(name: str, per_place: int, code: str) -> None:
    estimate = getattr(designs, name)().fit(panel(per_place=per_place), "y")
    alone = {f.code for f in estimate.findings if f.code.startswith("one_treated")}
    assert alone == {code}
    effect = (estimate.aggregate("simple") if len(estimate) > 1 else estimate).effects[0]
    assert effect.estimate is not None
    assert (effect.conf_low, effect.conf_high, effect.p_value) == (None, None, None)


@pytest.mark.parametrize("name", ["TwoWayFixedEffects", "StackedDiD", "SunAbraham"])
def test_a_covariance_asked_for_by_name_is_given(name: str) -> None:
    """Published tables print such errors: whoever asks for one knows what it is worth."""
    design = getattr(designs, name)(covariance=Clustered(correction="CR1"))
    estimate = design.fit(panel(per_place=6), "y")
    assert "one_treated_cluster" in {f.code for f in estimate.findings}
    assert (estimate.aggregate("simple") if len(estimate) > 1 else estimate).effects[0].std_error
