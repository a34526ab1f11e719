"""What could not be computed says why at the place where it is asked for, in every aggregation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.effect import TIDY_COLUMNS
from impact_eval.core.estimate import Estimate
from impact_eval.data.sample import Sample
from impact_eval.designs import CallawaySantAnna, ImputationDiD, SunAbraham

ROLES: dict[str, Any] = {"unit": "id", "time": "t", "cohort": "start"}
KINDS = ("simple", "event", "group", "calendar")


def nobody_alike(entries: tuple[float, ...] = (3.0,), times: int = 4) -> Sample:
    """Who enters has an income that nobody else has."""
    rng = np.random.default_rng(2)
    start = np.repeat([*entries, 0.0], 30)
    ids, n = np.arange(len(start)), len(start)
    income = np.where(start > 0, -6.0, 6.0) + rng.normal(size=n)
    frame = pd.DataFrame({"id": np.repeat(ids, times), "t": np.tile(np.arange(1, times + 1), n)})
    frame["start"], frame["income"] = np.repeat(start, times), np.repeat(income, times)
    frame["y"] = rng.normal(size=len(frame)) + frame["income"] * frame["t"]
    return Sample(frame, covariates=["income"], **ROLES)


def two_waves(never: int = 0) -> Sample:
    """Waves that enter at 3 and 5 of 6 periods, with perhaps some that never do."""
    rng = np.random.default_rng(3)
    start = np.repeat([3.0, 5.0, 0.0], [20, 20, never])
    frame = pd.DataFrame({"id": np.repeat(np.arange(len(start)), 6)})
    frame["t"], frame["start"] = np.tile(np.arange(1, 7), len(start)), np.repeat(start, 6)
    frame["y"] = rng.normal(size=len(frame)) + 2.0 * (
        (frame["start"] > 0) & (frame["t"] >= frame["start"])
    )
    return Sample(frame, **ROLES)


def codes(estimate: Estimate) -> set[str]:
    return {finding.code for finding in estimate.findings}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["dr", "ipw"])
def test_with_nobody_comparable_every_aggregate_says_so(method: str, kind: str) -> None:
    estimate = CallawaySantAnna(method=method).fit(nobody_alike(), "y").aggregate(kind)
    effect = estimate["att"]
    assert effect.estimate is None
    assert effect.std_error is None
    assert effect.conf_low is None
    assert effect.reason is not None
    assert effect.reason.reason == "cell_no_overlap"
    assert {"cell_no_overlap", "nothing_to_aggregate"} <= codes(estimate)
    assert np.isnan(estimate.covariance).all()


def test_each_row_asked_for_exists() -> None:
    fitted = CallawaySantAnna().fit(nobody_alike(), "y")
    keys = {kind: {e.key for e in fitted.aggregate(kind).effects} for kind in KINDS}
    assert keys["event"] == {"event[-1]", "event[0]", "event[1]", "att"}
    assert keys["group"] == {"group[3]", "att"}
    assert keys["calendar"] == {"calendar[3]", "calendar[4]", "att"}


def test_what_is_known_is_given_beside_what_is_not() -> None:
    """The wave of 3 has nobody alike, that of 4 is like the others."""
    sample = nobody_alike((3.0, 4.0))
    frame = sample.frame.copy()
    frame.loc[frame["start"] == 4, "income"] *= -1
    mixed = Sample(frame, covariates=["income"], **ROLES)
    alone = Sample(frame[frame["start"] != 3], covariates=["income"], **ROLES)
    both, one = (CallawaySantAnna().fit(s, "y").aggregate("group") for s in (mixed, alone))
    assert both["group[3]"].estimate is None
    assert both["group[4]"].estimate == pytest.approx(one["group[4]"].estimate)
    assert both["att"].estimate == pytest.approx(one["att"].estimate)
    told = {f.code: f.values for f in both.findings}
    assert told["rows_without_effect"]["rows"] == ("3",)
    assert told["average_of_fewer"]["rows"] == ("att",)
    assert "average_of_fewer" not in codes(one)


def test_a_window_that_holds_no_effect_says_so() -> None:
    for window in ((7, 9), (-2, -1)):
        estimate = CallawaySantAnna(window=window).fit(two_waves(20), "y").aggregate("event")
        assert estimate["att"].estimate is None
        assert estimate["att"].reason is not None
        assert estimate["att"].reason.reason == "no_effect_asked"


@pytest.mark.parametrize("design", [ImputationDiD(), SunAbraham()])
def test_without_never_treated_the_last_periods_are_blank(design: Any) -> None:
    """From 5 on everybody is in: the rows of these periods exist, without a number."""
    whole = design.fit(two_waves(20), "y").aggregate("calendar")
    assert whole["calendar[5]"].estimate == pytest.approx(2, abs=1)
    assert whole["calendar[5]"].reason is None
    estimate = design.fit(two_waves(), "y").aggregate("calendar")
    if isinstance(design, SunAbraham):  # the last wave is the comparison until it enters
        assert "last_cohort_as_comparison" in codes(estimate)
        return
    blank = estimate["calendar[5]"]
    assert blank.estimate is None
    assert blank.reason is not None
    assert blank.reason.reason == "cell_not_imputable"
    assert {"rows_without_effect", "average_of_fewer"} <= codes(estimate)


def test_the_reason_is_in_words_and_not_in_the_table() -> None:
    effect = CallawaySantAnna().fit(nobody_alike(), "y").aggregate("simple")["att"]
    assert "semblables" in effect.summary("fr")
    assert "similar" in effect.summary("en")
    assert "reason" not in TIDY_COLUMNS


def test_a_whole_table_tells_of_no_blank() -> None:
    fitted = CallawaySantAnna().fit(two_waves(20), "y")
    for kind in KINDS:
        found = codes(fitted.aggregate(kind))
        assert not found & {"average_of_fewer", "rows_without_effect", "nothing_to_aggregate"}
