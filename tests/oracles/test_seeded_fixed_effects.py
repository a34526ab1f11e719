"""Two-way effects, Sun-Abraham, imputation, two stages and Goodman-Bacon against R, on invented
panels.

fixest, didimputation and did2s sweep the fixed effects out by iteration: 1e-7. The imputation
estimator by hand (seeded/by_hand.py) and bacondecomp are closed form: 1e-10, and 1e-8 where R fits
with dummies.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from seeded_cases import ALGEBRA, SWEPT, numbers, result, same, table

from impact_eval.core.estimate import Estimate
from impact_eval.data.sample import Sample
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.twfe import TwoWayFixedEffects
from impact_eval.stats.inference.covariance import Clustered

PANELS = {"panel": "panel_communes", "holes": "panel_trous", "gaps": "panel_annees_ecartees",
          "nonever": "panel_sans_jamais"}  # fmt: skip
CR1 = Clustered(correction="CR1")


@cache
def sample_of(panel: str, **roles: Any) -> Sample:
    more = {k: list(v) if isinstance(v, tuple) else v for k, v in roles.items()}
    frame = table(PANELS[panel])
    return Sample(frame, unit="commune", time="annee", cohort="cohorte", **more)


def errors(estimate: Estimate) -> np.ndarray:
    return np.sqrt(np.diag(estimate.covariance))


def times(stored: dict[str, Any]) -> list[float]:
    """Event times named in R's terms, covariates left out."""
    return [float(term.split("::")[1].split(":")[0]) for term in stored["term"] if "::" in term]


def of_times(stored: dict[str, Any], key: str) -> np.ndarray:
    return numbers([v for t, v in zip(stored["term"], stored[key], strict=True) if "::" in t])


# result: roles, covariance
STATIC = {
    "traite": ({}, CR1),
    "traite_dep": ({"cluster": "dep"}, CR1),
    "traite_nested_full_t_none": ({}, Clustered(correction="CR0")),
    "with_chomage": ({"covariates": ("chomage",)}, CR1),
    "weights_pop": ({"weights": "pop"}, CR1),
}


@pytest.mark.parametrize("case", STATIC)
@pytest.mark.parametrize("panel", PANELS)
def test_two_way_effects(panel: str, case: str) -> None:
    roles, covariance = STATIC[case]
    stored = result(f"twfe_{panel}")[case]
    place = stored["term"].index("traite")
    row = TwoWayFixedEffects(covariance=covariance).fit(sample_of(panel, **roles), "non_recours")[
        "att"
    ]
    assert row.estimate == pytest.approx(stored["estimate"][place], rel=SWEPT)
    assert row.std_error == pytest.approx(stored["std_error"][place], rel=SWEPT)
    if covariance is CR1:
        assert row.p_value == pytest.approx(stored["p_value"][place], rel=1e-5)
        assert row.df == stored["t_df"]


# R's roles, and the terms left out as reference; with years left out, each cohort's last year
# before (README)
EVENT = {
    ("panel", "event"): {},
    ("panel", "event_dep"): {"cluster": "dep"},
    ("panel", "event_weights_chomage_dep"): {
        "cluster": "dep", "weights": "pop", "covariates": ("chomage",),
    },
    ("holes", "event"): {},
    ("holes", "event_dep"): {"cluster": "dep"},
    ("nonever", "event"): {},
    ("nonever", "event_dep"): {"cluster": "dep"},
    ("nonever", "event_weights_chomage_dep"): {
        "cluster": "dep", "weights": "pop", "covariates": ("chomage",),
    },
    ("gaps", "event_last_before"): {},
}  # fmt: skip


@pytest.mark.parametrize(("panel", "case"), EVENT)
def test_two_way_event_study(panel: str, case: str) -> None:
    stored = result(f"twfe_{panel}")[case]
    design = TwoWayFixedEffects(specification="event", covariance=CR1)
    estimate = design.fit(sample_of(panel, **EVENT[panel, case]), "non_recours")
    assert [e.time for e in estimate.effects] == times(stored)
    same(estimate.estimates, of_times(stored, "estimate"), rtol=SWEPT, atol=SWEPT)
    same(errors(estimate), of_times(stored, "std_error"), rtol=SWEPT)
    if case == "event":
        wanted = numbers(result(f"twfe_{panel}")["event_covariance"])
        same(estimate.covariance, wanted, rtol=1e-6, atol=1e-9)


