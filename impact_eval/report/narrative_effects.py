"""The result: the table of outcomes, each outcome in words, its event study, its method."""

from __future__ import annotations

import math
from collections.abc import Sequence

from impact_eval.core.findings import ImpactEvalError
from impact_eval.core.vocabulary import Unit as Vocabulary
from impact_eval.designs import designs
from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    Form,
    Heading,
    Messages,
    Note,
    Paragraph,
    Said,
    Table,
    say,
)
from impact_eval.report.edition import marked
from impact_eval.report.figures.effects import (
    EventPoint,
    NamedInterval,
    data_for_effect_forest,
    data_for_event_study,
)
from impact_eval.report.narrative_families import family_blocks
from impact_eval.report.quantities import unit_of
from impact_eval.report.wording import (
    Result,
    caution_sentences,
    headline_results,
    main_sentence,
    of_territories,
    pick,
    result_of,
    written,
)
from impact_eval.results.estimates import EffectRecord, EstimateRecord, Role
from impact_eval.results.records import StudyResults

BLANK = ("nothing_to_aggregate", "rows_without_effect")  # some rows of it have no number
EVENT = "event"  # the rows of an event study that have a place in time


def has_level(result: Result) -> bool:
    """Whether a level of the outcome can be read aloud: a logarithm cannot."""
    return result.unit.code != Vocabulary.LOG100


def effect_blocks(results: StudyResults) -> list[AnyBlock]:
    """Return the results: table, forest when units agree, event studies, the naive comparison."""
    found = headline_results(results.estimates)
    if not found:
        return []
    gated = results.disclosure.released and results.disclosure.withheld > 0
    out: list[AnyBlock] = [
        Heading(level=2, words=say("report.section.effect"), anchor="effect"),
        effect_table(found, gated=gated),
        *_forest(found),
        *family_blocks(results),
    ]
    for record in results.headlines:
        out += _outcome_blocks(record, results.estimates)
    for method in dict.fromkeys(r.method for r in found):
        out += method_blocks(method)
    return marked(out, results.disclosure)


def effect_table(found: Sequence[Result], *, gated: bool = False) -> Table:
    """Return the table of headline results.

    Parameters
    ----------
    found : sequence of Result
    gated : bool
        Whether the gate kept something back: a missing count then is one of them.
    """
    comparison = any(r.counterfactual for r in found)
    level = found[0].effect.conf_level
    estimate = "effect.column_estimate" if comparison else "effect.column_change"
    counted = "effect.column_n_territories" if of_territories(*found) else "effect.column_n"
    columns = (
        Column(key="outcome", label=say("label.outcome"), header=True),
        Column(key="estimate", label=say(estimate), form=Form.PLAIN),
        Column(key="interval", label=say("effect.column_interval", level=level), form=Form.PLAIN),
        Column(key="n_treated", label=say(counted), form=Form.INTEGER),
        Column(key="n_comparison", label=say("effect.column_comparison"), form=Form.INTEGER),
        Column(key="level", label=say("effect.column_level")),
    )
    rows = tuple(
        (
            r.outcome,
            _change(r),
            _brackets(r),
            _count(r.effect.n_treated, hidden=gated or r.withheld),
            _count(r.effect.n_comparison, hidden=r.counterfactual and (gated or r.withheld)),
            say("effect.level_of", level=r.level),
        )
        for r in found
    )
    return Table(caption=say("effect.caption"), columns=columns, rows=rows)


def _change(result: Result) -> Cell:
    if result.effect.estimate is not None:
        return result.change()
    return WITHHELD if result.withheld else say("report.absent_mark")


def _count(n: int | None, *, hidden: bool) -> Cell:
    """Return a count; one that the design has not is empty, one kept back says so."""
    return WITHHELD if n is None and hidden else n


def _brackets(result: Result) -> Cell:
    low, high = result.effect.conf_low, result.effect.conf_high
    if low is None or high is None:
        return WITHHELD if result.withheld else say("report.absent_mark")
    return result.unit.brackets(low, high, result.digits)


