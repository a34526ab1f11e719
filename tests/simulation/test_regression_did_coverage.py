"""Coverage of nominal 95 % intervals: 2,000 draws, whose own error is 0.5 point."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.chaisemartin_dhaultfoeuille import ChaisemartinDHaultfoeuille
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.stacked import StackedDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.triple_difference import TripleDifference
from impact_eval.designs.twfe import TwoWayFixedEffects

DRAWS = 2_000
CASES = {
    "twfe": TwoWayFixedEffects(),
    "sun_abraham": SunAbraham(),
    "imputation": ImputationDiD(leads=0),
    "imputation_two_stage": ImputationDiD(variance="two_stage", leads=0),
    "stacked": StackedDiD(),
    "switchers": ChaisemartinDHaultfoeuille(placebos=0),
    "triple": TripleDifference(),
}


def _covered(design, *, draws, units, slope, seed=7):
    """Share of draws whose interval holds the effect contained in the treated rows."""
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(draws):
        frame = staggered_panel(
            rng, units=units, periods=5, cohorts=(3.0, 4.0, np.inf), slope=slope,
            autocorrelation=0.5,
        )  # fmt: skip
        frame["y"] -= 0.09 * frame["x"] * frame["period"]  # parallel without the covariate
        if isinstance(design, TripleDifference):
            frame["eligible"] = (frame["id"] // 3 % 2).astype(int)
            frame["y"] -= frame["truth"] * (1 - frame["eligible"])
        sample = Sample(frame, unit="id", time="period", cohort="cohort")
        row = design.fit(sample, "y").aggregate("simple").effects[0]
        hits += row.conf_low <= 1.0 <= row.conf_high
    return hits / draws


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(CASES))
def test_coverage_with_many_units(name):
    """300 units, three groups, errors correlated over time, an effect of one."""
    assert 0.935 <= _covered(CASES[name], draws=DRAWS, units=300, slope=0.0) <= 0.965


@pytest.mark.long
@pytest.mark.parametrize("name", ["twfe", "sun_abraham"])
def test_coverage_of_cr2_with_eighteen_units(name):
    """18 units, 6 in each group: CR2 with Satterthwaite degrees of freedom, the default there."""
    assert 0.935 <= _covered(CASES[name], draws=DRAWS, units=18, slope=0.0) <= 0.965


def test_coverage_is_not_absurd():
    """A small run of the same: 120 draws, within the binomial 99.9 % band of 95 %."""
    assert _covered(CASES["imputation"], draws=120, units=150, slope=0.0) >= 0.875