# roles, and the result; without never treated fixest is told to compare with the last cohort, as
# we do
SUN_ABRAHAM = {
    ("panel", "plain_commune"): {},
    ("panel", "plain_dep"): {"cluster": "dep"},
    ("panel", "chomage_commune"): {"covariates": ("chomage",)},
    ("panel", "weights_pop_dep"): {"weights": "pop", "cluster": "dep"},
    ("holes", "plain_commune"): {},
    ("holes", "plain_dep"): {"cluster": "dep"},
    ("holes", "chomage_commune"): {"covariates": ("chomage",)},
    ("nonever", "last_cohort_commune"): {},
    ("gaps", "last_before_commune"): {},
}


@cache
def sun_abraham(panel: str, case: str) -> Estimate:
    sample = sample_of(panel, **SUN_ABRAHAM[panel, case])
    return SunAbraham(covariance=CR1).fit(sample, "non_recours")


def parts(estimate: Estimate, kind: str) -> Estimate:
    """All rows of an aggregate that have a number, but the overall effect."""
    whole = estimate.aggregate(kind)
    known = [i for i, effect in enumerate(whole.effects) if effect.estimate is not None]
    return whole.select(known[:-1])


@pytest.mark.parametrize(("panel", "case"), SUN_ABRAHAM)
def test_sun_abraham_cells(panel: str, case: str) -> None:
    stored = result(f"sunab_{panel}")[case]["cells"]
    found = {(e.group, e.time): (e.estimate, e.std_error) for e in sun_abraham(panel, case).effects}
    want = {}
    for term, value, error in zip(
        stored["term"], stored["estimate"], stored["std_error"], strict=True
    ):
        if "cohort" in term:
            event, cohort = (float(part.split("::")[1]) for part in term.split(":cohort"))
            want[cohort, cohort + event] = (value, error)
    assert found.keys() == want.keys()
    for key, pair in want.items():
        same(list(found[key]), list(pair), rtol=SWEPT, atol=SWEPT, what=str(key))


@pytest.mark.parametrize(("panel", "case"), SUN_ABRAHAM)
def test_sun_abraham_event_study(panel: str, case: str) -> None:
    stored = result(f"sunab_{panel}")[case]["event"]
    event = parts(sun_abraham(panel, case), "event")
    assert [e.time for e in event.effects] == times(stored)
    same(event.estimates, of_times(stored, "estimate"), rtol=SWEPT, atol=SWEPT)
    same(errors(event), of_times(stored, "std_error"), rtol=SWEPT)


@pytest.mark.parametrize(("panel", "case"), SUN_ABRAHAM)
def test_sun_abraham_overall_and_cohorts(panel: str, case: str) -> None:
    stored = result(f"sunab_{panel}")[case]
    overall = sun_abraham(panel, case).aggregate("simple")["att"]
    assert overall.estimate == pytest.approx(stored["att"]["estimate"], rel=SWEPT)
    assert overall.std_error == pytest.approx(stored["att"]["std_error"], rel=SWEPT)
    group = parts(sun_abraham(panel, case), "group")
    same(group.estimates, of_times(stored["cohort"], "estimate"), rtol=SWEPT)
    same(errors(group), of_times(stored["cohort"], "std_error"), rtol=SWEPT)


def imputed(panel: str, variance: str, **roles: Any) -> Estimate:
    # the sum of influence values by cluster, without factor: didimputation's and did2s' own
    plain = Clustered(correction="CR0")
    design = ImputationDiD(variance=variance, leads=0, covariance=plain)
    return design.fit(sample_of(panel, **roles), "non_recours")


CHOMAGE = {"covariates": ("chomage",)}
IMPUTED: dict[str, dict[str, Any]] = {
    "static": {}, "cluster_dep": {"cluster": "dep"}, "with_chomage": CHOMAGE,
}  # fmt: skip


@pytest.mark.parametrize("case", IMPUTED)
@pytest.mark.parametrize("panel", PANELS)
def test_imputation_is_didimputation(panel: str, case: str) -> None:
    stored = result(f"didimputation_{panel}")[case]
    row = imputed(panel, "bjs", **IMPUTED[case]).aggregate("simple")["att"]
    assert row.estimate == pytest.approx(stored["estimate"], rel=SWEPT)
    assert row.std_error == pytest.approx(stored["std.error"], rel=1e-6)


