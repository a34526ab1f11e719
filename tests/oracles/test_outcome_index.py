"""Indices of several outcomes against the stored girls of 2001."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core import ImpactEvalError
from impact_eval.stats.inference.covariance import Clustered, covariance_of_fit
from impact_eval.stats.inference.outcome_index import IndexWeights, outcome_index
from impact_eval.stats.inference.regression import least_squares

Read = Callable[[str], Any]


def test_stored_index_effects(real_data: Read, reference: Read) -> None:
    stored = reference("causal/multiple_testing")["results"]
    table = real_data("causal/achievement_awards.csv")
    girls = table[(table.sex == "Girl") & (table.year.astype(str) == "2001")]
    girls = girls.dropna(subset=[*stored["outcomes"], "treated"])
    treated = girls.treated.to_numpy() == 1
    schools = pd.factorize(girls.school_id)[0]
    cases = {IndexWeights.INVERSE_COVARIANCE: "icw_effect", IndexWeights.EQUAL: "mean_z_effect"}
    for weighting, key in cases.items():
        index = outcome_index(
            girls[stored["outcomes"]], ~treated, weighting=weighting, names=stored["outcomes"]
        )
        fit = least_squares(index.values, np.column_stack([np.ones(len(girls)), treated]))
        error = covariance_of_fit(fit, Clustered(correction="CR1"), clusters=schools).std_errors
        expected = stored["indices"][key]
        assert len(girls) == expected["n"]
        np.testing.assert_allclose(fit.coefficients, expected["estimate"], atol=1e-10)
        np.testing.assert_allclose(error, expected["se"], rtol=1e-9)
        if weighting is IndexWeights.INVERSE_COVARIANCE:
            weights = list(stored["indices"]["weights"].values())
            np.testing.assert_allclose(index.weights, weights, rtol=1e-9)
            assert index.findings[0].values["names"] == ("attempted",)


def test_missing_outcomes_leave_their_weight_to_the_others(rng: np.random.Generator) -> None:
    y = rng.standard_normal((50, 3))
    y[0, 1] = np.nan
    y[1] = np.nan
    group = np.arange(50) < 30
    index = outcome_index(y, group, weighting=IndexWeights.EQUAL)
    z = (y - np.nanmean(y[group], axis=0)) / np.nanstd(y[group], axis=0, ddof=1)
    assert index.values[0] == pytest.approx((z[0, 0] + z[0, 2]) / 2)
    assert np.isnan(index.values[1])
    turned = outcome_index(
        -y, group, weighting=IndexWeights.EQUAL, higher_is_better=[False, False, False]
    )
    np.testing.assert_allclose(turned.values, index.values)


def test_unrelated_outcomes_weigh_the_same_and_twins_share(rng: np.random.Generator) -> None:
    base = np.linalg.qr(np.column_stack([np.ones(40), rng.standard_normal((40, 2))]))[0][:, 1:]
    twins = np.column_stack([base[:, 0], base[:, 0], base[:, 1]])
    group = np.ones(40, dtype=bool)
    np.testing.assert_allclose(outcome_index(base, group).weights, 0.5)
    np.testing.assert_allclose(outcome_index(twins, group).weights, [0.25, 0.25, 0.5])


def test_refusals() -> None:
    with pytest.raises(ImpactEvalError) as error:
        outcome_index([[1.0, 2], [1, 3], [1, 4]], [1, 1, 0])
    assert set(error.value.codes) == {"outcome_constant", "too_few_complete"}
