"""Questionnaires of a study: scored, with their reliability, and their change between two waves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.core.inference import critical_value, two_sided_p
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart, InstrumentPart
from impact_eval.survey.catalogue import instrument as shipped_instrument
from impact_eval.survey.instrument import Instrument
from impact_eval.survey.scores import Scores

FloatArray = NDArray[np.float64]
ReadTable = Callable[[DataPart], pd.DataFrame]
MOST_BINS = 12


@dataclass(frozen=True, kw_only=True)
class ScoredInstrument:
    """A scored questionnaire and the table that holds its score.

    Attributes
    ----------
    part : InstrumentPart
    instrument : Instrument
    frame : DataFrame
        The answers with the score as a new column.
    column : str
        Name of that column.
    scores : Scores
        All waves together.
    waves : tuple of Scores
        Entry then exit, when the study names two waves.
    paired : (n, 2) array
        Scores of those who answered twice, entry then exit.
    """

    part: InstrumentPart
    instrument: Instrument
    frame: pd.DataFrame
    column: str
    scores: Scores
    waves: tuple[Scores, ...]
    paired: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Return what `results.json` says of it: counts, means, precision; no row of a person."""
        out: dict[str, Any] = {
            "id": self.part.id,
            "instrument": self.instrument.id,
            "scale": self.instrument.id,
            "version": self.instrument.version,
            "unit": "score",
            "direction": self.scores.direction.value,
            "low": self.scores.low,
            "high": self.scores.high,
            "n": self.scores.n,
            "reliability": self.scores.to_dict()["reliability"],
            "local": self.instrument.local,
            "findings": [finding.to_dict() for finding in self.scores.findings],
        }
        if len(self.waves) == 2 and len(self.paired) > 1:
            out |= self._two_waves()
        return out

    def _two_waves(self) -> dict[str, Any]:
        before, after = self.waves
        return {
            "before": _level(before.values),
            "after": _level(after.values),
            "change": _change(self.paired),
            **self._precision(),
            "bins": _bins(before.values, after.values, self.scores.low, self.scores.high),
            "categories": [
                {"fr": r.fr[0], "en": r.en[0]} for r in self.instrument.responses if r.fr and r.en
            ],
            "items": self._items(),
        }

    def _precision(self) -> dict[str, Any]:
        """Return the smallest change of one person that is not noise, and who passed it."""
        error = self.waves[0].std_error_measurement
        if isinstance(error, NotApplicable):
            return {}
        detectable = critical_value(0.95) * np.sqrt(2.0) * error
        sign = -1.0 if self.scores.direction.value.startswith("lower") else 1.0
        moved = sign * (self.paired[:, 1] - self.paired[:, 0])
        people = {
            "improved": int((moved >= detectable).sum()),
            "stable": int((np.abs(moved) < detectable).sum()),
            "worsened": int((moved <= -detectable).sum()),
        }
        return {"detectable_change": float(detectable), "people": people}

    def _items(self) -> list[dict[str, Any]]:
        """Return, per item and wave, how many gave each answer, in points of the score."""
        codes = [response.code for response in self.instrument.responses]
        if not codes:
            return []
        return [
            {
                "label": self._label(name),
                "before": _counts(self.waves[0].items[name], codes),
                "after": _counts(self.waves[1].items[name], codes),
            }
            for name in self.scores.items
        ]

    def _label(self, name: str) -> dict[str, str]:
        number = list(self.scores.items).index(name) + 1
        french = self.instrument.wording(name, "fr")
        english = self.instrument.wording(name, "en")
        return {"fr": french or f"Question {number}", "en": english or f"Question {number}"}


def score_instruments(study: Study, read: ReadTable) -> dict[str, ScoredInstrument]:
    """Score every questionnaire of a study.

    Parameters
    ----------
    study : Study
    read : callable
        Reads a declared table.

    Returns
    -------
    dict of str to ScoredInstrument
        By the identifier that outcomes refer to.
    """
    return {part.id: _score(study, part, read(part.data)) for part in study.declaration.instruments}


def _score(study: Study, part: InstrumentPart, frame: pd.DataFrame) -> ScoredInstrument:
    scale = (
        Instrument.read(study.path(part.definition))
        if part.definition is not None
        else shipped_instrument(part.scale)
    )
    items: dict[str | int, str] | None = dict(part.items.items()) or None
    scores = scale.score(frame, items, licence_declared=part.licence_declared)
    column = f"score_{part.id}"
    scored = scores.add_to(frame, column)
    waves: tuple[Scores, ...] = ()
    paired = np.empty((0, 2))
    if part.waves is not None and part.wave is not None:
        parts = [frame[frame[part.wave].astype(str) == wave] for wave in part.waves]
        waves = tuple(
            scale.score(rows, items, licence_declared=part.licence_declared)
            for rows in parts
            if len(rows)
        )
        paired = _paired(scored, part, column)
    return ScoredInstrument(
        part=part,
        instrument=scale,
        frame=scored,
        column=column,
        scores=scores,
        waves=waves,
        paired=paired,
    )


def _paired(frame: pd.DataFrame, part: InstrumentPart, column: str) -> FloatArray:
    """Return the scores of those who have one at both waves."""
    unit = part.data.roles.unit
    assert part.waves is not None
    if unit is None or part.wave is None:
        return np.empty((0, 2))
    wide = frame.assign(**{part.wave: frame[part.wave].astype(str)}).pivot_table(
        index=unit, columns=part.wave, values=column, aggfunc="first"
    )
    both = [wave for wave in part.waves if wave in wide]
    if len(both) < 2:
        return np.empty((0, 2))
    return wide[both].dropna().to_numpy(dtype=np.float64)


def _level(values: FloatArray) -> dict[str, float]:
    seen = values[np.isfinite(values)]
    return {"mean": float(seen.mean()), "sd": float(seen.std(ddof=1)), "n": len(seen)}


def _change(paired: FloatArray) -> dict[str, Any]:
    moved = paired[:, 1] - paired[:, 0]
    n = len(moved)
    error = float(moved.std(ddof=1) / np.sqrt(n))
    mean = float(moved.mean())
    out: dict[str, Any] = {"estimate": mean, "std_error": error, "n": n}
    if error > 0:
        margin = critical_value(0.95, n - 1) * error
        out |= {
            "conf_low": mean - margin,
            "conf_high": mean + margin,
            "p_value": two_sided_p(mean / error, n - 1),
        }
    return out


def _bins(
    before: FloatArray, after: FloatArray, low: float, high: float
) -> list[dict[str, float | int]]:
    """Cut the possible range in a few equal parts and count people in each."""
    width = max(1.0, np.ceil((high - low) / MOST_BINS))
    edges = np.arange(low, high + width, width)
    counts = [np.histogram(v[np.isfinite(v)], np.append(edges, edges[-1] + width))[0]
              for v in (before, after)]  # fmt: skip
    return [
        {
            "low": float(edge),
            "high": float(min(edge + width, high)),
            "before": int(b),
            "after": int(a),
        }
        for edge, b, a in zip(edges, counts[0], counts[1], strict=True)
        if edge < high or b or a
    ]


def _counts(values: FloatArray, codes: Sequence[float]) -> list[int]:
    return [int((values == code).sum()) for code in codes]
