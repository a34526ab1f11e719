"""Who changes and can be compared with nobody is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs import CallawaySantAnna, ChaisemartinDHaultfoeuille, ImputationDiD


def paths(**groups: tuple[int, list[int]]) -> Sample:
    """So many towns with each path of the action over the years."""
    rng, rows = np.random.default_rng(0), []
    for name, (size, path) in groups.items():
        rows += [
            (f"{name}{i}", 2010 + t, on, rng.normal())
            for i in range(size)
            for t, on in enumerate(path)
        ]
    frame = pd.DataFrame(rows, columns=["town", "year", "on", "y"])
    return Sample(frame, unit="town", time="year", treatment="on")


def counted(estimate: Estimate, code: str) -> int | None:
    return next((int(str(f.values["n"])) for f in estimate.findings if f.code == code), None)


ENTER, NEVER, LEAVE, STAY = [0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]


def test_leavers_without_anybody_who_stays_are_counted() -> None:
    design = ChaisemartinDHaultfoeuille()
    alone = design.fit(paths(e=(15, ENTER), n=(15, NEVER), l=(7, LEAVE)), "y")
    assert counted(alone, "leavers_not_compared") == 7
    assert counted(alone, "joiners_not_compared") is None
    beside = design.fit(paths(e=(15, ENTER), n=(15, NEVER), l=(7, LEAVE), s=(5, STAY)), "y")
    assert counted(beside, "leavers_not_compared") is None


def test_joiners_after_everybody_has_entered_are_counted() -> None:
    """All have entered in the end: the last to do so are compared with nobody."""
    sample = paths(a=(6, [0, 1, 1, 1]), b=(4, [0, 0, 1, 1]), s=(9, STAY), l=(6, [1, 1, 0, 0]))
    estimate = ChaisemartinDHaultfoeuille().fit(sample, "y")
    assert counted(estimate, "joiners_not_compared") == 4
    assert counted(estimate, "leavers_not_compared") is None


def test_who_is_not_asked_for_is_not_counted() -> None:
    sample = paths(e=(15, ENTER), n=(15, NEVER), l=(7, LEAVE))
    estimate = ChaisemartinDHaultfoeuille(switchers="in").fit(sample, "y")
    assert counted(estimate, "leavers_not_compared") is None
    with pytest.raises(ImpactEvalError, match="no_switcher_compared"):
        ChaisemartinDHaultfoeuille(switchers="out").fit(sample, "y")


def test_a_unit_not_seen_where_others_are_is_alone() -> None:
    sample = paths(e=(15, ENTER), n=(15, NEVER))
    frame = sample.frame
    gone = (frame["town"] == "e0") & (frame["year"] >= 2012)
    estimate = ChaisemartinDHaultfoeuille().fit(
        Sample(frame.assign(y=frame["y"].mask(gone)), unit="town", time="year", treatment="on"), "y"
    )
    assert counted(estimate, "joiners_not_compared") == 1


def test_waves_without_any_effect_are_counted_in_units() -> None:
    sample = paths(a=(12, [0, 1, 1, 1]), b=(8, [0, 0, 0, 1]))
    for design in (CallawaySantAnna(control_group="not_yet_treated"), ImputationDiD()):
        estimate = design.fit(sample, "y")
        assert counted(estimate, "cohorts_without_effect") in (8, None)
    assert counted(ImputationDiD().fit(sample, "y"), "cohorts_without_effect") == 8
    assert (
        counted(ImputationDiD().fit(sample, "y").aggregate("group"), "cohorts_without_effect") == 8
    )


def test_a_horizon_with_nobody_left_to_compare_has_a_row_and_its_reason() -> None:
    """All have entered by the last year: two years after their entry, the first have no others."""
    sample = paths(a=(6, [0, 0, 1, 1, 1]), b=(4, [0, 0, 0, 0, 1]), s=(9, [1, 1, 1, 1, 1]))
    estimate = ChaisemartinDHaultfoeuille().fit(sample, "y")
    rows = {e.time: e for e in estimate.effects if e.term == "event"}
    assert sorted(rows) == [-2, 0, 1, 2]
    blank = rows[2]
    assert blank.estimate is None
    assert blank.conf_low is None
    assert blank.reason is not None
    assert blank.reason.reason == "cell_not_identified"
    assert (blank.n_treated, blank.n_comparison) == (6, 0)
    told = {f.code: dict(f.values) for f in estimate.findings}
    assert told["rows_without_effect"] == {"kind": "event", "n": 1, "rows": ("2",)}
    # the rows with a number are those of the panel that ends before everybody has entered
    frame = sample.frame[sample.frame["year"] < 2014]
    shorter = Sample(frame, unit="town", time="year", treatment="on")
    before = ChaisemartinDHaultfoeuille().fit(shorter, "y")
    for event in (-2, 0, 1):
        assert rows[event].estimate == pytest.approx(before[f"event[{event}]"].estimate)
        assert rows[event].conf_low == pytest.approx(before[f"event[{event}]"].conf_low)
    assert estimate["att"].estimate == pytest.approx(before["att"].estimate)
    assert [e.key for e in estimate.aggregate("simple").effects] == ["att"]


def test_where_all_can_be_compared_no_row_is_blank() -> None:
    estimate = ChaisemartinDHaultfoeuille().fit(paths(e=(15, ENTER), n=(15, NEVER)), "y")
    assert all(e.estimate is not None for e in estimate.effects)
    assert "rows_without_effect" not in {f.code for f in estimate.findings}
