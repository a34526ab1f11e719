"""The disclosure gate: nothing leaves that a rule does not let out, whatever the format.

Every leaf of the record of a study declares what it discloses (`base.Rule`). The gate walks the
record once, with what is known of the people behind each part, and returns the record that may
leave. What rests on few people, on one of them, or on a group that differs by few from another,
is kept back with everything that rests on it: its error, its checks, its euros.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from impact_eval.core.findings import Severity
from impact_eval.core.vocabulary import RowsAre, ScoreGroup
from impact_eval.results.account_records import AccountSection, ValueSection
from impact_eval.results.checks import CheckRecord
from impact_eval.results.disclosure.profiles import Profile, profile
from impact_eval.results.estimates import (
    CovarianceRecord,
    EffectRecord,
    EstimateRecord,
    FitRecord,
    FlowRecord,
    Role,
)
from impact_eval.results.finding_records import NoticedRecord
from impact_eval.results.gate_checks import (
    context_of_check,
    prepared_check,
    unsaid_categories,
    with_shares,
)
from impact_eval.results.gate_counts import CountKind, Counts
from impact_eval.results.gate_groups import (
    FEW_CHANGED,
    HOMOGENEOUS,
    few_changed,
    given_back,
    gives_back,
    levels_rule,
    one_person,
    too_few,
)
from impact_eval.results.gate_leaves import (
    Context,
    Log,
    as_told,
    follows,
    matrix_leaf,
)
from impact_eval.results.gate_rows import (
    dates_hidden,
    one_more_cohort,
    one_more_row,
    secrets_of,
    whole_families,
)
from impact_eval.results.gate_scores import levels_of_score, prepared
from impact_eval.results.gate_value import account_told
from impact_eval.results.gate_walk import walk
from impact_eval.results.records import StudyResults
from impact_eval.results.score_records import ScoreRecord
from impact_eval.results.study_records import (
    DataRecord,
    DisclosureRecord,
    DossierRecord,
    InferenceRecord,
    KeptBack,
    ReadingRecord,
)

_ARMS = {
    ScoreGroup.ACCOMPANIED: CountKind.TREATED,
    ScoreGroup.COMPARISON: CountKind.COMPARISON,
}


class Edition(StrEnum):
    """For whom an edition is made."""

    PUBLICATION = "publication"
    INTERNAL = "internal"  # the operator's own: its people and small numbers, and no name


@dataclass(frozen=True, slots=True)
class Released:
    """An edition that may leave, and the counts it tells, for the ledger."""

    results: StudyResults
    counts: Mapping[str, int]


def released_counts(results: StudyResults) -> Mapping[str, int]:
    """Return the counts of people that an edition tells, by where they stand.

    Parameters
    ----------
    results : StudyResults
        Already passed: what it holds is what it tells.
    """
    told = results.disclosure
    rules = profile(told.profile).with_threshold(told.threshold)
    return _Gate(results, rules, Edition(told.edition)).release().counts


def release(results: StudyResults, edition: Edition = Edition.PUBLICATION) -> Released:
    """Pass the record of a study through the gate.

    Parameters
    ----------
    results : StudyResults
        As computed; not changed. One that passed already comes back as it is.
    edition : Edition

    Returns
    -------
    Released
    """
    if results.disclosure.released:
        return Released(results, {})
    rules = profile(results.disclosure.profile).with_threshold(results.disclosure.threshold)
    if edition is Edition.INTERNAL:
        rules = rules.for_own_edition()
    return _Gate(results, rules, edition).release()


class _Gate:
    """One passage: the counts told so far, the log, and what is known of each outcome."""

    def __init__(self, results: StudyResults, rules: Profile, edition: Edition) -> None:
        self.results = results
        self.rules = rules
        self.edition = edition
        self.counts = Counts(rules, results.earlier, _dates_of(results))
        self.log = Log()
        self.base = Context(
            profile=rules,
            counts=self.counts,
            log=self.log,
            counted=results.data.counted,
            clusters=RowsAre.TERRITORIES,
            columns=frozenset(results.data.columns),
        )
        self.base = replace(self.base, unsaid=unsaid_categories(results.checks, self.base))
        self.outcomes: dict[str, Context] = {}
        self.formulas: set[str] = set()

    def release(self) -> Released:
        """Walk the parts in the order of what matters most: the headlines first."""
        whole = self.results
        for record in whole.headlines:
            self.outcomes[record.outcome] = self._of_outcome(record)
        estimates = whole_families(tuple(self._estimate(record) for record in whole.estimates))
        self._keep(secrets_of(whole.estimates, estimates), dates_hidden(whole.estimates, estimates))
        parts: dict[str, object] = {
            "estimates": estimates,
            "data": self._data(whole.data),
            "scores": tuple(self._score(score) for score in whole.scores),
            "checks": tuple(self._check(record) for record in whole.checks),
            "dossier": {name: self._dossier(name, d) for name, d in whole.dossier.items()},
            "covariance": self._joint(whole.covariance),
            "value": self._value(whole.value),
            "findings": (*map(self._noticed, whole.findings), *self._noticed_by_rule()),
            "earlier": (),
        }
        parts["disclosure"] = self._disclosure()
        return Released(whole.model_copy(update=parts), dict(self.counts.told))

    def _keep(self, secret: frozenset[float], partial: frozenset[str]) -> None:
        """Remember the numbers kept back, for all that is told after the estimates."""
        self.base = replace(self.base, secret=secret)
        self.outcomes = {
            name: replace(context, secret=secret, rows_hidden=name in partial)
            for name, context in self.outcomes.items()
        }

    # -- what is known of an outcome ----------------------------------------------------------

    def _of_outcome(self, record: EstimateRecord) -> Context:
        """Return what a result's people allow: nothing, its numbers, or its counts too."""
        context = replace(
            self.base,
            counted=record.counted,
            clusters=record.clusters,
            part=f"estimates.{record.outcome}",
            key=f"estimates.{record.outcome}",
            error=record.headline.std_error,
            total=sum(n for n in record.rests_on if n is not None) or None,
        )
        if not context.people:
            return context
        rule = (
            too_few(record, self.rules)
            or one_person(record.groups, context)
            or few_changed(record, context)
        )
        if rule is not None:
            return replace(context, withheld=rule)
        hidden = not self._counts_of(record, context)
        levels = levels_rule(record, context)
        if levels is not None and given_back(record, context):
            return replace(context, withheld=levels)
        smallest = min((n for n in record.rests_on if n is not None), default=None)
        edition = any(
            entry.key.startswith(f"{context.key}.") and not entry.same_source
            for entry in self.results.earlier
        )
        close = hidden and (bool(record.twins) or edition)
        return replace(context, counts_hidden=hidden, close=close, levels=levels, n=smallest)

    def _counts_of(self, record: EstimateRecord, context: Context) -> bool:
        """Return whether the counts of a headline may leave; those that may are remembered."""
        treated, comparison = record.rests_on
        row = f"{context.key}.main"
        if treated is not None and comparison is not None:
            return self.counts.allows_pair(row, treated, comparison)
        lone = treated if treated is not None else comparison
        return lone is None or self.counts.allows(row, CountKind.EVERYONE, lone)

    # -- the parts ----------------------------------------------------------------------------

    def _estimate(self, record: EstimateRecord) -> EstimateRecord:
        context = self.outcomes.get(record.outcome, self.base)
        context = replace(context, part=f"estimates.{record.outcome}.{record.role}")
        if record.role is Role.NAIVE or self._formula_tells(record, context):
            context = _unadjusted(context)
        rests = record.rests_on
        main = self.results.of(record.outcome) if record.outcome in self.outcomes else record
        own = record.role is not Role.MAIN and rests != main.rests_on
        fit = self._fit(record.estimate, context, counts=not own)
        kept = walk(record, context, skip=("estimate", "groups", "twins"))
        bands = tuple(
            band.model_copy(update={"conf_low": None, "conf_high": None})
            if row.estimate is None and band.conf_low is not None
            else band
            for band, row in zip(kept.bands, fit.effects, strict=False)
        )
        return kept.model_copy(
            update={
                "estimate": fit,
                "groups": (),
                "twins": (),
                "bands": bands,
                "withheld": context.withheld is not None,
            }
        )

    def _fit(self, fit: FitRecord, context: Context, *, counts: bool) -> FitRecord:
        """Return an estimate: rows of few people empty, and the covariance with them.

        The counts of a row that is not about all the people of the headline never leave: with its
        estimate, they would give back the rows kept back.
        """
        rows = tuple(self._row(row, context, counts=counts) for row in fit.effects)
        if context.people and len(rows) > 1:
            rows = one_more_cohort(fit.effects, rows, context)
            rows = one_more_row(fit.effects, rows, context)
        hidden = [
            row.estimate is None and true.estimate is not None
            for row, true in zip(rows, fit.effects, strict=True)
        ]
        flow = _flow(fit.flow, context)
        kept = walk(fit, context, skip=("effects", "covariance", "flow"))
        matrix = matrix_leaf(fit.covariance, hidden, exact=context.exact)
        return kept.model_copy(update={"effects": rows, "covariance": matrix, "flow": flow})

    def _row(self, row: EffectRecord, context: Context, *, counts: bool) -> EffectRecord:
        if not context.people:
            return walk(row, context)
        own = replace(context, error=row.std_error)
        if own.withheld is None and any(self.counts.small(n) for n in row.rests_on):
            own = replace(own, withheld="threshold")
        told = walk(row, own, skip=("n_treated", "n_comparison", "n_clusters"))
        shown = own.withheld is None and not own.counts_hidden and counts
        people = {
            name: as_told(getattr(row, name), own) if shown else None
            for name in ("n_treated", "n_comparison", "n_clusters")
        }
        if own.clusters is RowsAre.PEOPLE and not (shown and own.exact_counts):
            told = told.model_copy(update={"df": None})  # they are people less one or two
        if own.clusters is RowsAre.TERRITORIES:
            people["n_clusters"] = row.n_clusters
        elif shown and not follows(row):
            people["n_clusters"] = None
        return told.model_copy(update=people)

    def _data(self, data: DataRecord) -> DataRecord:
        """Return the data, with the flow as it may be told."""
        context = replace(self.base, part="data", key="data")
        flow = _flow(data.flow, context)
        kept = walk(data, context, skip=("flow", "reading"))
        reading = None if data.reading is None else self._reading(data.reading, context)
        return kept.model_copy(update={"flow": flow, "reading": reading})

    def _reading(self, reading: ReadingRecord, context: Context) -> ReadingRecord:
        """Return the log of reading, without what is about columns that the study does not use."""
        used = tuple(
            entry
            for entry in reading.log
            if entry.place is None
            or entry.place.column is None
            or entry.place.column in context.columns
        )
        told = walk(reading.model_copy(update={"log": used}), context.at("reading"))
        # The lines of a file less those that are nobody's are the rows kept back.
        return told if told.rows_out is not None else told.model_copy(update={"lines": None})

    def _score(self, score: ScoreRecord) -> ScoreRecord:
        context = replace(
            self.base,
            counted=score.counted,
            clusters=score.counted,
            part=f"scores.{score.id}",
            key=f"scores.{score.id}",
            error=_error_of(score),
            n=score.n,
            arm=_ARMS.get(score.group),
        )
        if not context.people:
            return walk(score, context)
        parts = (score.before, score.after, score.change, score.level)
        counts = [score.n, *(p.n for p in parts if p)]
        few = any(self.counts.small(n) for n in counts)
        heavy = score.heaviest is not None and score.heaviest > self.rules.nk_share
        outcome = next(
            (
                self.outcomes[r.outcome].withheld
                for r in self.results.headlines
                if r.question.instrument == score.id.partition(".")[0]
            ),
            None,
        )
        rule = "threshold" if few else "dominance" if heavy else outcome
        ready = prepared(score, context, withheld=rule is not None)
        context = replace(context, withheld=rule, levels=levels_of_score(score, context))
        told = walk(ready, context, counts_first=("change", "reading"))
        return told.model_copy(update={"withheld": rule is not None})

    def _check(self, record: CheckRecord) -> CheckRecord:
        context = self.outcomes.get(record.outcome, self.base)
        part = f"checks.{record.outcome}.{record.check.code}"
        context = context_of_check(record.check, replace(context, part=part, key=part))
        ready = record.model_copy(update={"check": prepared_check(record.check, context)})
        told = walk(ready, context)
        return told.model_copy(update={"check": with_shares(told.check)})

    def _dossier(self, outcome: str, dossier: DossierRecord) -> DossierRecord:
        context = self.outcomes.get(outcome, self.base)
        part = f"dossier.{outcome}"
        context = replace(context, part=part, key=part)
        curve = tuple(walk(row, _unadjusted(context)) for row in dossier.curve)
        hidden = dossier.hidden
        hidden = None if hidden is None else walk(hidden, _unadjusted(context).at("hidden"))
        inference = dossier.inference
        if inference is not None and self._margins_tell(outcome, inference, context):
            beside = _unadjusted(context)
            rows = tuple(
                row if row.status == "headline" else walk(row, beside) for row in inference.rows
            )
            dossier = dossier.model_copy(
                update={"inference": inference.model_copy(update={"rows": rows})}
            )
        told = walk(dossier, context, skip=("curve", "hidden"))
        return told.model_copy(update={"curve": curve, "hidden": hidden})

    def _margins_tell(self, outcome: str, inference: InferenceRecord, context: Context) -> bool:
        """Whether a margin beside the headline tells the levels kept back.

        The usual error may stand in the dossier alone, beside a draw that was asked for by name.
        """
        if outcome in self.formulas or context.levels is None:
            return outcome in self.formulas
        record = self.results.of(outcome)
        return any(
            gives_back(record, context, row.estimate, row.std_error)
            for row in inference.rows
            if row.status != "headline"
        )

    def _formula_tells(self, record: EstimateRecord, context: Context) -> bool:
        """Whether the usual error beside a headline of few people tells the levels kept back."""
        if record.role is not Role.ANALYTIC or context.levels is None:
            return False
        tells = given_back(record, context)
        self.formulas |= {record.outcome} if tells else set()
        return tells

    def _joint(self, joint: CovarianceRecord) -> CovarianceRecord:
        owners = [self.outcomes.get(key.split("/", 1)[0], self.base) for key in joint.keys]
        hidden = [context.withheld is not None for context in owners]
        exact = all(context.exact for context in owners)
        return joint.model_copy(update={"matrix": matrix_leaf(joint.matrix, hidden, exact=exact)})

    def _value(self, value: ValueSection | None) -> ValueSection | None:
        """Return the account as it may leave, or why it may not."""
        if not isinstance(value, AccountSection):
            return value
        return account_told(value, self.results.headlines, self.outcomes, self.base)

    def _noticed(self, finding: NoticedRecord) -> NoticedRecord:
        owners = [self.outcomes[o] for o in finding.outcomes if o in self.outcomes]
        context = next((c for c in owners if c.withheld is not None), None)
        context = context or (owners[0] if owners else self.base)
        part = f"findings.{finding.code}"
        return walk(finding, replace(context, part=part, key=part))

    def _noticed_by_rule(self) -> tuple[NoticedRecord, ...]:
        """Return what may be said of what was kept back: one answer for all, few who changed."""
        found = {
            rule: tuple(
                name
                for name, context in self.outcomes.items()
                if rule in (context.levels, context.withheld)
            )
            for rule in (HOMOGENEOUS, FEW_CHANGED)
        }
        return tuple(
            NoticedRecord(
                code=rule, severity=Severity.WARNING, values={}, place=None, outcomes=names
            )
            for rule, names in found.items()
            if names
        )

    def _disclosure(self) -> DisclosureRecord:
        lines = sorted(self.log.lines.items())
        return self.results.disclosure.model_copy(
            update={
                "released": True,
                "edition": self.edition.value,
                "threshold": self.rules.threshold,
                "withheld": sum(n for _, n in lines),
                "log": tuple(
                    KeptBack(place=place, rule=rule, withheld=n) for (place, rule), n in lines
                ),
            }
        )


