"""The fast group-time kernel against the plain two-by-two one, cell by cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.stats.panels.cohort_gram import cohort_gram
from impact_eval.stats.panels.cohort_sorted import sort_panel
from impact_eval.stats.panels.drdid import DidMethod, panel_did
from impact_eval.stats.panels.group_time import group_time
from impact_eval.stats.panels.group_time_fit import Undefined
from impact_eval.stats.panels.group_time_moments import cells_from_moments
from impact_eval.stats.panels.group_time_plan import (
    BasePeriod,
    CellPlan,
    ControlGroup,
    plan_cells,
)

TIMES = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
COHORTS = np.array([3.0, 4.0])


def panel(seed: int = 1, units: int = 180) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, units)
    x = rng.normal(size=(units, 2)) + 0.3 * (codes[:, None] < 2)
    y = rng.normal(size=(units, 5)).cumsum(axis=1) + x[:, :1] * TIMES * 0.2
    return {"y": y, "codes": codes, "x": x, "w": rng.uniform(0.5, 2, units)}


def plan(
    control: str = "never_treated", base: str = "varying", anticipation: float = 0
) -> CellPlan:
    return plan_cells(
        TIMES,
        COHORTS,
        control_group=ControlGroup(control),
        base_period=BasePeriod(base),
        anticipation=anticipation,
    )


def brute_force(
    data: dict[str, np.ndarray],
    cells: CellPlan,
    method: str,
    *,
    weighted: bool,
    covariates: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """One plain two-by-two estimate per cell, influence put back in place."""
    y, codes = data["y"], data["codes"]
    estimates = np.zeros(cells.size)
    influence = np.zeros((len(y), cells.size))
    for i in range(cells.size):
        if cells.reference[i]:
            continue
        t, b = cells.time[i], cells.base[i]
        change = y[:, t] - y[:, b]
        used = ((codes == cells.cohort[i]) | cells.controls[i][codes]) & np.isfinite(change)
        design = np.ones((int(used.sum()), 1))
        if covariates is not None:
            at_base = covariates if covariates.ndim == 2 else covariates[:, b]
            design = np.column_stack([design, at_base[used]])
        weights = data["w"][used] if weighted else None
        treated = codes[used] == cells.cohort[i]
        found = panel_did(change[used], treated, design, weights=weights, method=DidMethod(method))
        estimates[i] = found.estimate
        influence[used, i] = found.influence
    return estimates, influence


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("control", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
@pytest.mark.parametrize("kind", ["none", "fixed", "varying", "holes"])
def test_every_cell_is_the_plain_two_by_two(
    kind: str, method: str, control: str, base: str, weighted: bool
) -> None:
    data = panel()
    covariates: Any = None if kind == "none" else data["x"]
    if kind == "varying":
        drift = np.random.default_rng(2).normal(size=(180, 5, 2)) * 0.3
        covariates = data["x"][:, None, :] + drift
    if kind == "holes":
        data["y"][np.random.default_rng(3).random((180, 5)) < 0.1] = np.nan
    cells = plan(control, base)
    fit = group_time(
        sort_panel(
            data["y"],
            data["codes"],
            2,
            covariates=covariates,
            weights=data["w"] if weighted else None,
        ),
        cells,
        method=DidMethod(method),
        pairwise=kind == "holes",
    )
    estimates, influence = brute_force(
        data, cells, method, weighted=weighted, covariates=covariates
    )
    size = cells.size
    np.testing.assert_allclose(fit.estimates, estimates, atol=1e-8)
    np.testing.assert_allclose(fit.influence()[:, :size], influence, atol=2e-8)
    np.testing.assert_allclose(fit.covariance[:size, :size], influence.T @ influence, atol=1e-9)
    joint = fit.influence()
    np.testing.assert_allclose(joint.T @ joint, fit.covariance, atol=1e-14)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("control", ["never_treated", "not_yet_treated"])
def test_many_waves_have_the_covariance_of_their_influence(control: str, weighted: bool) -> None:
    rng = np.random.default_rng(6)
    times, starts = np.arange(12.0), np.arange(2.0, 11.0)
    codes = rng.integers(0, len(starts) + 1, 90)
    data = {"y": rng.normal(size=(90, 12)).cumsum(axis=1), "codes": codes}
    data["w"] = rng.uniform(0.5, 2, 90)
    cells = plan_cells(
        times, starts, control_group=ControlGroup(control), base_period=BasePeriod.UNIVERSAL,
        anticipation=1,
    )  # fmt: skip
    _, psi = brute_force(data, cells, "reg", weighted=weighted, covariates=None)
    weights = data["w"] if weighted else None
    found = cells_from_moments(cohort_gram(data["y"], codes, 10, weights=weights), cells)
    np.testing.assert_allclose(
        found.covariance[: cells.size, : cells.size], psi.T @ psi, atol=1e-13
    )


def test_clusters_add_the_influence_of_their_units() -> None:
    data = panel()
    clusters = np.random.default_rng(4).integers(0, 30, 180) * 7 + 3
    cells = plan("not_yet_treated")
    common = {"covariates": data["x"]}
    by_unit = group_time(sort_panel(data["y"], data["codes"], 2, **common), cells)
    by_cluster = group_time(
        sort_panel(data["y"], data["codes"], 2, clusters=clusters, **common), cells
    )
    psi, labels = by_unit.influence(), np.unique(clusters)
    summed = np.array([psi[clusters == label].sum(axis=0) for label in labels])
    np.testing.assert_allclose(by_cluster.influence(), summed, atol=1e-13)
    np.testing.assert_allclose(by_cluster.covariance, summed.T @ summed, atol=1e-13)
    assert by_cluster.n_independent == len(labels)


def test_units_beyond_a_block_change_nothing() -> None:
    """More units than one cache block: the same as the plain computation."""
    data = panel(units=9_000)
    cells = plan()
    fit = group_time(sort_panel(data["y"], data["codes"], 2, covariates=data["x"]), cells)
    estimates, influence = brute_force(data, cells, "dr", weighted=False, covariates=data["x"])
    np.testing.assert_allclose(fit.estimates, estimates, atol=1e-9)
    np.testing.assert_allclose(
        np.diag(fit.covariance)[: cells.size], (influence**2).sum(axis=0), rtol=1e-6
    )


def test_large_samples_start_from_a_thinner_one_and_end_in_the_same_place() -> None:
    data = panel(units=140_000)
    cells = plan_cells(
        TIMES[:3], COHORTS[:1], control_group=ControlGroup.NEVER_TREATED,
        base_period=BasePeriod.VARYING,
    )  # fmt: skip
    codes = np.minimum(data["codes"], 1)
    data = {**data, "codes": codes, "y": data["y"][:, :3]}
    fit = group_time(sort_panel(data["y"], codes, 1, covariates=data["x"]), cells)
    estimates, _ = brute_force(data, cells, "dr", weighted=False, covariates=data["x"])
    np.testing.assert_allclose(fit.estimates, estimates, atol=1e-10)


def test_groups_told_apart_have_no_estimate() -> None:
    data = panel()
    data["x"][:, 0] = (data["codes"] == 0) * 10 + np.random.default_rng(5).random(180)
    fit = group_time(sort_panel(data["y"], data["codes"], 2, covariates=data["x"]), plan())
    first = plan().cohort == 0
    assert np.isnan(fit.estimates[first]).all()
    assert np.isfinite(fit.estimates[~first]).all()
    assert {fit.undefined[i] for i in np.flatnonzero(first)} == {Undefined.NO_OVERLAP}


def test_too_few_comparison_units_have_no_estimate() -> None:
    data = panel()
    data["codes"] = np.where(np.arange(180) < 2, 2, np.arange(180) % 2)
    fit = group_time(
        sort_panel(data["y"], data["codes"], 2, covariates=data["x"]), plan(), method=DidMethod.REG
    )
    assert set(fit.undefined.values()) == {Undefined.TOO_FEW_COMPARISON}


def test_last_waves_have_nobody_left_to_compare_with() -> None:
    data = panel()
    data["codes"] = np.minimum(data["codes"], 1)
    fit = group_time(sort_panel(data["y"], data["codes"], 2), plan("not_yet_treated"))
    cells = plan("not_yet_treated")
    late = TIMES[cells.time] >= COHORTS[-1]
    assert np.isnan(fit.estimates[late & (cells.cohort == 0)]).all()
    assert np.isfinite(fit.estimates[~late & (cells.cohort == 0)]).all()


def test_anticipation_moves_the_base_and_the_comparison() -> None:
    cells = plan("not_yet_treated", anticipation=1)
    first = (cells.cohort == 0) & (TIMES[cells.time] == 3)
    assert TIMES[cells.base[first]] == 1  # the last period before g - 1
    assert cells.controls[first].tolist() == [[False, False, True]]  # wave 4 may already react


@given(seed=st.integers(0, 10_000), parts=st.integers(1, 6), weighted=st.booleans())
@settings(max_examples=15, deadline=None)
def test_statistics_of_partners_merge_exactly(seed: int, parts: int, weighted: bool) -> None:
    """Each partner sends counts, means and Gram matrices; the sum is the pooled panel."""
    data = panel(seed)
    cells = plan("not_yet_treated", "universal")
    whole = group_time(
        sort_panel(data["y"], data["codes"], 2, weights=data["w"] if weighted else None), cells
    )
    scaled = data["w"] / data["w"].mean()
    owner = np.random.default_rng(seed).integers(0, parts, 180)
    sent = [
        cohort_gram(
            data["y"][owner == i] + 0,
            data["codes"][owner == i],
            3,
            weights=scaled[owner == i] if weighted else None,
        )
        for i in np.unique(owner)
    ]
    pooled = sent[0]
    for other in sent[1:]:
        pooled = pooled.merge(other)
    merged = cells_from_moments(pooled, cells)
    np.testing.assert_allclose(merged.estimates, whole.estimates, atol=1e-11)
    psi = whole.influence()
    np.testing.assert_allclose(merged.covariance, psi.T @ psi, atol=1e-12)


@given(seed=st.integers(0, 10_000), shift=st.floats(-50, 50), scale=st.floats(0.1, 20))
@settings(max_examples=15, deadline=None)
def test_order_level_and_scale_do_not_matter(seed: int, shift: float, scale: float) -> None:
    data = panel(seed % 7, units=60)
    reference = group_time(sort_panel(data["y"], data["codes"], 2), plan())
    order = np.random.default_rng(seed).permutation(60)
    moved = group_time(
        sort_panel(shift + scale * data["y"][order], data["codes"][order], 2), plan()
    )
    np.testing.assert_allclose(moved.estimates, scale * reference.estimates, atol=1e-9 * scale)
    np.testing.assert_allclose(
        moved.covariance[:8, :8], scale**2 * reference.covariance[:8, :8], rtol=1e-7, atol=1e-12
    )
