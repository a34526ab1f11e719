"""One scale in the report: its change, what it can tell apart, who was lost, what people ticked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from impact_eval.core.vocabulary import Direction, ScoreGroup
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
from impact_eval.report.figures.people import ScoreBin, data_for_distribution
from impact_eval.report.narrative_answers import agreement_blocks, answer_blocks
from impact_eval.report.narrative_score import (
    alpha_shown,
    band_words,
    change_sentence,
    known_change,
    never_added,
    part_name,
    record_name,
    scale_name,
    shown_unit,
)
from impact_eval.report.quantities import digits_for
from impact_eval.report.wording import finding_code, said, spoken
from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.score_change import PairedTRecord, ResponseShiftRecord
from impact_eval.results.score_facts import OUTSIDE, ErrorRecord, LostRecord, ResponseRecord
from impact_eval.results.score_records import (
    BinRecord,
    PeopleChanged,
    ScoreRecord,
)
from impact_eval.results.stated import against_smallest, shares, sum_or_none
from impact_eval.survey.scale import FactMark

NOT_ASKED = "no_retrospective"  # why nothing is said of a then-test that no study asked for
LOW_ALPHA = 0.70
LIMIT_DIGITS = 1  # of the smallest change of one person, in points


def scale_blocks(score: ScoreRecord, beside: Sequence[ScoreRecord]) -> list[AnyBlock]:
    """Return what is told of one questionnaire.

    Parameters
    ----------
    score : ScoreRecord
        The accompanied (or everybody), the whole scale.
    beside : sequence of ScoreRecord
        Its parts, and the same for those they are compared with.
    """
    name = scale_name(score)
    out: list[AnyBlock] = [Heading(level=3, words=name)]
    if never_added(score) and any(record.part for record in beside):
        out.append(Note(words=say("soft.never_added")))
    elif score.withheld:
        out.append(Note(words=say("soft.withheld", scale=name)))
    for record in (score, *beside):
        out += _change(record) + _response(record)
    out += _worth(score)
    for record in (score, *beside):
        out += _compared(record)
    for record in (score, *beside):
        out += _limit(record, score)
        out += _people_changed(record)
    out += _shift(score)
    out += [block for record in (score, *beside) for block in _bands(record)]
    if not score.withheld:
        out += _norms(score) + _lost(score) + _quality(score)
    for record in (score, *beside):
        out += _low_reliability(record)
    out += _distribution(score, name)
    out += answer_blocks(score) + agreement_blocks(score)
    out += [_limitation(f) for record in (score, *beside) for f in _told_findings(record)]
    return [block for i, block in enumerate(out) if block not in out[:i]]


def _low_reliability(score: ScoreRecord) -> list[AnyBlock]:
    """Warn of a low alpha where no reading of the quality has judged it already."""
    alpha = alpha_shown(score)
    judged = score.quality is not None and bool(score.quality.readings)
    if judged or alpha is None or alpha >= LOW_ALPHA or score.group is ScoreGroup.COMPARISON:
        return []
    words = say("soft.reliability_low", scale=part_name(score), alpha=alpha)
    return [Note(words=words, tone="warning")]


def _told_findings(score: ScoreRecord) -> Iterator[FindingRecord]:
    """Return what was noticed; of a scale that is kept back, what needs none of its numbers."""
    for finding in score.findings:
        if not score.withheld or None not in finding.values.values():
            yield finding


def _limitation(finding: FindingRecord) -> Limitation:
    words = say(finding_code(finding.code, finding.values), **spoken(finding.code, finding.values))
    return Limitation(words=words, severity=finding.severity.value)


def _change(score: ScoreRecord) -> list[AnyBlock]:
    """Return the mean change of a group, in a sentence; with weights, of whom they stand for."""
    if known_change(score) is None:
        return []
    words: tuple[Words, ...] = (change_sentence(score),)
    if score.direction is not Direction.NEITHER:
        words = (*words, say(f"soft.better.{score.direction.value}"))
    if score.weighted:
        words = (*words, say("soft.weighted"))
    return [Paragraph(words=words, evidence_level=1)]


def _response(score: ScoreRecord) -> list[AnyBlock]:
    """Return what the weights for those who were lost change, or why there are none."""
    found = score.response
    if isinstance(found, RefusalRecord):
        reason = say(f"reason.{found.not_applicable}", **spoken(found.not_applicable, found.values))
        return [Note(words=say("soft.no_response", reason=reason))]
    change = known_change(score)
    if found is None or found.unweighted is None or change is None:
        return []
    plain = shown_unit(score).change(found.unweighted, change.digits)
    words: list[Words] = [say("soft.response", scale=record_name(score), change=plain)]
    if found.gap_before is not None and found.gap_after is not None:
        words.append(say("soft.response_gap", before=found.gap_before, after=found.gap_after))
    return [Paragraph(words=tuple(words))]


def _worth(score: ScoreRecord) -> list[AnyBlock]:
    """Set the mean change of the group against the smallest change that matters to people."""
    change = known_change(score)
    if not score.smallest or change is None or change.low is None or change.high is None:
        return []
    unit = shown_unit(score)
    out: list[AnyBlock] = []
    for known in score.smallest:
        digits = digits_for(unit, None, None, known.value)
        verdict = against_smallest(change.low, change.high, known.value, score.direction)
        size = unit.size(known.value, digits)
        words = say(f"soft.worth_{verdict.value}", smallest=size, source=said(known.source))
        out.append(Paragraph(words=(words, *_unchecked(known.mark))))
    return out


def _compared(score: ScoreRecord) -> list[AnyBlock]:
    """Return the size of an estimated difference on a scale: in deviations, against what matters.

    How sure it is stands with the result itself: here is only what its size means.
    """
    effect = score.effect
    if effect is None or effect.size is None or effect.deviation is None:
        return []
    unit = shown_unit(score)
    deviation = unit.size(effect.deviation, LIMIT_DIGITS)
    words: list[Words] = [
        say("soft.compared", scale=part_name(score), size=effect.size, deviation=deviation,
            interval=say("report.no_interval")
            if effect.conf_low is None or effect.conf_high is None
            else say("soft.compared_ends", low=effect.conf_low, high=effect.conf_high))
    ]  # fmt: skip
    for known in score.smallest:
        if effect.low is None or effect.high is None:
            continue
        verdict = against_smallest(effect.low, effect.high, known.value, score.direction)
        size = unit.size(known.value, digits_for(unit, None, None, known.value))
        words.append(
            say(f"soft.compared_{verdict.value}", smallest=size, source=said(known.source))
        )
        words += _unchecked(known.mark)
    return [Paragraph(words=tuple(words))]


def _unchecked(mark: FactMark) -> tuple[Words, ...]:
    """Say that a fact was not read in its source."""
    return (say("soft.unchecked"),) if mark is FactMark.MEMORY else ()


def _limit(score: ScoreRecord, whole: ScoreRecord) -> list[AnyBlock]:
    """Return what a scale can tell of one person, and where the limit comes from: told once."""
    error = score.error
    if score.withheld or score.change is None or score.group is ScoreGroup.COMPARISON:
        return []
    if isinstance(error, RefusalRecord):
        reason = say(f"reason.{error.not_applicable}", **spoken(error.not_applicable, error.values))
        return [Note(words=say("soft.no_limit", reason=reason))]
    if not isinstance(error, ErrorRecord) or error.smallest is None:
        return []
    unit = shown_unit(score)
    size = unit.size(error.smallest, LIMIT_DIGITS)
    source = say(f"soft.limit_{error.source.value}", study=said(error.told_by))
    first = whole.error if isinstance(whole.error, ErrorRecord) else None
    told = score is not whole and first is not None and first.smallest is not None
    again = told and first is not None and first.source is error.source
    code = "soft.limit_again" if again else "soft.limit"
    words = say(code, scale=part_name(score), smallest=size, source=source)
    unchecked = _unchecked(error.mark) if error.mark is not None else ()
    return [Paragraph(words=(words, *unchecked))]


def _people_changed(score: ScoreRecord) -> list[AnyBlock]:
    """Return who passed the limit, and how many would without any change."""
    if score.people is None:
        known = isinstance(score.error, ErrorRecord) and known_change(score) is not None
        if not known or score.direction is Direction.NEITHER or score.withheld:
            return []
        return [Note(words=say("soft.people_withheld", scale=record_name(score)))]
    return [_people(score.people, record_name(score)), Note(words=say("soft.by_chance"))]


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


def _shift(score: ScoreRecord) -> list[AnyBlock]:
    """Set what people say they were beside what they said then; tell the drift of a selection."""
    reading, out = score.reading, list[AnyBlock]()
    if reading is None:
        return out
    unit = shown_unit(score)
    if isinstance(reading.shift, RefusalRecord) and reading.shift.not_applicable != NOT_ASKED:
        reason = say(f"reason.{reading.shift.not_applicable}",
                     **spoken(reading.shift.not_applicable, reading.shift.values))  # fmt: skip
        out.append(Note(words=say("soft.no_then_test", reason=reason)))
    if isinstance(reading.shift, ResponseShiftRecord):
        then, shift = reading.shift.then_test, reading.shift.shift
        if then.mean_change is not None and shift.mean_change is not None:
            digits = digits_for(unit, then.conf_low, then.conf_high, then.mean_change)
            words = say(
                "soft.then_test" if _leaves_chance_out(shift) else "soft.then_test_flat",
                change=unit.change(then.mean_change, digits),
                shift=unit.size(abs(shift.mean_change), digits),
                n="" if then.n is None else then.n,
            )
            out.append(Paragraph(words=(words, say("soft.then_test_caution"))))
    if isinstance(reading.drift, float):
        digits = digits_for(unit, None, None, reading.drift)
        out.append(
            Paragraph(
                words=(
                    say(
                        "soft.drift",
                        drift=unit.change(reading.drift, digits),
                        source=score.selected_by,
                    ),
                )
            )
        )
    return out


def _leaves_chance_out(found: PairedTRecord) -> bool:
    """Whether an interval is known and leaves out zero."""
    low, high = found.conf_low, found.conf_high
    return low is not None and high is not None and not low <= 0 <= high


def _bands(score: ScoreRecord) -> list[AnyBlock]:
    """Return the published bands, with the shares of people in each at both dates."""
    before, after = (
        [n for band in score.bands if (n := getattr(band, date)) is not None]
        for date in ("before", "after")
    )
    if not score.bands or score.change is None or score.withheld:
        return []
    if not len(before) == len(after) == len(score.bands):
        return [Note(words=say("soft.bands_withheld", scale=record_name(score)))]
    rows = tuple(
        (
            band_words(score, band.id),
            None
            if band.id == OUTSIDE
            else say("soft.band_range", low=_end(band.low), high=_end(band.high)),
            *parts,
        )
        for band, *parts in zip(score.bands, shares(before), shares(after), strict=True)
    )
    table = Table(
        caption=say("soft.caption_bands", scale=record_name(score)),
        columns=(
            Column(key="band", label=say("soft.band"), header=True),
            Column(key="range", label=say("soft.band_scores"), form=Form.PLAIN),
            Column(key="before", label=say("soft.before"), form=Form.PERCENT),
            Column(key="after", label=say("soft.after"), form=Form.PERCENT),
        ),
        rows=rows,
    )
    sources = list(dict.fromkeys((b.source, b.population, b.mark) for b in score.bands))
    notes = [
        _marked(say("soft.band_source", source=said(source), population=said(population)), mark)
        for source, population, mark in sources
    ]
    return [table, *(Note(words=words) for words in notes)]


def _marked(words: Words, mark: FactMark) -> Words:
    """Say on the line itself that what it cites was not read in its source."""
    if mark is not FactMark.MEMORY:
        return words
    return say("soft.told_unchecked", told=words, unchecked=say("soft.unchecked"))


def _end(value: float | None) -> Said:
    return say("soft.no_end") if value is None else say("soft.end", value=value)


def _norms(score: ScoreRecord) -> list[AnyBlock]:
    """Return published means, to set the group beside: of whom, when, read or not."""
    return [
        Paragraph(
            words=(
                say("soft.norm", mean=norm.mean, population=said(norm.population), year=norm.year,
                    source=said(norm.source)),
                *_unchecked(norm.mark),
            )
        )
        for norm in score.norms
    ]  # fmt: skip


def _lost(score: ScoreRecord) -> list[AnyBlock]:
    """Return who was asked at one date only, and what those lost were like when they entered."""
    lost = score.lost
    if lost is None or (lost.n_lost == 0 and lost.n_new == 0):
        return []
    counts = (
        ("n_before", lost.n_before),
        ("n_after", lost.n_after),
        ("n", lost.n),
        ("n_lost", lost.n_lost),
        ("n_new", lost.n_new),
    )
    rows = tuple((say(f"soft.lost_{name}"), _count(n)) for name, n in counts)
    out: list[AnyBlock] = [
        Table(
            caption=say("soft.caption_lost", scale=record_name(score)),
            columns=(
                Column(key="who", label=say("soft.lost_who"), header=True),
                Column(key="n", label=say("soft.people_n"), form=Form.INTEGER),
            ),
            rows=rows,
        )
    ]
    out += _lost_profile(score, lost)
    return out


def _lost_profile(score: ScoreRecord, lost: LostRecord) -> list[AnyBlock]:
    """Return what those who stayed and those who were lost were like at entry."""
    if lost.n_lost == 0:
        return []
    rows = [row for row in lost.rows if row.mean_stayed is not None and row.mean_lost is not None]
    if not rows:
        return [Note(words=say("soft.lost_unknown"))]
    table = Table(
        caption=say("soft.caption_lost_profile"),
        columns=(
            Column(key="name", label=say("label.covariate"), form=Form.LABEL, header=True),
            Column(key="stayed", label=say("soft.lost_stayed"), form=Form.DECIMAL_2),
            Column(key="lost", label=say("soft.lost_gone"), form=Form.DECIMAL_2),
        ),
        rows=tuple(
            (
                say("soft.lost_score") if row.label == SCORE_LABEL else row.label,
                row.mean_stayed,
                row.mean_lost,
            )
            for row in rows
        ),
    )
    weighted = isinstance(score.response, ResponseRecord)
    return [table, Note(words=say("soft.lost_weighted" if weighted else "soft.lost_caution"))]


SCORE_LABEL = "score"  # the row of the score itself


def _quality(score: ScoreRecord) -> list[AnyBlock]:
    """Return how far the scale can be trusted here, one plain sentence by statistic."""
    readings = () if score.quality is None else score.quality.readings
    if not readings:
        return []
    items = tuple(say(finding_code(r.code, r.values), **spoken(r.code, r.values)) for r in readings)
    return [Messages(title=say("soft.quality_title"), items=items)]


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