def _forest(found: Sequence[Result]) -> list[AnyBlock]:
    """Return one forest for outcomes that share a unit, when there are at least two of them."""
    unit = found[0].unit
    same = [r for r in found if r.unit == unit and r.effect.conf_low is not None]
    if len(same) < 2:
        return []
    rows = [
        NamedInterval(r.outcome, r.effect.estimate, r.effect.conf_low, r.effect.conf_high)
        for r in same
    ]
    comparison = all(r.counterfactual for r in same)
    return [
        data_for_effect_forest(rows, unit, comparison=comparison, level=found[0].effect.conf_level)
    ]


def _outcome_blocks(record: EstimateRecord, records: Sequence[EstimateRecord]) -> list[AnyBlock]:
    result = result_of(record)
    out: list[AnyBlock] = [
        Heading(level=3, words=say("report.section.outcome", outcome=result.outcome)),
        Paragraph(words=(main_sentence(result),), evidence_level=result.level),
    ]
    cautions = caution_sentences(result)
    if result.wanted is not None:
        cautions.insert(0, say("sentence.wanted" if result.wanted else "sentence.unwanted"))
    if cautions:
        out.append(Paragraph(words=tuple(cautions)))
    mean = record.mean_comparison
    if mean is not None and result.counterfactual and has_level(result):
        level = result.unit.level(mean, result.digits)
        words = say("sentence.mean_comparison", outcome=result.outcome, value=level)
        out.append(Paragraph(words=(words,)))
    for other in records:
        if other.outcome != record.outcome:
            continue
        if other.role is Role.EVENT:
            out += event_blocks(other, result.outcome)
        elif other.role is Role.NAIVE:
            out.append(_naive_note(other, result))
    return out


def event_blocks(record: EstimateRecord, outcome: Said) -> list[AnyBlock]:
    """Return the event study of a record of that role: its figure, and the periods kept back."""
    bands = {band.key: band for band in record.bands}
    points: list[EventPoint] = []
    hidden: list[int] = []
    for row in record.estimate.effects:
        time = _event_time(row)
        if time is None or row.term != EVENT:
            continue
        if row.estimate is None:
            hidden.append(time)
            continue
        band = bands.get(f"event[{time}]")
        known = band is not None and row.conf_low is not None
        points.append(
            EventPoint(
                time,
                row.estimate,
                row.conf_low,
                row.conf_high,
                band.conf_low if known and band is not None else None,
                band.conf_high if known and band is not None else None,
            )
        )
    out: list[AnyBlock] = []
    if len(points) > 1:
        level = record.headline.conf_level
        unit = unit_of(record.unit.value)
        out.append(data_for_event_study(points, unit, outcome, level=level))
    if hidden:
        blank = any(finding.code in BLANK for finding in record.estimate.findings)
        code = "effect.event_absent" if blank else "effect.event_withheld"
        out.append(Note(words=say(code, times=sorted(hidden))))
    return out


def _event_time(row: EffectRecord) -> int | None:
    """Return the event time of a row; None when it has none."""
    time = row.group if row.time is None else row.time
    if isinstance(time, str):
        return int(time) if time.lstrip("-").isdigit() else None
    return int(time) if time is not None and math.isfinite(time) else None


def _naive_note(record: EstimateRecord, main: Result) -> Note:
    naive = result_of(record)
    method = pick(f"method.{naive.method}.name", "label.method_other")
    if naive.effect.estimate is None:
        return Note(words=say("effect.naive_withheld", method=method))
    return Note(
        words=say(
            "effect.naive",
            method=method,
            change=naive.unit.change(naive.effect.estimate, main.digits),
            interval=naive.interval(),
        )
    )


def method_blocks(method: str) -> list[AnyBlock]:
    """Return how a result is computed: what is compared, what must be believed, what breaks it."""
    try:
        info = designs.get(method).info
    except ImpactEvalError:
        return []
    parts = [
        say(f"effect.{part}", words=say(f"method.{method}.{part}"))
        for part in ("compares", "believes", "breaks")
        if written(f"method.{method}.{part}")
    ]
    out: list[AnyBlock] = []
    if parts:
        out.append(
            Messages(
                title=say(
                    "effect.method_title",
                    method=pick(f"method.{method}.name", "label.method_other"),
                ),
                items=tuple(parts),
            )
        )
    believed = [
        say(f"assumption.{code}") for code in info.assumptions if written(f"assumption.{code}")
    ]
    if believed:
        out.append(Messages(title=say("report.section.assumptions"), items=tuple(believed)))
    return out
