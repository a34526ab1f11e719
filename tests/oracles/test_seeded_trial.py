"""The trial against R's estimatr, clubSandwich and sandwich, and what is planned and checked
around it.

Everything here is closed form but for what says so: 1e-10 relative, p-values 1e-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from seeded_cases import ALGEBRA, SWEPT, numbers, result, same, table

from impact_eval.core import JointTest
from impact_eval.core.inference import critical_value, two_sided_p
from impact_eval.data.sample import Sample
from impact_eval.designs.difference_in_means import DifferenceInMeans
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.stats.inference.covariance import (
    Clustered,
    Conley,
    Homoskedastic,
    Robust,
    covariance_of_fit,
    satterthwaite_df,
)
from impact_eval.stats.inference.joint_tests import (
    f_test,
    hotelling_test,
    selecting,
    wald_test_of_fit,
)
from impact_eval.stats.inference.multiplicity import Correction, adjust
from impact_eval.stats.inference.regression import LinearFit, least_squares
from impact_eval.stats.inference.wild_bootstrap import (
    TailCount,
    WildOptions,
    wild_cluster_bootstrap,
)
from impact_eval.stats.planning.power import (
    PowerTest,
    Tails,
    minimum_detectable_effect,
    paired_change,
    power_of_effect,
    required_size,
    two_means,
)
from impact_eval.stats.surveys.bounds import EffectBounds, TrimRule, lee_bounds

P_VALUE = 1e-8


def strata_columns(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.get_dummies(frame["strate"], prefix="strate", dtype=float).iloc[:, 1:]


def regression(
    frame: pd.DataFrame, outcome: str, names: list[str], *, weights: str | None = None
) -> LinearFit:
    """R's lm: intercept first, strata as dummies, rows without the outcome left out."""
    frame = frame[frame[outcome].notna()]
    parts = [strata_columns(frame) if name == "strate" else frame[[name]] for name in names]
    X = pd.concat([pd.Series(1.0, index=frame.index, name="(Intercept)"), *parts], axis=1)
    weight = None if weights is None else frame[weights].to_numpy(float)
    return least_squares(frame[outcome], X.to_numpy(float), names=list(X.columns), weights=weight)


def held(fit: LinearFit, covariance: Any, stored: Mapping[str, Any], **more: Any) -> None:
    """Every coefficient, error, degree of freedom, p-value and interval of a regression table."""
    found = covariance_of_fit(fit, covariance, **more)
    same(fit.coefficients, stored["estimate"], rtol=ALGEBRA)
    same(found.std_errors, stored["std_error"], rtol=ALGEBRA)
    same(found.df, stored["df"], rtol=1e-8)
    t = fit.coefficients / found.std_errors
    p = [two_sided_p(a, b) for a, b in zip(t, found.df, strict=True)]
    same(p, stored["p_value"], rtol=P_VALUE, atol=1e-290)
    half = found.std_errors * [critical_value(0.95, v) for v in found.df]
    same(fit.coefficients - half, stored["low"], rtol=1e-8)
    same(fit.coefficients + half, stored["high"], rtol=1e-8)


ROBUST = {
    "none": ("score_complet", ["offre"]),
    "strata": ("score_complet", ["offre", "strate"]),
    "covariates": ("score_complet", ["offre", "strate", "score_avant", "age", "femme"]),
    "missing": ("score_apres", ["offre", "strate", "score_avant"]),
}
KINDS = {"classical": Homoskedastic(), "HC0": Robust("HC0"), "HC1": Robust("HC1"),
         "HC2": Robust("HC2"), "HC3": Robust("HC3")}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", ROBUST)
def test_regression_is_lm_robust(model: str, kind: str) -> None:
    outcome, names = ROBUST[model]
    fit = regression(table("essai"), outcome, names)
    held(fit, KINDS[kind], result("estimatr_lm_robust")[f"{model}_{kind}"])


CLUSTERED = {
    "none": ["offre_agence"],
    "strata": ["offre_agence", "strate"],
    "covariates": ["offre_agence", "score_avant", "age"],
}
CORRECTIONS = {"CR0": "CR0", "stata": "CR1", "CR2": "CR2"}


