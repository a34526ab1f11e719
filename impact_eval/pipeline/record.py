"""From what was computed in memory to the typed record of a study."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, FlowStep
from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.core.inference import smallest_detectable_effect
from impact_eval.core.provenance import versions
from impact_eval.core.vocabulary import RowsAre, Unit
from impact_eval.data.flow import first_step
from impact_eval.data.sample import DataShape, Sample
from impact_eval.diagnostics.evidence import EvidenceLevel
from impact_eval.diagnostics.few_clusters import FewClusters
from impact_eval.diagnostics.hidden_difference import Unobserved
from impact_eval.diagnostics.specification_curve import SpecificationCurve
from impact_eval.pipeline.dossier import Dossier
from impact_eval.pipeline.estimation import OutcomeEvaluation
from impact_eval.pipeline.families import families_of
from impact_eval.pipeline.protocol import protocol_record
from impact_eval.pipeline.score_recording import score_records
from impact_eval.pipeline.soft import ScoredInstrument
from impact_eval.pipeline.study import Study
from impact_eval.pipeline.study_models import in_both_if_any, in_both_languages
from impact_eval.pipeline.study_tables import ReadData
from impact_eval.results.account_records import ValueSection
from impact_eval.results.checks import CheckRecord, check_of
from impact_eval.results.checks_of_places import MarginRow
from impact_eval.results.disclosure.dominance import group_facts
from impact_eval.results.disclosure.profiles import Profile
from impact_eval.results.estimates import (
    BandRecord,
    CovarianceRecord,
    EstimateRecord,
    EvidenceRecord,
    FitRecord,
    FlowRecord,
    GroupRecord,
    QuestionRecord,
    Role,
)
from impact_eval.results.finding_records import FindingRecord, NoticedRecord
from impact_eval.results.parts import finite, finite_rows
from impact_eval.results.records import SCHEMA, StudyResults
from impact_eval.results.study_records import (
    CurveRecord,
    DataRecord,
    DisclosureRecord,
    DossierRecord,
    HiddenRecord,
    InferenceRecord,
    LinesRecord,
    LogicRecord,
    PrivacyRecord,
    Provenance,
    ReadingRecord,
    ReleasedCount,
    StudyRecord,
)
from impact_eval.stats.inference.joint_influence import joint_covariance

MAGNITUDES = frozenset({Unit.EUR, Unit.COUNT, Unit.HOURS, Unit.DAYS, Unit.NUMBER})
Arm: TypeAlias = Literal["treated", "comparison", "all"]
SAME = 0.9  # correlation from which two outcomes nearly say the same
MOST_LABELS = 200  # periods kept in a record


def results_of_study(
    study: Study,
    data: ReadData,
    scored: Mapping[str, ScoredInstrument],
    found: Sequence[OutcomeEvaluation],
    account: ValueSection | None,
    earlier: Sequence[ReleasedCount] = (),
) -> StudyResults:
    """Return the record of a study, before the gate.

    Parameters
    ----------
    study : Study
    data : ReadData
        The main table, as read.
    scored : mapping of str to ScoredInstrument
    found : sequence of OutcomeEvaluation
    account : AccountSection or None
    earlier : sequence of ReleasedCount
        What earlier editions of the study published.
    """
    declared = study.declaration
    profile = study.profile
    families = families_of(found, declared.protocol.correction, seed=declared.study.seed)
    return StudyResults(
        schema=SCHEMA,
        study=study_record(study),
        data=_data_record(study, data, found),
        estimates=tuple(
            r.model_copy(update={"family": families.get(r.outcome)}) if r.role is Role.MAIN else r
            for e in found
            for r in _estimates(study, e, profile, twins_of(e, found))
        ),
        covariance=_joint(found),
        checks=tuple(
            CheckRecord(outcome=e.part.id, check=check_of(check))
            for e in found
            for check in e.checks
        ),
        scores=score_records(study, tuple(scored.values()), found),
        value=account,
        dossier={
            e.part.id: _dossier(e.dossier)
            for e in found
            if e.dossier.inference or e.dossier.curve or e.dossier.hidden
        },
        findings=_findings(found),
        disclosure=DisclosureRecord(
            released=False,
            edition="publication",
            profile=profile.name,
            threshold=profile.threshold,
            withheld=0,
            log=(),
        ),
        provenance=Provenance(
            versions=versions(),
            seed=declared.study.seed,
            data_sha256=data.sha256,
            study_sha256=study.digest,
            template_sha256=None,
            run_at=dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        ),
        earlier=tuple(earlier),
    )


# ------------------------------------------------------------------ the declaration


def study_record(study: Study) -> StudyRecord:
    """Return what results say of the study: the declaration without its data roles."""
    part, protocol = study.declaration.study, study.declaration.protocol
    logic, privacy = study.declaration.logic, study.declaration.privacy
    return StudyRecord(
        id=part.id,
        title=in_both_languages(part.title),
        territory=part.territory,
        territory_name=in_both_if_any(part.territory_name),
        contract=part.contract,
        pillar=part.pillar,
        action=in_both_languages(part.action),
        public=in_both_if_any(part.public),
        period=part.period,
        operator=part.operator,
        emblematic=part.emblematic,
        question=in_both_if_any(protocol.question),
        comparison=in_both_if_any(protocol.comparison),
        randomised=protocol.randomised,
        logic=LogicRecord(
            inputs=tuple(in_both_languages(t) for t in logic.inputs),
            activities=tuple(in_both_languages(t) for t in logic.activities),
            outputs=tuple(in_both_languages(t) for t in logic.outputs),
            outcomes=tuple(in_both_languages(t) for t in logic.outcomes),
            impacts=tuple(in_both_languages(t) for t in logic.impacts),
        ),
        protocol=protocol_record(study),
        privacy=PrivacyRecord(
            threshold=study.profile.threshold,
            profile=privacy.profile,
            rows_are=study.rows_are(study.declaration.data),
            reason=in_both_if_any(privacy.reason),
            internal_edition=study.profile.own_edition or privacy.internal_edition,
            keep_until=privacy.keep_until,
        ),
    )


# ------------------------------------------------------------------ the data


def _data_record(study: Study, data: ReadData, found: Sequence[OutcomeEvaluation]) -> DataRecord:
    """Return what the numbers were computed on; without any estimate, the rows as read."""
    part = study.declaration.data
    first = next((e for e in found if e.part.instrument is None), found[0] if found else None)
    rows = len(data.frame)
    sample = None if first is None else first.sample
    flow: tuple[FlowStep, ...] = (first_step(data.frame, part.roles.unit),)
    if first is not None:
        flow = first.fitted.flow or first.sample.flow
    return DataRecord(
        file=part.file,
        sha256=data.sha256,
        counted=study.rows_are(part),
        columns=tuple(sorted(study.used_columns)),
        flow=tuple(FlowRecord.of(step) for step in flow),
        n_rows=rows if sample is None else sample.n,
        n_units=rows if sample is None else sample.n_units,
        n_periods=1 if sample is None else sample.n_periods,
        shape=(DataShape.CROSS_SECTION if sample is None else sample.shape).value,
        times=()
        if sample is None
        else tuple(str(label) for label in sample.time_labels[:MOST_LABELS]),
        reading=_reading(data.log),
    )


def _reading(log: Mapping[str, object]) -> ReadingRecord | None:
    """Return how a table was read: codes and counts."""
    if not log:
        return None
    steps = log.get("log")
    entries = steps if isinstance(steps, (list, tuple)) else ()
    return ReadingRecord(
        file=str(log.get("file")),
        format=str(log.get("format")),
        encoding=_text(log.get("encoding")),
        separator=_text(log.get("separator")),
        rows_in=_count(log.get("rows_in")),
        rows_out=_count(log.get("rows_out")),
        log=tuple(FindingRecord.of(Finding.from_dict(entry)) for entry in entries),
        lines=LinesRecord.of(log.get("lines")),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


# ------------------------------------------------------------------ the estimates


def twins_of(one: OutcomeEvaluation, found: Sequence[OutcomeEvaluation]) -> tuple[str, ...]:
    """Return the outcomes that nearly say the same of the same people: they can be subtracted.

    Two numbers about the same quantity, of groups that differ by a few people, give those people's
    values; numbers about two quantities that have nothing to do with each other do not.
    """
    out = []
    for other in found:
        if other is one or other.sample is not one.sample:
            continue
        a, b = (e.sample.outcome(e.fitted.outcome) for e in (one, other))
        both = np.isfinite(a) & np.isfinite(b)
        if both.sum() < 3 or not a[both].std() or not b[both].std():
            continue
        if abs(float(np.corrcoef(a[both], b[both])[0, 1])) >= SAME:
            out.append(other.part.id)
    return tuple(out)


def _estimates(
    study: Study, found: OutcomeEvaluation, profile: Profile, twins: tuple[str, ...]
) -> Iterator[EstimateRecord]:
    """Yield the records of one outcome, the headline first."""
    main = _estimate(study, found, found.main, Role.MAIN, profile)
    yield main.model_copy(update={"twins": twins if main.counted is RowsAre.PEOPLE else ()})
    if found.dossier.analytic is not None:
        yield _estimate(study, found, found.dossier.analytic, Role.ANALYTIC, profile)
    if found.event is not None:
        yield _estimate(study, found, found.event, Role.EVENT, profile)
    if len(found.fitted) > 1 and found.fitted.aggregator is not None:
        yield _estimate(study, found, found.fitted, Role.CELLS, profile)
    if found.naive is not None:
        yield _estimate(study, found, found.naive, Role.NAIVE, profile)


def _estimate(
    study: Study, found: OutcomeEvaluation, estimate: Estimate, role: Role, profile: Profile
) -> EstimateRecord:
    effect, is_main, part = estimate.effects[0], role is Role.MAIN, found.part
    counted = found.sample.rows_are
    clusters = counted if not found.sample.cluster_names else RowsAre.TERRITORIES
    detectable = (
        smallest_detectable_effect(effect.std_error, df=effect.df)
        if is_main and effect.std_error
        else None
    )
    return EstimateRecord(
        outcome=part.id,
        label=in_both_languages(part.label),
        unit=part.unit,
        direction=part.direction,
        primary=part.primary,
        role=role,
        counted=counted,
        clusters=clusters,
        withheld=False,
        question=QuestionRecord(
            outcome=part.id, estimand=estimate.estimand, instrument=part.instrument
        ),
        estimate=FitRecord.of(estimate),
        bands=_bands(estimate) if role is Role.EVENT else (),
        evidence=_evidence(found.evidence) if is_main else None,
        smallest_detectable=finite(detectable),
        declared_smallest_effect=study.smallest_effect_of(part),
        mean_comparison=_mean_comparison(found) if is_main else None,
        family=None,
        groups=tuple(_groups(found, profile)) if counted is RowsAre.PEOPLE else (),
        twins=(),
    )


def _bands(estimate: Estimate) -> tuple[BandRecord, ...]:
    table = estimate.bands()
    rows = zip(estimate.effects, table["conf_low"], table["conf_high"], strict=True)
    return tuple(
        BandRecord(key=effect.key, conf_low=finite(low), conf_high=finite(high))
        for effect, low, high in rows
    )


def _evidence(level: EvidenceLevel) -> EvidenceRecord:
    return EvidenceRecord(
        level=level.level,
        ceiling=level.ceiling,
        reasons=level.reasons,
        would_raise=level.would_raise,
        caps=dict(level.caps),
    )


def _mean_comparison(found: OutcomeEvaluation) -> float | None:
    """Return the mean of the rows not treated: what the effect is read against."""
    values = found.sample.outcome(found.fitted.outcome)
    rows = np.isfinite(values)
    if found.sample.treated is not None:
        rows &= ~found.sample.treated
    return float(values[rows].mean()) if rows.any() else None


def _groups(found: OutcomeEvaluation, profile: Profile) -> Iterator[GroupRecord]:
    """Yield what the gate must know of each group, at its worst date.

    A group is dominated or homogeneous as soon as it is so at one date: that date's mean is
    published or can be computed. Those seen at every date are judged too: a change is theirs.
    """
    sample = found.sample
    values = sample.outcome(found.fitted.outcome)
    known = np.isfinite(values)
    for name, rows in _arms(sample):
        facts = [
            group_facts(values[at], sample.weights_array[at], profile=profile)
            for seen in (known, known & _followed(sample, known))
            for at in _dates(sample, rows & seen)
        ]
        facts = [fact for fact in facts if fact.n]
        rarest = [fact.rarest for fact in facts if fact.rarest is not None]
        large = found.part.unit in MAGNITUDES
        yield GroupRecord(
            name=name,
            n=min((fact.n for fact in facts), default=0),
            dominated=large and any(fact.dominated for fact in facts),
            homogeneous=any(fact.homogeneous for fact in facts),
            rarest=min(rarest) if rarest else None,
            changed=_changed(sample, values, rows & known),
        )


def _changed(sample: Sample, values: NDArray[np.float64], rows: NDArray[np.bool_]) -> int | None:
    """Return how many people changed a yes or no since the first date, the least by date."""
    two = np.unique(values[rows]).size == 2
    if sample.unit_codes is None or sample.time_codes is None or not two:
        return None
    dates = np.unique(sample.time_codes[rows])
    first = np.full(sample.n_units, np.nan)
    at = rows & (sample.time_codes == dates[:1])
    first[sample.unit_codes[at]] = values[at]
    counts = []
    for date in dates[1:]:
        at = rows & (sample.time_codes == date)
        was = first[sample.unit_codes[at]]
        counts.append(int((np.isfinite(was) & (was != values[at])).sum()))
    return min(counts, default=None)


def _arms(sample: Sample) -> Iterator[tuple[Arm, NDArray[np.bool_]]]:
    """Yield each group by its name and its rows; people followed keep theirs at every date."""
    ever = sample.treated if sample.cohorts is None else np.isfinite(sample.cohorts)
    if ever is None or ever.all() or not ever.any():
        yield "all", np.ones(sample.n, dtype=bool)
        return
    yield "treated", ever
    yield "comparison", ~ever


def _followed(sample: Sample, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the rows of units that answered at every date."""
    if sample.unit_codes is None or sample.time_codes is None:
        return known
    answers = np.bincount(sample.unit_codes[known], minlength=sample.n_units)
    return np.asarray(answers[sample.unit_codes] == sample.n_periods, dtype=bool)


