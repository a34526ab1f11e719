"""Intraclass correlations and kappas against irr 0.84.1 and psych 2.2.9 (reference)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import fdtrc, fdtri
from second_rung import SecondRung

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.agreement import (
    IccModel,
    IccType,
    IccUnit,
    KappaWeights,
    Metric,
    cohen_kappa,
    fleiss_kappa,
    intraclass_correlation,
    kendall_w,
    krippendorff_alpha,
)

RATINGS = SecondRung()

FORMS = {
    "oneway_consistency_single": (IccModel.ONE_WAY, IccType.CONSISTENCY, IccUnit.SINGLE),
    "oneway_consistency_average": (IccModel.ONE_WAY, IccType.CONSISTENCY, IccUnit.AVERAGE),
    "twoway_consistency_single": (IccModel.TWO_WAY, IccType.CONSISTENCY, IccUnit.SINGLE),
    "twoway_consistency_average": (IccModel.TWO_WAY, IccType.CONSISTENCY, IccUnit.AVERAGE),
    "twoway_agreement_single": (IccModel.TWO_WAY, IccType.AGREEMENT, IccUnit.SINGLE),
    "twoway_agreement_average": (IccModel.TWO_WAY, IccType.AGREEMENT, IccUnit.AVERAGE),
}
PSYCH = ["ICC1", "ICC1k", "ICC3", "ICC3k", "ICC2", "ICC2k"]


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict:
    return json.loads((shared / "reference/survey/change_tests.json").read_text())


def ratings(shared: Path, case: str) -> np.ndarray:
    name = "shrout_fleiss1979" if case.endswith("fleiss") else "irr_anxiety"
    return pd.read_csv(shared / f"data/{name}.csv").to_numpy(float)


@RATINGS
@pytest.mark.parametrize("case", ["icc_shrout_fleiss", "icc_anxiety"])
@pytest.mark.parametrize("form", FORMS)
def check_all_forms(reference: dict, shared: Path, case: str, form: str) -> None:
    model, kind, unit = FORMS[form]
    found = intraclass_correlation(ratings(shared, case), model=model, kind=kind, unit=unit)
    psych = {row["type"]: row for row in reference[case]["psych_ICC"]}
    row = psych[PSYCH[list(FORMS).index(form)]]
    got = [found.value, found.statistic, found.df, found.df_denominator, found.p_value,
           found.conf_low, found.conf_high]  # fmt: skip
    np.testing.assert_allclose(
        got,
        [row[k] for k in ("ICC", "F", "df1", "df2", "p", "lower bound", "upper bound")],
        rtol=1e-8,
        atol=1e-10,
    )
    irr = reference[case][form]
    assert found.value == pytest.approx(irr["value"], abs=1e-10)
    assert found.statistic == pytest.approx(irr["F"], rel=1e-10)
    if kind is IccType.CONSISTENCY:
        np.testing.assert_allclose(got[2:], list(irr.values())[2:], rtol=1e-7, atol=1e-9)
        return
    # irr prints the interval's Satterthwaite df with the test, and takes that of the average from
    # the average estimate (psych, like McGraw and Wong's table 7, steps up the single interval).
    df, low, high = irr_agreement(ratings(shared, case), found.value)
    if unit is IccUnit.AVERAGE:
        low, high = (k * b / (1 + (k - 1) * b) for b in (low, high) for k in [found.n_raters])
    else:
        assert (found.conf_low, found.conf_high) == (pytest.approx(low), pytest.approx(high))
    p = fdtrc(found.df, df, found.statistic)
    np.testing.assert_allclose(
        [df, p, low, high], [irr[k] for k in ("df2", "p", "lower", "upper")], rtol=1e-7
    )


def irr_agreement(x: np.ndarray, icc: float) -> tuple[float, float, float]:
    n, k = x.shape
    rows = k * x.mean(axis=1).var(ddof=1)
    columns = n * x.mean(axis=0).var(ddof=1)
    error = (x - x.mean(axis=1)[:, None] - x.mean(axis=0) + x.mean()).ravel()
    error = error @ error / ((n - 1) * (k - 1))
    a, b = k * icc / (n * (1 - icc)), 1 + k * icc * (n - 1) / (n * (1 - icc))
    df = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    fl, fu = fdtri(n - 1, df, 0.975), fdtri(df, n - 1, 0.975)
    spread = k * columns + (k * n - k - n) * error
    low = n * (rows - fl * error) / (fl * spread + n * rows)
    return df, low, n * (fu * rows - error) / (spread + n * fu * rows)


@RATINGS
def check_kappas_and_concordance(reference: dict, shared: Path) -> None:
    expected = reference["agreement_anxiety"]
    x = ratings(shared, "icc_anxiety")
    for weights in KappaWeights:
        found = cohen_kappa(x[:, 0], x[:, 1], weights=weights).value
        assert found == pytest.approx(expected[f"kappa2_{weights.value}_1_2"], abs=1e-12)
    assert kendall_w(x) == pytest.approx(expected["kendall_w"], abs=1e-10)
    assert fleiss_kappa(x).value == pytest.approx(expected["fleiss_kappa"], abs=1e-12)
    for metric in (Metric.ORDINAL, Metric.INTERVAL):
        # irr 0.84.1 counts each pair of the 60 ratings twice, so that its correction for the
        # sample is 119/2 in place of 59; the published example below settles it.
        found = 1 - (1 - krippendorff_alpha(x, metric=metric)) * (119 / 2) / 59
        assert found == pytest.approx(expected[f"kripp_{metric.value}"], abs=1e-12)


def test_krippendorff_published_example() -> None:
    # Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C
    o = np.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, o, o, o],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, o, 3],
        [o, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, o],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, o],
    ]
    published = {Metric.NOMINAL: 0.743, Metric.ORDINAL: 0.815, Metric.INTERVAL: 0.849}
    for metric, value in published.items():
        found = krippendorff_alpha(np.array(observers).T, metric=metric)
        assert found == pytest.approx(value, abs=5e-4)


@RATINGS
def check_fleiss_published_example(shared: Path) -> None:
    # Fleiss (1971): six psychiatrists, thirty patients, kappa .430, z 17.65
    x = pd.read_csv(shared / "data/irr_diagnoses.csv").to_numpy(object).astype(str)
    found = fleiss_kappa(x)
    assert found.value == pytest.approx(0.430, abs=5e-4)
    assert found.statistic == pytest.approx(17.65, abs=5e-3)


def test_on_ratings(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    RATINGS.run(request, subtests)


def test_nominal_alpha_tends_to_fleiss_kappa() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 4, size=(2_000, 3)).astype(float)
    x[:, 1] = np.where(rng.random(2_000) < 0.6, x[:, 0], x[:, 1])
    kappa, n = fleiss_kappa(x).value, 6_000
    # exact: 1 - alpha = (1 - kappa)(1 - 1/n)
    alpha = krippendorff_alpha(x, metric=Metric.NOMINAL)
    assert 1 - alpha == pytest.approx((1 - kappa) * (1 - 1 / n), rel=1e-10)


def test_identities_of_the_intraclass_correlation() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(30, 1)) + rng.normal(size=(30, 4))
    consistency = IccType.CONSISTENCY
    one = intraclass_correlation(x, kind=consistency)
    mean = intraclass_correlation(x, kind=consistency, unit=IccUnit.AVERAGE)
    assert mean.value == pytest.approx(4 * one.value / (1 + 3 * one.value), rel=1e-12)
    k, v = 4, np.cov(x.T)
    assert mean.value == pytest.approx(k / (k - 1) * (1 - np.trace(v) / v.sum()), rel=1e-12)
    shifted = x + np.array([0, 5, -3, 1])
    assert intraclass_correlation(shifted, kind=consistency).value == pytest.approx(one.value)
    assert intraclass_correlation(shifted).value < intraclass_correlation(x).value
    quadratic = cohen_kappa([1, 2, 3, 4, 2, 1], [1, 3, 3, 4, 1, 2], weights=KappaWeights.SQUARED)
    assert 0 < quadratic.value < 1


def test_refusals() -> None:
    for result, reason in [
        (intraclass_correlation(np.ones((5, 1))), "too_few_items"),
        (intraclass_correlation(np.ones((1, 3))), "too_few_persons"),
        (intraclass_correlation(np.ones((5, 3))), "no_variance"),
        (cohen_kappa([1, 1], [1, 1]), "no_variance"),
        (fleiss_kappa(np.ones((4, 2))), "no_variance"),
        (kendall_w(np.ones((4, 1))), "too_few_items"),
        (krippendorff_alpha([[1, np.nan], [np.nan, 2]]), "too_few_persons"),
        (krippendorff_alpha([[1, 1], [1, 1]]), "no_variance"),
    ]:
        assert isinstance(result, NotApplicable)
        assert result.reason == reason
