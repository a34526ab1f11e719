"""Power of the pre-trend test, held to the published example of Roth (2022) and to brute force."""

import numpy as np
import pytest

from impact_eval.stats.panels.pretest import (
    PretestRule,
    mean_after_passing,
    pretest_acceptance,
    slope_for_power,
)

# Event study of He and Wang (2017), the worked example of the R package pretrends 0.1.0.
TIMES = np.array([-4.0, -3, -2, 0, 1, 2, 3])
PRE = TIMES < 0
SIGMA = np.array(
    [
        [0.00890657119452953, 0.00448831357061863, 0.00145870249252766, 0.00121576886158437,
         0.00203276448883116, 0.00132250145543367, 0.00196177279576659],
        [0.00448831357061863, 0.00593691691756248, 0.00275007914751768, 0.00135058583691716,
         0.00143154594115913, 0.00120677915401757, 0.00138471578247845],
        [0.00145870249252766, 0.00275007914751768, 0.00303862476721406, 0.000905616616364568,
         0.000679129851050675, 0.00101676362100989, 0.000709014420863241],
        [0.00121576886158437, 0.00135058583691716, 0.000905616616364568, 0.0039247409440577,
         0.00259611802175641, 0.00173261493910104, 0.00223455252125859],
        [0.00203276448883116, 0.00143154594115913, 0.000679129851050675, 0.00259611802175641,
         0.0080658970400691, 0.00587537512183189, 0.00374143593944609],
        [0.00132250145543367, 0.00120677915401757, 0.00101676362100989, 0.00173261493910104,
         0.00587537512183189, 0.00788157898932695, 0.00365070952102542],
        [0.00196177279576659, 0.00138471578247845, 0.000709014420863241, 0.00223455252125859,
         0.00374143593944609, 0.00365070952102542, 0.00978842657059431],
    ]
)  # fmt: skip
BEFORE = SIGMA[np.ix_(PRE, PRE)]


def test_slope_of_the_published_example() -> None:
    slope = slope_for_power((TIMES + 1)[PRE], BEFORE, power=0.5, rule=PretestRule.INDIVIDUAL)
    # The package finds its slope by simulated box probabilities (power .49998 at its slope).
    assert slope == pytest.approx(0.05205871, rel=2e-4)


def test_mean_after_pretest_of_the_published_example() -> None:
    drift = 0.05205871 * (TIMES + 1)
    found = mean_after_passing(drift, SIGMA, PRE, rule=PretestRule.INDIVIDUAL)
    published = [-0.09230764, -0.05555285, -0.02790950, 0.06490184, 0.12084694, 0.16946498,
                 0.22453827]  # fmt: skip
    np.testing.assert_allclose(found, published, atol=3e-5)  # lattice: 1e-4 of a std error


def test_bayes_factor_of_the_published_example() -> None:
    drift = (0.05205871 * (TIMES + 1))[PRE]
    under = pretest_acceptance(drift, BEFORE, rule=PretestRule.INDIVIDUAL).probability
    null = pretest_acceptance(0 * drift, BEFORE, rule=PretestRule.INDIVIDUAL).probability
    assert under / null == pytest.approx(0.56901, abs=2e-4)
    assert 1 - under == pytest.approx(0.4999776, abs=1e-4)


@pytest.mark.parametrize("rule", list(PretestRule))
def test_acceptance_against_brute_force(rule: PretestRule) -> None:
    rng = np.random.default_rng(3)
    drift = 0.05 * (TIMES + 1)
    draws = rng.multivariate_normal(drift, SIGMA, size=400_000)
    before = draws[:, PRE]
    if rule is PretestRule.JOINT:
        wald = np.einsum("ij,jk,ik->i", before, np.linalg.inv(BEFORE), before)
        passed = wald <= 7.814727903251179  # chi-squared quantile, 3 degrees of freedom
    else:
        passed = (np.abs(before) <= 1.959963984540054 * np.sqrt(np.diag(BEFORE))).all(axis=1)
    found = pretest_acceptance(drift[PRE], BEFORE, rule=rule)
    assert found.probability == pytest.approx(passed.mean(), abs=0.003)
    mean = mean_after_passing(drift, SIGMA, PRE, rule=rule)
    np.testing.assert_allclose(mean, draws[passed].mean(axis=0), atol=0.001)


@pytest.mark.parametrize("power", [0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("rule", list(PretestRule))
def test_slope_has_the_power_asked(power: float, rule: PretestRule) -> None:
    direction = (TIMES + 1)[PRE]
    slope = slope_for_power(direction, BEFORE, power=power, rule=rule)
    passed = pretest_acceptance(slope * direction, BEFORE, rule=rule).probability
    assert 1 - passed == pytest.approx(power, abs=1e-8)


def test_without_drift_passing_changes_nothing() -> None:
    zero = np.zeros(len(TIMES))
    for rule in PretestRule:
        np.testing.assert_allclose(mean_after_passing(zero, SIGMA, PRE, rule=rule), 0, atol=3e-5)