def _dates(sample: Sample, rows: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    if sample.time_codes is None:
        yield rows
        return
    for code in np.unique(sample.time_codes[rows]):
        yield rows & (sample.time_codes == code)


def _joint(found: Sequence[OutcomeEvaluation]) -> CovarianceRecord:
    matrix = joint_covariance([e.main for e in found])
    keys = tuple(f"{e.part.id}/{effect.key}" for e in found for effect in e.main.effects)
    return CovarianceRecord(keys=keys, matrix=finite_rows(matrix.tolist()))


# ------------------------------------------------------------------ what surrounds them


def _dossier(dossier: Dossier) -> DossierRecord:
    inference = dossier.inference
    return DossierRecord(
        inference=None if inference is None or not inference.few else _inference(inference),
        curve=() if dossier.curve is None else tuple(_curve(dossier.curve)),
        hidden=None if dossier.hidden is None else _hidden(dossier.hidden),
    )


def _hidden(found: Unobserved) -> HiddenRecord:
    delta = None if isinstance(found.delta, NotApplicable) else found.delta
    e_value = None if isinstance(found.e_value, NotApplicable) else found.e_value
    return HiddenRecord(
        robustness=finite(found.robustness),
        doubt=finite(found.robustness_alpha),
        delta=None if delta is None else finite(abs(delta)),
        opposed=delta is not None and delta < 0,
        e_value=None if e_value is None else finite(e_value.point),
        e_value_interval=None if e_value is None else finite(e_value.interval),
    )


def _inference(found: FewClusters) -> InferenceRecord:
    rate = found.false_positive
    return InferenceRecord(
        n_clusters=found.n_clusters,
        n_treated=found.n_treated,
        exact=found.exact,
        n_draws=found.n_draws,
        false_positive=None if rate is None else finite(rate.rate),
        rows=tuple(
            MarginRow(
                method=row.method,
                status=row.status.value,
                estimate=finite(row.effect.estimate),
                std_error=finite(row.effect.std_error),
                conf_low=finite(row.effect.conf_low),
                conf_high=finite(row.effect.conf_high),
                p_value=finite(row.effect.p_value),
            )
            for row in found.rows
        ),
    )


def _curve(curve: SpecificationCurve) -> Iterator[CurveRecord]:
    for item in curve.specifications:
        effect = item.effect
        yield CurveRecord(
            label=item.label,
            design=item.design,
            refusal=tuple(item.refusal),
            estimate=None if effect is None else finite(effect.estimate),
            std_error=None if effect is None else finite(effect.std_error),
            conf_low=None if effect is None else finite(effect.conf_low),
            conf_high=None if effect is None else finite(effect.conf_high),
            p_value=None if effect is None else finite(effect.p_value),
        )


def _findings(found: Sequence[OutcomeEvaluation]) -> tuple[NoticedRecord, ...]:
    """Return what was noticed, once each, with the outcomes it was noticed on."""
    seen: dict[str, tuple[FindingRecord, list[str]]] = {}
    for e in found:
        for finding in (*e.noticed, *e.sample.findings, *e.fitted.findings, *e.main.findings):
            record = FindingRecord.of(finding)
            _, outcomes = seen.setdefault(record.model_dump_json(), (record, []))
            if e.part.id not in outcomes:
                outcomes.append(e.part.id)
    return tuple(
        NoticedRecord(
            code=record.code,
            severity=record.severity,
            values=record.values,
            place=record.place,
            outcomes=tuple(outcomes),
        )
        for record, outcomes in seen.values()
    )
