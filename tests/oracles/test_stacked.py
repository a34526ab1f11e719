"""Stacked difference-in-differences against least squares on the stacked table, and diff-diff."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs.stacked import StackedDiD
from impact_eval.stats.inference.covariance import Clustered

CR1 = Clustered(correction="CR1")


def _uneven(rng):
    """Three waves of unequal sizes, so that the weights matter."""
    frame = staggered_panel(rng, units=90, periods=8, cohorts=(4.0, 5.0, 6.0, 6.0, np.inf, np.inf))
    return frame[(frame["cohort"] != 5) | (frame["id"] % 5 < 2)]


def _stacked_table(frame, design, starts, window):
    before, after = window
    parts = []
    for start in starts:
        clean = np.isinf(frame["cohort"])
        if design.control_group == "not_yet_treated":
            clean |= frame["cohort"] > start + after
        inside = frame["period"].between(start - before, start + after)
        part = frame[inside & (clean | (frame["cohort"] == start))]
        parts.append(part.assign(s=start, D=part["cohort"] == start, e=part["period"] - start))
    table = pd.concat(parts, ignore_index=True)
    size = table.groupby(["s", "D"])["id"].nunique().unstack()
    factor = (size[True] / size[True].sum()) / (size[False] / size[False].sum())
    corrected = design.weighting == "corrected"
    table["q"] = np.where(table["D"] | (not corrected), 1.0, table["s"].map(factor))
    return table


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weighting": "none"},
        {"before": 3, "after": 2},
        {"before": 3, "after": 2, "weighting": "none"},
        {"control_group": "never_treated"},
    ],
    ids=str,
)
def test_least_squares_on_the_stacked_table(rng, options):
    frame = _uneven(rng)
    design = StackedDiD(covariance=CR1, **options)
    estimate = design.fit(Sample(frame, unit="id", time="period", cohort="cohort"), "y")
    table = _stacked_table(frame, design, estimate.details["stacks"], estimate.details["window"])
    events = [e for e in np.sort(table["e"].unique()) if e != -1]
    indicators = np.column_stack([(table["e"] == e) & table["D"] for e in events]).astype(float)
    effects = [
        pd.get_dummies(table["s"].astype(str) + "-" + table[c].astype(str)).to_numpy(float)
        for c in ("id", "e")
    ]
    root = np.sqrt(table["q"].to_numpy())[:, None]
    nuisance = np.hstack(effects) * root
    x = indicators * root
    y = table["y"].to_numpy() * root[:, 0]
    rest = x - nuisance @ np.linalg.lstsq(nuisance, x, rcond=None)[0]
    beta = np.linalg.lstsq(rest, y, rcond=None)[0]
    residual = y - x @ beta
    residual -= nuisance @ np.linalg.lstsq(nuisance, residual, rcond=None)[0]
    scores = pd.DataFrame(rest * residual[:, None]).groupby(table["id"].to_numpy()).sum()
    bread = np.linalg.inv(rest.T @ rest)
    n, groups = len(table), len(scores)
    parameters = np.linalg.matrix_rank(nuisance) + len(events) - effects[0].shape[1] + 1
    factor = groups / (groups - 1) * (n - 1) / (n - parameters)
    covariance = bread @ (scores.T.to_numpy() @ scores.to_numpy()) @ bread * factor
    np.testing.assert_allclose(estimate.estimates[:-1], beta, atol=1e-10)
    np.testing.assert_allclose(estimate.covariance[:-1, :-1], covariance, rtol=1e-8, atol=1e-14)
    after = np.array(events) >= 0
    assert estimate["att"].estimate == pytest.approx(beta[after].mean(), abs=1e-10)


def test_points_are_those_of_diff_diff(real_data):
    """diff-diff 3.13.0: StackedDiD(kappa_pre=2, kappa_post=1, clean_control="not_yet_treated").

    Its standard errors take pooled period effects; points do not depend on that.
    """
    sample = Sample(real_data("causal/mpdta.csv"), unit="countyreal", time="year",
                    cohort="first.treat")  # fmt: skip
    estimate = StackedDiD(before=2, after=1).fit(sample, "lemp")
    want = [0.0027508187505209704, -0.004594606952861901, -0.041224471546216904,
            -0.022909539249539403]  # fmt: skip
    np.testing.assert_allclose(estimate.estimates, want, atol=1e-12)
    assert "cohorts_outside_window" in [f.code for f in estimate.findings]


def test_corrected_weights_give_the_mean_of_the_stacks(rng):
    """Wing et al.: the coefficient is the mean of each stack's own 2×2, by treated units."""
    frame = _uneven(rng)
    design = StackedDiD(before=2, after=1)
    estimate = design.fit(Sample(frame, unit="id", time="period", cohort="cohort"), "y")
    table = _stacked_table(frame, design, estimate.details["stacks"], (2, 1))
    mean = table.groupby(["s", "D", "e"])["y"].mean().unstack("e")
    change = mean.sub(mean[-1], axis=0)
    effect = change.xs(True, level="D") - change.xs(False, level="D")
    size = table[table["D"]].groupby("s")["id"].nunique()
    want = effect.mul(size / size.sum(), axis=0).sum()
    for e in (-2.0, 0.0, 1.0):
        assert estimate[f"event[{e:g}]"].estimate == pytest.approx(want[e], abs=1e-10)
