"""Self-reported outcomes: scores at two dates, with what the scale can and cannot tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Limitation,
    Messages,
    Note,
    Paragraph,
    Said,
    Table,
    Words,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.figures.people import (
    ItemAnswers,
    ScoreBin,
    data_for_distribution,
    data_for_likert,
)
from impact_eval.report.quantities import ShownUnit, digits_for, unit_of
from impact_eval.report.wording import finding_code, said, spoken, written
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.records import StudyResults
from impact_eval.results.score_records import (
    AlphaRecord,
    BinRecord,
    CategoryCode,
    PeopleChanged,
    ScoreRecord,
)
from impact_eval.results.stated import sum_or_none

LOW_ALPHA = 0.70


def soft_outcome_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the scores: one table, then each scale's sentence, precision and figures."""
    if not results.scores:
        return []
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.soft"), anchor="soft"),
        Note(words=say("soft.caution")),
        _table(results.scores),
    ]
    for score in results.scores:
        out += _scale_blocks(score)
    return marked(out, results.disclosure)


def soft_message(results: StudyResults) -> Words | None:
    """Return the first scale's change in one sentence; None when there is none to tell."""
    for score in results.scores:
        told = _told(score)
        if told is not None:
            return _change_sentence(score, told)
    return None


def scale_name(score: ScoreRecord) -> Said:
    """Return a scale's name: as given, or from the catalogue, or its identifier."""
    if score.name is not None:
        return said(score.name)
    code = f"instrument.{score.instrument}.name"
    return say(code) if written(code) else score.instrument


def _unit(score: ScoreRecord) -> ShownUnit:
    return unit_of(score.unit.value)


@dataclass(frozen=True, slots=True)
class _KnownChange:
    """A mean change that is known, and so can be told."""

    estimate: float
    low: float | None
    high: float | None
    digits: int


def _told(score: ScoreRecord) -> _KnownChange | None:
    """Return the mean change of a scale; None when there is none, or when it is kept back."""
    change = score.change
    if change is None or change.estimate is None:
        return None
    digits = digits_for(_unit(score), change.conf_low, change.conf_high, change.estimate)
    return _KnownChange(change.estimate, change.conf_low, change.conf_high, digits)


def _change_sentence(score: ScoreRecord, change: _KnownChange) -> Words:
    unit, low, high = _unit(score), change.low, change.high
    interval, clear = say("report.no_interval"), False
    if low is not None and high is not None:
        interval, clear = unit.between(low, high, change.digits), not low <= 0 <= high
    return say(
        "soft.sentence_up" if clear else "soft.sentence_flat",
        scale=scale_name(score),
        change=unit.change(change.estimate, change.digits),
        interval=interval,
    )


def _table(scores: Sequence[ScoreRecord]) -> Table:
    columns = (
        Column(key="scale", label=say("soft.instrument"), header=True),
        Column(key="n", label=say("soft.n"), form=Form.INTEGER),
        Column(key="before", label=say("soft.before"), form=Form.DECIMAL_1),
        Column(key="after", label=say("soft.after"), form=Form.DECIMAL_1),
        Column(key="change", label=say("soft.change"), form=Form.PLAIN),
        Column(key="interval", label=say("soft.interval"), form=Form.PLAIN),
        Column(key="alpha", label=say("soft.reliability"), form=Form.DECIMAL_2),
    )
    rows = tuple(_row(score) for score in scores)
    return Table(
        caption=say("soft.caption"),
        columns=columns,
        rows=rows,
    )


def _row(score: ScoreRecord) -> tuple[Cell, ...]:
    change = _told(score)
    hidden: Cell = WITHHELD if score.withheld else None
    shown, interval = hidden, hidden
    if change is not None:
        unit, low, high = _unit(score), change.low, change.high
        shown = unit.change(change.estimate, change.digits)
        if low is not None and high is not None:
            interval = unit.brackets(low, high, change.digits)
    n = score.n if score.change is None else score.change.n
    return (
        scale_name(score),
        WITHHELD if n is None else n,
        _or(None if score.before is None else score.before.mean, hidden),
        _or(None if score.after is None else score.after.mean, hidden),
        shown,
        interval,
        _or(_alpha(score), hidden),
    )


def _or(value: float | None, hidden: Cell) -> Cell:
    return hidden if value is None else value


def _alpha(score: ScoreRecord) -> float | None:
    found = score.reliability
    return found.alpha if isinstance(found, AlphaRecord) else None