@pytest.mark.parametrize("panel", PANELS)
def test_imputed_horizons_are_didimputation(panel: str) -> None:
    stored = result(f"didimputation_{panel}")["horizons"]
    event = parts(imputed(panel, "bjs"), "event")
    told = np.isfinite(
        numbers(stored["estimate"])
    )  # without never treated the last horizons are not
    assert [e.time for e in event.effects] == list(numbers(stored["term"])[told])
    same(event.estimates, numbers(stored["estimate"])[told], rtol=SWEPT)
    same(errors(event), numbers(stored["std.error"])[told], rtol=1e-6)


BY_HAND: dict[str, dict[str, Any]] = {
    "static": {}, "cluster_dep": {"cluster": "dep"}, "weights_pop": {"weights": "pop"},
    "weights_pop_cluster_dep": {"weights": "pop", "cluster": "dep"},
}  # fmt: skip


@pytest.mark.parametrize("case", BY_HAND)
@pytest.mark.parametrize("panel", PANELS)
def test_imputation_is_the_formula_written_out(panel: str, case: str) -> None:
    """With weights too, where didimputation 0.5.0 has no errors to compare with (README)."""
    stored = result("bjs_by_hand")[panel][case]
    row = imputed(panel, "bjs", **BY_HAND[case]).aggregate("simple")["att"]
    assert row.estimate == pytest.approx(stored["estimate"], rel=ALGEBRA)
    assert row.std_error == pytest.approx(stored["std_error"], rel=1e-9)


@pytest.mark.parametrize("panel", PANELS)
def test_weighted_horizons_are_the_formula_written_out(panel: str) -> None:
    name = "weights_pop_cluster_dep_horizon_"
    stored = {float(k.removeprefix(name)): v for k, v in result("bjs_by_hand")[panel].items()
              if k.startswith(name)}  # fmt: skip
    event = parts(imputed(panel, "bjs", weights="pop", cluster="dep"), "event")
    found = {e.time: e for e in event.effects}
    assert found.keys() == stored.keys()
    for time, row in found.items():
        assert row.estimate == pytest.approx(stored[time]["estimate"], rel=ALGEBRA)
        assert row.std_error == pytest.approx(stored[time]["std_error"], rel=1e-9)


TWO_STAGE: dict[str, dict[str, Any]] = {
    "static_commune": {}, "static_dep": {"cluster": "dep"}, "chomage": CHOMAGE,
    "weights_pop": {"weights": "pop"},
}  # fmt: skip


@pytest.mark.parametrize("case", TWO_STAGE)
@pytest.mark.parametrize("panel", PANELS)
def test_two_stages_are_did2s(panel: str, case: str) -> None:
    stored = result(f"did2s_{panel}")[case]
    row = imputed(panel, "two_stage", **TWO_STAGE[case]).aggregate("simple")["att"]
    assert row.estimate == pytest.approx(stored["estimate"][0], rel=SWEPT)
    assert row.std_error == pytest.approx(stored["std_error"][0], rel=1e-6)


@pytest.mark.parametrize("panel", PANELS)
def test_two_stage_event_study_is_did2s(panel: str) -> None:
    stored = result(f"did2s_{panel}")["event_commune"]
    event = parts(imputed(panel, "two_stage"), "event")
    after = [i for i, time in enumerate(times(stored)) if time >= 0]
    assert [e.time for e in event.effects] == [times(stored)[i] for i in after]
    same(event.estimates, numbers(stored["estimate"])[after], rtol=SWEPT)
    same(errors(event), numbers(stored["std_error"])[after], rtol=1e-6)


@pytest.mark.parametrize("panel", ["panel", "nonever", "gaps"])
def test_goodman_bacon_is_bacondecomp(panel: str) -> None:
    stored = result(f"bacon_{panel}")
    estimate = TwoWayFixedEffects().fit(sample_of(panel), "non_recours")
    bacon = estimate.details["bacon"]
    columns = (stored["table"][name] for name in ("treated", "untreated", "estimate", "weight"))
    want = {(t, c): (e, w) for t, c, e, w in zip(*columns, strict=True)}
    found = {(c["treated"], c["control"] or 99999): (c["estimate"], c["weight"])
             for c in bacon["comparisons"]}  # fmt: skip
    assert found.keys() == want.keys()
    for key, pair in want.items():
        same(list(found[key]), list(pair), rtol=1e-9, what=str(key))
    assert bacon["total"] == pytest.approx(stored["weighted_sum"], rel=1e-9)
    assert bacon["total"] == pytest.approx(estimate["att"].estimate, rel=ALGEBRA)
