"""Questionnaires of a study: scored, by group, with their reliability and their change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, NotApplicable, Place
from impact_eval.core.vocabulary import ScoreGroup
from impact_eval.pipeline.score_people import PeopleRoles, people_roles
from impact_eval.pipeline.scored_table import scored_table
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import DataPart, InstrumentPart
from impact_eval.stats.scales.measurement_error import ErrorSource, error_from_retest
from impact_eval.survey.agreement_reading import FEWEST, RatingAgreement, rating_agreement
from impact_eval.survey.change import ChangeResult, read_change
from impact_eval.survey.change_plan import ChangePlan, plan_from
from impact_eval.survey.instrument_file import Instrument
from impact_eval.survey.nonresponse import NonresponseWeights, nonresponse_weights
from impact_eval.survey.quality import measurement_quality
from impact_eval.survey.quality_report import QualityReport
from impact_eval.survey.scale import TOTAL, ScoringRule
from impact_eval.survey.score_rows import rows_of
from impact_eval.survey.scores import Scores
from impact_eval.survey.wave_pairs import WavePairs, pair_waves

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ReadTable = Callable[[DataPart], pd.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupScores:
    """What one group answered to one scale, or to a part of it: the same people at both dates.

    Attributes
    ----------
    group : ScoreGroup
    scale : str
        `total`, or the name of a part.
    scores : Scores
        Of the group, all dates together.
    sides : tuple of Scores
        Entry then exit of those seen at both, in one order; empty without two dates.
    weights : (n,) array or None
        Of those seen at both; of all of `scores` when there is one date.
    pairs : WavePairs or None
    change : ChangeResult or None
    response : NonresponseWeights or NotApplicable or None
        Weights for those who were lost, where the study asks for them.
    unweighted : ChangeResult or None
        The change without these weights, to set beside it.
    """

    group: ScoreGroup
    scale: str
    scores: Scores
    sides: tuple[Scores, ...] = ()
    weights: FloatArray | None = None
    pairs: WavePairs | None = None
    change: ChangeResult | None = None
    response: NonresponseWeights | NotApplicable | None = None
    unweighted: ChangeResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredInstrument:
    """A scored questionnaire and the table that holds its score.

    Attributes
    ----------
    part : InstrumentPart
    instrument : Instrument
    frame : DataFrame
        The answers with the scores as new columns.
    column : str
        Name of the column of the total.
    columns : mapping of str to str
        Name of the column of each part, and of the total.
    scores : Scores
        Everybody, all waves together.
    people : PeopleRoles
        Who is accompanied, with what weight, and what they were like.
    groups : tuple of GroupScores
        The accompanied (or everybody) first: the total, then the parts; then those compared.
    agreement : mapping of str to RatingAgreement
        Of two ratings of the same people, by item, where some were rated twice.
    quality : QualityReport or None
        Of the answers of the first group at entry; None for a single question, answers that are
        never added, or situations that are weighted.
    """

    part: InstrumentPart
    instrument: Instrument
    frame: pd.DataFrame
    column: str
    columns: Mapping[str, str]
    scores: Scores
    people: PeopleRoles
    groups: tuple[GroupScores, ...]
    quality: QualityReport | None
    agreement: Mapping[str, RatingAgreement]
    agreement_findings: tuple[Finding, ...] = ()


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
    own = study.declaration.data
    return {
        part.id: _Scoring(study, part, read(part.data), read(own)).scored()
        for part in study.declaration.instruments
    }


class _Scoring:
    """One questionnaire of a study, scored by group, scale and date."""

    def __init__(
        self, study: Study, part: InstrumentPart, frame: pd.DataFrame, main: pd.DataFrame
    ) -> None:
        self.study, self.part, self.main = study, part, main
        self.key = study.declaration.data.roles.unit or ""
        self.table = scored_table(study, part, frame)
        self.unit = part.data.roles.unit
        self.people = PeopleRoles()
        if self.unit is not None and self.unit in frame.columns:
            described = (study.declaration.data, main)
            self.people = people_roles(
                (part.data, frame), described, self.unit, described_by=part.nonresponse
            )
        self.then = self._then()
        self.plans: dict[str, ChangePlan] = {}

    def scored(self) -> ScoredInstrument:
        """Return the questionnaire by group, the accompanied first."""
        scores = self.table.scores
        groups = tuple(self._groups())
        first, several = groups[0], len(scores.items) > 1
        # a sum of situations is no sign of one thing: how its answers agree means nothing
        added = self.table.instrument.scoring.rule not in (ScoringRule.NONE, ScoringRule.WEIGHTED)
        quality = None
        if several and added:
            entry, *later = first.sides or (first.scores,)
            quality = measurement_quality(entry, later=later[0] if later else None)
        agreement, few = self._agreement()
        return ScoredInstrument(
            part=self.part,
            instrument=self.table.instrument,
            frame=self.table.frame,
            column=self.table.columns[TOTAL],
            columns=self.table.columns,
            scores=scores,
            people=self.people,
            groups=groups,
            quality=quality,
            agreement=agreement,
            agreement_findings=few,
        )

    def _agreement(self) -> tuple[dict[str, RatingAgreement], tuple[Finding, ...]]:
        """Return how far two ratings agree, item by item: one row a person, the first rated twice.

        A person rated twice at several dates counts once: notes of one person are not independent.
        """
        if not self.part.second_rating:
            return {}, ()
        again = self._scored_by(self.part.second_rating).answers
        labels = pd.Series(self._labels())
        alone = self.unit is None or self.unit not in self.table.frame.columns
        found: dict[str, RatingAgreement] = {}
        few: list[Finding] = []
        for name, first in self.table.scores.answers.items():
            rows = np.flatnonzero(np.isfinite(first) & np.isfinite(again[name]))
            if not alone:
                rows = rows[~labels.iloc[rows].duplicated().to_numpy()]
            if len(rows) < FEWEST:
                place = Place(key=f"instruments.{self.part.id}.second_rating")
                number = list(self.table.scores.answers).index(name) + 1
                few.append(Finding.warning("few_rated_twice", place, item=f"question {number}",
                                           n=len(rows), advised=FEWEST))  # fmt: skip
                continue
            found[name] = rating_agreement(first[rows], again[name][rows])
        return found, tuple(few)

    def _scored_by(self, columns: Mapping[str, str]) -> Scores:
        """Return the scale scored on other columns of the same rows."""
        items: dict[str | int, str] = dict(columns.items())
        return self.table.instrument.score(
            self.table.frame, items, licence_declared=self.part.licence_declared
        )

    def _groups(self) -> Iterator[GroupScores]:
        labels = self._labels()
        of = self.people.group_of(labels)
        for group in ScoreGroup:
            rows = np.flatnonzero([one is group for one in of])
            if len(rows):
                for scale in self.table.columns:
                    yield self._group(group, scale, rows)

    def _labels(self) -> list[str]:
        frame = self.table.frame
        if self.unit is None or self.unit not in frame.columns:
            return [""] * len(frame)
        return [str(label) for label in frame[self.unit]]

    def _group(self, group: ScoreGroup, scale: str, rows: IntArray) -> GroupScores:
        scores = rows_of(self.table.scores.part(scale), rows)
        part, unit = self.part, self.unit
        labels = self._labels()
        if part.waves is None or part.wave is None or unit is None:
            weights = self.people.weights_of([labels[row] for row in rows])
            return GroupScores(group=group, scale=scale, scores=scores, weights=weights)
        never = self.table.instrument.scoring.rule is ScoringRule.NONE and scale == TOTAL
        told = np.where(scores.answered > 0, 0.0, np.nan) if never else scores.values
        seen = pd.DataFrame(
            {"person": self.table.frame[unit].to_numpy()[rows],
             "wave": self.table.frame[part.wave].astype(str).to_numpy()[rows], "score": told}
        )  # fmt: skip
        if not set(part.waves) <= set(seen["wave"]):
            return GroupScores(group=group, scale=scale, scores=scores)  # asked at one date
        pairs = pair_waves(seen, person="person", wave="wave", waves=part.waves, column="score")
        sides = tuple(rows_of(scores, found) for found in pairs.rows) if len(pairs.people) else ()
        weights = self.people.weights_of([str(label) for label in pairs.people])
        out = GroupScores(group=group, scale=scale, scores=scores, sides=sides, weights=weights,
                          pairs=pairs)  # fmt: skip
        if never:
            return out
        response = self._response(pairs, rows)
        if not isinstance(response, NonresponseWeights):
            return replace(out, change=self._change(out, rows), response=response)
        plain = self._change(out, rows)
        again = pd.Series(response.weights, index=pairs.entry.index).loc[pairs.people].to_numpy()
        mass: FloatArray = np.asarray(again, dtype=np.float64)
        if weights is not None:
            mass = np.asarray(mass * weights, dtype=np.float64)
        out = replace(out, weights=mass, response=response, unweighted=plain)
        return replace(out, change=self._change(out, rows))

    def _response(
        self, pairs: WavePairs, rows: IntArray
    ) -> NonresponseWeights | NotApplicable | None:
        """Return weights for those who were lost, by what the study says of them at entry."""
        names = self.part.nonresponse
        if not names or not len(pairs.entry):
            return None
        frame, known = self.table.frame, {}
        for name in names:
            if name in frame.columns:
                known[name] = frame[name].to_numpy()[rows][pairs.entry_rows]
            elif name in self.main.columns and self.key in self.main.columns:
                by_person = self.main.groupby(self.main[self.key].astype(str))[name].first()
                labels = [str(label) for label in pairs.entry.index]
                known[name] = by_person.reindex(labels).to_numpy()
        return nonresponse_weights(pd.DataFrame(known), pairs.stayed(), characteristics=list(names))

    def _change(self, group: GroupScores, rows: IntArray) -> ChangeResult:
        """Read the change of those seen at both dates, by one error for all groups of a scale."""
        assert group.pairs is not None
        pairs, entry = group.pairs, group.sides[0] if group.sides else group.scores
        plan = self.plans.setdefault(group.scale, self._plan(entry))
        then = None
        if self.then is not None:
            then = self.then.part(group.scale).values[rows][pairs.rows[1]]
        rng = np.random.default_rng(self.study.declaration.study.seed)
        return read_change(pairs.before, pairs.after, plan, retrospective=then,
                           weights=group.weights, rng=rng)  # fmt: skip

    def _plan(self, entry: Scores) -> ChangePlan:
        """Return what is known before: of these answers, unless the study declares a source."""
        part, plan = self.part, plan_from(entry)
        if entry.scale != TOTAL:
            return plan  # what the study declares is about the total
        if part.retest is not None:
            error = error_from_retest(
                part.retest.reliability, part.retest.sd, source=ErrorSource.DECLARED
            )
            plan = replace(plan, error=error)
        if part.smallest_change is not None:
            plan = replace(plan, worth_having=part.smallest_change.value)
        if part.selection is not None:
            plan = replace(plan, selection=(part.selection.mean, part.selection.correlation))
        return plan

    def _then(self) -> Scores | None:
        """Return the scores that people say, at the second date, they had at the first."""
        if not self.part.retrospective:
            return None
        return self._scored_by(self.part.retrospective)


def people_findings(scored: ScoredInstrument) -> tuple[Finding, ...]:
    """Return what was noticed of the people: seen twice, hardly met, in no group."""
    found = [*scored.people.findings, *scored.agreement_findings]
    for group in scored.groups:
        if group.scale != TOTAL:
            continue
        place = Place(column=scored.part.data.roles.unit)
        if group.pairs is not None:
            told = [Finding(f.code, f.severity, f.values, place) for f in group.pairs.findings]
            found += [finding for finding in told if finding not in found]
        elif scored.part.waves is not None:
            found.append(Finding.warning("group_at_one_date", place, group=group.group.value))
    return tuple(found)
