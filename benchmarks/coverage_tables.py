"""Tables without any effect: towns over time, people drawn once, in the sizes that studies have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval import Sample
from impact_eval.data.sample import DataShape
from impact_eval.designs import Design

FloatArray = NDArray[np.float64]
AUTOCORRELATION = 0.5


@dataclass(frozen=True)
class Cell:
    """A size of study: who enters when, of how many, over how many periods.

    Attributes
    ----------
    name : str
    treated : tuple of int
        Units of each cohort.
    units, periods, covariates : int
    spread : float
        How many times as much those treated vary (their level and their noise).
    """

    name: str
    treated: tuple[int, ...]
    units: int
    periods: int = 2
    covariates: int = 0
    spread: float = 1.0

    def starts(self) -> FloatArray:
        """(N,) first treated period of each unit: cohorts spread over the panel, 0 for never."""
        places = np.linspace(0, self.periods, len(self.treated) + 2)[1:-1].round() + 1
        out = np.zeros(self.units)
        out[: sum(self.treated)] = np.repeat(places, self.treated)
        return out


CELLS = (
    Cell("3 of 20, before and after", (3,), 20),
    Cell("3 of 20 in one wave, 8 periods", (3,), 20, periods=8),
    Cell("1 + 2 of 20 in two waves, 8 periods", (1, 2), 20, periods=8),
    Cell("3 + 3 of 20 in two waves, 8 periods", (3, 3), 20, periods=8),
    Cell("3 + 3 of 40 in two waves, 8 periods", (3, 3), 40, periods=8),
    Cell("10 + 10 of 40 in two waves, 8 periods", (10, 10), 40, periods=8),
    Cell("20 + 20 of 100 in two waves, 8 periods", (20, 20), 100, periods=8),
    Cell("10 of 20, before and after", (10,), 20),
    Cell("20 of 40, before and after", (20,), 40),
    Cell("5 of 105 people, before and after", (5,), 105),
    Cell("8 of 68 people, three covariates", (8,), 68, covariates=3),
    Cell("5 of 105 people who vary twice as much", (5,), 105, spread=2.0),
    Cell("8 of 68 people who vary twice as much", (8,), 68, spread=2.0),
)
NEEDS_ELIGIBLE = ("triple_difference", "wald_did")


def design_of(kind: type[Design]) -> Design:
    """Return a design as it is by default, with the columns that it must name."""
    named = {"wald_did": {"take_up": "entered", "eligible": "eligible"}}
    return kind(**named.get(kind.info.name, {}))


def drawn(cell: Cell, kind: type[Design], rng: np.random.Generator) -> Sample:
    """Return a table where nothing happens, with the roles that a design reads.

    A cell that a design is not made for is a `LookupError`: covariates that it does not take, waves
    of entry for one that reads a single one.

    A unit has a level of its own and a noise that lasts (half of it a period later); covariates
    move the level and the trend. A cross-section is the last period. Where eligible people are
    compared with others, each town has one group of both, and the town is declared.
    """
    info = kind.info
    once = DataShape.PANEL not in info.shapes or not info.assignment
    if (cell.covariates and not info.covariates) or (once and cell.periods > 2):
        raise LookupError(cell.name)
    if info.name in NEEDS_ELIGIBLE:
        return _with_eligible(cell, rng)
    frame = _panel(cell, rng)
    names = [f"x{j}" for j in range(cell.covariates)]
    roles: dict[str, Any] = {"covariates": names} if names else {}
    if DataShape.PANEL not in info.shapes:
        last = frame[frame["period"] == cell.periods].assign(z=lambda f: (f["start"] > 0) * 1)
        return Sample(last.drop(columns=["start", "period"]), unit="id", treatment="z", **roles)
    roles |= {"unit": "id", "time": "period"}
    return Sample(frame, **roles, cohort="start" if info.assignment else None)


def _panel(cell: Cell, rng: np.random.Generator) -> pd.DataFrame:
    n, t = cell.units, cell.periods
    x = rng.normal(size=(n, cell.covariates))
    y = rng.normal(size=(n, 1)) + _noise(rng, n, t)
    y *= np.where(cell.starts() > 0, cell.spread, 1.0)[:, None]
    y += x.sum(axis=1, keepdims=True) * (0.5 + 0.1 * np.arange(t))
    frame = pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), t),
            "period": np.tile(np.arange(1, t + 1), n),
            "start": np.repeat(cell.starts(), t),
            "y": y.ravel(),
        }
    )
    return frame.assign(**{f"x{j}": np.repeat(x[:, j], t) for j in range(cell.covariates)})


def _with_eligible(cell: Cell, rng: np.random.Generator) -> Sample:
    towns = [_panel(cell, rng) for _ in range(2)]
    more = _panel(cell, rng)["y"]  # what the people of a town share
    parts = [
        frame.assign(town=frame["id"], eligible=who, id=2 * frame["id"] + who, y=frame["y"] + more)
        for who, frame in enumerate(towns)
    ]
    whole = pd.concat(parts, ignore_index=True)
    offered = (whole["start"] > 0) & (whole["period"] >= whole["start"]) & (whole["eligible"] == 1)
    whole["entered"] = (rng.random(len(whole)) < np.where(offered, 0.8, 0.1)) * 1
    names = [f"x{j}" for j in range(cell.covariates)]
    roles: dict[str, Any] = {"covariates": names} if names else {}
    return Sample(whole, unit="id", time="period", cohort="start", cluster="town", **roles)


def _noise(rng: np.random.Generator, units: int, periods: int) -> FloatArray:
    shocks = rng.normal(size=(units, periods))
    out = np.empty_like(shocks)
    out[:, 0] = shocks[:, 0]
    for t in range(1, periods):
        fresh = np.sqrt(1 - AUTOCORRELATION**2) * shocks[:, t]
        out[:, t] = AUTOCORRELATION * out[:, t - 1] + fresh
    return out