@pytest.mark.parametrize("kind", CORRECTIONS)
@pytest.mark.parametrize("model", CLUSTERED)
def test_clustered_regression_is_lm_robust(model: str, kind: str) -> None:
    frame = table("essai")
    fit = regression(frame, "score_agence", CLUSTERED[model])
    stored = result("estimatr_clustered")[f"{model}_{kind}"]
    covariance = Clustered(correction=CORRECTIONS[kind])
    held(fit, covariance, stored, clusters=pd.factorize(frame["agence"])[0])


def one_row(row: Any, stored: Mapping[str, Any], place: int) -> None:
    assert row.estimate == pytest.approx(stored["estimate"][place], rel=ALGEBRA)
    assert row.std_error == pytest.approx(stored["std_error"][place], rel=ALGEBRA)
    assert row.df == pytest.approx(stored["df"][place], rel=1e-8)
    assert row.p_value == pytest.approx(stored["p_value"][place], rel=P_VALUE)
    assert row.conf_low == pytest.approx(stored["low"][place], rel=1e-8)
    assert row.conf_high == pytest.approx(stored["high"][place], rel=1e-8)


def trial(
    outcome: str, design: DifferenceInMeans, frame: pd.DataFrame | None = None, **roles: Any
) -> Any:
    known = {"treatment": "offre"} | roles
    return design.fit(Sample(table("essai") if frame is None else frame, **known), outcome).effects[
        0
    ]


