"""Random small panels: every cell of every panel design against loops written from the formulas.

Surveys with gaps, cohorts between two surveys or after the last, missing rows, nobody never
treated, always treated, leavers, weights. A cell that the formula does not give must not be there,
and the reverse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import panel_loops as loops
import pytest

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import ImpactEvalError
from impact_eval.data.sample import Sample
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.chaisemartin_dhaultfoeuille import ChaisemartinDHaultfoeuille
from impact_eval.designs.did import DifferenceInDifferences
from impact_eval.designs.imputation import ImputationDiD
from impact_eval.designs.stacked import StackedDiD
from impact_eval.designs.sun_abraham import SunAbraham
from impact_eval.designs.twfe import TwoWayFixedEffects

FAST, LONG = 60, 2000
CLOSE = 1e-8


def random_panel(seed: int) -> tuple[pd.DataFrame, Sample, np.random.Generator]:
    """A small panel of communes; its weights are those of the units."""
    rng = np.random.default_rng(seed)
    years = np.sort(rng.choice(np.arange(2000, 2009), size=int(rng.integers(3, 7)), replace=False))
    dates: list[float] = rng.choice(
        np.arange(years[0] - 1, years[-1] + 3), size=int(rng.integers(2, 5)), replace=False
    ).tolist()
    if rng.random() < 0.6:
        dates.append(np.inf)
    rows, unit = [], 0
    for date in dates:
        for _ in range(int(rng.integers(1, 5))):
            level, weight = rng.normal(), rng.uniform(0.5, 3)
            for year in years:
                late = max(year - date + 1, 0) if np.isfinite(date) else 0
                rows.append((unit, year, date, level + 0.3 * late + rng.normal(), weight))
            unit += 1
    frame = pd.DataFrame(rows, columns=["id", "time", "entry", "y", "w"])
    if rng.random() < 0.5:
        frame = frame[rng.random(len(frame)) > 0.15].reset_index(drop=True)
    roles: dict[str, Any] = {"unit": "id", "time": "time", "cohort": "entry"}
    if rng.random() < 0.5:
        roles["weights"] = "w"
    else:
        frame["w"] = 1.0
    return frame, Sample(frame, **roles), rng


def cells_of(estimate: Estimate) -> loops.Cells:
    return {
        (float(e.group), float(e.time)): loops.Cell(
            float(e.estimate), int(e.n_treated or 0), int(e.n_comparison or 0)
        )
        for e in estimate.effects
        if e.term == "att_gt" and e.estimate is not None
    }  # type: ignore[arg-type]


def same_cells(found: Any, wanted: Any, *, what: str) -> None:
    assert set(found) == set(wanted), what
    for key, cell in wanted.items():
        assert found[key].estimate == pytest.approx(cell.estimate, abs=CLOSE), f"{what} {key}"
        for name in ("n_treated", "n_comparison"):
            if getattr(cell, name) > 0:
                assert getattr(found[key], name) == getattr(cell, name), f"{what} {key} {name}"


def same_events(estimate: Estimate, wanted: loops.Events, *, what: str) -> None:
    found = {
        e.time: e.estimate for e in estimate.effects if e.term == "event" and e.estimate is not None
    }
    assert set(found) == set(wanted), what
    for time, cell in wanted.items():
        assert found[time] == pytest.approx(cell.estimate, abs=CLOSE), f"{what} event {time}"


def fitted(design: Any, sample: Sample) -> Estimate | None:
    """The estimate, or None when the design refuses the panel as a whole."""
    try:
        return design.fit(sample, "y")  # type: ignore[no-any-return]
    except ImpactEvalError:
        return None


def check_callaway_santanna(seed: int) -> bool:
    frame, sample, rng = random_panel(seed)
    options: dict[str, Any] = {
        "not_yet": bool(rng.random() < 0.6),
        "universal": bool(rng.random() < 0.4),
        "anticipation": int(rng.random() < 0.3),
    }
    design = CallawaySantAnna(
        control_group="not_yet_treated" if options["not_yet"] else "never_treated",
        base_period="universal" if options["universal"] else "varying",
        anticipation=options["anticipation"],
    )
    estimate = fitted(design, sample)
    if estimate is None:
        return False
    cells, events = loops.callaway_santanna(frame, **options)
    what = f"callaway_santanna, seed {seed}, {options}"
    same_cells(cells_of(estimate), cells, what=what)
    same_events(estimate.aggregate("event"), events, what=what)
    return True


def check_imputation(seed: int) -> bool:
    frame, sample, rng = random_panel(seed)
    anticipation = int(rng.random() < 0.3)
    estimate = fitted(ImputationDiD(leads=0, anticipation=anticipation), sample)
    if estimate is None:
        return False
    cells, events = loops.imputation(frame, anticipation=anticipation)
    what = f"imputation, seed {seed}, anticipation {anticipation}"
    same_cells(cells_of(estimate), cells, what=what)
    same_events(estimate.aggregate("event"), events, what=what)
    return True


def check_sun_abraham(seed: int) -> bool:
    frame, sample, rng = random_panel(seed)
    anticipation = int(rng.random() < 0.3)
    estimate = fitted(SunAbraham(anticipation=anticipation), sample)
    if estimate is None:
        return False
    cells = loops.sun_abraham(frame, anticipation=anticipation)
    same_cells(cells_of(estimate), cells, what=f"sun_abraham, seed {seed}, {anticipation}")
    return True


def check_two_way(seed: int) -> bool:
    frame, sample, rng = random_panel(seed)
    anticipation = int(rng.random() < 0.3)
    static, _ = loops.two_way(frame, anticipation=0)
    _, events = loops.two_way(frame, anticipation=anticipation)
    what = f"twfe, seed {seed}, {anticipation}"
    estimate = fitted(TwoWayFixedEffects(), sample)
    if estimate is not None:
        assert static is not None, what
        assert estimate["att"].estimate == pytest.approx(static, abs=CLOSE), what
    study = fitted(TwoWayFixedEffects(specification="event", anticipation=anticipation), sample)
    if study is not None and events:
        wanted = {time: loops.Cell(value, 0, 0) for time, value in events.items()}
        same_events(study, wanted, what=what)
    return estimate is not None


def check_differences(seed: int) -> bool:
    frame, _, _ = random_panel(seed)
    date = float(np.random.default_rng(seed).choice(frame["time"].unique()[1:]))
    frame["entry"] = np.where(frame["id"] % 2 == 0, date, np.inf)
    sample = Sample(frame, unit="id", time="time", cohort="entry", weights="w")
    estimate = fitted(DifferenceInDifferences(), sample)
    if estimate is None:
        return False
    wanted = loops.difference_in_differences(frame)
    assert wanted is not None
    found = estimate["att"]
    what = f"did, seed {seed}"
    assert found.estimate == pytest.approx(wanted.estimate, abs=CLOSE), what
    assert (found.n_treated, found.n_comparison) == wanted[1:], what
    return True


def check_stacked(seed: int) -> bool:
    frame, sample, rng = random_panel(seed)
    not_yet = bool(rng.random() < 0.6)
    control = "not_yet_treated" if not_yet else "never_treated"
    estimate = fitted(StackedDiD(control_group=control), sample)
    if estimate is None:
        return False
    wanted = loops.stacked(frame, not_yet=not_yet)
    same_events(estimate, wanted, what=f"stacked, seed {seed}, {control}")
    return True


def check_switchers(seed: int) -> bool:
    frame, _, rng = random_panel(seed)
    frame["on"] = (frame["time"] >= frame["entry"]).astype(int)
    leaves = {u: rng.choice([2003.0, 2006.0, np.inf], p=[0.2, 0.2, 0.6]) for u in frame["id"]}
    frame.loc[frame["time"] >= frame["id"].map(leaves), "on"] = 0
    sample = Sample(frame, unit="id", time="time", treatment="on", weights="w")
    estimate = fitted(ChaisemartinDHaultfoeuille(), sample)
    if estimate is None:
        return False
    events, total = loops.switchers(frame)
    what = f"switchers, seed {seed}"
    same_events(estimate, events, what=what)
    for effect in estimate.effects:
        if effect.term == "event" and effect.estimate is None:
            assert effect.reason is not None, what
            assert effect.n_comparison == 0, what
        elif effect.term == "event":
            cell = events[float(effect.time)]  # type: ignore[arg-type]
            assert (effect.n_treated, effect.n_comparison) == cell[1:], what
    if total is not None:
        assert estimate["att"].estimate == pytest.approx(total, abs=CLOSE), what
    return True


CHECKS = [
    check_callaway_santanna, check_imputation, check_sun_abraham, check_two_way, check_differences,
    check_stacked, check_switchers,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_random_panels(check: Any) -> None:
    done = sum(check(seed) for seed in range(FAST))
    assert done > FAST / 2  # the others are refused as a whole


@pytest.mark.long
@pytest.mark.parametrize("check", CHECKS)
def test_many_random_panels(check: Any) -> None:
    done = sum(check(seed) for seed in range(10_000, 10_000 + LONG))
    assert done > LONG / 2