def _scale_blocks(score: ScoreRecord) -> list[AnyBlock]:
    name = scale_name(score)
    out: list[AnyBlock] = [Heading(level=3, words=name)]
    if score.withheld:
        out.append(Note(words=say("soft.withheld", scale=name)))
    change = _told(score)
    if change is not None:
        out.append(Paragraph(words=(_change_sentence(score, change),), evidence_level=1))
        precision = _precision(score, change)
        if precision:
            out.append(Paragraph(words=precision))
    if score.people is not None:
        out.append(_people(score.people, name))
    out += _quality(score)
    alpha = _alpha(score)
    if alpha is not None and alpha < LOW_ALPHA:
        words = say("soft.reliability_low", scale=name, alpha=alpha)
        out.append(Note(words=words, tone="warning"))
    out += _distribution(score, name)
    out += _items(score)
    for finding in score.findings:
        words = say(
            finding_code(finding.code, finding.values), **spoken(finding.code, finding.values)
        )
        out.append(Limitation(words=words, severity=finding.severity.value))
    return out


def _distribution(score: ScoreRecord, name: Said) -> list[AnyBlock]:
    """Return the scores by class at both dates; nothing when all the counts are kept back."""
    if all(row.before is None and row.after is None for row in score.bins):
        return []
    before = None if score.before is None else score.before.mean
    after = None if score.after is None else score.after.mean
    classes = _classes(score.bins)
    return [data_for_distribution(classes, scale=name, mean_before=before, mean_after=after)]


def _classes(rows: Sequence[BinRecord]) -> list[ScoreBin]:
    """Return the classes of a score; one without width (the top value) joins its neighbour."""
    out: list[ScoreBin] = []
    for row in rows:
        if out and row.high <= row.low:
            last = out.pop()
            sums = (sum_or_none((last.before, row.before)), sum_or_none((last.after, row.after)))
            out.append(ScoreBin(last.low, last.high, *sums))
        else:
            out.append(ScoreBin(row.low, row.high, row.before, row.after))
    return out


def _precision(score: ScoreRecord, change: _KnownChange) -> tuple[Words, ...]:
    threshold = score.detectable_change
    if threshold is None:
        return ()
    unit = _unit(score)
    digits = digits_for(unit, None, None, threshold)
    passed = abs(change.estimate) >= threshold
    precision = say("soft.precision", mdc=unit.size(threshold, digits))
    if score.findings:  # the survey floor says it, with its numbers
        return (precision,)
    return (precision, say("soft.precision_ok" if passed else "soft.precision_below"))


def _quality(score: ScoreRecord) -> list[AnyBlock]:
    """Return how far the scale can be trusted here, one plain sentence by statistic."""
    readings = () if score.quality is None else score.quality.readings
    if not readings:
        return []
    items = tuple(say(finding_code(r.code, r.values), **spoken(r.code, r.values)) for r in readings)
    return [Messages(title=say("soft.quality_title"), items=items)]


def _people(people: PeopleChanged, name: Said) -> Table:
    """Return how many people clearly changed; a table, so that the gate can keep small counts."""
    counts = (people.improved, people.stable, people.worsened)
    codes = ("soft.improved", "soft.stable", "soft.worsened")
    rows = tuple((say(code), _count(n)) for code, n in zip(codes, counts, strict=True))
    return Table(
        caption=say("soft.caption_people", scale=name),
        columns=(
            Column(key="answer", label=say("soft.people_change"), header=True),
            Column(key="n", label=say("soft.people_n"), form=Form.INTEGER),
        ),
        rows=(*rows, (say("soft.people_all"), _count(sum_or_none(counts)))),
        emphasis=(len(rows),),
    )


def _count(n: int | None) -> Cell:
    return WITHHELD if n is None else n


def _items(score: ScoreRecord) -> list[AnyBlock]:
    """Return the answers to each question; all are shown, or none and a note says so."""
    if not score.items:  # answers have names, so there were counts
        kept_back = bool(score.categories) and not score.withheld
        return [Note(words=say("soft.items_withheld"))] if kept_back else []
    rows: list[ItemAnswers] = []
    hidden = False
    for item in score.items:
        for wave, counts in (("before", item.before), ("after", item.after)):
            if counts:
                rows.append(ItemAnswers(said(item.label), say(f"figure.wave_{wave}"), counts))
            hidden = hidden or counts is None
    if hidden:
        return [Note(words=say("soft.items_withheld"))]
    names = [_category(category) for category in score.categories]
    if not rows or not names:
        return []
    return [data_for_likert(rows, names), Note(words=say("soft.items_base"))]


def _category(category: BilingualRecord | CategoryCode) -> Said:
    return say(f"label.{category.code}") if isinstance(category, CategoryCode) else said(category)