LIN: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "hc2": (
        "score_complet", {"covariance": Robust("HC2")},
        {"covariates": ["score_avant", "age", "femme"]},
    ),
    "hc1": (
        "score_complet", {"covariance": Robust("HC1")},
        {"covariates": ["score_avant", "age", "femme"]},
    ),
    "hc3": (
        "score_complet", {"covariance": Robust("HC3")},
        {"covariates": ["score_avant", "age", "femme"]},
    ),
    "strata": ("score_complet", {"covariance": Robust("HC2")}, {"strata": "strate"}),
    "missing": (
        "score_apres", {"covariance": Robust("HC2")}, {"covariates": ["score_avant", "age"]},
    ),
    "cr2": (
        "score_agence", {},
        {"covariates": ["score_avant", "age"], "cluster": "agence", "treatment": "offre_agence"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LIN)
def test_trial_with_covariates_is_lin(case: str) -> None:
    """Blocks of unequal sizes are Lin's regression on the blocks' dummies: the same numbers."""
    outcome, options, roles = LIN[case]
    stored = result("estimatr_lm_lin")[case]
    one_row(trial(outcome, DifferenceInMeans(**options), **roles), stored, 1)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
@pytest.mark.parametrize("model", ROBUST)
def test_trial_without_interactions_is_lm_robust(model: str, kind: str) -> None:
    outcome, names = ROBUST[model]
    stored = result("estimatr_lm_robust")[f"{model}_{kind}"]
    design = DifferenceInMeans(adjustment="ancova", strata="fixed_effects", covariance=Robust(kind))
    roles: dict[str, Any] = {"covariates": [n for n in names if n not in ("offre", "strate")]}
    if "strate" in names:
        roles["strata"] = "strate"
    one_row(trial(outcome, design, **roles), stored, 1)


@pytest.mark.parametrize("kind", CORRECTIONS)
@pytest.mark.parametrize("model", CLUSTERED)
def test_trial_drawn_by_agency_is_lm_robust(model: str, kind: str) -> None:
    stored = result("estimatr_clustered")[f"{model}_{kind}"]
    covariance = Clustered("agence", correction=CORRECTIONS[kind])
    design = DifferenceInMeans(adjustment="ancova", strata="fixed_effects", covariance=covariance)
    roles: dict[str, Any] = {"treatment": "offre_agence"}
    if model == "strata":
        roles["strata"] = "strate"
    if model == "covariates":
        roles["covariates"] = ["score_avant", "age"]
    one_row(trial("score_agence", design, **roles), stored, 1)


DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("score_complet", {}),
    "blocked": ("score_complet", {"strata": "strate"}),
    "clustered": ("score_agence", {"treatment": "offre_agence", "cluster": "agence"}),
    "missing": ("score_apres", {}),
    "binary": ("emploi", {}),
    "weighted": ("score_complet", {"weights": "mois_chomage"}),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_trial_is_difference_in_means(case: str) -> None:
    outcome, roles = DIFFERENCES[case]
    stored = result("estimatr_difference_in_means")[case]
    by_name = case in ("blocked", "weighted")  # n - k there, Satterthwaite's by default here
    row = trial(outcome, DifferenceInMeans(covariance=Robust("HC2") if by_name else None), **roles)
    assert row.estimate == pytest.approx(stored["estimate"][0], rel=ALGEBRA)
    assert row.std_error == pytest.approx(stored["std_error"][0], rel=ALGEBRA)
    assert row.df == pytest.approx(stored["df"][0], rel=1e-8)
    assert row.p_value == pytest.approx(stored["p_value"][0], rel=P_VALUE)


CR = {"CR0": "CR0", "CR1S": "CR1", "CR2": "CR2", "CR3": "CR3"}


@pytest.mark.parametrize("kind", CR)
def test_clubsandwich(kind: str) -> None:
    stored, frame = result("clubsandwich")[kind], table("essai")
    fit = regression(frame, "score_agence", ["offre_agence", "strate", "score_avant"])
    codes = pd.factorize(frame["agence"])[0]
    found = covariance_of_fit(fit, Clustered(correction=CR[kind]), clusters=codes)
    same(fit.coefficients, stored["estimate"], rtol=ALGEBRA)
    same(found.std_errors, stored["std_error"], rtol=ALGEBRA)
    assert found.moments is not None
    same(satterthwaite_df(found.moments, np.eye(len(fit.names))), stored["df"], rtol=1e-8)


def test_clubsandwich_with_weights() -> None:
    stored, frame = result("clubsandwich")["CR2_weighted"], table("essai")
    fit = regression(frame, "score_agence", ["offre_agence", "score_avant"], weights="mois_chomage")
    found = covariance_of_fit(fit, Clustered(), clusters=pd.factorize(frame["agence"])[0])
    same(fit.coefficients, stored["estimate"], rtol=ALGEBRA)
    same(found.std_errors, stored["std_error"], rtol=ALGEBRA)
    same(found.df, stored["df"], rtol=1e-8)


def test_joint_tests_are_clubsandwich() -> None:
    stored, frame = result("clubsandwich"), table("essai")
    codes = pd.factorize(frame["agence"])[0]
    fit = regression(frame, "score_agence", ["offre_agence", "strate", "score_avant"])
    cr2 = covariance_of_fit(fit, Clustered(), clusters=codes)
    C = selecting(fit, ["offre_agence", "score_avant"])
    wald = dict(zip(stored["wald_two"]["test"], range(8), strict=True))
    for name, test, scale in (
        ("chi-sq", wald_test_of_fit(fit, cr2, C), 2),
        ("Naive-F", f_test(fit, cr2, C), 1),
        ("HTZ", hotelling_test(fit, cr2, C), 1),
    ):
        assert isinstance(test, JointTest)
        place = wald[name]
        assert test.statistic / scale == pytest.approx(stored["wald_two"]["Fstat"][place], rel=1e-9)
        assert test.p_value == pytest.approx(stored["wald_two"]["p_val"][place], rel=P_VALUE)
    crossed = regression(
        frame.assign(croise=frame["offre"] * frame["femme"]), "score_complet",
        ["offre", "femme", "strate", "croise"],
    )  # fmt: skip
    cr2 = covariance_of_fit(crossed, Clustered(), clusters=codes)
    C = np.eye(len(crossed.names))[[crossed.position("offre"), crossed.position("croise")]]
    htz, wanted = hotelling_test(crossed, cr2, C), stored["wald_htz_offre_femme"]
    assert isinstance(htz, JointTest)
    assert htz.statistic == pytest.approx(wanted["Fstat"], rel=1e-9)
    assert htz.df_denominator == pytest.approx(wanted["df_denom"], rel=1e-8)
    assert htz.p_value == pytest.approx(wanted["p_val"], rel=P_VALUE)


PANELS = {"panel": "panel_communes", "holes": "panel_trous", "gaps": "panel_annees_ecartees",
          "nonever": "panel_sans_jamais"}  # fmt: skip


def exposed(frame: pd.DataFrame) -> np.ndarray:
    return ((frame["cohorte"] > 0) & (frame["annee"] >= frame["cohorte"])).to_numpy(float)


def two_way_dummies(frame: pd.DataFrame) -> np.ndarray:
    """One dummy per commune, one per year but the first, as R's lm has them."""
    communes, years = (pd.get_dummies(frame[n]).to_numpy(float) for n in ("commune", "annee"))
    return np.column_stack([communes, years[:, 1:]])


def panel_regression(frame: pd.DataFrame) -> LinearFit:
    return least_squares(
        frame["non_recours"], np.column_stack([exposed(frame), two_way_dummies(frame)])
    )


def swept_regression(frame: pd.DataFrame) -> LinearFit:
    """The same coefficient and scores, fixed effects swept out of both sides (Frisch and Waugh)."""
    both = np.column_stack([exposed(frame), frame["non_recours"]])
    dummies = two_way_dummies(frame)
    rest = both - dummies @ np.linalg.lstsq(dummies, both, rcond=None)[0]
    return least_squares(rest[:, 1], rest[:, :1])


@pytest.mark.parametrize(
    ("name", "covariance"), [("traite_iid", Homoskedastic()), ("traite_hetero", Robust("HC1"))]
)
@pytest.mark.parametrize("panel", PANELS)
def test_independent_rows_of_a_panel_are_fixest(panel: str, name: str, covariance: Any) -> None:
    stored = result(f"twfe_{panel}")[name]
    fit = panel_regression(table(PANELS[panel]))
    assert fit.coefficients[0] == pytest.approx(stored["estimate"][0], rel=SWEPT)
    error = covariance_of_fit(fit, covariance).std_errors[0]
    assert error == pytest.approx(stored["std_error"][0], rel=SWEPT)


@pytest.mark.parametrize("level", ["commune", "dep"])
@pytest.mark.parametrize("panel", PANELS)
def test_two_way_clusters_are_fixest(panel: str, level: str) -> None:
    """Communes (or départements) and years: fixest's factor is that of the fewest clusters, here
    years.

    Both fixed effects are nested in a dimension of clusters and are not counted: two parameters.
    """
    stored, frame = result(f"twfe_{panel}")[f"traite_{level}_annee"], table(PANELS[panel])
    dimensions = [pd.factorize(frame[n])[0] for n in (level, "annee")]
    fit = swept_regression(frame)
    found = covariance_of_fit(fit, Clustered(correction="CR0"), clusters=dimensions)
    years, n = frame["annee"].nunique(), len(frame)
    factor = years / (years - 1) * (n - 1) / (n - 2)
    assert found.std_errors[0] * np.sqrt(factor) == pytest.approx(stored["std_error"][0], rel=SWEPT)
    assert found.df[0] == stored["t_df"]


@pytest.mark.parametrize("level", ["commune", "dep"])
def test_two_way_effects_with_cr2(level: str) -> None:
    """clubSandwich on dummies, and the design whose effects are absorbed: the same three
    numbers.
    """
    stored = result("clubsandwich")[f"panel_two_way_CR2_{level}"]
    wanted = [stored["estimate"], stored["std_error"], stored["df"]]
    frame = table("panel_communes")
    fit = panel_regression(frame)
    found = covariance_of_fit(fit, Clustered(), clusters=pd.factorize(frame[level])[0])
    same([fit.coefficients[0], found.std_errors[0], found.df[0]], wanted, rtol=1e-8)
    roles = {} if level == "commune" else {"cluster": level}
    sample = Sample(frame, unit="commune", time="annee", cohort="cohorte", **roles)
    row = TwoWayFixedEffects(covariance=Clustered(correction="CR2")).fit(sample, "non_recours")[
        "att"
    ]
    same([row.estimate, row.std_error, row.df], wanted, rtol=1e-8)


SANDWICH = {"HC0": Robust("HC0"), "HC1": Robust("HC1"), "HC2": Robust("HC2"), "HC3": Robust("HC3")}


@pytest.mark.parametrize("kind", [*SANDWICH, "CL_agence", "CL_agence_HC3", "CL_two_way"])
def test_sandwich(kind: str) -> None:
    frame = table("essai")
    fit = regression(frame, "score_complet", ["offre", "score_avant", "age"])
    wanted = numbers(result("sandwich")[kind])
    agency, age = (pd.factorize(frame[name])[0] for name in ("agence", "age"))
    if kind in SANDWICH:
        found = covariance_of_fit(fit, SANDWICH[kind])
    elif kind == "CL_agence":
        found = covariance_of_fit(fit, Clustered(correction="CR1"), clusters=agency)
    elif kind == "CL_agence_HC3":
        found = covariance_of_fit(fit, Clustered(correction="CR3"), clusters=agency)
    else:
        found = covariance_of_fit(fit, Clustered(correction="CR1"), clusters=[agency, age])
    same(found.matrix, wanted, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("model", ["none", "covariate"])
def test_wild_bootstrap_over_every_sign(model: str) -> None:
    """4,096 sign vectors of twelve agencies: the share, without any draw."""
    stored = result("wild_bootstrap_exact")[model]
    frame = table("essai").query("agence <= 12")
    fit = regression(
        frame, "score_agence", ["offre_agence", *(["score_avant"] if model == "covariate" else [])]
    )
    contrast = np.eye(len(fit.names))[1]
    codes = pd.factorize(frame["agence"])[0]
    for tail, share in ((TailCount.INCLUSIVE, "p_at_least"), (TailCount.STRICT, "p_strictly")):
        found = wild_cluster_bootstrap(
            fit, codes, contrast, rng=np.random.default_rng(0), options=WildOptions(tail=tail)
        )
        assert (found.n_draws, found.enumerated) == (stored["vectors"], True)
        assert found.estimate == pytest.approx(stored["estimate"], rel=ALGEBRA)
        strict = tail is TailCount.STRICT
        assert (found.p_value_strict if strict else found.p_value) == stored[share]


CUTOFFS = (30, 100, 250)


@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_conley_of_one_year(cutoff: int) -> None:
    """fixest's great circles: positive at 30 km; beyond it raises negative eigenvalues (README).

    Its sphere has a radius of 6371 km (ours 6371.0088): no pair changes side. Its factor is n/(n -
    k).
    """
    frame = (
        table("panel_communes").query("annee == 2021").merge(table("communes_lieux"), on="commune")
    )
    frame["traite"] = ((frame["cohorte"] > 0) & (frame["annee"] >= frame["cohorte"])).astype(float)
    fit = regression(frame, "non_recours", ["traite", "chomage", "log_pop"])
    covariance = Conley("latitude", "longitude", float(cutoff), kernel="uniform")
    found = covariance_of_fit(
        fit, covariance, coordinates=frame[["latitude", "longitude"]].to_numpy()
    )
    stored = result("conley")[f"cross_2021_{cutoff}km_spherical"]
    factor = np.sqrt(fit.n / (fit.n - len(fit.names)))
    # 250 km: two negative eigenvalues raised in another metric, 1 % off (cause not established,
    # README)
    loose = 0.02 if cutoff == 250 else 1e-9
    same(fit.coefficients, stored["estimate"], rtol=ALGEBRA)
    same(found.std_errors * factor, stored["std_error"], rtol=loose)


@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_conley_of_the_panel(cutoff: int) -> None:
    """All pairs of rows within the cutoff, whatever their year; n/(n - k) counts every fixed
    effect.
    """
    frame = table("panel_communes").merge(table("communes_lieux"), on="commune")
    fit = swept_regression(frame)
    covariance = Conley("latitude", "longitude", float(cutoff), kernel="uniform")
    found = covariance_of_fit(
        fit, covariance, coordinates=frame[["latitude", "longitude"]].to_numpy()
    )
    stored = result("conley")[f"panel_{cutoff}km_spherical"]
    factor = np.sqrt(fit.n / (fit.n - 1 - two_way_dummies(frame).shape[1]))
    loose = 0.02 if cutoff == 250 else 1e-9  # as above
    assert fit.coefficients[0] == pytest.approx(stored["estimate"][0], rel=SWEPT)
    assert found.std_errors[0] * factor == pytest.approx(stored["std_error"][0], rel=loose)


@pytest.mark.parametrize("correction", ["bonferroni", "holm", "hochberg", "hommel", "BH", "BY"])
def test_p_adjust(correction: str) -> None:
    p = [0.001, 0.012, 0.03, 0.04, 0.2, 0.55]
    same(
        adjust(p, Correction(correction.lower())),
        result("multiple_testing")[correction],
        rtol=1e-12,
    )


def test_power_is_that_of_r() -> None:
    """uniroot at 1e-12. R's default leaves out the far tail of a two-sided test."""
    stored, plain = result("power"), PowerTest(tails=Tails.TWO_ONE_COUNTED)
    arms = lambda n: two_means(n, n)  # noqa: E731
    assert required_size(arms, 0.3, plain) == pytest.approx(stored["n_per_arm_d03"], rel=1e-8)
    assert power_of_effect(0.3, arms(100), plain) == pytest.approx(
        stored["power_n100_d03"], rel=1e-9
    )
    assert minimum_detectable_effect(arms(150), plain) == pytest.approx(
        stored["mde_n150"], rel=1e-8
    )
    assert required_size(paired_change, 0.4, plain) == pytest.approx(
        stored["n_paired_d04"], rel=1e-8
    )


def test_lee_bounds_by_the_formula() -> None:
    """The reference takes floor(np) people off an end: four of 126, as the empirical quantile
    does.
    """
    stored, frame = result("lee_bounds"), table("essai")
    found = lee_bounds(frame["score_apres"], frame["offre"], rule=TrimRule.QUANTILE)
    assert isinstance(found, EffectBounds)
    assert found.response_treated == pytest.approx(stored["answer_treated"], rel=1e-14)
    assert found.response_comparison == pytest.approx(stored["answer_control"], rel=1e-14)
    assert found.trimmed_share == pytest.approx(stored["trim"], rel=1e-12)
    assert found.trimmed_arm == stored["trimmed_arm"]
    assert found.lower == pytest.approx(stored["lower_floor"], rel=ALGEBRA)
    assert found.upper == pytest.approx(stored["upper_floor"], rel=ALGEBRA)


def test_checks_of_the_trial() -> None:
    """Attrition by arm with HC2, and the F test of the draw given the strata."""
    stored, frame = result("trial_checks"), table("essai")
    lost = frame.assign(perdu=frame["score_apres"].isna().astype(float))
    held(regression(lost, "perdu", ["offre"]), Robust("HC2"), stored["attrition"])
    fit = regression(frame, "offre", ["age", "femme", "mois_chomage", "score_avant", "strate"])
    iid = covariance_of_fit(fit, Homoskedastic())
    C = np.eye(len(fit.names))[1:5]
    test = f_test(fit, iid, C)
    assert isinstance(test, JointTest)
    assert test.statistic == pytest.approx(stored["balance_F"], rel=1e-9)
    assert test.p_value == pytest.approx(stored["balance_p"], rel=P_VALUE)


def test_take_up_and_the_ratio_of_effects() -> None:
    """First stage of the offer on entry with HC2, and its ratio with the effect of the offer."""
    stored, frame = result("iv_take_up"), table("essai")
    first = regression(frame, "participe", ["offre"])
    held(first, Robust("HC2"), stored["first_stage"])
    offer = regression(frame, "score_complet", ["offre"])
    assert first.coefficients[1] == pytest.approx(stored["complier_share"], rel=ALGEBRA)
    ratio = offer.coefficients[1] / first.coefficients[1]
    assert ratio == pytest.approx(stored["none"]["estimate"][1], rel=ALGEBRA)
