"""What results say of a questionnaire: counts, means, precision, by group; no row of a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.core.vocabulary import ScoreGroup, Unit
from impact_eval.pipeline.estimation import OutcomeEvaluation
from impact_eval.pipeline.families import DEFAULT, JOINT
from impact_eval.pipeline.score_effect import effect_on_score, invariance_between_groups
from impact_eval.pipeline.score_items import (
    agreement_records,
    categories_of,
    code_tables,
    item_records,
)
from impact_eval.pipeline.score_lost import lost_record
from impact_eval.pipeline.soft import GroupScores, ScoredInstrument, people_findings
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import (
    InstrumentPart,
    Text,
    in_both_if_any,
    in_both_languages,
)
from impact_eval.pipeline.urgent import shareable
from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.parts import BilingualRecord, finite
from impact_eval.results.score_facts import (
    OUTSIDE,
    ErrorRecord,
    NormRecord,
    ResponseRecord,
    ScoreBandRecord,
    ScoreEffectRecord,
    SmallestRecord,
)
from impact_eval.results.score_parts import (
    alpha_of,
    change_of,
    invariance_of,
    mean_change_of,
    people_of,
)
from impact_eval.results.score_records import (
    BinRecord,
    LevelRecord,
    QualityRecord,
    ScoreRecord,
)
from impact_eval.stats.inference.multiplicity import Correction, adjust
from impact_eval.stats.inference.rarity import rarest
from impact_eval.stats.scales.measurement_error import ErrorSource, MeasurementError
from impact_eval.stats.surveys.weighted_spread import weighted_deviation
from impact_eval.survey.fact_words import FactText
from impact_eval.survey.quality_reading import ERROR_READING, invariance_finding
from impact_eval.survey.scale import TOTAL, Change, ChangeValue, FactMark, ScoringRule
from impact_eval.survey.scores import Scores

FloatArray = NDArray[np.float64]
MOST_BINS = 12
TOLD_BY_TABLES = frozenset({"some_got_worse", "regression_to_the_mean"})  # with their numbers
TOLD_BY_QUALITY = frozenset({"item_looks_unreversed"})  # of the same answers, named together
_HEAVIEST = 2  # people whose weights together are looked at


def score_records(
    study: Study, scored: Sequence[ScoredInstrument], found: Sequence[OutcomeEvaluation]
) -> tuple[ScoreRecord, ...]:
    """Return the records of every questionnaire, by group and part of the scale.

    The p-values of the scales of a study are corrected together (Holm): with several scales, one
    of them moves by chance more often than five times in a hundred.

    Parameters
    ----------
    study : Study
        Whose outcomes give the scales their names.
    scored : sequence of ScoredInstrument
    found : sequence of OutcomeEvaluation
        The outcomes estimated: some of them are scores.
    """
    records = [record for one in scored for record in _Recording(study, one, found).records()]
    return _corrected(records, _correction(study))


def _correction(study: Study) -> Correction:
    """Return the declared correction, where p-values alone are enough for it; Holm's else."""
    declared = study.declaration.protocol.correction
    return Correction(DEFAULT if declared is None or declared == JOINT else declared)


def _corrected(records: Sequence[ScoreRecord], correction: Correction) -> tuple[ScoreRecord, ...]:
    """Return the records with the p-values of their changes corrected together."""
    judged = [
        i
        for i, record in enumerate(records)
        if record.group is not ScoreGroup.COMPARISON
        and record.change is not None
        and record.change.p_value is not None
    ]
    if len(judged) < 2:
        return tuple(records)
    changes = [records[i].change for i in judged]
    raw = [change.p_value for change in changes if change is not None]
    told = adjust(np.array(raw, dtype=np.float64), correction)
    out = list(records)
    for i, change, p_value in zip(judged, changes, told, strict=True):
        assert change is not None
        update = {"change": change.model_copy(update={"p_corrected": float(p_value)})}
        out[i] = records[i].model_copy(update=update)
    return tuple(out)


