"""The same table and method give the same answer in `did` and in `callaway_santanna`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Effect, Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs import CallawaySantAnna, DifferenceInDifferences, TripleDifference
from impact_eval.stats.surveys import propensity
from impact_eval.stats.surveys.far_apart import gap_of_rows
from impact_eval.stats.surveys.propensity import Segment, fit_propensity, fit_segments

PANEL: dict[str, Any] = {"unit": "id", "time": "t", "cohort": "start"}
SURVEYS: dict[str, Any] = {"time": "t", "cohort": "start"}


def table(seed: int, apart: float, units: int = 300, copies: int = 1) -> pd.DataFrame:
    """Two groups met twice, whose first covariate stands `apart` standard deviations apart."""
    rng = np.random.default_rng(seed)
    treated = rng.random(units) < rng.uniform(0.05, 0.5)
    x = rng.normal(size=(units, 2)) + np.column_stack([apart * treated, np.zeros(units)])
    x[:, 1] = np.exp(x[:, 1] * 1.5)  # a skewed one, as incomes are
    change = x[:, 0] + rng.normal(size=units) + treated
    first = rng.normal(size=units)
    frame = pd.DataFrame(
        {"id": np.tile(np.arange(units), 2), "t": np.repeat([1, 2], units),
         "start": np.tile(np.where(treated, 2, 0), 2), "x": np.tile(x[:, 0], 2),
         "z": np.tile(x[:, 1], 2), "w": np.tile(rng.uniform(0.3, 3, units), 2),
         "c": np.tile(np.arange(units) // 4, 2), "y": np.concatenate([first, first + change])}
    )  # fmt: skip
    return frame


def told(estimate: Estimate) -> set[str]:
    return {f.code for f in estimate.findings}


def same(one: Effect, other: Effect) -> None:
    for name in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6, abs=1e-8), name


@pytest.mark.parametrize("more", [{}, {"weights": "w"}, {"cluster": "c"}], ids=str)
@pytest.mark.parametrize("method", ["dr", "ipw", "reg"])
@pytest.mark.parametrize("seed", range(4))
def test_two_periods_are_one_cell(seed: int, method: str, more: dict[str, Any]) -> None:
    frame = table(seed, apart=0.8 * seed)
    for roles in (PANEL, SURVEYS):
        if roles is SURVEYS and "cluster" in more:
            continue
        sample = Sample(frame, covariates=["x", "z"], **roles, **more)
        cell = CallawaySantAnna(method=method).fit(sample, "y")
        if cell.effects[0].estimate is None:
            with pytest.raises(ImpactEvalError, match="no_overlap"):
                DifferenceInDifferences(method=method).fit(sample, "y")
            continue
        whole = DifferenceInDifferences(method=method).fit(sample, "y")
        same(whole["att"], cell["att_gt[2, 2]"])
        assert told(whole) == told(cell)


def test_a_fit_that_wanders_is_not_called_a_lack_of_overlap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps that are only capped may not arrive where a maximum exists: others then do."""
    frame = table(2, apart=1.0)[:300]
    treated = frame["start"].to_numpy() > 0
    design = np.column_stack([np.ones(300), frame[["x", "z"]], frame["x"]])  # a column twice
    monkeypatch.setattr(propensity, "_MAX_STEPS", 2)
    slow = fit_propensity(treated, design, np.ones(300))
    fast = fit_segments([Segment(design[treated], True), Segment(design[~treated], False)])
    assert fast.converged
    share = 1 / (1 + np.exp(-design @ fast.coefficients))
    np.testing.assert_allclose(share, slow.share, atol=1e-9)
    far = np.where(treated, 9.0, -9.0)[:, None]
    apart = np.hstack([np.ones((300, 1)), far])
    assert not fit_segments(
        [Segment(apart[treated], True), Segment(apart[~treated], False)]
    ).converged


def test_groups_far_apart_are_told_whatever_the_method_and_the_design() -> None:
    near, far = table(1, apart=0.2), table(1, apart=2.0)
    for method in ("dr", "ipw", "reg"):
        for design in (CallawaySantAnna(method=method), DifferenceInDifferences(method=method)):
            for roles in (PANEL, SURVEYS):
                found = [
                    told(design.fit(Sample(f, covariates=["x"], **roles), "y")) for f in (near, far)
                ]
                assert ["groups_far_apart" in codes for codes in found] == [False, True]


def test_the_gap_is_that_of_the_means_over_the_spread() -> None:
    frame = table(3, apart=1.5)[:300]
    treated, x = frame["start"].to_numpy() > 0, frame[["x", "z"]].to_numpy()
    one, other = x[treated], x[~treated]
    spread = np.sqrt((one.var(axis=0) + other.var(axis=0)) / 2)
    expected = np.abs((one.mean(axis=0) - other.mean(axis=0)) / spread).max()
    design = np.column_stack([np.ones(300), x])
    assert gap_of_rows(design, treated) == pytest.approx(expected)


def test_a_triple_difference_without_overlap_is_blank_with_its_reason() -> None:
    frame = table(5, apart=0.2)
    frame["eligible"] = (frame["id"] % 2).astype(int)
    frame.loc[frame["eligible"] * (frame["start"] > 0) == 1, "x"] += 40
    fitted = TripleDifference().fit(Sample(frame, covariates=["x"], **PANEL), "y")
    effect = fitted.aggregate("simple")["att"]
    assert effect.estimate is None
    assert effect.reason is not None
    assert effect.reason.reason == "cell_no_overlap"
    assert "cells_no_overlap" in told(fitted)
