"""Distribution functions and tests against scipy.stats and algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from impact_eval.core.inference import (
    critical_value,
    smallest_detectable_effect,
    sup_t_critical_value,
    two_sided_p,
    wald_test,
)

LEVELS = st.floats(0.5, 0.999)
DFS = st.floats(1, 500)


@given(LEVELS, DFS)
def test_critical_value_is_scipys(level: float, df: float) -> None:
    assert critical_value(level, df) == pytest.approx(stats.t.ppf(0.5 + level / 2, df), rel=1e-10)
    assert critical_value(level) == pytest.approx(stats.norm.ppf(0.5 + level / 2), rel=1e-12)
    assert critical_value(level, math.inf) == critical_value(level)


@given(st.floats(-30, 30), DFS)
def test_p_value_is_scipys(statistic: float, df: float) -> None:
    assert two_sided_p(statistic, df) == pytest.approx(2 * stats.t.sf(abs(statistic), df), rel=1e-9)
    assert two_sided_p(statistic) == pytest.approx(2 * stats.norm.sf(abs(statistic)), rel=1e-9)


def _covariance(rng: np.random.Generator, size: int) -> np.ndarray:
    root = rng.normal(size=(size, size + 2))
    return root @ root.T


@pytest.mark.parametrize("size", [1, 2, 5])
def test_wald_is_the_quadratic_form(rng: np.random.Generator, size: int) -> None:
    covariance, b = _covariance(rng, size), rng.normal(size=size)
    test = wald_test(b, covariance)
    statistic = float(b @ np.linalg.solve(covariance, b))
    assert test.statistic == pytest.approx(statistic, rel=1e-9)
    assert test.df == size
    assert test.p_value == pytest.approx(stats.chi2.sf(statistic, size), rel=1e-8)


def test_wald_leaves_out_a_repeated_row(rng: np.random.Generator) -> None:
    covariance, b = _covariance(rng, 3), rng.normal(size=3)
    twice = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=float)
    one, other = wald_test(b, covariance), wald_test(twice @ b, twice @ covariance @ twice.T)
    assert other.df == 3
    assert other.statistic == pytest.approx(one.statistic, rel=1e-8)


def test_wald_does_not_depend_on_units(rng: np.random.Generator) -> None:
    covariance, b = _covariance(rng, 3), rng.normal(size=3)
    scale = np.array([1e-6, 1.0, 1e6])
    moved = wald_test(b * scale, covariance * np.outer(scale, scale))
    assert moved.statistic == pytest.approx(wald_test(b, covariance).statistic, rel=1e-8)


def test_sup_t_of_independent_rows_is_sidaks(rng: np.random.Generator) -> None:
    k, level = 6, 0.95
    exact = stats.norm.ppf(0.5 + level ** (1 / k) / 2)
    drawn = sup_t_critical_value(np.eye(k), level=level, rng=rng, draws=200_000)
    # 200,000 draws: the error of this quantile is about 0.003
    assert drawn == pytest.approx(exact, abs=0.012)


def test_sup_t_of_one_row_repeated_is_pointwise(rng: np.random.Generator) -> None:
    value = sup_t_critical_value(np.ones((4, 4)), level=0.95, rng=rng, draws=100_000)
    assert value == pytest.approx(stats.norm.ppf(0.975), abs=0.02)


def test_sup_t_is_never_below_pointwise_and_ignores_units(rng: np.random.Generator) -> None:
    covariance = _covariance(rng, 4)
    scale = np.diag([1e-3, 1.0, 10.0, 1e4])
    one, other = (
        sup_t_critical_value(c, level=0.9, rng=np.random.default_rng(3))
        for c in (covariance, scale @ covariance @ scale)
    )
    assert one == pytest.approx(other, rel=1e-6)
    assert one >= critical_value(0.9)


def test_smallest_detectable_effect_gives_the_power_announced() -> None:
    effect = smallest_detectable_effect(0.5)
    power = stats.norm.sf(critical_value(0.95) - effect / 0.5)
    assert power == pytest.approx(0.8, abs=1e-4)  # the other tail adds less than 1e-5
    assert smallest_detectable_effect(1.0, df=5) > smallest_detectable_effect(1.0)
