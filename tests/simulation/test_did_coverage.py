"""Coverage of nominal 95 % intervals, in settings where each method claims it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impact_eval.core.estimate import Effect
from impact_eval.data import synthetic
from impact_eval.data.sample import Sample
from impact_eval.designs.callaway_santanna import CallawaySantAnna
from impact_eval.designs.did import DifferenceInDifferences
from impact_eval.designs.difference_in_means import DifferenceInMeans

pytestmark = pytest.mark.long
DRAWS = 1_500
LOW, HIGH = 0.935, 0.965  # Monte Carlo error of 1,500 draws: 0.0056

ROLES = {"unit": "id", "time": "period", "cohort": "cohort"}


def covered(row: Effect, truth: float) -> bool:
    assert row.conf_low is not None
    assert row.conf_high is not None
    return row.conf_low <= truth <= row.conf_high


def share(draw: Callable[[np.random.Generator], dict[str, bool]]) -> dict[str, float]:
    """Share of draws covered, by name."""
    found = [draw(np.random.default_rng([2024, i])) for i in range(DRAWS)]
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}


def weighted_truth(frame: pd.DataFrame, mask: Any = None) -> float:
    rows = frame[frame["period"] >= frame["cohort"]]
    return float(rows["truth"].mean() if mask is None else rows.loc[mask(rows), "truth"].mean())


@pytest.mark.parametrize(
    "options",
    [
        {"method": "dr"},
        {"method": "ipw"},
        {"method": "reg", "control_group": "not_yet_treated"},
        {"method": "dr", "unbalanced": "pairs"},
    ],
)
def test_group_time_effects(options: dict[str, Any]) -> None:
    """240 units, trends that depend on a covariate, serial correlation, three waves of entry."""

    def draw(rng: np.random.Generator) -> dict[str, bool]:
        frame = synthetic.staggered_panel(rng, units=240, autocorrelation=0.5)
        truth = weighted_truth(frame)
        first = weighted_truth(frame, lambda rows: rows["period"] == rows["cohort"])
        if "unbalanced" in options:
            frame = frame.sample(frac=0.9, random_state=rng)
        sample = Sample(frame, covariates=["x"], **ROLES)
        estimate = CallawaySantAnna(**options).fit(sample, "y")
        study = estimate.aggregate("event")
        return {
            "simple": covered(estimate.aggregate("simple")["att"], truth),
            "event[0]": covered(study["event[0]"], first),
            "event[-2]": covered(study["event[-2]"], 0.0),
        }

    for name, value in share(draw).items():
        assert LOW <= value <= HIGH, f"{name}: {value}"


def test_bands_cover_all_event_times_together() -> None:
    def draw(rng: np.random.Generator) -> dict[str, bool]:
        frame = synthetic.staggered_panel(rng, units=240)
        estimate = CallawaySantAnna().fit(Sample(frame, covariates=["x"], **ROLES), "y")
        bands = estimate.aggregate("event").bands(draws=1_999).query("term == 'event'")
        truth = np.where(bands["time"] >= 0, 1 + 0.25 * bands["time"], 0.0)
        inside = (bands["conf_low"] <= truth) & (truth <= bands["conf_high"])
        return {"bands": bool(inside.all())}

    assert LOW - 0.01 <= share(draw)["bands"] <= HIGH  # the outer event times rest on 80 units


def test_few_clusters_of_a_trial() -> None:
    """Ten clusters drawn by lot, five treated: CR2 with Satterthwaite degrees of freedom."""

    def draw(rng: np.random.Generator) -> dict[str, bool]:
        frame = synthetic.trial(rng, people=150, clusters=10)
        plain = Sample(frame, treatment="treated", cluster="cluster")
        return {"cr2": covered(DifferenceInMeans().fit(plain, "y").effects[0], 1.0)}

    assert LOW <= share(draw)["cr2"] <= 0.97


def test_two_by_two_of_clusters() -> None:
    """Twenty places met before and after: one regression, CR2."""

    def draw(rng: np.random.Generator) -> dict[str, bool]:
        frame = synthetic.repeated_cross_section(rng, people=400)
        sample = Sample(frame, time="period", cohort="cohort", cluster="cluster", covariates=["x"])
        row = DifferenceInDifferences(method="ols").fit(sample, "y")["att"]
        return {"ols": covered(row, 1.0)}

    assert LOW <= share(draw)["ols"] <= HIGH
