"""Scores that are counted, not answered: poverty by deprivations, energy poverty, goals
attained.
"""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.core.findings import NotApplicable
from impact_eval.survey import alkire_foster, energy_poverty, goal_attainment
from impact_eval.survey.deprivation import EnergyThresholds, consumption_units

# Alkire and Foster (2011), section 4: four people, four achievements, cut-offs 13, 12, 3 and 1.
ACHIEVEMENTS = np.array([[13.1, 14, 4, 1], [15.2, 7, 5, 0], [12.5, 10, 1, 0], [20, 11, 3, 1]])
DEPRIVED = (np.array([13, 12, 3, 1]) > ACHIEVEMENTS).astype(float)


def test_alkire_and_foster_published_example() -> None:
    """Two of four deprivations make poor: H = 1/2, A = 3/4, M0 = 3/8."""
    found = alkire_foster(DEPRIVED, cutoff=0.5)
    assert not isinstance(found, NotApplicable)
    assert (found.headcount, found.intensity, found.adjusted) == (0.5, 0.75, 0.375)
    assert found.poor.tolist() == [False, True, True, False]
    # of the six deprivations of the poor: one, two, one and two
    assert found.contributions == pytest.approx(np.array([1, 2, 1, 2]) / 6)


@pytest.mark.parametrize(
    ("cutoff", "headcount", "adjusted"), [(0.25, 3 / 4, 7 / 16), (1, 1 / 4, 1 / 4)]
)
def test_union_and_intersection(cutoff: float, headcount: float, adjusted: float) -> None:
    found = alkire_foster(DEPRIVED, cutoff=cutoff)
    assert not isinstance(found, NotApplicable)
    assert found.headcount == pytest.approx(headcount)
    assert found.adjusted == pytest.approx(adjusted)


def test_a_weight_of_two_is_a_person_twice() -> None:
    once = alkire_foster(DEPRIVED, cutoff=0.5, weights=[3, 1, 1, 1], sample_weights=[1, 2, 1, 1])
    twice = alkire_foster(DEPRIVED[[0, 1, 1, 2, 3]], cutoff=0.5, weights=[3, 1, 1, 1])
    assert not isinstance(once, NotApplicable)
    assert not isinstance(twice, NotApplicable)
    assert once.adjusted == pytest.approx(twice.adjusted)
    assert once.contributions == pytest.approx(twice.contributions)
    holes = DEPRIVED.copy()
    holes[3, 0] = np.nan  # left out, not counted as well off
    left = alkire_foster(holes, cutoff=0.5)
    assert not isinstance(left, NotApplicable)
    assert left.headcount == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("goals", "total", "score"),
    [(1, 1, 60.0), (2, 1, 56.20), (3, 1, 54.56), (4, 1, 53.63), (5, 1, 53.02), (3, 3, 63.69),
     (3, -6, 22.61), (4, 0, 50.0)],
)  # fmt: skip
def test_goals_attained_published_scores(goals: int, total: int, score: float) -> None:
    """Kiresuk and Sherman's conversion with equal weights and a correlation of 0.3 between
    goals.
    """
    levels = np.zeros(goals)
    for i in range(abs(total)):
        levels[i % goals] += np.sign(total)
    assert goal_attainment([levels])[0] == pytest.approx(score, abs=5e-3)


def test_goals_attained_have_a_mean_of_fifty_and_a_spread_of_ten(rng: np.random.Generator) -> None:
    """What the formula is for: goals of variance one that correlate by 0.3. Four errors of 40,000
    draws.
    """
    common = rng.standard_normal((40_000, 1)) * np.sqrt(0.3)
    scores = goal_attainment(common + rng.standard_normal((40_000, 4)) * np.sqrt(0.7))
    assert scores.mean() == pytest.approx(50, abs=4 * 10 / 200)
    assert scores.std() == pytest.approx(10, abs=4 * 10 / np.sqrt(2 * 40_000))


def test_consumption_units_of_insee() -> None:
    """1 for the first adult, 0.5 for others of 14 or more, 0.3 for children: the OECD modified
    scale.
    """
    found = consumption_units(over_14=[1, 2, 2, 1, 3], under_14=[0, 0, 2, 1, 1])
    assert found == pytest.approx([1, 1.5, 2.1, 1.3, 2.3])


THRESHOLDS = {"third_decile": 15_000.0, "median_energy_unit": 1_000.0, "median_energy_area": 16.0,
              "median_residual": 20_000.0}  # fmt: skip
# income, energy, rent, units, m², cold; then effort, low income high cost by unit and by area, cold
HOUSEHOLDS = [
    ((12_000, 1_200, 3_000, 1.0, 60, 1), (True, True, True, True)),
    ((12_000, 900, 3_000, 1.0, 60, 0), (False, False, False, False)),  # 7.5 per cent; 15 euros a m²
    ((40_000, 4_000, 3_000, 1.0, 60, 1), (False, False, False, False)),  # over the third decile
    ((26_000, 2_200, 9_000, 2.0, 100, 0), (True, True, True, False)),  # 8,500 left per unit
    ((26_000, 2_200, 1_000, 2.0, 100, 0), (True, False, False, False)),  # 12,500 left per unit
    (
        (26_000, 2_200, 1_800, 2.0, 100, 0),
        (True, False, False, False),
    ),  # 12,100, energy not taken off
]


@pytest.mark.parametrize("row", range(len(HOUSEHOLDS)))
def test_energy_poverty_by_each_indicator(row: int) -> None:
    """8 per cent of income under the third decile; under 60 per cent of the median left, and costs
    high.
    """
    names = ("income", "energy", "housing_costs", "units", "area", "felt_cold")
    given = {name: [value] for name, value in zip(names, HOUSEHOLDS[row][0], strict=True)}
    found = energy_poverty(**given, thresholds=EnergyThresholds(**THRESHOLDS))
    got = (
        found.effort,
        found.low_income_high_cost_unit,
        found.low_income_high_cost_area,
        found.cold,
    )
    assert tuple(bool(flag[0]) for flag in got) == HOUSEHOLDS[row][1]


def test_energy_taken_off_income_makes_the_last_household_poor() -> None:
    names = ("income", "energy", "housing_costs", "units", "area", "felt_cold")
    given = {name: [value] for name, value in zip(names, HOUSEHOLDS[-1][0], strict=True)}
    deducted = EnergyThresholds(**THRESHOLDS, energy_deducted=True)  # 11,000 left per unit
    assert energy_poverty(**given, thresholds=deducted).low_income_high_cost_unit.tolist() == [True]
