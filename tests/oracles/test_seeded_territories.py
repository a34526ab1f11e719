"""Synthetic control and synthetic difference in differences against exact programs and synthdid.

`synthetic_exact_*` is the optimum (quadprog, a relative ridge of 1e-12): the estimate to 1e-6.
synthdid stops its Frank-Wolfe steps early: weights about 1e-3 off, estimates about 1e-2 at most
(its notes).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from seeded_cases import numbers, result, same, table

from impact_eval.data.sample import Sample
from impact_eval.designs.synthetic_control import SyntheticControl
from impact_eval.designs.synthetic_did import SyntheticDiD
from impact_eval.stats.panels.donor_weights import DonorVariant, match_predictors, synthetic_control
from impact_eval.stats.panels.sdid import (
    jackknife_covariance,
    sdid_jackknife,
    sdid_penalty,
    synthetic_did,
)

N_PRE, PERIODS = 12, 20
TREATED = (1, 3)


def paths(n_treated: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes, controls first as in the reference, and who is treated."""
    frame = table("territoires")
    wide = frame.pivot(index="territoire", columns="annee", values=f"pauvrete_{n_treated}")
    units = result(f"synthdid_{n_treated}_treated")["units"]
    ever = frame.groupby("territoire")[f"traite_{n_treated}"].max().loc[units].to_numpy() == 1
    assert ever.sum() == n_treated
    return wide.loc[units].to_numpy(), ever


def sample_of(n_treated: int) -> Sample:
    frame = table("territoires")
    ever = frame.groupby("territoire")[f"traite_{n_treated}"].transform("max") == 1
    start = np.where(ever, 2000 + N_PRE, 0)
    return Sample(frame.assign(debut=start), unit="territoire", time="annee", cohort="debut")


def sdid(n_treated: int) -> tuple[Any, np.ndarray, np.ndarray]:
    y, ever = paths(n_treated)
    penalty = sdid_penalty(y[~ever], n_pre=N_PRE, n_treated=n_treated)
    treated = ever[None] * 1.0
    return synthetic_did(y, treated, 1 - treated, n_pre=N_PRE, penalty=penalty), y, ever


@pytest.mark.parametrize("n_treated", TREATED)
def test_penalties(n_treated: int) -> None:
    y, ever = paths(n_treated)
    found = sdid_penalty(y[~ever], n_pre=N_PRE, n_treated=n_treated)
    exact, package = (
        result(f"synthetic_exact_{n_treated}_treated"),
        result(f"synthdid_{n_treated}_treated"),
    )
    for stored in (exact, package["sdid"]):
        assert found.omega == pytest.approx(stored["zeta_omega"], rel=1e-12)
        assert found.lambda_ == pytest.approx(stored["zeta_lambda"], rel=1e-12)


@pytest.mark.parametrize("n_treated", TREATED)
def test_synthetic_did_is_the_exact_program(n_treated: int) -> None:
    stored = result(f"synthetic_exact_{n_treated}_treated")["sdid"]
    fit, _, ever = sdid(n_treated)
    same(fit.omega[0, ~ever], stored["omega"], rtol=0, atol=1e-6)
    same(fit.lambda_[0], stored["lambda"], rtol=0, atol=1e-6)
    assert fit.att[0] == pytest.approx(stored["estimate"], abs=1e-6)
    row = (
        SyntheticDiD().fit(sample_of(n_treated), f"pauvrete_{n_treated}").aggregate("simple")["att"]
    )
    assert row.estimate == pytest.approx(stored["estimate"], abs=1e-6)


@pytest.mark.parametrize("n_treated", TREATED)
def test_synthetic_did_is_near_where_synthdid_stops(n_treated: int) -> None:
    stored = result(f"synthdid_{n_treated}_treated")["sdid"]
    fit, _, ever = sdid(n_treated)
    assert fit.att[0] == pytest.approx(stored["estimate"], abs=1e-2)
    same(fit.effects[0], stored["effect_curve"], rtol=0, atol=1e-2)
    same(fit.omega[0, ~ever], stored["omega"], rtol=0, atol=1e-3)
    same(fit.lambda_[0], stored["lambda"], rtol=0, atol=1e-3)


def test_placebo_of_every_control() -> None:
    """24 controls, each in turn in the place of the treated: no draw, so no Monte Carlo error."""
    stored = result("synthdid_1_treated")["sdid"]
    found = SyntheticDiD(draws=200).fit(sample_of(1), "pauvrete_1").aggregate("simple")
    assert found["att"].std_error == pytest.approx(stored["placebo_se_exact"], rel=2e-2)
    assert found.draws is not None
    ours = np.sort(found.draws.values[:, 0])
    same(ours, np.sort(numbers(stored["placebo_each_control"])), rtol=0, atol=3e-2)


