"""The one result of all designs: rows, covariance, verbs, and an exact round trip."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from impact_eval.core import (
    TIDY_COLUMNS,
    Effect,
    Estimate,
    Finding,
    FlowStep,
    ImpactEvalError,
    Influence,
    JointTest,
    MethodRecord,
    NotApplicable,
    wald_effect,
)
from impact_eval.core.provenance import canonical_json

NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
COUNTS = st.one_of(st.none(), st.integers(0, 10**9))
LABELS = st.one_of(st.none(), st.floats(-1e6, 1e6), st.text(max_size=8))
EFFECTS = st.builds(
    Effect,
    outcome=st.text(max_size=8),
    estimand=st.sampled_from(["att", "ate", "change"]),
    term=st.text(min_size=1, max_size=8),
    group=LABELS,
    time=LABELS,
    estimate=NUMBERS,
    std_error=NUMBERS,
    df=NUMBERS,
    statistic=NUMBERS,
    p_value=NUMBERS,
    conf_low=NUMBERS,
    conf_high=NUMBERS,
    n_treated=COUNTS,
    n_comparison=COUNTS,
    n_clusters=COUNTS,
)


def _estimate(effects: tuple[Effect, ...], covariance: np.ndarray, **more: object) -> Estimate:
    return Estimate(
        outcome="y",
        estimand="att",
        method=MethodRecord("m", {"option": "a", "n": 1}, "CR0"),
        effects=effects,
        covariance=covariance,
        counterfactual=True,
        findings=(Finding.warning("few_clusters", n=8, advised=40),),
        flow=(FlowStep("read", 10), FlowStep("outcome_observed", 9, 1, "missing_outcome")),
        details={"weights": [0.25, 0.75]},
        **more,
    )


def _three(rng: np.random.Generator) -> Estimate:
    psi = rng.normal(size=(40, 3)) / 40
    covariance = psi.T @ psi
    errors = np.sqrt(np.diag(covariance))
    rows = tuple(
        wald_effect(outcome="y", estimand="att", term="event", time=float(t), estimate=0.1 * t,
                    std_error=float(errors[t]))
        for t in range(3)
    )  # fmt: skip
    return _estimate(rows, covariance, influence=Influence(psi, np.arange(40)))


@given(st.lists(EFFECTS, max_size=4), st.randoms(use_true_random=False))
def test_json_round_trip_is_exact(effects: list[Effect], draw: object) -> None:
    size = len(effects)
    random = draw.random
    matrix = np.array([[random() for _ in range(size)] for _ in range(size)]).reshape(size, size)
    if size:
        matrix[0, -1] = math.nan
    estimate = _estimate(tuple(effects), matrix)
    text = json.dumps(estimate.to_dict(), allow_nan=False)
    again = Estimate.from_dict(json.loads(text))
    assert again.effects == estimate.effects
    np.testing.assert_array_equal(again.covariance, estimate.covariance)
    assert again.flow == estimate.flow
    assert again.findings == estimate.findings
    assert again.method == estimate.method
    assert canonical_json(again.to_dict()) == canonical_json(estimate.to_dict())


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.one_of(st.none(), st.floats(1, 300)),
    st.floats(0.5, 0.999),
)
def test_wald_effect_is_scipys(
    estimate: float, std_error: float, df: float | None, level: float
) -> None:
    row = wald_effect(
        outcome="y", estimand="att", term="att", estimate=estimate, std_error=std_error, df=df,
        conf_level=level,
    )  # fmt: skip
    law = stats.norm if df is None else stats.t(df)
    low, high = law.interval(level)
    assert row.conf_low == pytest.approx(estimate + low * std_error, rel=1e-8, abs=1e-9)
    assert row.conf_high == pytest.approx(estimate + high * std_error, rel=1e-8, abs=1e-9)
    assert row.p_value == pytest.approx(2 * law.sf(abs(estimate / std_error)), rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("std_error", [None, 0.0, math.nan, math.inf])
def test_no_error_means_no_inference(std_error: float | None) -> None:
    row = wald_effect(outcome="y", estimand="att", term="att", estimate=1.0, std_error=std_error)
    assert row.estimate == 1.0
    assert (row.statistic, row.p_value, row.conf_low, row.conf_high) == (None,) * 4


def test_tidy_columns_order_and_types(rng: np.random.Generator) -> None:
    frame = _three(rng).tidy()
    assert tuple(frame.columns) == TIDY_COLUMNS
    assert frame["time"].tolist() == [0.0, 1.0, 2.0]
    assert frame["n_treated"].dtype == "Int64"
    assert frame["group"].isna().all()


def test_everything_is_frozen(rng: np.random.Generator) -> None:
    estimate = _three(rng)
    with pytest.raises(ValueError, match="read-only"):
        estimate.covariance[0, 0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate.outcome = "z"
    with pytest.raises(TypeError):
        estimate.details["x"] = 1


def test_a_covariance_of_another_size_is_refused() -> None:
    with pytest.raises(ImpactEvalError) as refused:
        _estimate((), np.eye(2))
    assert refused.value.codes == ("covariance_shape",)


def test_select_keeps_rows_covariance_and_influence_together(rng: np.random.Generator) -> None:
    whole = _three(rng)
    part = whole.select([2, 0])
    assert [e.key for e in part.effects] == ["event[2]", "event[0]"]
    np.testing.assert_array_equal(part.covariance, whole.covariance[np.ix_([2, 0], [2, 0])])
    assert part.influence is not None
    assert whole.influence is not None
    np.testing.assert_array_equal(part.influence.values, whole.influence.values[:, [2, 0]])
    masked = whole.select(np.array([True, False, True]))
    assert [e.key for e in masked.effects] == ["event[0]", "event[2]"]


def test_a_row_by_its_key_and_an_unknown_one(rng: np.random.Generator) -> None:
    estimate = _three(rng)
    assert estimate["event[1]"].time == 1.0
    with pytest.raises(ImpactEvalError) as refused:
        estimate["event[7]"]
    assert refused.value.codes == ("unknown_term",)
    assert "event[1]" in refused.value.findings[0].values["known"]


def test_joint_test_of_some_rows(rng: np.random.Generator) -> None:
    estimate = _three(rng)
    found = estimate.test(["event[1]", "event[2]"])
    assert isinstance(found, JointTest)
    b, v = estimate.estimates[1:], estimate.covariance[1:, 1:]
    assert found.statistic == pytest.approx(float(b @ np.linalg.solve(v, b)), rel=1e-8)
    assert found.terms == ("event[1]", "event[2]")
    nothing = estimate.test(["nothing"])
    assert isinstance(nothing, NotApplicable)
    assert nothing.reason == "no_testable_row"


def test_bands_are_wider_than_intervals_and_repeatable(rng: np.random.Generator) -> None:
    estimate = _three(rng)
    bands, again = estimate.bands(seed=4), estimate.bands(seed=4)
    pd.testing.assert_frame_equal(bands, again)
    plain = estimate.tidy()
    assert (bands["conf_low"] <= plain["conf_low"]).all()
    assert (bands["conf_high"] >= plain["conf_high"]).all()
    pd.testing.assert_series_equal(bands["estimate"], plain["estimate"])


@pytest.mark.parametrize("multipliers", ["rademacher", "mammen"])
def test_two_point_multipliers_agree_with_gaussian(
    rng: np.random.Generator, multipliers: str
) -> None:
    estimate = _three(rng)
    one = estimate.bands(seed=1).attrs["critical_value"]
    other = estimate.bands(seed=1, multipliers=multipliers).attrs["critical_value"]
    assert other == pytest.approx(one, abs=0.15)  # 40 units: the two laws differ by a few percent


def test_bands_refuse_what_they_cannot_do(rng: np.random.Generator) -> None:
    estimate = _three(rng)
    for options, code in (
        ({"level": 1.5}, "option_out_of_range"),
        ({"multipliers": "webbb"}, "unknown_option"),
    ):
        with pytest.raises(ImpactEvalError) as refused:
            estimate.bands(**options)
        assert refused.value.codes == (code,)
    without = dataclasses.replace(estimate, influence=None)
    with pytest.raises(ImpactEvalError) as refused:
        without.bands(multipliers="mammen")
    assert refused.value.codes == ("no_influence",)


def test_an_aggregation_not_offered_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ImpactEvalError) as refused:
        _three(rng).aggregate("event")
    assert refused.value.codes == ("unknown_aggregation",)


def test_lazy_influence_is_made_once() -> None:
    made: list[int] = []

    def make() -> np.ndarray:
        made.append(1)
        return np.ones((3, 2))

    influence = Influence(make, np.arange(3))
    assert not made
    combined = influence.transform(np.array([[1.0], [2.0]]))
    np.testing.assert_array_equal(combined.values, np.full((3, 1), 3.0))
    _ = influence.values, influence.values
    assert made == [1]
    assert not influence.values.flags.writeable
