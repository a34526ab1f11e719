"""Confirmatory factor analysis against lavaan 0.6-14 and semTools 0.5-6 (reference)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from second_rung import SecondRung

from impact_eval.stats.scales.cfa import CfaFit, CfaMissing, confirmatory_factors
from impact_eval.stats.scales.cfa_evaluate import CfaEstimator
from impact_eval.stats.scales.cfa_model import (
    Cell,
    CfaModel,
    Identification,
    Matrix,
    measurement_model,
)
from impact_eval.stats.scales.cfa_moments import ModelMoments, normal_weight
from impact_eval.stats.scales.cfa_ordinal import (
    OrdinalCfaFit,
    OrdinalEstimator,
    moment_weight,
    ordinal_factors,
)
from impact_eval.stats.scales.cfa_read import (
    FactorScoreMethod,
    composite_reliability,
    cross_loadings,
    factor_scores,
    joint_score_test,
    residual_correlations,
    residual_pairs,
    score_tests,
    standardised,
)
from impact_eval.stats.scales.cfa_robust import block_diagonal
from impact_eval.stats.scales.invariance_chain import (
    CHAIN,
    InvarianceLevel,
    InvarianceVerdict,
    difference_test,
    group_model,
    invariance_across_groups,
    longitudinal_model,
)
from impact_eval.stats.scales.invariance_ordinal import ordinal_group_model
from impact_eval.stats.scales.polychoric import category_codes

HOLZINGER = SecondRung()
NEUROTICISM = SecondRung()
THREE_WAVES = SecondRung()
DATCAT = SecondRung()

HS = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}
NEURO = {"n": ["N1", "N2", "N3", "N4", "N5"]}
FU = {"FU1": ["u1", "u2", "u3", "u4"], "FU2": ["u5", "u6", "u7", "u8"]}


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict:
    return json.loads((shared / "reference/survey/cfa_invariance.json").read_text())


@pytest.fixture(scope="module")
def holzinger(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/holzinger1939.csv")


@pytest.fixture(scope="module")
def neuroticism(shared: Path) -> np.ndarray:
    return pd.read_csv(shared / "data/bfi.csv")[NEURO["n"]].to_numpy(float)


@pytest.fixture(scope="module")
def datcat(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "data/semtools_datcat.csv")


def answers_of(frame: pd.DataFrame) -> np.ndarray:
    return frame[[f"x{i}" for i in range(1, 10)]].to_numpy(float)


def with_holes(frame: pd.DataFrame) -> np.ndarray:
    x = answers_of(frame)
    x[frame.agemo == 0, 4] = np.nan
    x[frame.id % 7 == 0, 8] = np.nan
    return x


def names_of(model: CfaModel, rename: dict[str, str]) -> Iterator[tuple[Cell, tuple]]:
    items = model.items
    factors = tuple(rename.get(f, f) for f in model.factors)
    for c in model.cells:
        key = {
            Matrix.LOADING: lambda c=c: (factors[c.column], "=~", items[c.row]),
            Matrix.INTERCEPT: lambda c=c: (items[c.row], "~1", ""),
            Matrix.FACTOR_MEAN: lambda c=c: (factors[c.row], "~1", ""),
            Matrix.RESIDUAL: lambda c=c: (items[c.row], "~~", items[c.column]),
            Matrix.FACTOR_COVARIANCE: lambda c=c: (factors[c.row], "~~", factors[c.column]),
            Matrix.THRESHOLD: lambda c=c: (items[c.row], "|", f"t{c.column + 1}"),
            Matrix.SCALE: lambda c=c: (items[c.row], "~*~", items[c.row]),
        }[c.matrix]()
        yield c, (*key, c.group + 1)


def compare_parameters(
    fit: CfaFit | OrdinalCfaFit, expected: dict, *, rename: dict[str, str] | None = None,
    errors: bool = True,
) -> None:  # fmt: skip
    rows = {}
    for row in expected["parameters"]:
        group = row.get("group", 1)
        rows[row["lhs"], row["op"], row["rhs"], group] = row
        rows[row["rhs"], row["op"], row["lhs"], group] = row
    seen = 0
    for cell, key in names_of(fit.model, rename or {}):
        if cell.free < 0:
            continue
        row = rows[key]
        estimate, error = fit.theta[cell.free], fit.std_error[cell.free]
        # lavaan's optimiser stops at 1e-5; ours at 1e-9
        assert estimate == pytest.approx(row["est"], abs=1e-4), key
        seen += 1
        if not errors or row["se"] is None:
            continue
        assert error == pytest.approx(row["se"], abs=1e-4), key
        if row["se"] > 0 and row["z"] is not None:
            assert estimate / error == pytest.approx(row["z"], rel=1e-3, abs=1e-3), key
            low = estimate + ndtri(0.025) * error
            assert low == pytest.approx(row["ci.lower"], abs=3e-4), key
    assert seen >= fit.model.n_free


NAMES = {
    "chisq": "chi_square", "df": "df", "pvalue": "p_value", "cfi": "cfi", "tli": "tli",
    "nnfi": "tli", "rfi": "rfi", "nfi": "nfi", "ifi": "ifi", "rni": "rni", "rmsea": "rmsea",
    "baseline.chisq": "baseline_chi_square", "baseline.df": "baseline_df",
    "rmsea.ci.lower": "rmsea_low", "rmsea.ci.upper": "rmsea_high", "rmsea.pvalue": "rmsea_close",
}  # fmt: skip
CRITERIA = {
    "logl": "log_likelihood", "unrestricted.logl": "saturated_log_likelihood", "aic": "aic",
    "bic": "bic", "bic2": "bic_adjusted",
}  # fmt: skip
SKIPPED_GFI = ("gfi", "agfi")


def value_of(fit: CfaFit | OrdinalCfaFit, key: str) -> float:
    if key == "npar":
        return fit.model.n_free
    if key == "fmin":  # lavaan: half of chi-squared over N
        return fit.comparative.chi_square / (2 * sum(fit.n))
    if key in NAMES:
        return getattr(fit.comparative, NAMES[key])
    if key.replace(".scaled", "") in NAMES:
        return getattr(fit.scaled, NAMES[key.replace(".scaled", "")])
    if key.endswith(".robust"):
        return getattr(fit.robust, key.split(".")[0])
    if key in CRITERIA:
        return getattr(fit.criteria, CRITERIA[key])
    if key == "srmr_bentler":  # of ordered items lavaan counts thresholds too: its own rmr
        return fit.residual.rmr if isinstance(fit, OrdinalCfaFit) else fit.residual.srmr
    if key == "wrmr":
        return fit.wrmr
    if key == "chisq.scaling.factor":
        return fit.scaling
    if key == "baseline.chisq.scaling.factor":
        return getattr(fit, "baseline_scaling", None)
    return getattr(fit.residual, key)


def compare_fit(fit: CfaFit | OrdinalCfaFit, expected: dict, *, skip: tuple[str, ...] = ()) -> None:
    checked = 0
    for key, value in expected["fit"].items():
        if value is None or key in skip:
            continue
        got = value_of(fit, key)
        if got is None:
            continue
        # survey.md section 6: 1e-3 on chi-squared, 1e-4 on the rest
        loose = 1e-3 if "chisq" in key and "factor" not in key else 1e-4
        assert got == pytest.approx(value, abs=loose, rel=1e-7), key
        checked += 1
    assert checked > 15


MODEL = measurement_model(HS)
WITH_MEANS = measurement_model(HS, means=True)
UNIT = measurement_model(HS, identification=Identification.UNIT_VARIANCE)
ONE = measurement_model({"g": [f"x{i}" for i in range(1, 10)]})


@HOLZINGER
@pytest.mark.parametrize(
    ("case", "model", "estimator"),
    [
        ("hs_ml", MODEL, CfaEstimator.ML),
        ("hs_ml_stdlv", UNIT, CfaEstimator.ML),
        ("hs_mlr", MODEL, CfaEstimator.MLR),
        ("hs_mlm", MODEL, CfaEstimator.MLM),
        ("hs_meanstructure", WITH_MEANS, CfaEstimator.ML),
        ("hs_1factor_ml", ONE, CfaEstimator.ML),
        ("hs_uls", MODEL, CfaEstimator.ULS),
    ],
)
def check_one_group(
    reference: dict, holzinger: pd.DataFrame, case: str, model: CfaModel, estimator: CfaEstimator
) -> None:
    fit = confirmatory_factors(answers_of(holzinger), model, estimator=estimator)
    assert isinstance(fit, CfaFit)
    expected = reference[case]
    compare_parameters(fit, expected, errors=estimator is not CfaEstimator.ULS)
    compare_fit(fit, expected)


@HOLZINGER
def check_errors_of_least_squares_are_ours(reference: dict, holzinger: pd.DataFrame) -> None:
    # lavaan's default errors after ULS invert J'J, as if the moments were independent with unit
    # variance: reproduced here, but we print the sandwich, which is right.
    fit = confirmatory_factors(answers_of(holzinger), MODEL, estimator=CfaEstimator.ULS)
    jacobian = fit.structures[0].jacobian
    naive = np.linalg.inv(300 * jacobian.T @ jacobian)
    free = [row["se"] for row in reference["hs_uls"]["parameters"] if row["se"]]
    np.testing.assert_allclose(np.sort(np.sqrt(np.diag(naive))), np.sort(free), atol=1e-5)


@HOLZINGER
@pytest.mark.parametrize("estimator", [CfaEstimator.ML, CfaEstimator.MLR])
def check_full_information(
    reference: dict, holzinger: pd.DataFrame, estimator: CfaEstimator
) -> None:
    case = "hs_fiml" if estimator is CfaEstimator.ML else "hs_fiml_mlr"
    x = with_holes(holzinger)
    fit = confirmatory_factors(
        x, WITH_MEANS, estimator=estimator, missing=CfaMissing.FULL_INFORMATION
    )
    assert isinstance(fit, CfaFit)
    compare_parameters(fit, reference[case])
    compare_fit(fit, reference[case], skip=SKIPPED_GFI)
    # lavaan's GFI compares with pairwise moments even under full information; ours with the
    # saturated model's. With pairwise moments and the same weights its number comes out.
    pairwise = pd.DataFrame(x).cov().to_numpy() * 300 / 301
    rows, columns = np.tril_indices(9)
    observed = np.concatenate([np.nanmean(x, axis=0), pairwise[rows, columns]])
    weight = np.zeros((54, 54))
    implied = fit.structures[0].moments
    for pattern in fit.data[0].patterns:
        inside = np.isin(np.arange(9), pattern.seen)
        place = np.concatenate([pattern.seen, 9 + np.flatnonzero(inside[rows] & inside[columns])])
        sigma = implied.covariance[np.ix_(pattern.seen, pattern.seen)]
        weight[np.ix_(place, place)] += pattern.n * normal_weight(sigma, means=True)
    gap = observed - implied.vector
    gfi = 1 - gap @ weight @ gap / (observed @ weight @ observed)
    assert gfi == pytest.approx(reference[case]["fit"]["gfi"], abs=1e-6)


@NEUROTICISM
def check_continuous_five_items(reference: dict, neuroticism: np.ndarray) -> None:
    fit = confirmatory_factors(neuroticism, measurement_model(NEURO), estimator=CfaEstimator.MLR)
    compare_parameters(fit, reference["bfi_N_mlr_continuous"])
    compare_fit(fit, reference["bfi_N_mlr_continuous"])


@HOLZINGER
@pytest.mark.parametrize("estimator", [CfaEstimator.ML, CfaEstimator.MLR])
def check_invariance_by_school(
    reference: dict, holzinger: pd.DataFrame, estimator: CfaEstimator
) -> None:
    expected = reference[f"hs_invariance_{estimator.value}"]
    fits = []
    for level in CHAIN:
        model = group_model(HS, n_groups=2, level=level)
        fit = confirmatory_factors(
            answers_of(holzinger), model, groups=holzinger.school, estimator=estimator
        )
        compare_parameters(fit, expected["models"][level.value])
        compare_fit(fit, expected["models"][level.value])
        fits.append(fit)
    for row, fit, before in zip(expected["lrt"][1:], fits[1:], fits, strict=False):
        test = difference_test(fit, before)
        assert test.statistic == pytest.approx(row["Chisq diff"], abs=1e-3)
        assert test.df == row["Df diff"]
        assert test.p_value == pytest.approx(row["Pr(>Chisq)"], abs=1e-4)
        assert fit.criteria.aic == pytest.approx(row["AIC"], abs=1e-3)
        assert fit.criteria.bic == pytest.approx(row["BIC"], abs=1e-3)
        if "RMSEA" in row:
            assert test.rmsea == pytest.approx(row["RMSEA"], abs=1e-5)
    scalar = {key: cell for cell, key in names_of(fits[2].model, {})}
    for row in expected["latent_means_scalar"]:
        cell = scalar[row["lhs"], "~1", "", row["group"]]
        mean = 0.0 if cell.free < 0 else fits[2].theta[cell.free]
        assert mean == pytest.approx(row["est"], abs=1e-4)


@HOLZINGER
def check_verdict_by_school(holzinger: pd.DataFrame) -> None:
    # the textbook case: loadings alike, intercepts not (survey.md 2.3)
    chain = invariance_across_groups(answers_of(holzinger), HS, holzinger.school)
    assert chain.verdict is InvarianceVerdict.FRAGILE
    assert chain.reached is InvarianceLevel.METRIC


@HOLZINGER
def check_partial_invariance(reference: dict, holzinger: pd.DataFrame) -> None:
    model = group_model(HS, n_groups=2, level=InvarianceLevel.SCALAR, free_intercepts=["x3", "x7"])
    fit = confirmatory_factors(answers_of(holzinger), model, groups=holzinger.school)
    compare_parameters(fit, reference["hs_partial_scalar_x3_x7"])
    compare_fit(fit, reference["hs_partial_scalar_x3_x7"])


@HOLZINGER
def check_score_tests_of_equalities(reference: dict, holzinger: pd.DataFrame) -> None:
    model = group_model(HS, n_groups=2, level=InvarianceLevel.SCALAR)
    fit = confirmatory_factors(answers_of(holzinger), model, groups=holzinger.school)
    keys = [c.key for c in model.select(Matrix.LOADING, 1) if c.free >= 0]
    keys += [c.key for c in model.select(Matrix.INTERCEPT, 1)]
    expected = reference["hs_scalar_score_tests"]
    found = [test.statistic for test in score_tests(fit, keys)]
    np.testing.assert_allclose(found, [row["X2"] for row in expected["uni"]], atol=1e-3)
    total, df = joint_score_test(fit, keys)
    assert (total, df) == (pytest.approx(expected["total"][0]["X2"], abs=1e-3), 15)


@THREE_WAVES
@pytest.mark.parametrize("level", CHAIN[:3])
def check_longitudinal(reference: dict, shared: Path, level: InvarianceLevel) -> None:
    x = pd.read_csv(shared / "data/semtools_exlong.csv").iloc[:, 1:].to_numpy(float)
    waves = [[f"y{i}t{t}" for i in (1, 2, 3)] for t in (1, 2, 3)]
    expected = reference["exlong_invariance"]
    fit = confirmatory_factors(x, longitudinal_model(waves, level=level))
    rename = {"wave0": "f1", "wave1": "f2", "wave2": "f3"}
    compare_parameters(fit, expected["models"][level.value], rename=rename)
    compare_fit(fit, expected["models"][level.value])
    place = CHAIN.index(level)
    if place:
        model = longitudinal_model(waves, level=CHAIN[place - 1])
        test = difference_test(fit, confirmatory_factors(x, model))
        row = expected["lrt"][place]
        assert test.statistic == pytest.approx(row["Chisq diff"], abs=1e-3)
        assert test.p_value == pytest.approx(row["Pr(>Chisq)"], abs=1e-5)
        assert test.rmsea == pytest.approx(row["RMSEA"], abs=1e-5)


def test_on_three_waves(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    THREE_WAVES.run(request, subtests)


@HOLZINGER
def check_reading_the_model(reference: dict, holzinger: pd.DataFrame) -> None:
    x = answers_of(holzinger)
    fit = confirmatory_factors(x, MODEL)
    rows = {(r["lhs"], r["op"], r["rhs"]): r for r in reference["hs_ml"]["parameters"]}
    solution = standardised(fit)
    for f, (factor, items) in enumerate(HS.items()):
        for item in items:
            i = int(item[1:]) - 1
            assert solution.loadings[i, f] == pytest.approx(
                rows[factor, "=~", item]["std.all"], abs=1e-5
            )
            assert solution.residual[i] == pytest.approx(
                rows[item, "~~", item]["std.all"], abs=1e-5
            )
    phi = solution.factor_correlations
    assert phi[0, 1] == pytest.approx(rows["visual", "~~", "textual"]["std.all"], abs=1e-5)
    expected = reference["hs_reliability"]
    found = composite_reliability(fit)
    for key, got in (("compRelSEM", found.omega), ("ave", found.variance_extracted)):
        np.testing.assert_allclose(got, list(expected[key].values()), atol=1e-5)
    htmt = [list(row.values()) for row in expected["htmt"].values()]
    np.testing.assert_allclose(found.heterotrait, htmt, atol=1e-8)
    residual = [list(row.values()) for row in reference["hs_residual_cor"].values()]
    np.testing.assert_allclose(residual_correlations(fit), residual, atol=1e-5)
    for method in FactorScoreMethod:
        scores = [
            list(r.values()) for r in reference[f"hs_factor_scores_first5_{method.value}"].values()
        ]
        np.testing.assert_allclose(factor_scores(fit, x[:5], method=method), scores, atol=1e-5)


@HOLZINGER
def check_modification_indices(reference: dict, holzinger: pd.DataFrame) -> None:
    fit = confirmatory_factors(answers_of(holzinger), MODEL)
    found = score_tests(fit, cross_loadings(MODEL) + residual_pairs(MODEL))
    best = sorted(found, key=lambda test: -test.statistic)[:10]
    for test, row in zip(best, reference["hs_modindices_top10"], strict=True):
        assert test.statistic == pytest.approx(row["mi"], abs=1e-3)
        assert test.change == pytest.approx(row["epc"], abs=1e-4)


ORDINAL = measurement_model(NEURO, categories=[6] * 5)


@NEUROTICISM
@pytest.mark.parametrize(
    ("case", "model", "estimator"),
    [
        ("bfi_N_wlsmv", ORDINAL, OrdinalEstimator.DWLS),
        ("bfi_N_dwls", ORDINAL, OrdinalEstimator.DWLS),
        ("bfi_N_uls_ord", ORDINAL, OrdinalEstimator.ULS),
        (
            "bfi_N_wlsmv_theta",
            measurement_model(NEURO, categories=[6] * 5, theta=True),
            OrdinalEstimator.DWLS,
        ),
    ],
)
def check_ordered_items(
    reference: dict, neuroticism: np.ndarray, case: str, model: CfaModel,
    estimator: OrdinalEstimator,
) -> None:  # fmt: skip
    fit = ordinal_factors(neuroticism, model, estimator=estimator)
    assert isinstance(fit, OrdinalCfaFit)
    naive = case == "bfi_N_dwls"
    compare_parameters(fit, reference[case], errors=not naive)
    compare_fit(fit, reference[case])
    if naive:  # lavaan's plain DWLS inverts J'WJ; we print robust errors always
        weight = block_diagonal([(m.n - 1) * moment_weight(m, estimator) for m in fit.moments])
        errors = np.sqrt(np.diag(np.linalg.inv(fit.jacobian.T @ weight @ fit.jacobian)))
        rows = [r["se"] for r in reference[case]["parameters"] if r["op"] == "=~" and r["se"]]
        loadings = [c.free for c in model.select(Matrix.LOADING) if c.free >= 0]
        np.testing.assert_allclose(errors[loadings], rows, atol=1e-6)


def test_on_neuroticism(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    NEUROTICISM.run(request, subtests)


@DATCAT
def check_ordered_items_of_two_factors(reference: dict, datcat: pd.DataFrame) -> None:
    x = datcat.iloc[:, :8].to_numpy(float)
    fit = ordinal_factors(x, measurement_model(FU, categories=[5] * 8))
    compare_parameters(fit, reference["datcat_wlsmv"])
    compare_fit(fit, reference["datcat_wlsmv"])


@DATCAT
@pytest.mark.parametrize(
    ("level", "case"),
    [
        ("configural", "configural"),
        ("thresholds", "thresholds"),
        ("metric", "thresholds_loadings"),
        ("scalar", "scalar"),
    ],
)
def check_ordered_invariance(reference: dict, datcat: pd.DataFrame, level: str, case: str) -> None:
    x = datcat.iloc[:, :8].to_numpy(float)
    assert [len(c) for c in category_codes(x)[1]] == [5] * 8
    model = ordinal_group_model(FU, [5] * 8, n_groups=2, level=InvarianceLevel(level))
    fit = ordinal_factors(x, model, groups=datcat.g)
    expected = reference["datcat_invariance_wu_estabrook"][case]
    compare_parameters(fit, expected)
    # lavaan 0.6-14 sums the independence model's trace over groups without their shares, twice
    # too much with two equal groups: its robust TLI is checked below with that factor.
    compare_fit(fit, expected, skip=("tli.robust",))
    if case == "configural":
        base_df = fit.comparative.baseline_df
        log_dets = [np.linalg.slogdet(m.correlation)[1] for m in fit.moments]
        base = -sum(m.n * d for m, d in zip(fit.moments, log_dets, strict=True))
        trace = sum(np.trace(m.gamma[m.n_thresholds :, m.n_thresholds :]) for m in fit.moments)
        ours = (1 - fit.robust.tli) * (base - trace)
        assert 1 - ours / (base - 2 * trace) == pytest.approx(
            expected["fit"]["tli.robust"], abs=1e-6
        )
        assert base_df == expected["fit"]["baseline.df"]


def test_on_datcat(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    DATCAT.run(request, subtests)


@HOLZINGER
def check_identified_models_have_full_rank(holzinger: pd.DataFrame) -> None:
    for level in CHAIN:
        model = group_model(HS, n_groups=2, level=level)
        fit = confirmatory_factors(answers_of(holzinger), model, groups=holzinger.school)
        compiled = ModelMoments(model)
        jacobian = np.vstack([compiled.jacobian(fit.theta, g) for g in range(2)])
        assert np.linalg.matrix_rank(jacobian) == model.n_free


def test_on_holzinger(request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    HOLZINGER.run(request, subtests)
