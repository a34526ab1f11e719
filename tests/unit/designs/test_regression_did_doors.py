"""Whatever panel a stranger brings: a result whose gaps are explained, or a refusal in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.data.synthetic import staggered_panel
from impact_eval.designs import (
    ChaisemartinDHaultfoeuille,
    ImputationDiD,
    StackedDiD,
    SunAbraham,
    TripleDifference,
    TwoWayFixedEffects,
    WaldDiD,
)

DESIGNS = (
    TwoWayFixedEffects(),
    TwoWayFixedEffects(specification="event", anticipation=1),
    TwoWayFixedEffects(specification="event", window=(-1, 1)),
    SunAbraham(),
    SunAbraham(anticipation=1),
    ImputationDiD(),
    ImputationDiD(variance="bjs_leave_out"),
    ImputationDiD(variance="two_stage", anticipation=1),
    StackedDiD(before=1, after=0),
    StackedDiD(control_group="never_treated", weighting="none"),
    ChaisemartinDHaultfoeuille(),
    ChaisemartinDHaultfoeuille(normalized=True, switchers="in"),
    TripleDifference(eligible="q"),
    TripleDifference(eligible="q", control_group="not_yet_treated"),
    WaldDiD("e", eligible="q"),
)


def _any_panel(seed):
    """A small panel of any shape: holes, missing outcomes, odd cohorts, all roles or none."""
    rng = np.random.default_rng(seed)
    units, periods = int(rng.integers(3, 14)), int(rng.integers(2, 6))
    cohorts = rng.choice([1.0, 2, 3, 4, np.inf], int(rng.integers(1, 5)))
    rows = units * periods
    frame = pd.DataFrame(
        {
            "id": np.repeat([f"u{i}" for i in range(units)], periods),
            "t": np.tile(np.arange(1, periods + 1), units),
            "g": np.repeat(rng.choice(cohorts, units), periods),
            "d": rng.integers(0, 2, rows),
            "q": np.repeat(rng.integers(0, 2, units), periods),
            "c": np.repeat(rng.integers(0, units // 2 + 1, units), periods),
            "x": rng.normal(size=rows),
            "z": np.repeat(rng.normal(size=units), periods),
            "w": np.repeat(rng.uniform(0, 2, units).round(1), periods),
            "y": rng.normal(size=rows).round(2),
            "e": rng.integers(0, 2, rows),
        }
    )
    if rng.random() < 0.5:
        frame = frame[rng.random(rows) < rng.uniform(0.5, 1)]
    if rng.random() < 0.3:
        frame.loc[rng.random(len(frame)) < 0.2, "y"] = np.nan
    roles = {"cohort": "g"} if rng.random() < 0.7 else {"treatment": "d"}
    for role, column in (("cluster", "c"), ("weights", "w"), ("covariates", ["x", "z"])):
        if rng.random() < 0.3:
            roles[role] = column
    return frame, {"unit": "id", "time": "t", **roles}


def _check(estimate):
    for effect in estimate.effects:
        assert effect.std_error is None or effect.std_error > 0
        if effect.estimate is None or effect.std_error is None:
            assert estimate.findings, effect.key


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_a_result_or_a_refusal(seed):
    frame, roles = _any_panel(seed)
    try:
        sample = Sample(frame, **roles)
    except ImpactEvalError:
        return
    for design in DESIGNS:
        try:
            estimate = design.fit(sample, "y")
            _check(estimate)
            for kind in estimate.aggregator.kinds if estimate.aggregator else ():
                _check(estimate.aggregate(kind))
        except ImpactEvalError as refusal:
            assert refusal.codes  # noqa: PT017 - a refusal always says why


@pytest.mark.parametrize(
    ("design", "code"),
    [
        (lambda: TwoWayFixedEffects(specification="evnt"), "unknown_option"),
        (lambda: TwoWayFixedEffects(anticipation=-1), "option_too_low"),
        (lambda: TwoWayFixedEffects(window=(1, 3)), "window_without_start"),
        (lambda: ImputationDiD(variance="bsj"), "unknown_option"),
        (lambda: ImputationDiD(leads=-2), "option_too_low"),
        (lambda: StackedDiD(before=0), "option_too_low"),
        (lambda: ChaisemartinDHaultfoeuille(effects=0), "option_too_low"),
        (lambda: TripleDifference(method="psm"), "unknown_option"),
        (lambda: WaldDiD(interval="wald"), "unknown_option"),
    ],
)
def test_options_off_their_range(design, code):
    with pytest.raises(ImpactEvalError) as caught:
        design()
    assert code in caught.value.codes


def test_what_a_panel_cannot_give_is_said(rng):
    """No never treated, an always treated cohort, a cohort of one: findings, not silence."""
    frame = staggered_panel(rng, units=40, periods=6, cohorts=(1.0, 3.0, 5.0))
    frame.loc[frame["id"] == 1001, "cohort"] = 4.0
    sample = Sample(frame, unit="id", time="period", cohort="cohort")
    found = {f.code for f in SunAbraham().fit(sample, "y").findings}
    assert {"last_cohort_as_comparison", "always_treated_dropped", "few_clusters"} <= found
    imputed = ImputationDiD().fit(sample, "y")
    codes = {f.code for f in imputed.findings}
    assert {"cells_not_imputable", "unit_never_untreated", "one_unit_cohort"} <= codes
    alone = [e for e in imputed.effects if e.group == 4]
    assert alone
    assert all(e.std_error is None and e.estimate is not None for e in alone if e.time < 5)
    study = TwoWayFixedEffects(specification="event").fit(sample, "y")
    assert study.flow[-1].n <= sample.n
    stacked = StackedDiD(before=2, after=1).fit(sample, "y")
    assert "cohorts_outside_window" in {f.code for f in stacked.findings}


def test_another_cluster_can_be_named(rng):
    from impact_eval.stats.inference.covariance import Clustered

    frame = staggered_panel(rng, units=240, periods=5, units_per_cluster=2)
    roles = {"unit": "id", "time": "period", "cohort": "cohort"}
    named = TwoWayFixedEffects(covariance=Clustered("cluster", correction="CR1"))
    inside = TwoWayFixedEffects(covariance=Clustered(correction="CR1"))
    one = named.fit(Sample(frame, **roles), "y")["att"]
    other = inside.fit(Sample(frame, **roles, cluster="cluster"), "y")["att"]
    assert (one.std_error, one.n_clusters) == (other.std_error, other.n_clusters)
