"""`Scores`: a scored scale with everything needed to read it honestly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable, Place, nearest
from impact_eval.core.shown import Shown, one_line
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.stats.scales.reliability import Alpha, standard_error_of_measurement
from impact_eval.stats.scales.summing import (
    NormTest,
    group_against_norm,
    midrank_percentile,
    percent_of_maximum,
    z_scores,
)
from impact_eval.survey.answer_codes import ItemCodes
from impact_eval.survey.scale import TOTAL, ChangeValue, CutOff, Marked, Norm

if TYPE_CHECKING:
    from impact_eval.survey.invariance import InvarianceReading

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Scores(Shown):
    """A scored scale.

    Attributes
    ----------
    instrument, scale : str
        `scale` is `total` or the name of a subscale.
    values : (n,) float array
        One score per row of the table, NaN where there were too few answers.
    answered : (n,) int array
        Valid answers per row.
    n_items : int
    direction : Direction
    unit : Unit
    low, high : float
        Possible range of the score.
    prorated : int
        Rows scored with some item missing.
    reliability : Alpha or NotApplicable
        Internal consistency in this table.
    std_error_measurement : float or NotApplicable
        In points of the score.
    items : mapping of item to (n,) array
        Keyed answers (already reversed, in points).
    answers : mapping of item to (n,) array
        The same answers in the scale's own codes, before the key.
    codes : tuple of ItemCodes
        What each code of each item was taken for: code and label in the file, points, answers.
    subscales : mapping of str to Scores
    cutoffs, norms, change : tuples
        What is published for this scale, each with its source.
    index : Index
        Row labels of the table scored.
    health : bool
    local : bool
    findings : tuple of Finding
    invariance : tuple of InvarianceReading
        Whether means may be compared between groups or waves, once it has been tested.
    """

    instrument: str
    scale: str
    values: FloatArray
    answered: NDArray[np.int64]
    n_items: int
    direction: Direction
    unit: Unit
    low: float
    high: float
    prorated: int
    reliability: Alpha | NotApplicable
    std_error_measurement: float | NotApplicable
    items: Mapping[str, FloatArray]
    index: pd.Index[Any]
    answers: Mapping[str, FloatArray] = field(default_factory=dict)
    codes: tuple[ItemCodes, ...] = ()
    subscales: Mapping[str, Scores] = field(default_factory=dict)
    cutoffs: tuple[CutOff, ...] = ()
    norms: tuple[Norm, ...] = ()
    change: tuple[ChangeValue, ...] = ()
    health: bool = False
    local: bool = False
    findings: tuple[Finding, ...] = ()
    invariance: tuple[InvarianceReading, ...] = ()

    def _line(self) -> str:
        alpha = self.reliability
        return one_line(
            "Scores",
            self.instrument,
            self.scale,
            n=self.n,
            items=self.n_items,
            low=self.low,
            high=self.high,
            alpha=None if isinstance(alpha, NotApplicable) else alpha.value,
            findings=len(self.findings) or None,
        )

    @property
    def n(self) -> int:
        """Rows with a score."""
        return int((~np.isnan(self.values)).sum())

    @property
    def unchecked(self) -> tuple[Marked, ...]:
        """Published facts of this score that were never read in their source."""
        return tuple(f for f in (*self.cutoffs, *self.norms, *self.change) if f.unchecked)

    def part(self, name: str) -> Scores:
        """Return a subscale, or the total itself."""
        if name == self.scale:
            return self
        if name not in self.subscales:
            raise ImpactEvalError(
                Finding.error("unknown_scale", scale=name, nearest=nearest(name, self.subscales),
                              known=(TOTAL, *self.subscales))
            )  # fmt: skip
        return self.subscales[name]

    def add_to(self, frame: pd.DataFrame, name: str) -> pd.DataFrame:
        """Return a copy of the table with the score as a new column, ready to be an outcome.

        What is needed to read the score (direction, unit, range, reliability, standard error) goes
        with it, in `.attrs["scores"][name]`.
        """
        if name in frame.columns:
            raise ImpactEvalError(Finding.error("column_taken", Place(column=name), column=name))
        if not frame.index.equals(self.index):
            raise ImpactEvalError(
                Finding.error("other_table", instrument=self.instrument, n=len(self.index),
                              found=len(frame))
            )  # fmt: skip
        out = frame.copy()
        out[name] = self.values
        out.attrs = {
            **frame.attrs,
            "scores": {**frame.attrs.get("scores", {}), name: self.to_dict()},
        }
        return out

    def matrix(self) -> FloatArray:
        """Return the keyed answers as an (n, k) array."""
        return np.column_stack(list(self.items.values()))

    def percent_of_maximum(self) -> FloatArray:
        """Return scores from 0 to 100 of what is possible."""
        return percent_of_maximum(self.values, low=self.low, high=self.high)

    def norm(self, name: str) -> Norm:
        """Return a published norm by its name."""
        for norm in self.norms:
            if norm.id == name:
                return norm
        names = [norm.id for norm in self.norms]
        raise ImpactEvalError(
            Finding.error("unknown_norm", name=name, nearest=nearest(name, names), known=names)
        )

    def z(self, norm: str) -> FloatArray | NotApplicable:
        """Return standard scores against a published norm; T = 50 + 10 z."""
        published = self.norm(norm)
        if published.sd is None:
            return NotApplicable.because("norm_without_spread", norm=norm)
        return z_scores(self.values, mean=published.mean, sd=published.sd)

    def percentile(self) -> FloatArray:
        """Return mid-rank percentiles within this table."""
        return midrank_percentile(self.values, self.values)

    def against_norm(self, norm: str) -> NormTest | NotApplicable:
        """Compare the mean of this table with a published norm."""
        known = self.norm(norm)
        return group_against_norm(self.values, mean=known.mean, sd=known.sd, n=known.n)

    def band_counts(self) -> dict[str, int]:
        """Return how many people stand in each published band."""
        out = {}
        for place, cut in enumerate(self.cutoffs):
            low = -np.inf if cut.low is None else cut.low
            later = self.cutoffs[place + 1 :]
            above = later[0].low if later else None
            # A prorated score may fall between two whole bounds: it belongs to the lower band.
            if above is not None:
                inside = (self.values >= low) & (self.values < above)
            else:
                inside = (self.values >= low) & (self.values <= (cut.high or np.inf))
            out[cut.id] = int(inside.sum())
        return out

    def to_dict(self) -> dict[str, Any]:
        """Return what is published about a score, as JSON: no row of a person."""
        seen = self.values[~np.isnan(self.values)]
        enough = len(seen) > 1
        return {
            "instrument": self.instrument,
            "scale": self.scale,
            "direction": self.direction.value,
            "unit": self.unit.value,
            "low": self.low,
            "high": self.high,
            "n": len(seen),
            "n_rows": len(self.values),
            "n_items": self.n_items,
            "prorated": self.prorated,
            "mean": float(seen.mean()) if len(seen) else None,
            "sd": float(seen.std(ddof=1)) if enough else None,
            "reliability": _alpha_dict(self.reliability),
            "std_error_measurement": _or_reason(self.std_error_measurement),
            "health": self.health,
            "local": self.local,
            "codes": [table.to_dict() for table in self.codes],
            "subscales": {name: part.to_dict() for name, part in self.subscales.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "invariance": [reading.to_dict() for reading in self.invariance],
        }


def _or_reason(value: float | NotApplicable) -> Any:
    return value.to_dict() if isinstance(value, NotApplicable) else value


def _alpha_dict(alpha: Alpha | NotApplicable) -> dict[str, Any]:
    if isinstance(alpha, NotApplicable):
        return alpha.to_dict()
    return {"alpha": alpha.value, "conf_low": alpha.conf_low, "conf_high": alpha.conf_high,
            "n": alpha.n, "n_items": alpha.n_items}  # fmt: skip


def error_of_measurement(
    values: FloatArray, reliability: Alpha | NotApplicable
) -> float | NotApplicable:
    """Return the standard error of measurement of scores, from their spread and reliability."""
    if isinstance(reliability, NotApplicable):
        return reliability
    seen = values[~np.isnan(values)]
    return standard_error_of_measurement(float(seen.std(ddof=1)), reliability.value)
