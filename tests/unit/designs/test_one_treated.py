"""A single place or person in the action: one fact, one code, no interval, whatever the design."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval import Clustered, Randomisation, Robust, Sample, designs
from impact_eval.stats.inference.covariance import Homoskedastic

Fitted = Any
DESIGNS = (
    "CallawaySantAnna", "ImputationDiD", "SunAbraham", "StackedDiD", "TwoWayFixedEffects",
    "ChaisemartinDHaultfoeuille", "DifferenceInDifferences",
)  # fmt: skip


def panel(*, per_place: int, places: int = 8) -> Sample:
    """Return six periods of places, the first of which enters at the fourth."""
    rng = np.random.default_rng(1)
    rows = [
        (f"{place}-{unit}", t, 4 * (place == 0), place, rng.normal() + (place == 0 and t >= 4))
        for place in range(places)
        for unit in range(per_place)
        for t in range(1, 7)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "t", "entry", "place", "y"])
    cluster = "place" if per_place > 1 else None
    return Sample(frame, unit="unit", time="t", cohort="entry", cluster=cluster)


def turned(sample: Sample) -> Sample:
    """Return the sample where all enter but the one that did."""
    frame = sample.frame.assign(entry=4 - sample.frame["entry"])
    return sample.derive(frame=frame)


def _nothing_but_an_estimate(estimate: Fitted) -> None:
    effect = (estimate.aggregate("simple") if len(estimate) > 1 else estimate).effects[0]
    assert effect.estimate is not None
    assert (effect.std_error, effect.statistic, effect.p_value) == (None, None, None)
    assert (effect.conf_low, effect.conf_high) == (None, None)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(
    ("per_place", "code"), [(6, "one_treated_cluster"), (1, "one_treated_unit")]
)
def test_one_treated_is_one_fact(name: str, per_place: int, code: str) -> None:
    estimate = getattr(designs, name)().fit(panel(per_place=per_place), "y")
    alone = {f.code for f in estimate.findings if f.code.startswith("one_treated")}
    assert alone == {code}
    _nothing_but_an_estimate(estimate)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(
    ("per_place", "code"), [(6, "one_comparison_cluster"), (1, "one_comparison_unit")]
)
def test_one_to_compare_with_is_one_fact(name: str, per_place: int, code: str) -> None:
    estimate = getattr(designs, name)().fit(turned(panel(per_place=per_place)), "y")
    assert code in {f.code for f in estimate.findings}
    _nothing_but_an_estimate(estimate)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("covariance", [Clustered(correction="CR1"), Clustered(correction="CR2")])
def test_a_covariance_asked_for_by_name_gives_none_either(name: str, covariance: Any) -> None:
    """Nothing is computed of one, and nothing says that it was."""
    estimate = getattr(designs, name)(covariance=covariance).fit(panel(per_place=6), "y")
    assert "one_treated_cluster" in {f.code for f in estimate.findings}
    assert estimate.method.covariance == "none"
    _nothing_but_an_estimate(estimate)


def test_what_does_not_need_several_is_given() -> None:
    """A replayed draw compares the one with each of the others; one variance for all is theirs."""
    sample = panel(per_place=1)
    for name in ("DifferenceInDifferences", "TwoWayFixedEffects"):
        estimate = getattr(designs, name)(covariance=Randomisation()).fit(sample, "y")
        assert estimate.effects[0].p_value is not None
        assert not {f.code for f in estimate.findings} & {"one_treated_unit"}
    two_way = designs.TwoWayFixedEffects(covariance=Homoskedastic()).fit(sample, "y")
    assert two_way.effects[0].std_error
    assert two_way.method.covariance == "iid"


@pytest.mark.parametrize("treated", [1, 8])
@pytest.mark.parametrize("clustered", [True, False])
def test_a_draw_of_one_has_no_interval(treated: int, *, clustered: bool) -> None:
    rng = np.random.default_rng(1)
    place = np.repeat(np.arange(9), 20 if clustered else 1)
    frame = pd.DataFrame(
        {"place": place, "z": (place < treated) * 1, "x": rng.normal(size=place.size)}
    )
    frame["y"] = rng.normal(size=place.size) + frame["x"]
    roles = {"treatment": "z", "covariates": ["x"]} | ({"cluster": "place"} if clustered else {})
    side = "treated" if treated == 1 else "comparison"
    for covariance in (None, Robust("HC3")):
        design = designs.DifferenceInMeans(covariance=covariance)
        named_rows = clustered and design.covariance is not None  # rows: the covariance says so
        estimate = design.fit(Sample(frame, **roles), "y")
        code = f"one_{side}_{'cluster' if clustered else 'unit'}"
        assert (code in {f.code for f in estimate.findings}) is not named_rows
        if not named_rows:
            _nothing_but_an_estimate(estimate)


def test_wald_has_no_interval_from_one_place() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"place": np.repeat(np.arange(6), 30)})
    frame["offer"], frame["young"] = (frame["place"] == 0) * 1, np.arange(180) % 2
    frame["entered"] = ((frame["offer"] * frame["young"] + rng.random(180)) > 0.8) * 1
    frame["y"] = rng.normal(size=180)
    design = designs.WaldDiD(take_up="entered", eligible="young")
    estimate = design.fit(Sample(frame, treatment="offer", cluster="place"), "y")
    assert "one_treated_cluster" in {f.code for f in estimate.findings}
    assert not {"ratio_interval_unbounded", "no_own_error"} & {f.code for f in estimate.findings}
    for effect in estimate.effects:
        assert effect.estimate is not None
        assert (effect.std_error, effect.p_value, effect.conf_low) == (None, None, None)