# ------------------------------------------------------------------ rows and matrices


def _dates_of(results: StudyResults) -> frozenset[int]:
    """Return at how many dates people are seen: rows are as many times people."""
    twice = {2} if any(score.change is not None for score in results.scores) else set()
    return frozenset({results.data.n_periods, *twice} - {1})


def _unadjusted(context: Context) -> Context:
    """Return the context of another design's answer: kept back with the levels.

    One that adjusts for nothing is a plain difference of means: with an adjusted one beside it, or
    with its error, it gives back levels that were kept back.
    """
    return replace(context, withheld=context.withheld or context.levels)


def _flow(steps: tuple[FlowRecord, ...], context: Context) -> tuple[FlowRecord, ...]:
    """Return a flow: the last step first, since it is what results rest on.

    What a step dropped is kept back with what it left, and with what was left before it: of the
    three, any two tell the third.
    """
    flow = list(steps)
    for i in reversed(range(len(flow))):
        flow[i] = walk(flow[i], context.at(f"flow.{flow[i].step}"))
        if i + 1 < len(flow):
            flow[i + 1] = _kept_with(flow[i], flow[i + 1])
    return tuple(flow)


def _kept_with(before: FlowRecord, after: FlowRecord) -> FlowRecord:
    """Return a step without what it dropped, where what was left, before or after, is kept back."""
    update: dict[str, object] = {}
    if None in (before.n, after.n):
        update["dropped"] = None
    if None in (before.units, after.units):
        update["units_dropped"] = None
    return after.model_copy(update=update) if update else after


# ------------------------------------------------------------------ what people allow


def _error_of(score: ScoreRecord) -> float | None:
    return None if score.change is None else score.change.std_error
