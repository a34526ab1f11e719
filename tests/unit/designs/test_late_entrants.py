"""An option that lets a known bias in says so where it bites: units never seen before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.data.sample import Sample
from impact_eval.designs import CallawaySantAnna

ROLES: dict[str, Any] = {"unit": "town", "time": "year", "cohort": "entry"}


def joining(late: tuple[int, ...]) -> pd.DataFrame:
    """Some towns join the survey in 2013, with a level 50 higher; the effect is 2."""
    rng = np.random.default_rng(0)
    town, year = np.repeat(np.arange(40), 6), np.tile(np.arange(2010, 2016), 40)
    entry = np.array([0, 2012, 2013, 0])[town % 4]
    y = rng.normal(size=240) * 0.1 + 2.0 * ((entry > 0) & (year >= entry))
    after = np.isin(town, late)
    frame = pd.DataFrame({"town": town, "year": year, "entry": entry, "y": y + 50 * after})
    return frame[~after | (year >= 2013)]


def counted(estimate: Estimate) -> dict[str, object]:
    codes = ("late_entrants", "late_comparison")
    return {f.code: f.values["n"] for f in estimate.findings if f.code in codes}


def test_treated_units_without_any_earlier_row_are_counted() -> None:
    rows, pairs = (CallawaySantAnna(unbalanced=u) for u in ("rows", "pairs"))
    sample = Sample(joining((1, 5, 9)), **ROLES)
    biased = rows.fit(sample, "y")
    assert counted(biased) == {"late_entrants": 3}
    assert (biased.aggregate("simple")["att"].estimate or 0) > 5
    clean = pairs.fit(sample, "y")
    assert counted(clean) == {}
    assert clean.aggregate("simple")["att"].estimate == pytest.approx(2, abs=0.2)


def test_comparison_units_without_any_earlier_row_are_counted_apart() -> None:
    estimate = CallawaySantAnna(unbalanced="rows").fit(Sample(joining((0, 3)), **ROLES), "y")
    assert counted(estimate) == {"late_comparison": 2}


def test_holes_that_leave_a_row_before_are_no_late_entry() -> None:
    frame = joining(()).drop(index=[8, 20, 31])
    assert counted(CallawaySantAnna(unbalanced="rows").fit(Sample(frame, **ROLES), "y")) == {}


def test_with_an_anticipation_the_row_before_is_earlier_still() -> None:
    frame = joining(())
    frame = frame[(frame["town"] != 1) | (frame["year"] >= 2011)]
    for anticipation, found in ((0, {}), (1, {"late_entrants": 1})):
        design = CallawaySantAnna(unbalanced="rows", anticipation=anticipation)
        assert counted(design.fit(Sample(frame, **ROLES), "y")) == found
