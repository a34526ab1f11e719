"""Questionnaires of a study: scored, with their reliability, and their change between two waves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart, InstrumentPart
from impact_eval.stats.change import Outcome
from impact_eval.survey.catalogue import instrument as shipped_instrument
from impact_eval.survey.change import ChangeResult, pair_waves, plan_from, read_change
from impact_eval.survey.quality import measurement_quality
from impact_eval.survey.quality_report import QualityReport
from impact_eval.survey.scale import Instrument
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
    change : ChangeResult or None
        Between the two waves, among those who answered twice.
    quality : QualityReport or None
        Of the answers at entry (None for a single question), and whether the scale measures alike
        at both waves.
    """

    part: InstrumentPart
    instrument: Instrument
    frame: pd.DataFrame
    column: str
    scores: Scores
    waves: tuple[Scores, ...]
    change: ChangeResult | None
    quality: QualityReport | None

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
        if self.quality is not None:
            out["quality"] = {
                "readings": [finding.to_dict() for finding in self.quality.findings],
                "invariance": self.quality.to_dict()["invariance"],
            }
        if self.change is not None:
            out |= self._two_waves(self.change)
            out["findings"] += [finding.to_dict() for finding in self.change.findings]
        return out

    def _two_waves(self, change: ChangeResult) -> dict[str, Any]:
        before, after = self.waves
        out: dict[str, Any] = {
            "before": _level(before.values),
            "after": _level(after.values),
            "reading": change.to_dict(),
            "bins": _bins(before.values, after.values, self.scores.low, self.scores.high),
            "categories": [
                {"fr": r.fr[0], "en": r.en[0]} for r in self.instrument.responses if r.fr and r.en
            ],
            "items": self._items(),
        }
        if not isinstance(change.mean, NotApplicable):
            out["change"] = {
                "estimate": change.mean.mean_change,
                "std_error": change.mean.std_error,
                "conf_low": change.mean.conf_low,
                "conf_high": change.mean.conf_high,
                "p_value": change.mean.p_value,
                "n": change.n,
            }
        if not isinstance(change.minimal_detectable, NotApplicable):
            out["detectable_change"] = change.minimal_detectable
            out["people"] = _people(change)
        return out

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
    change, quality = None, None
    several = len(scores.items) > 1
    unit = part.data.roles.unit
    if part.waves is not None and part.wave is not None and unit is not None:
        parts = [frame[frame[part.wave].astype(str) == wave] for wave in part.waves]
        waves = tuple(
            scale.score(rows, items, licence_declared=part.licence_declared)
            for rows in parts
            if len(rows)
        )
        pairs = pair_waves(scored, person=unit, wave=part.wave, waves=part.waves, column=column)
        rng = np.random.default_rng(study.declaration.study.seed)
        change = read_change(pairs.before, pairs.after, plan_from(waves[0]), rng=rng)
        if len(pairs.people) > 1 and several:
            sides = [
                scale.score(
                    rows.drop_duplicates(unit).set_index(unit, drop=False).loc[pairs.people],
                    items,
                    licence_declared=part.licence_declared,
                )
                for rows in parts
            ]
            quality = measurement_quality(sides[0], later=sides[1])
    return ScoredInstrument(
        part=part,
        instrument=scale,
        frame=scored,
        column=column,
        scores=scores,
        waves=waves,
        change=change,
        quality=quality or (measurement_quality(scores) if several else None),
    )


def _people(change: ChangeResult) -> dict[str, int]:
    """Return how many changed by more than the error of the measure, always with the worse."""
    counts = {outcome: share.count for outcome, share in change.shares.items()}
    better = counts.get(Outcome.RECOVERED, 0) + counts.get(Outcome.IMPROVED, 0)
    worse = counts.get(Outcome.DETERIORATED, 0)
    return {"improved": better, "stable": sum(counts.values()) - better - worse, "worsened": worse}


def _level(values: FloatArray) -> dict[str, float]:
    seen = values[np.isfinite(values)]
    return {"mean": float(seen.mean()), "sd": float(seen.std(ddof=1)), "n": len(seen)}


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