def test_jackknife_of_three_treated() -> None:
    """Weights kept and brought back to one: an exact formula on weights 1e-3 apart."""
    stored = result("synthdid_3_treated")["sdid"]
    fit, y, ever = sdid(3)
    draws = sdid_jackknife(y, fit, ever * 1.0, ~ever * 1.0, n_pre=N_PRE).mean(axis=1)
    error = np.sqrt(jackknife_covariance(draws[:, None])[0, 0])
    assert error == pytest.approx(stored["jackknife_se"], rel=5e-3)
    design = SyntheticDiD(inference="jackknife")
    row = design.fit(sample_of(3), "pauvrete_3").aggregate("simple")["att"]
    assert row.std_error == pytest.approx(stored["jackknife_se"], rel=5e-3)


def test_placebo_error_of_three_treated() -> None:
    """Two samples of 200 draws: a relative error of 1/sqrt(400) each, three times its root two."""
    stored = result("synthdid_3_treated")["sdid"]
    design = SyntheticDiD(inference="placebo", draws=200)
    row = design.fit(sample_of(3), "pauvrete_3").aggregate("simple")["att"]
    assert row.std_error == pytest.approx(stored["placebo_se_200_seed1"], rel=0.21)


@pytest.mark.parametrize("n_treated", TREATED)
@pytest.mark.parametrize("kind", ["sc", "demeaned_sc", "did"])
def test_synthetic_control_is_the_exact_program(kind: str, n_treated: int) -> None:
    """The reference adds a ridge of (1e-6 noise)², so its weights are 1e-6 off at most."""
    stored = result(f"synthetic_exact_{n_treated}_treated")[kind]
    y, ever = paths(n_treated)
    target, donors = y[ever].mean(axis=0), y[~ever]
    if kind == "did":
        even = np.full(len(donors), 1 / len(donors))
        fit = synthetic_control(target, donors, n_pre=N_PRE, weights=even)
        effect = fit.gap[N_PRE:].mean() - fit.gap[:N_PRE].mean()
        assert effect == pytest.approx(stored["estimate"], rel=1e-10)
        package = result(f"synthdid_{n_treated}_treated")["did"]
        assert effect == pytest.approx(package["estimate"], rel=1e-10)
        return
    variant = DonorVariant.DEMEANED if kind == "demeaned_sc" else DonorVariant.CLASSIC
    fit = synthetic_control(target, donors, n_pre=N_PRE, variant=variant)
    same(fit.weights, stored["omega"], rtol=0, atol=1e-5)
    assert fit.gap[N_PRE:].mean() == pytest.approx(stored["estimate"], abs=1e-5)
    if kind == "sc":
        same(fit.gap, stored["gap"], rtol=0, atol=1e-5)
        assert fit.rmspe_pre == pytest.approx(stored["rmspe_pre"], rel=1e-5)
        assert fit.rmspe_post == pytest.approx(stored["rmspe_post"], rel=1e-5)


def test_rank_among_placebos() -> None:
    stored = result("synthetic_placebo_rank")
    estimate = SyntheticControl().fit(sample_of(1), "pauvrete_1")
    entry = estimate.details["synthetic"][0]
    gap = np.array(entry["treated"]) - np.array(entry["synthetic"])
    same(gap, stored["gap"], rtol=0, atol=1e-5)
    assert entry["rmspe_pre"] == pytest.approx(stored["rmspe_pre"], rel=1e-6)
    assert entry["rmspe_post"] == pytest.approx(stored["rmspe_post"], rel=1e-6)
    assert estimate["att"].p_value == pytest.approx(stored["p_value"], rel=1e-12)
    ratios = dict(zip(stored["units"], stored["ratio"], strict=True))
    for unit, ratio in dict(entry["placebo_ratios"]).items():
        assert ratio == pytest.approx(ratios[int(unit)], rel=1e-4), unit


def test_matching_on_predictors_does_as_well_as_synth() -> None:
    """Synth's search of the importance can stop elsewhere: the fit before must not be worse than
    its own.
    """
    stored, frame = result("synth_predictors"), table("territoires")
    wide = frame.pivot(index="territoire", columns="annee", values="pauvrete_1")
    before = frame[frame["annee"] < 2000 + N_PRE].groupby("territoire")
    columns = [before["emploi"].mean(), before["densite"].mean()]
    columns += [
        wide.loc[:, a:b].mean(axis=1) for a, b in ((2000, 2003), (2004, 2007), (2008, 2011))
    ]
    x = np.column_stack(columns)
    outcome = wide.loc[:, : 2000 + N_PRE - 1].to_numpy()
    fit = match_predictors(x[0], x[1:], outcome[0], outcome[1:])
    assert fit.loss <= stored["loss_v"] * (1 + 1e-6)
    gap = wide.loc[1].to_numpy() - fit.weights @ wide.loc[2:].to_numpy()
    assert gap[N_PRE:].mean() == pytest.approx(stored["mean_gap_after"], abs=0.05)
