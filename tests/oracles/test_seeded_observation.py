"""Propensity, balance and sensitivity against stats::glm, cobalt, EValue and sensemakr."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from seeded_cases import ALGEBRA, NEWTON, numbers, result, same, table

from impact_eval.stats.inference.regression import LinearFit, least_squares, logit_fit
from impact_eval.stats.surveys.covariate_balance import balance_table
from impact_eval.stats.surveys.hidden_bias import benchmark_bound, e_value, robustness
from impact_eval.stats.surveys.propensity import fit_propensity

DIPLOMAS = ("cap", "bac", "sup")  # beside "aucun"


def covariates(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of R's model matrix, in its order and without the intercept."""
    diplomas = {f"diplome{name}": (frame["diplome"] == name).astype(float) for name in DIPLOMAS}
    return pd.DataFrame({
        "age": frame["age"], "femme": frame["femme"], **diplomas,
        "enfants": frame["enfants"], "revenu_passe": frame["revenu_passe"],
    }).astype(float)  # fmt: skip


def with_intercept(x: pd.DataFrame) -> np.ndarray:
    return np.column_stack([np.ones(len(x)), x])


def test_propensity_is_that_of_glm() -> None:
    """IRLS stops when the deviance moves by less than 1e-8: 1e-9 on coefficients, squared on
    fits.
    """
    stored, frame = result("propensity"), table("observation")
    treated = frame["accompagne"].to_numpy() == 1
    found = fit_propensity(treated, with_intercept(covariates(frame)), np.ones(len(frame)))
    same(found.share, stored["logit_fitted"], rtol=NEWTON)
    odds = np.exp(numbers(stored["logit_linear"]))
    same(found.odds[~treated], odds[~treated], rtol=NEWTON)


def test_coefficients_of_the_propensity_are_those_of_glm() -> None:
    stored, frame = result("propensity"), table("observation")
    found = logit_fit(frame["accompagne"], with_intercept(covariates(frame)))
    same(found.coefficients, stored["logit"], rtol=NEWTON)
    # vcov keeps the weights of the iteration before the last: 5e-5 of the smallest covariances
    same(found.bread, stored["logit_covariance"], rtol=1e-4)
    assert found.log_likelihood == pytest.approx(stored["logit_loglik"], rel=ALGEBRA)
    same(found.fitted, stored["logit_fitted"], rtol=NEWTON)


def test_standardised_differences_are_those_of_cobalt() -> None:
    """cobalt's rows hold all four diplomas; the denominator pools both unweighted variances."""
    stored, frame = result("cobalt_raw"), table("observation")
    x = covariates(frame).assign(diplomeaucun=(frame["diplome"] == "aucun").astype(float))
    names = [
        name.replace("_", "") if name.startswith("diplome") else name for name in stored["variable"]
    ]
    found = balance_table(x[names].to_numpy(float), frame["accompagne"].to_numpy() == 1)
    binary = np.isin(names, [n for n in names if n.startswith("diplome") or n == "femme"])
    pooled = numbers(stored["diff_pooled"])
    same(found.standardised[~binary], pooled[~binary], rtol=ALGEBRA)
    # of a binary covariate cobalt takes p(1 - p), without n/(n - 1)
    p, q = found.mean_treated[binary], found.mean_comparison[binary]
    spread = np.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    same(found.difference[binary] / spread, pooled[binary], rtol=ALGEBRA)
    same(found.variance_ratio[~binary], numbers(stored["ratio"])[~binary], rtol=ALGEBRA)


def test_reweighted_comparison_is_the_formula() -> None:
    """Odds of the propensity as weights of the comparison rows (Hajek): what the odds are for."""
    stored, frame = result("aipw"), table("observation")
    treated, y = frame["accompagne"].to_numpy() == 1, frame["revenu"].to_numpy()
    found = fit_propensity(treated, with_intercept(covariates(frame)), np.ones(len(frame)))
    effect = y[treated].mean() - found.odds @ y / found.odds.sum()
    assert effect == pytest.approx(stored["ipw_hajek_att"], rel=NEWTON)
    same([found.share.min(), found.share.max()], [stored["min_e"], stored["max_e"]], rtol=NEWTON)


