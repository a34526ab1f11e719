"""Small tables of answers: a coefficient, or nothing, and never a margin made of rounding."""

from __future__ import annotations

import warnings

import numpy as np

from impact_eval.stats.scales.item_matrix import MissingRule
from impact_eval.stats.scales.reliability import Alpha, cronbach_alpha


def test_an_item_that_never_varies_has_no_correlation_and_no_margin() -> None:
    """Three answers of 1: rounding their mean left a variance of 1e-32, and a correlation of 1."""
    varies = np.array([0.0, 1, 2, 3, 1, 2, 0])
    for missing in MissingRule:
        found = cronbach_alpha(np.column_stack([varies, np.ones(7), np.ones(7)]), missing=missing)
        assert isinstance(found, Alpha)
        assert found.value == 0
        assert np.isnan([found.mean_inter_item, found.standardized, found.std_error]).all()


def test_small_tables_of_answers_never_warn() -> None:
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(500):
            n, k = int(rng.integers(3, 9)), int(rng.integers(2, 5))
            for missing in MissingRule:
                found = cronbach_alpha(rng.integers(0, 3, (n, k)), missing=missing)
                if isinstance(found, Alpha):
                    assert not found.std_error <= 0
