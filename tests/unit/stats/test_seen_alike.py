"""A panel with holes: units seen at the same periods share their columns, and nothing changes."""

from __future__ import annotations

import numpy as np
import pytest

from impact_eval.stats.panels.panel_regression import (
    PanelColumns,
    panel_influence,
    panel_regression,
)
from impact_eval.stats.panels.seen_alike import seen_alike


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("periods", [6, 40])
def test_the_regression_is_that_of_the_rows(periods: int, *, weighted: bool) -> None:
    """By hand: dummies of units and periods, least squares, and residual times score."""
    rng = np.random.default_rng(periods)
    units, codes = 40, rng.integers(0, 3, 40)
    cells = rng.integers(0, 2, (3, periods, 2)).astype(float)
    used = rng.random((units, periods)) > 0.2
    used[1], used[2], codes[1], codes[2] = used[0], used[0], codes[0], codes[0]
    y = rng.normal(size=(units, periods)) + 100 * rng.normal(size=(units, 1))
    weight = rng.uniform(0.5, 2, units) if weighted else np.ones(units)
    columns = PanelColumns(
        periods=periods, codes=codes, cells=cells, fixed=np.empty((units, 0)),
        varying=np.empty((units, periods, 0)),
    )  # fmt: skip
    given = weight if weighted else None
    fit = panel_regression(y, columns, used, weights=given)
    pick = np.eye(columns.total)[-2:]
    values = panel_influence(y, columns, used, fit, pick, weights=given)

    unit, period = np.nonzero(used)
    x = np.column_stack(
        [cells[codes[unit], period], np.eye(units)[unit], np.eye(periods)[period][:, 1:]]
    )
    w = weight[unit]
    bread = np.linalg.pinv(x.T @ (x * w[:, None]))
    beta = bread @ (x.T @ (w * y[used]))
    left = y[used] - x @ beta
    by_row = (x * (w * left)[:, None]) @ bread[:, :2]
    by_unit = np.column_stack([np.bincount(unit, column, minlength=units) for column in by_row.T])
    np.testing.assert_allclose(fit.coefficients[-2:], beta[:2], atol=1e-10)
    np.testing.assert_allclose(values, by_unit, atol=1e-10)
    assert fit.n == used.sum()


def test_patterns_beyond_one_number_are_told_apart() -> None:
    used = np.ones((3, 70), dtype=bool)
    used[1, 69] = False
    assert np.unique(seen_alike(np.zeros(3, dtype=int), used).pattern).size == 2
    assert np.unique(seen_alike(np.array([0, 0, 1]), used).pattern).size == 3