@dataclass(frozen=True, slots=True)
class _Recording:
    """The records of one questionnaire."""

    study: Study
    scored: ScoredInstrument
    found: Sequence[OutcomeEvaluation]

    @property
    def part(self) -> InstrumentPart:
        """Return the declaration of the questionnaire."""
        return self.scored.part

    def records(self) -> Iterator[ScoreRecord]:
        """Yield a record by group and part of the scale, the whole scale first."""
        for group in self.scored.groups:
            yield self._record(group)

    def _record(self, group: GroupScores) -> ScoreRecord:
        scored, scores, change = self.scored, group.scores, group.change
        both = change is not None and bool(group.sides)
        first = group is scored.groups[0]
        error = None if change is None else change.error
        known = isinstance(error, MeasurementError) and change is not None and change.shares
        entry = group.sides[0] if group.sides else scores
        return ScoreRecord(
            id=self._id(group),
            instrument=scored.instrument.id,
            scale=scored.instrument.id,
            version=scored.instrument.version,
            name=in_both_if_any(self._label()) or self._own_name(),
            counted=self.study.rows_are(self.part.data),
            unit=Unit.SCORE,
            direction=scores.direction,
            low=None if self._never_added(group) else finite(scores.low),
            high=None if self._never_added(group) else finite(scores.high),
            n=self._people(group),
            reliability=alpha_of(entry.reliability),
            local=scored.instrument.local,
            withheld=False,
            quality=self._quality() if first else None,
            before=_level(group.sides[0], group.weights) if both else None,
            after=_level(group.sides[1], group.weights) if both else None,
            change=mean_change_of(change) if both and change is not None else None,
            detectable_change=finite(error.smallest)
            if isinstance(error, MeasurementError)
            else None,
            people=people_of(change) if both and known and change is not None else None,
            reading=change_of(change) if both and change is not None else None,
            bins=_bins(group) if both else (),
            categories=categories_of(scored.instrument) if group.sides and first else (),
            items=item_records(self.part, scored.instrument, group) if first else (),
            codes=code_tables(self.part, scored.instrument, group) if first else (),
            findings=self._findings(group, first=first),
            group=group.group,
            part=None if group.scale == TOTAL else group.scale,
            weighted=group.weights is not None,
            level=self._level_alone(group),
            error=self._error(error, scores),
            smallest=self._smallest(group),
            bands=_bands(group),
            norms=_norms(scores),
            lost=lost_record(self.study, scored, group),
            agreement=agreement_records(self.part, scored) if first else (),
            response=_response(group),
            selected_by=None if self.part.selection is None else self.part.selection.source,
            effect=self._effect(group),
            heaviest=_heaviest(group.weights),
        )

    def _id(self, group: GroupScores) -> str:
        """Return the name of a record: that of the questionnaire, its group, its part."""
        own = [self.part.id]
        if group.group is ScoreGroup.COMPARISON:
            own.append(group.group.value)
        return ".".join(own if group.scale == TOTAL else [*own, group.scale])

    def _label(self) -> Text | None:
        return next(
            (
                o.label
                for o in self.study.declaration.outcomes
                if o.instrument == self.part.id and o.part is None
            ),
            None,
        )

    def _own_name(self) -> BilingualRecord | None:
        """Return the name that a user's own scale gives itself; that of the catalogue is known."""
        scale = self.scored.instrument
        french, english = scale.name.get("fr") or None, scale.name.get("en") or None
        if not scale.local or not (french or english):
            return None
        return BilingualRecord(fr=french, en=english)

    def _people(self, group: GroupScores) -> int:
        """Return scores, all dates together; answers, where they are never added."""
        if self._never_added(group):
            return int((group.scores.answered > 0).sum())
        return group.scores.n

    def _never_added(self, group: GroupScores) -> bool:
        rule = self.scored.instrument.scoring.rule
        return rule is ScoringRule.NONE and group.scale == TOTAL

    def _level_alone(self, group: GroupScores) -> LevelRecord | None:
        """Return the level where there is one date."""
        if self.part.waves is not None or self._never_added(group):
            return None
        return _level(group.scores, group.weights)

    def _quality(self) -> QualityRecord | None:
        quality, change = self.scored.quality, self.scored.groups[0].change
        if quality is None:
            return None
        limit_told = change is not None and isinstance(change.error, MeasurementError)
        told = [f for f in quality.findings if not (limit_told and f.code == ERROR_READING)]
        told = [self._numbered(finding) for finding in told]
        comparisons = list(quality.invariance)
        between = invariance_between_groups(self.scored)
        if between is not None:
            comparisons.append(between)
            told.insert(0, invariance_finding(between))
        return QualityRecord(
            readings=tuple(FindingRecord.of(finding) for finding in shareable(told)),
            invariance=tuple(invariance_of(reading) for reading in comparisons),
        )

    def _numbered(self, finding: Finding) -> Finding:
        """Return a finding that names questions by their number, as the pages do."""
        names = finding.values.get("names")
        if not isinstance(names, tuple):
            return finding
        numbers = {name: f"question {n}" for n, name in enumerate(self.scored.scores.items, 1)}
        shown = tuple(numbers.get(str(name), str(name)) for name in names)
        return Finding(finding.code, finding.severity, {**finding.values, "names": shown})

    def _effect(self, group: GroupScores) -> ScoreEffectRecord | None:
        if group.group is ScoreGroup.COMPARISON:
            return None
        return effect_on_score(self.scored, group, self.found)

    def _findings(self, group: GroupScores, *, first: bool) -> tuple[FindingRecord, ...]:
        found: list[Finding] = []
        if first:
            judged = TOLD_BY_QUALITY if self.scored.quality is not None else frozenset()
            found += [f for f in self.scored.scores.findings if f.code not in judged]
            found += people_findings(self.scored)
        if group.change is not None and group.group is not ScoreGroup.COMPARISON:
            found += [f for f in group.change.findings if f.code not in TOLD_BY_TABLES]
        return tuple(FindingRecord.of(finding) for finding in shareable(found))

    def _error(
        self, error: MeasurementError | NotApplicable | None, scores: Scores
    ) -> ErrorRecord | RefusalRecord | None:
        if error is None:
            return None
        if isinstance(error, NotApplicable):
            return RefusalRecord.of(error)
        told_by, mark = None, None
        if error.source is ErrorSource.DECLARED and self.part.retest is not None:
            told_by = in_both_languages(self.part.retest.source)
        elif error.source is ErrorSource.PUBLISHED:
            study = _study_of_error(scores)
            told_by = None if study is None else _said(study.source)
            mark = None if study is None else study.mark
        return ErrorRecord(
            std_error=finite(error.std_error),
            smallest=finite(error.smallest),
            source=error.source,
            told_by=told_by,
            mark=mark,
            n=error.n if error.source is ErrorSource.SAMPLE else None,
        )

    def _smallest(self, group: GroupScores) -> tuple[SmallestRecord, ...]:
        """Return the smallest change that matters: declared, else every published one."""
        declared = self.part.smallest_change
        if declared is not None and group.scale == TOTAL:
            return (
                SmallestRecord(value=declared.value, source=in_both_languages(declared.source),
                               mark=FactMark.READ),
            )  # fmt: skip
        return tuple(
            SmallestRecord(value=v.value, source=_said(v.source), mark=v.mark)
            for v in self.scored.instrument.smallest_change(group.scale)
        )