@pytest.mark.parametrize(
    ("case", "low", "high"),
    [("rr_18", 1.2, 2.7), ("rr_07", 0.5, 0.98), ("or_rare", 1.1, 2.4),
     ("or_common", 1.1**0.5, 2.4**0.5)],
)  # fmt: skip
def test_e_values(case: str, low: float, high: float) -> None:
    """A common odds ratio is turned into a risk ratio by its square root, as the package does."""
    stored = result("evalues")[case]
    found = e_value(stored["rr_point"], low, high)
    assert found.point == pytest.approx(stored["point"], rel=1e-12)
    nearer = stored["low"] if stored["low"] is not None else stored["high"]
    assert found.interval == pytest.approx(nearer, rel=1e-12)


def income() -> LinearFit:
    frame = table("observation")
    x = covariates(frame)
    columns = np.column_stack([np.ones(len(frame)), frame["accompagne"], x])
    return least_squares(frame["revenu"], columns, names=["(Intercept)", "accompagne", *x.columns])


def errors(fit: LinearFit) -> np.ndarray:
    return np.sqrt(np.diag(fit.bread) * fit.sigma2)


@pytest.mark.parametrize("name", ["(Intercept)", "accompagne", *covariates(table("observation"))])
def test_partial_r2_is_that_of_sensemakr(name: str) -> None:
    fit = income()
    t = fit.coefficients[fit.position(name)] / errors(fit)[fit.position(name)]
    found = robustness(float(t), fit.df_residual).partial_r2
    assert found == pytest.approx(result("sensemakr")["partial_r2"][name], rel=ALGEBRA)


def test_robustness_values_are_those_of_sensemakr() -> None:
    fit, stored = income(), result("sensemakr")["statistics"]
    place = fit.position("accompagne")
    assert fit.coefficients[place] == pytest.approx(stored["estimate"], rel=ALGEBRA)
    assert errors(fit)[place] == pytest.approx(stored["se"], rel=ALGEBRA)
    assert fit.df_residual == stored["dof"]
    found = robustness(float(fit.coefficients[place] / errors(fit)[place]), fit.df_residual)
    assert found.partial_r2 == pytest.approx(stored["r2yd.x"], rel=ALGEBRA)
    assert found.value == pytest.approx(stored["rv_q"], rel=ALGEBRA)
    assert found.value_alpha == pytest.approx(stored["rv_qa"], rel=1e-9)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_bounds_by_a_benchmark_are_those_of_sensemakr(times: int) -> None:
    frame, fit, stored = table("observation"), income(), result("sensemakr")["bounds"]
    place, known = fit.position("accompagne"), fit.position("revenu_passe")
    outcome_t = float(fit.coefficients[known] / errors(fit)[known])
    selection = least_squares(frame["accompagne"], with_intercept(covariates(frame)))
    treatment_t = float(selection.coefficients[-1] / errors(selection)[-1])
    found = benchmark_bound(
        float(fit.coefficients[place]), float(errors(fit)[place]), fit.df_residual,
        benchmark_treatment=robustness(treatment_t, selection.df_residual).partial_r2,
        benchmark_outcome=robustness(outcome_t, fit.df_residual).partial_r2,
        times=times,
    )  # fmt: skip
    row = {key: stored[key][times - 1] for key in stored}
    assert found.r2_treatment == pytest.approx(row["r2dz.x"], rel=1e-9)
    assert found.r2_outcome == pytest.approx(row["r2yz.dx"], rel=1e-9)
    assert found.estimate == pytest.approx(row["adjusted_estimate"], rel=1e-9)
    assert found.std_error == pytest.approx(row["adjusted_se"], rel=1e-9, abs=1e-6)
