"""M2, C2 and S-X2: mirt's values on LSAT6 and LSAT7, enumeration, and the size of the tests.

The numbers are those that mirt's own test suite expects of `M2(mirt(LSAT7, 1))`,
`itemfit(mirt(LSAT7, 1), "S_X2")` and of `M2` with equal slopes on LSAT6 (within 1e-2 there).
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impact_eval.stats.scales.irt import IrtFit, ParameterLayout, item_response
from impact_eval.stats.scales.irt_models import IrtModel, category_curves
from impact_eval.stats.scales.limited_fit import (
    _expected_margins,
    _moved_margins,
    item_chi_squares,
    limited_fit,
)


def graded(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    latent = 1.4 * rng.normal(size=(n, 1)) + rng.logistic(size=(n, k))
    return np.digitize(latent, [-1, 0.5]).astype(float)


def fitted(x: np.ndarray, model: IrtModel) -> IrtFit:
    fit = item_response(x, model=model)
    assert isinstance(fit, IrtFit)
    return fit


def test_two_parameters_on_lsat7(shared: Path) -> None:
    path = shared / "data/lsat7_1000x5.csv"
    if not path.exists():
        pytest.skip("public data not here")
    fit = fitted(pd.read_csv(path).to_numpy(float), IrtModel.TWO_PARAMETER)
    found, items = limited_fit(fit), item_chi_squares(fit)
    assert (found.statistic, found.df) == (pytest.approx(11.93841, abs=0.01), 5)
    expected = [4.749440, 14.451071, 1.270381, 5.237400, 0.941125]
    np.testing.assert_allclose(items.statistic, expected, atol=0.01)
    assert items.df.tolist() == [2] * 5


def test_equal_slopes_on_lsat6(shared: Path) -> None:
    path = shared / "data/lsat6_1000x5.csv"
    if not path.exists():
        pytest.skip("public data not here")
    found = limited_fit(fitted(pd.read_csv(path).to_numpy(float), IrtModel.RASCH))
    assert (found.statistic, found.df) == (pytest.approx(5.292566, abs=0.01), 9)


@pytest.mark.parametrize("model", [IrtModel.GRADED, IrtModel.PARTIAL_CREDIT])
def test_means_and_covariances_by_enumeration_of_all_answers(model: IrtModel) -> None:
    fit = fitted(graded(np.random.default_rng(1), 400, 4), model)
    layout, rule = ParameterLayout.of(fit.model, fit.patterns.sizes), fit.quadrature
    pairs = np.triu_indices(4, 1)

    def by_hand(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shares = category_curves(fit.model, layout.items(theta), rule.points).probability
        mean, square = 0.0, 0.0
        for answer in product(range(3), repeat=4):
            chance = rule.weights @ np.prod([shares[j, a] for j, a in enumerate(answer)], axis=0)
            seen = np.array(
                [float(a == c) for a in answer for c in (1, 2)]
                + [float(answer[a] * answer[b]) for a, b in zip(*pairs, strict=True)]
            )
            mean, square = mean + chance * seen, square + chance * np.outer(seen, seen)
        return mean, square - np.outer(mean, mean)

    curves = category_curves(fit.model, fit.items, rule.points)
    expected, spread = _expected_margins(curves, layout, pairs, rule.weights)
    mean, covariance = by_hand(fit.theta)
    np.testing.assert_allclose(expected, mean, atol=1e-12)
    np.testing.assert_allclose(spread, covariance, atol=1e-12)
    moved = _moved_margins(curves, layout, pairs, rule.weights)
    for p in range(layout.n_free):
        step = np.zeros(layout.n_free)
        step[p] = 1e-5
        slope = (by_hand(fit.theta + step)[0] - by_hand(fit.theta - step)[0]) / 2e-5
        np.testing.assert_allclose(moved[:, p], slope, atol=1e-8)


def test_a_model_that_holds_is_rejected_five_times_in_a_hundred() -> None:
    rng = np.random.default_rng(2)
    found = [limited_fit(fitted(graded(rng, 300, 6), IrtModel.GRADED)) for _ in range(60)]
    assert np.mean([f.statistic for f in found]) == pytest.approx(9, abs=1.8)
    assert sum(f.p_value < 0.05 for f in found) <= 9


def test_a_second_dimension_is_seen() -> None:
    rng = np.random.default_rng(3)
    x = np.hstack([graded(rng, 400, 4), graded(rng, 400, 4)])
    assert limited_fit(fitted(x, IrtModel.GRADED)).rmsea > 0.1


def test_what_leaves_no_degree_of_freedom_is_refused() -> None:
    x = graded(np.random.default_rng(4), 200, 3)
    assert limited_fit(fitted(x, IrtModel.GRADED)).reason == "cfa_not_identified"
    assert item_chi_squares(fitted(x, IrtModel.GRADED)).reason == "irt_needs_binary"
