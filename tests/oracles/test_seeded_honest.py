"""Intervals under drift against HonestDiD 0.2.8, on the event studies of the invented panel.

The reference walks a grid (`grid_step`) with critical values of 1,000 draws of one seed; ours
refines the ends and draws 20,000: three steps (README). On the two-way event study under
smoothness four: with 1,000 draws too, and thirty seeds, our own ends lie 0.8 to 4.0 steps from the
stored ones.
"""

from __future__ import annotations

import pytest
from seeded_cases import numbers, result, same

from impact_eval.core import NotApplicable
from impact_eval.stats.panels.honest import (
    HonestInterval,
    HonestOptions,
    HonestProblem,
    IntervalMethod,
    honest_interval,
)
from impact_eval.stats.panels.honest_restrictions import DriftShape, Shape

DRAWN = ("honest_did_universal", "honest_did_universal_average", "honest_twfe")
FIXED = ("honest_flci_did_universal", "honest_flci_did_universal_average", "honest_flci_twfe")
SETS = {
    "smoothness_CLF": ("smoothness", "none", "c_lf"),
    "relative_CLF": ("relative_magnitudes", "none", "c_lf"),
    "relative_Conditional": ("relative_magnitudes", "none", "conditional"),
    "second_difference_relative_CLF": ("relative_smoothness", "none", "c_lf"),
    "smoothness_negative_bias": ("smoothness", "negative", "c_f"),
    "smoothness_monotone_decreasing": ("smoothness", "decreasing", "c_f"),
    "smoothness_FLCI": ("smoothness", "none", "flci"),
}


def problem_of(case: str) -> HonestProblem:
    stored = result(case)
    return HonestProblem(
        numbers(stored["betahat"]), numbers(stored["sigma"]), numbers(stored["l_vec"])
    )


def interval(case: str, name: str, m: float) -> HonestInterval:
    shape, direction, method = SETS[name]
    options = HonestOptions(
        shape=Shape(shape), direction=DriftShape(direction), method=IntervalMethod(method)
    )
    found = honest_interval(problem_of(case), m, options)
    assert not isinstance(found, NotApplicable)
    return found


ROWS = [
    (case, name, i)
    for case in DRAWN + FIXED
    for name in SETS
    if name in result(case) and name != "smoothness_FLCI"
    for i in range(len(result(case)[name]["lb"]))
]


@pytest.mark.parametrize(("case", "name", "i"), ROWS)
def test_inverted_tests(case: str, name: str, i: int) -> None:
    stored = result(case)
    table = stored[name]
    m = table["M" if "M" in table else "Mbar"][i]
    found, step = interval(case, name, m), stored["grid_step"]
    slack = (4 if (case, name) == ("honest_twfe", "smoothness_CLF") else 3) * step
    edge = 999 / 2 * step  # the grid's end: twenty standard errors
    for ours, theirs in ((found.conf_low, table["lb"][i]), (found.conf_high, table["ub"][i])):
        if abs(theirs) >= edge - 2 * step:
            assert abs(ours) > abs(theirs) - slack
        else:
            assert ours == pytest.approx(theirs, abs=slack)


LENGTHS = [(case, i) for case in FIXED for i in range(len(result(case)["M"]))]


@pytest.mark.parametrize(("case", "i"), LENGTHS)
def test_fixed_length_intervals(case: str, i: int) -> None:
    stored = result(case)
    error = problem_of(case).std_error
    found = interval(case, "smoothness_FLCI", stored["M"][i])
    half = (found.conf_high - found.conf_low) / 2
    # the reference's folded-normal quantile is simulated: 1.96224 for 1.95996, 0.12 % of the length
    assert half == pytest.approx(stored["half_length"][i], rel=1.5e-3)
    table = stored["smoothness_FLCI"]
    middle = (found.conf_high + found.conf_low) / 2
    # near its least the length is flat: 0.0023 errors of length leave its root, 0.05, to the centre
    assert middle == pytest.approx((table["lb"][i] + table["ub"][i]) / 2, abs=0.05 * error)


@pytest.mark.parametrize("case", DRAWN + FIXED)
def test_interval_without_drift(case: str) -> None:
    stored, problem = result(case), problem_of(case)
    effect = float(problem.post_weights @ numbers(stored["betahat"])[stored["pre_periods"] :])
    half = 1.959963984540054 * problem.std_error
    same([effect - half, effect + half], list(stored["original"].values()), rtol=1e-9)
