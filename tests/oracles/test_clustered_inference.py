"""Cluster-robust inference against clubSandwich, estimatr and published rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.core import JointTest
from impact_eval.core.inference import critical_value, two_sided_p
from impact_eval.stats.inference.covariance import (
    CR,
    Clustered,
    Homoskedastic,
    Robust,
    covariance_of_fit,
    satterthwaite_df,
)
from impact_eval.stats.inference.joint_tests import f_test, hotelling_test, wald_test_of_fit
from impact_eval.stats.inference.regression import Absorbed, LinearFit, least_squares

AWARDS = SecondRung()
STAR = SecondRung()

Read = Callable[[str], Any]


@pytest.fixture(scope="module")
def awards() -> Callable[[pd.DataFrame], tuple[LinearFit, np.ndarray]]:
    """The girls of 2000 and 2001 of Angrist and Lavy, with the regression of the reference."""

    def fit(table: pd.DataFrame) -> tuple[LinearFit, np.ndarray]:
        columns = ["school_type", "father_ed", "mother_ed", "immigrant", "siblings", "qrtl"]
        girls = table[(table.sex == "Girl") & table.year.isin([2000, 2001, "2000", "2001"])]
        girls = girls.dropna(subset=["Bagrut_status", "treated", *columns])
        later = girls.year.astype(int) == 2001
        religious, secular = (girls.school_type == name for name in ("Religious", "Secular"))
        X = pd.DataFrame(
            {
                "(Intercept)": 1.0,
                "y01": later,
                "school_typeReligious": religious,
                "school_typeSecular": secular,
                "father_ed": girls.father_ed,
                "mother_ed": girls.mother_ed,
                "immigrant": girls.immigrant,
                "sibs_4": girls.siblings >= 4,
                "qrtl2": girls.qrtl == 2,
                "qrtl3": girls.qrtl == 3,
                "qrtl4": girls.qrtl == 4,
                "treated2001": (girls.treated == 1) & later,
                "y01:school_typeReligious": later & religious,
                "y01:school_typeSecular": later & secular,
            }
        ).astype(float)
        y = girls.Bagrut_status.to_numpy(float)
        codes = pd.factorize(girls.school_id)[0]
        return least_squares(y, X.to_numpy(), names=list(X.columns)), codes

    return fit


@AWARDS
def check_clubsandwich_coefficients_errors_and_degrees_of_freedom(
    awards: Any, real_data: Read, reference: Read
) -> None:
    expected = reference("causal/clubsandwich_achievement_awards")["results"]
    fit, codes = awards(real_data("causal/achievement_awards.csv"))
    assert fit.names == tuple(expected["term"])
    assert fit.n == expected["n"]
    np.testing.assert_allclose(fit.coefficients, expected["estimate"], atol=1e-12)
    for correction, stored in (("CR0", "CR0"), ("CR1", "CR1S"), ("CR2", "CR2"), ("CR3", "CR3")):
        result = covariance_of_fit(fit, Clustered(correction=correction), clusters=codes)
        np.testing.assert_allclose(result.std_errors, expected[stored]["se"], rtol=1e-10)
        assert result.moments is not None
        df = satterthwaite_df(result.moments, np.eye(len(fit.names)))
        np.testing.assert_allclose(df, expected[stored]["df_satterthwaite"], rtol=1e-10)
        if correction in ("CR2", "CR3"):
            t = fit.coefficients / result.std_errors
            p = [two_sided_p(a, b) for a, b in zip(t, result.df, strict=True)]
            np.testing.assert_allclose(p, expected[stored]["p"], rtol=1e-8)
    cr2 = covariance_of_fit(fit, Clustered(), clusters=codes)
    margin = cr2.std_errors * [critical_value(0.95, v) for v in cr2.df]
    np.testing.assert_allclose(
        fit.coefficients - margin, expected["conf_int_CR2"]["lo"], atol=1e-10
    )


@AWARDS
def check_clubsandwich_joint_tests(awards: Any, real_data: Read, reference: Read) -> None:
    stored = reference("causal/clubsandwich_achievement_awards")["results"]["wald_school_type"]
    fit, codes = awards(real_data("causal/achievement_awards.csv"))
    cr2 = covariance_of_fit(fit, Clustered(correction="CR2"), clusters=codes)
    C = np.eye(len(fit.names))[[i for i, name in enumerate(fit.names) if "school_type" in name]]
    tests = [kind(fit, cr2, C) for kind in (wald_test_of_fit, f_test, hotelling_test)]
    assert all(isinstance(test, JointTest) for test in tests)
    wald, naive, aht = tests
    np.testing.assert_allclose(
        [wald.statistic / 4, naive.statistic, aht.statistic], stored["Fstat"], rtol=1e-9
    )
    np.testing.assert_allclose([t.p_value for t in tests], stored["p_val"], rtol=1e-8)
    np.testing.assert_allclose(
        [naive.df_denominator, aht.df_denominator], stored["df_denom"][1:], rtol=1e-9
    )


def test_on_awards(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    AWARDS.run(request, subtests)


@pytest.fixture(scope="module")
def star() -> Callable[[pd.DataFrame], pd.DataFrame]:
    def prepare(table: pd.DataFrame) -> pd.DataFrame:
        kept = table[table.stark.isin(["small", "regular"]) & table.readk.notna()].copy()
        kept["small"] = (kept.stark == "small").astype(float)
        kept["girl"] = (kept.gender == "female").astype(float)
        kept["free"] = (kept.lunchk == "free").astype(float).where(kept.lunchk.notna())
        return kept

    return prepare


def _compare(fit: LinearFit, result: Any, stored: Any, terms: list[int]) -> None:
    np.testing.assert_allclose(
        fit.coefficients[terms], np.atleast_1d(stored["estimate"]), rtol=1e-9
    )
    np.testing.assert_allclose(result.std_errors[terms], np.atleast_1d(stored["se"]), rtol=1e-9)
    np.testing.assert_allclose(result.df[terms], np.atleast_1d(stored["df"]), rtol=1e-8)


@STAR
def check_estimatr_star(star: Any, real_data: Read, reference: Read) -> None:
    expected = reference("causal/estimatr_star")["results"]
    table = star(real_data("causal/star_k.csv"))
    schools = pd.factorize(table.schoolidk)[0]
    fit = least_squares(table.readk, np.column_stack([np.ones(len(table)), table.small]))
    for correction, stored in (("CR0", "CR0"), ("CR1", "stata"), ("CR2", "CR2")):
        result = covariance_of_fit(fit, Clustered(correction=correction), clusters=schools)
        _compare(fit, result, expected[stored], [0, 1])
        assert result.n_clusters == (79,)


@STAR
def check_estimatr_star_school_fixed_effects_dense_and_absorbed(
    star: Any, real_data: Read, reference: Read
) -> None:
    expected = reference("causal/estimatr_star")["results"]
    table = star(real_data("causal/star_k.csv"))
    schools = pd.factorize(table.schoolidk)[0]
    dummies = np.eye(79)[schools]
    dense = least_squares(table.readk, np.column_stack([table.small, dummies]))
    for kind, stored in (("HC1", "fe_HC1"), ("HC2", "fe_HC2")):
        _compare(dense, covariance_of_fit(dense, Robust(kind)), expected[stored], [0])
    cr2 = covariance_of_fit(dense, Clustered(), clusters=schools)
    _compare(dense, cr2, expected["fe_cluster_CR2"], [0])

    def within(values: pd.Series) -> np.ndarray:
        return (values - values.groupby(schools).transform("mean")).to_numpy()

    sizes = np.bincount(schools)
    absorbed = least_squares(
        within(table.readk),
        within(table.small)[:, None],
        absorbed=Absorbed(79, 1 / sizes[schools]),
    )
    for kind, stored in (("HC1", "fe_HC1"), ("HC2", "fe_HC2")):
        _compare(absorbed, covariance_of_fit(absorbed, Robust(kind)), expected[stored], [0])
    cr2 = covariance_of_fit(absorbed, Clustered(), clusters=schools)
    _compare(absorbed, cr2, expected["fe_cluster_CR2"], [0])
    cr1 = covariance_of_fit(absorbed, Clustered(correction="CR1"), clusters=schools)
    # estimatr counts the absorbed schools in (n-1)/(n-k), as CR1 here does
    _compare(absorbed, cr1, expected["fe_cluster_stata"], [0])


@STAR
def check_estimatr_star_lin_covariates(star: Any, real_data: Read, reference: Read) -> None:
    expected = reference("causal/estimatr_star")["results"]
    table = star(real_data("causal/star_k.csv")).dropna(subset=["free", "gender"])
    schools = pd.factorize(table.schoolidk)[0]
    girl, free, small = table.girl.to_numpy(), table.free.to_numpy(), table.small.to_numpy()
    one = np.ones(len(table))
    plain = least_squares(table.readk, np.column_stack([one, small, girl, free]))
    result = covariance_of_fit(plain, Clustered(), clusters=schools)
    _compare(plain, result, expected["covariates_CR2"], [0, 1, 2, 3])
    girl, free = girl - girl.mean(), free - free.mean()
    lin = least_squares(
        table.readk, np.column_stack([one, small, girl, free, small * girl, small * free])
    )
    _compare(lin, covariance_of_fit(lin, Robust("HC2")), expected["lin_covariates"], list(range(6)))
    result = covariance_of_fit(lin, Clustered(), clusters=schools)
    _compare(lin, result, expected["lin_covariates_CR2"], list(range(6)))


def test_on_star(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    STAR.run(request, subtests)


def test_nsw_difference_published_errors(real_data: Read) -> None:
    """Dehejia and Wahba (1999): 1,794 (633); HC1-HC3 to the printed digits."""
    table = real_data("causal/nsw_mixtape.csv")
    fit = least_squares(table.re78, np.column_stack([np.ones(len(table)), table.treat]))
    assert fit.coefficients[1] == pytest.approx(1794.342, abs=5e-4)
    printed = {"HC1": 670.824, "HC2": 670.997, "HC3": 672.682}
    for kind, value in printed.items():
        assert covariance_of_fit(fit, Robust(kind)).std_errors[1] == pytest.approx(value, abs=5e-4)
    iid = covariance_of_fit(fit, Homoskedastic())
    assert iid.std_errors[1] == pytest.approx(632.853, abs=5e-4)


def test_mortality_rates_fifty_one_clusters_but_six_degrees_of_freedom(real_data: Read) -> None:
    """Motor-vehicle deaths on legal drinking age and beer tax, state and year effects."""
    table = real_data("causal/mortality_rates.csv")
    table = table[table.cause == "Motor Vehicle"].dropna(subset=["beertaxa", "legal", "mrate"])
    state, year = pd.factorize(table.state)[0], pd.factorize(table.year)[0]
    X = np.column_stack(
        [table[["legal", "beertaxa"]], np.eye(state.max() + 1)[state], np.eye(year.max() + 1)[year]]
    )
    fit = least_squares(table.mrate, X)
    assert len(fit.dropped) == 1
    assert fit.coefficients[1] == pytest.approx(-12.14, abs=5e-3)
    cr1 = covariance_of_fit(fit, Clustered(correction=CR.CR1), clusters=state)
    cr2 = covariance_of_fit(fit, Clustered(correction=CR.CR2), clusters=state)
    # the row was printed with clubSandwich's CR1, which is G/(G-1) alone
    groups_only = cr1.std_errors[1] * np.sqrt((fit.n - len(fit.names)) / (fit.n - 1))
    assert groups_only == pytest.approx(4.92, abs=5e-3)
    assert two_sided_p(fit.coefficients[1] / groups_only, 50) == pytest.approx(0.017, abs=5e-4)
    assert cr2.std_errors[1] == pytest.approx(5.03, abs=5e-3)
    assert cr2.df[1] == pytest.approx(6.37, abs=5e-3)
    p = two_sided_p(fit.coefficients[1] / cr2.std_errors[1], float(cr2.df[1]))
    assert p == pytest.approx(0.0499, abs=5e-5)