def _level(scores: Scores, weights: FloatArray | None) -> LevelRecord:
    """Return where a group stands; with weights, where the people they stand for do."""
    seen = np.isfinite(scores.values)
    if weights is not None:
        seen &= weights > 0
    values = scores.values[seen]
    n, mean, spread = len(values), None, None
    if n:
        mass = np.ones(n) if weights is None else weights[seen]
        mean = float(mass @ values / mass.sum())
        spread = weighted_deviation(values, mass) if n > 1 else None
    return LevelRecord(mean=mean, sd=spread, n=n, fewest=rarest(values))


def _heaviest(weights: FloatArray | None) -> float | None:
    """Return the share of the weights that the two heaviest people hold."""
    if weights is None or not weights.sum() > 0:
        return None
    return float(np.sort(weights)[-_HEAVIEST:].sum() / weights.sum())


def _response(group: GroupScores) -> ResponseRecord | RefusalRecord | None:
    """Return the weights of those who answered again, and the change without them."""
    found = group.response
    if found is None or isinstance(found, NotApplicable):
        return None if found is None else RefusalRecord.of(found)
    plain = None if group.unweighted is None else mean_change_of(group.unweighted)
    return ResponseRecord(
        effective_n=finite(found.effective_n),
        gap_before=finite(found.gap_before),
        gap_after=finite(found.gap_after),
        unweighted=None if plain is None else plain.estimate,
    )


def _bins(group: GroupScores) -> tuple[BinRecord, ...]:
    """Cut the possible range in a few equal parts; count those who have a score at both dates."""
    low, high = group.scores.low, group.scores.high
    width = max(1.0, np.ceil((high - low) / MOST_BINS))
    edges = np.arange(low, high + width, width)
    ends = np.append(edges, edges[-1] + width)
    counts = [np.histogram(side.values, ends)[0] for side in group.sides]
    return tuple(
        BinRecord(low=float(edge), high=float(min(edge + width, high)), before=int(b), after=int(a))
        for edge, b, a in zip(edges, counts[0], counts[1], strict=True)
        if edge < high or b or a
    )


def _bands(group: GroupScores) -> tuple[ScoreBandRecord, ...]:
    """Return the published bands, with those seen at both dates in each, then those in none.

    A scale that publishes one band alone has people outside it: shares are of everybody, and the
    gate judges them with the others, since one count gives the other.
    """
    counts = [side.band_counts() for side in group.sides]
    bands = tuple(
        ScoreBandRecord(
            id=cut.id,
            low=finite(cut.low) if cut.low is not None else None,
            high=finite(cut.high) if cut.high is not None else None,
            population=_said(cut.population),
            source=_said(cut.source),
            mark=cut.mark,
            before=counts[0][cut.id] if counts else None,
            after=counts[1][cut.id] if counts else None,
        )
        for cut in group.scores.cutoffs
    )
    if not bands or not counts:
        return bands
    held = [sum(found.values()) for found in counts]
    left = [len(side.values) - n for side, n in zip(group.sides, held, strict=True)]
    if not any(left):
        return bands
    rest = {"id": OUTSIDE, "low": None, "high": None, "before": left[0], "after": left[1]}
    return (*bands, bands[-1].model_copy(update=rest))


def _norms(scores: Scores) -> tuple[NormRecord, ...]:
    return tuple(
        NormRecord(id=norm.id, mean=norm.mean, sd=norm.sd, year=norm.year,
                   population=_said(norm.population), source=_said(norm.source), mark=norm.mark)
        for norm in scores.norms
    )  # fmt: skip


def _study_of_error(scores: Scores) -> ChangeValue | None:
    """Return the published fact that an error of measurement comes from: never a useful change."""
    facts = sorted(scores.change, key=lambda fact: fact.kind is not Change.SEM)
    return next((fact for fact in facts if fact.kind is not Change.MCID), None)


def _said(fact: FactText) -> BilingualRecord:
    """Return what a scale's file says, as results hold it."""
    return BilingualRecord(fr=fact.fr, en=fact.en)
