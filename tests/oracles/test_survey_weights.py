"""Calibration and design-based inference against R survey 4.1-1 and icarus 0.3.2 (reference)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from second_rung import SecondRung

from impact_eval.core.inference import critical_value, two_sided_p
from impact_eval.stats.surveys.calibration import (
    Calibration,
    CalibrationMethod,
    CategoryMargin,
    calibrate,
    calibrate_on_margins,
    trim_weights,
)
from impact_eval.stats.surveys.response import response_model
from impact_eval.stats.surveys.survey_design import (
    SurveyDesign,
    SurveyEstimate,
    jackknife_by_cluster,
    mean_design_effect,
    survey_design,
    survey_mean,
    survey_quantile,
    survey_ratio,
    survey_regression,
    survey_total,
)
from impact_eval.stats.surveys.survey_shares import ShareInterval, survey_independence, survey_share

SCHOOLS = SecondRung()
STAFF = SecondRung()


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict:
    return json.loads((shared / "reference/survey/weights.json").read_text())


@pytest.fixture(scope="module")
def stratified(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/apistrat.csv")


@pytest.fixture(scope="module")
def clustered(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/apiclus1.csv")


def of_strata(frame: pd.DataFrame) -> SurveyDesign:
    return survey_design(n=200, weights=frame.pw, strata=frame.stype, population=frame.fpc)


def of_clusters(frame: pd.DataFrame) -> SurveyDesign:
    return survey_design(n=183, weights=frame.pw, clusters=frame.dnum, population=frame.fpc)


def of_calibrated(frame: pd.DataFrame, fit: Calibration) -> SurveyDesign:
    # the reference calibrates the design without the finite population correction
    return survey_design(n=183, clusters=frame.dnum, calibration=fit)


def check(found: SurveyEstimate, expected: dict, *, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(found.estimate, list(expected["est"].values()), rtol=rtol)
    np.testing.assert_allclose(found.std_error, list(expected["se"].values()), rtol=rtol)
    if "ci" in expected:  # the reference's default interval is normal; ours is Student's
        half = critical_value(0.95) * found.std_error
        bounds = np.array([list(b.values()) for b in expected["ci"].values()])
        ours = np.column_stack([found.estimate - half, found.estimate + half])
        np.testing.assert_allclose(ours, bounds, rtol=rtol)


@SCHOOLS
def check_stratified_sample(reference: dict, stratified: pd.DataFrame) -> None:
    expected = reference["strat"]
    design = of_strata(stratified)
    check(survey_mean(stratified.api00, design), expected["mean_api00"])
    check(survey_total(stratified.enroll, design), expected["total_enroll"])
    ratio = survey_ratio(stratified.api00, stratified.api99, design)
    assert ratio.estimate[0] == pytest.approx(expected["ratio_api00_api99"]["est"], rel=1e-12)
    assert ratio.std_error[0] == pytest.approx(expected["ratio_api00_api99"]["se"], rel=1e-9)
    wide = np.column_stack([stratified["sch.wide"] == "No", stratified["sch.wide"] == "Yes"])
    check(survey_mean(wide, design), expected["prop_sch_wide"])
    for i, stype in enumerate("EHM"):
        part = survey_mean(stratified.api00, design, domain=stratified.stype == stype)
        assert part.estimate[0] == pytest.approx(expected["by_stype"]["est"][stype], rel=1e-12)
        error = expected["by_stype"]["se"][str(i + 1)]
        assert part.std_error[0] == pytest.approx(error, rel=1e-9)
    effect = mean_design_effect(stratified.api00, design)
    assert effect == pytest.approx(expected["deff"], rel=1e-9)
    quartiles = survey_quantile(stratified.api00, design, [0.25, 0.5, 0.75])
    assert quartiles.tolist() == expected["median"]


@SCHOOLS
def check_regression_and_comparison(reference: dict, stratified: pd.DataFrame) -> None:
    design = of_strata(stratified)
    columns = stratified[["ell", "meals", "mobility"]].to_numpy(float)
    fit = survey_regression(stratified.api00, np.column_stack([np.ones(200), columns]), design)
    rows = reference["strat"]["glm"].values()
    np.testing.assert_allclose(fit.estimate, [r["Estimate"] for r in rows], rtol=1e-9)
    np.testing.assert_allclose(fit.std_error, [r["Std. Error"] for r in rows], rtol=1e-9)
    p = [two_sided_p(e / s, fit.df) for e, s in zip(fit.estimate, fit.std_error, strict=True)]
    np.testing.assert_allclose(p, [r["Pr(>|t|)"] for r in rows], rtol=1e-7)
    met = np.column_stack([np.ones(200), stratified["comp.imp"] == "Yes"])
    gap = survey_regression(stratified.api00, met, design)
    expected = reference["strat"]["svyttest"]
    t = gap.estimate[1] / gap.std_error[1]
    assert gap.estimate[1] == pytest.approx(expected["diff"], rel=1e-9)
    assert (t, gap.df) == (pytest.approx(expected["t"], rel=1e-9), expected["df"])
    assert two_sided_p(t, gap.df) == pytest.approx(expected["p"], rel=1e-8)


@SCHOOLS
def check_cluster_sample(reference: dict, clustered: pd.DataFrame) -> None:
    expected = reference["clus"]
    design = of_clusters(clustered)
    check(survey_mean(clustered.api00, design), expected["mean_api00"])
    check(survey_total(clustered.enroll, design), expected["total_enroll"])
    assert design.df == expected["df"]
    test = survey_independence(clustered["sch.wide"], clustered.stype, design)
    np.testing.assert_allclose(
        [test.statistic, test.df, test.df_denominator, test.p_value],
        list(expected["svychisq"].values()),
        rtol=1e-9,
    )


@SCHOOLS
def check_raking(reference: dict, clustered: pd.DataFrame) -> None:
    expected = reference["rake_clus1"]
    fit = calibrate_on_margins(
        clustered.pw,
        [
            CategoryMargin(name, clustered[name].to_numpy(object), totals)
            for name, totals in expected["margins"].items()
        ],
    )
    assert isinstance(fit, Calibration)
    np.testing.assert_allclose(fit.weights, expected["weights"], atol=1e-6, rtol=0)
    assert fit.weights.sum() == pytest.approx(expected["sum"], rel=1e-12)
    both = clustered.stype + " " + clustered["sch.wide"]
    for cell, weight in expected["weights_distinct"].items():
        np.testing.assert_allclose(fit.weights[both == cell], weight, rtol=1e-8)
    assert fit.effective_n == pytest.approx(expected["kish_neff"], rel=1e-8)
    assert fit.design_effect == pytest.approx(expected["kish_deff"], rel=1e-8)
    design = of_calibrated(clustered, fit)
    # the reference sweeps the margins ten times; the regression residual is that sweep's limit
    check(survey_mean(clustered.api00, design), expected["api00_mean"], rtol=2e-5)
    check(survey_total(clustered.enroll, design), expected["enroll_total"], rtol=2e-5)


@SCHOOLS
def check_post_stratification(reference: dict, clustered: pd.DataFrame) -> None:
    expected = reference["poststrat_clus1"]
    totals = {"E": 4421, "H": 755, "M": 1018}
    margin = CategoryMargin("stype", clustered.stype.to_numpy(object), totals)
    for method in CalibrationMethod:  # one margin: all distances give the same ratios
        fit = calibrate_on_margins(clustered.pw, [margin], method=method, bounds=(0.4, 3))
        assert isinstance(fit, Calibration)
        for stype, weight in expected["weights_by_stype"].items():
            np.testing.assert_allclose(fit.weights[clustered.stype == stype], weight, rtol=1e-9)
        mean = survey_mean(clustered.api00, of_calibrated(clustered, fit))
        check(mean, expected["api00_mean"], rtol=1e-9)


@SCHOOLS
@pytest.mark.parametrize(
    ("case", "method"),
    [
        ("linear", CalibrationMethod.LINEAR),
        ("raking", CalibrationMethod.RAKING),
        ("linear_bounds_0.4_3", CalibrationMethod.TRUNCATED),
        ("logit_0.4_3", CalibrationMethod.LOGIT),
    ],
)
def check_calibration(
    reference: dict, clustered: pd.DataFrame, case: str, method: CalibrationMethod
) -> None:
    expected = reference["calibrate_clus1"][case]
    x = np.column_stack(
        [np.ones(183), clustered.stype == "H", clustered.stype == "M", clustered.api99]
    )
    totals = list(reference["calibrate_clus1"]["population"].values())
    fit = calibrate(clustered.pw, x, totals, method=method, bounds=(0.4, 3))
    assert isinstance(fit, Calibration)
    # the reference stops at a relative margin gap of 1e-7, ours at 1e-13
    np.testing.assert_allclose(fit.ratios[:10], expected["g_weights_first10"], atol=1e-6, rtol=0)
    assert fit.ratios.min() == pytest.approx(expected["g_min"], abs=1e-6)
    assert fit.ratios.max() == pytest.approx(expected["g_max"], abs=1e-6)
    design = of_calibrated(clustered, fit)
    check(survey_mean(clustered.api00, design), expected["api00_mean"], rtol=1e-6)
    check(survey_total(clustered.enroll, design), expected["enroll_total"], rtol=1e-6)


@STAFF
@pytest.mark.parametrize("method", ["linear", "raking", "logit"])
def check_insee_example(reference: dict, shared: Path, method: str) -> None:
    staff = pd.read_csv(shared / "data/icarus_employees.csv")
    expected = reference["icarus_employees"][method]
    columns, totals = [], []
    for name, kinds, *values in reference["icarus_employees"]["margins"]:
        if kinds == "0":
            columns.append(staff[name])
            totals.append(float(values[0]))
            continue
        for level in range(int(kinds)):
            columns.append(staff[name] == level + 1)
            totals.append(float(values[level]))
    fit = calibrate(
        staff.weight, np.column_stack(columns), totals,
        method=CalibrationMethod(method), bounds=(0.4, 2.2),
    )  # fmt: skip
    assert isinstance(fit, Calibration)
    np.testing.assert_allclose(fit.weights, expected["weights"], atol=1e-6, rtol=0)
    assert fit.ratios.min() == pytest.approx(expected["ratio_min"], abs=1e-7)
    assert fit.ratios.max() == pytest.approx(expected["ratio_max"], abs=1e-7)
    assert fit.weights @ staff.salary == pytest.approx(470_000, rel=1e-12)
    assert fit.negative == (1 if method == "linear" else 0), "the linear distance's known trap"


def test_on_staff(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    STAFF.run(request, subtests)


@SCHOOLS
def check_trimming(reference: dict, clustered: pd.DataFrame) -> None:
    expected = reference["trim"]
    raked = np.array(reference["rake_clus1"]["weights"])
    w = trim_weights(raked, low=expected["lower"], high=expected["upper"])
    assert w.sum() == pytest.approx(expected["sum"], rel=1e-9)
    assert w.min() == pytest.approx(expected["min"], rel=1e-8)
    assert w.max() == pytest.approx(expected["max"])
    mean = w @ clustered.api00 / w.sum()
    assert mean == pytest.approx(expected["api00_mean"]["est"]["api00"], rel=1e-8)


@SCHOOLS
def check_jackknife(reference: dict, stratified: pd.DataFrame, shared: Path) -> None:
    def mean_of(y: np.ndarray):
        return lambda w: np.array([w @ y / w.sum()])

    v = jackknife_by_cluster(mean_of(stratified.api00.to_numpy(float)), of_strata(stratified))
    expected = reference["jackknife"]["jkn_strat_mean"]["se"]["1"]
    assert np.sqrt(v[0, 0]) == pytest.approx(expected, rel=1e-8)
    simple = pd.read_csv(shared / "data/apisrs.csv")
    design = survey_design(n=200, weights=simple.pw)  # the reference: no finite population
    v = jackknife_by_cluster(mean_of(simple.api00.to_numpy(float)), design)
    expected = reference["jackknife"]["jk1_srs_mean"]["se"]["1"]
    assert np.sqrt(v[0, 0]) == pytest.approx(expected, rel=1e-8)
    # delete-one linearised variance of a simple random sample: the same number
    assert survey_mean(simple.api00, design).std_error[0] == pytest.approx(expected, rel=1e-8)


@SCHOOLS
@pytest.mark.parametrize(
    ("case", "method"),
    [
        ("logit", ShareInterval.LOGIT),
        ("likelihood", ShareInterval.LIKELIHOOD),
        ("asin", ShareInterval.ARCSINE),
        ("beta", ShareInterval.BETA),
        ("mean", ShareInterval.WALD),
    ],
)
def check_share_intervals(
    reference: dict, stratified: pd.DataFrame, case: str, method: ShareInterval
) -> None:
    share = survey_share(stratified["comp.imp"] == "Yes", of_strata(stratified), method=method)
    expected = reference["svyciprop_strat"][case]
    np.testing.assert_allclose(
        [share.estimate, share.conf_low, share.conf_high],
        list(expected.values()),
        # the reference reads its profile off a spline
        atol=5e-6 if method is ShareInterval.LIKELIHOOD else 1e-7,
        rtol=0,
    )


@SCHOOLS
def check_response_model(reference: dict, shared: Path) -> None:
    frame = pd.read_csv(shared / "data/synthetic_rses_t0t1.csv")
    answered = frame[[f"t1_r{i}" for i in range(1, 11)]].notna().sum(axis=1) >= 5
    x = np.column_stack([frame.arm == "comparaison", frame.age, frame.sexe == "M"])
    model = response_model(answered, x)
    expected = reference["nonresponse"]
    rows = expected["coef"].values()
    np.testing.assert_allclose(model.fit.coefficients, [r["Estimate"] for r in rows], atol=1e-6)
    errors = np.sqrt(np.diag(model.fit.bread))
    np.testing.assert_allclose(errors, [r["Std. Error"] for r in rows], rtol=1e-5)
    np.testing.assert_allclose(model.probability[:5], expected["p_first5"], atol=1e-7)
    weights = model.weights[answered][:5]
    np.testing.assert_allclose(weights, expected["ipw_respondents_first5"], atol=1e-7)
    assert model.stabilised.sum() == pytest.approx(expected["stabilised_sum"], abs=1e-5)
    assert model.r_indicator == pytest.approx(expected["r_indicator"], abs=1e-6)


def test_on_schools(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    SCHOOLS.run(request, subtests)
