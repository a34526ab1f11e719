"""Balance held to scipy's Welch test, to plain formulas and to enumeration."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from impact_eval.stats.surveys.covariate_balance import balance_table, joint_balance_test

RNG = np.random.default_rng(8)
X = RNG.normal(size=(60, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, 1.0]
TREATED = np.arange(60) < 25
X[TREATED, 0] += 0.6


def test_differences_and_p_values_against_scipy() -> None:
    table = balance_table(X, TREATED)
    for j in range(3):
        welch = stats.ttest_ind(X[TREATED, j], X[~TREATED, j], equal_var=False)
        assert table.p_value[j] == pytest.approx(welch.pvalue, rel=1e-10)
    spread = np.sqrt((X[TREATED].var(axis=0, ddof=1) + X[~TREATED].var(axis=0, ddof=1)) / 2)
    gap = X[TREATED].mean(axis=0) - X[~TREATED].mean(axis=0)
    np.testing.assert_allclose(table.difference, gap, rtol=1e-12)
    np.testing.assert_allclose(table.standardised, gap / spread, rtol=1e-12)
    ratio = X[TREATED].var(axis=0, ddof=1) / X[~TREATED].var(axis=0, ddof=1)
    np.testing.assert_allclose(table.variance_ratio, ratio, rtol=1e-12)


def test_whole_number_weights_give_the_means_of_repeated_rows() -> None:
    weights = RNG.integers(1, 4, size=60).astype(float)
    repeated = np.repeat(np.arange(60), weights.astype(int))
    weighted = balance_table(X, TREATED, weights=weights)
    plain = balance_table(X[repeated], TREATED[repeated])
    np.testing.assert_allclose(weighted.difference, plain.difference, rtol=1e-12)
    np.testing.assert_allclose(weighted.mean_treated, plain.mean_treated, rtol=1e-12)


def test_weighting_changes_the_numerator_of_the_standardised_difference_only() -> None:
    weights = RNG.uniform(0.5, 2.0, size=60)
    plain, weighted = balance_table(X, TREATED), balance_table(X, TREATED, weights=weights)
    spread = plain.difference / plain.standardised
    np.testing.assert_allclose(weighted.standardised, weighted.difference / spread, rtol=1e-12)


def test_swapping_groups_flips_the_sign() -> None:
    one, other = balance_table(X, TREATED), balance_table(X, ~TREATED)
    np.testing.assert_allclose(one.difference, -other.difference, rtol=1e-12)
    np.testing.assert_allclose(one.p_value, other.p_value, rtol=1e-12)


def test_joint_test_covariance_is_that_of_all_allocations() -> None:
    x = RNG.normal(size=(8, 2))
    treated = np.arange(8) < 3
    differences = []
    for chosen in combinations(range(8), 3):
        mask = np.isin(np.arange(8), chosen)
        differences.append(x[mask].mean(axis=0) - x[~mask].mean(axis=0))
    draws = np.array(differences)
    covariance = draws.T @ draws / len(draws)
    gap = x[treated].mean(axis=0) - x[~treated].mean(axis=0)
    expected = gap @ np.linalg.solve(covariance, gap)
    found = joint_balance_test(x, treated)
    assert found.statistic == pytest.approx(expected, rel=1e-10)
    assert found.p_value == pytest.approx(stats.chi2.sf(expected, 2), rel=1e-10)


def test_joint_test_ignores_units_and_repeated_columns() -> None:
    base = joint_balance_test(X, TREATED)
    changed = joint_balance_test(np.column_stack([X * [10, 1e-3, 7], X[:, 0]]), TREATED)
    assert changed.statistic == pytest.approx(base.statistic, rel=1e-8)
    assert changed.df == base.df == 3


def test_clusters_of_one_row_give_the_hotelling_reading_of_the_same_difference() -> None:
    clusters = np.arange(60)
    found = joint_balance_test(X, TREATED, clusters=clusters)
    assert found.df_denominator == 57
    grouped = balance_table(X, TREATED, clusters=clusters)
    # With one row per cluster the robust variance is the sum of the two biased variances.
    j = 0
    spread = X[TREATED, j].var() / 25 + X[~TREATED, j].var() / 35
    expected = 2 * stats.norm.sf(abs(grouped.difference[j]) / np.sqrt(spread))
    assert grouped.p_value[j] == pytest.approx(expected, rel=1e-10)


def test_constant_covariate_has_no_standardised_difference() -> None:
    table = balance_table(np.ones((6, 1)), np.arange(6) < 3)
    assert np.isnan(table.standardised[0])
    assert np.isnan(table.p_value[0])
