"""Differential item functioning against survey.md's reference and statsmodels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.miscmodels.ordinal_model import OrderedModel
from statsmodels.stats.contingency_tables import StratifiedTable

from impact_eval.stats.scales.dif import (
    DifSize,
    MantelHaenszelDif,
    OrdinalDif,
    mantel_haenszel_dif,
    ordinal_logistic_dif,
)


def test_neuroticism_by_sex(shared: Path) -> None:
    # survey.md 2.5 (reference run): N1 by sex, p = 5e-6, McFadden gain .002: negligible
    frame = pd.read_csv(shared / "data/bfi.csv")
    items = frame[["N1", "N2", "N3", "N4", "N5"]].to_numpy(float)
    found = ordinal_logistic_dif(items[:, 0], items.sum(axis=1), frame.gender)
    assert isinstance(found, OrdinalDif)
    assert found.uniform.p_value == pytest.approx(5.25e-6, abs=5e-8)
    assert found.uniform_gain.mcfadden == pytest.approx(0.002, abs=5e-4)
    assert found.size is DifSize.NEGLIGIBLE
    assert not found.flagged


def test_ordinal_models_against_statsmodels() -> None:
    rng = np.random.default_rng(3)
    trait, group = rng.normal(size=600), np.repeat([0, 1], 300)
    y = np.digitize(trait + 0.4 * group * (1 + trait) + rng.logistic(size=600), [-1, 0.5])
    found = ordinal_logistic_dif(y, trait, group)
    z = (trait - trait.mean()) / trait.std()
    columns = np.column_stack([z, group, group * z])
    fits = [
        OrderedModel(y, columns[:, :width], distr="logit").fit(method="bfgs", disp=0, gtol=1e-8)
        for width in (1, 2, 3)
    ]
    logs = [fit.llf for fit in fits]
    assert found.uniform.statistic == pytest.approx(2 * (logs[1] - logs[0]), abs=1e-5)
    assert found.non_uniform.statistic == pytest.approx(2 * (logs[2] - logs[1]), abs=1e-5)
    assert found.total.statistic == pytest.approx(2 * (logs[2] - logs[0]), abs=1e-5)
    assert found.group_effect == pytest.approx(fits[1].params[1], abs=1e-4)
    change = abs(fits[1].params[0] / fits[0].params[0] - 1)
    assert found.beta_change == pytest.approx(change, abs=1e-4)
    null = np.sum(np.bincount(y) * np.log(np.bincount(y) / 600))
    assert found.gain.mcfadden == pytest.approx((logs[2] - logs[0]) / -null, abs=1e-7)
    cox = [1 - np.exp(2 * (null - value) / 600) for value in logs]
    most = 1 - np.exp(2 * null / 600)
    assert found.gain.nagelkerke == pytest.approx((cox[2] - cox[0]) / most, abs=1e-7)


def test_mantel_haenszel_against_statsmodels(shared: Path) -> None:
    x = pd.read_csv(shared / "data/lsat7_1000x5.csv").to_numpy(float)
    rng = np.random.default_rng(4)
    group = rng.integers(0, 2, len(x))
    x[(group == 1) & (rng.random(len(x)) < 0.15), 1] = 0
    total = x.sum(axis=1)
    found = mantel_haenszel_dif(x[:, 1], total, group)
    assert isinstance(found, MantelHaenszelDif)
    tables = [
        np.array(
            [[np.sum((total == s) & (group == g) & (x[:, 1] == v)) for v in (1, 0)] for g in (0, 1)]
        )
        for s in np.unique(total)
    ]
    reference = StratifiedTable([t.astype(float) for t in tables if t.sum() > 1])
    assert found.odds_ratio == pytest.approx(reference.oddsratio_pooled, rel=1e-12)
    assert found.delta == pytest.approx(-2.35 * reference.logodds_pooled, rel=1e-12)
    assert found.delta_std_error == pytest.approx(2.35 * reference.logodds_pooled_se, rel=1e-10)
    test = reference.test_null_odds(correction=True)
    assert found.statistic == pytest.approx(test.statistic, rel=1e-10)
    assert found.p_value == pytest.approx(test.pvalue, rel=1e-8)
