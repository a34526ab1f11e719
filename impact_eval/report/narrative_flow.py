"""Who was observed: people and rows counted apart, where each outcome ends, why each was lost.

A table followed over time has a row per person and date: rows are never called people, nor people
rows. All are said to be analysed only where nobody and no row is lost, for any outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Column,
    Form,
    Messages,
    Paragraph,
    Said,
    Table,
    Withheld,
    say,
)
from impact_eval.report.figures.people import Step, data_for_flow
from impact_eval.report.wording import count_or_words, of_territories, pick, said, written
from impact_eval.results.estimates import FlowRecord
from impact_eval.results.records import StudyResults
from impact_eval.results.stated import lost, received, share, units_received

Steps = tuple[FlowRecord, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """The flow of an outcome, its name, and whether its units are territories."""

    label: Said
    flow: Steps
    territories: bool


def flow_of(results: StudyResults) -> list[AnyBlock]:
    """Return the flow in words, its figure, and the table of the losses."""
    if not results.data.flow:
        return [Paragraph(words=(say("flow.none"),))]
    told = [
        _Told(said(record.label), record.estimate.flow, of_territories(record))
        for record in results.headlines
        if record.estimate.flow
    ]
    territories = of_territories(results.data)
    if all(one.flow == results.data.flow for one in told):
        return _one(results.data.flow, territories, n_periods=results.data.n_periods)
    return _several(told)


def _one(steps: Steps, territories: bool, *, n_periods: int | None) -> list[AnyBlock]:
    """Return the flow of a study whose outcomes all lose the same."""
    words = (
        _followed_words(steps, territories, n_periods=n_periods)
        if is_followed(steps)
        else _row_words(steps, territories)
    )
    if _whole(steps):
        return [Paragraph(words=words)]
    figure = data_for_flow([Step(_step(s.step), s.n, s.dropped) for s in steps])
    return [Paragraph(words=words), figure, _table([(None, steps)], territories)]


def is_followed(steps: Sequence[FlowRecord]) -> bool:
    """Whether people or territories are counted beside rows, and are not the rows."""
    return any(step.units is not None and step.units != step.n for step in steps)


def _whole(steps: Steps) -> bool:
    """Whether nothing is lost from the first step to the last, as far as is published."""
    start, end = received(steps[0]), steps[-1].n
    same = start is not None and start == end
    return same and units_received(steps[0]) == steps[-1].units


def _row_words(steps: Steps, territories: bool) -> tuple[Said, ...]:
    start, end = received(steps[0]), steps[-1].n
    if start is None or end is None:
        return (say("flow.sentence_withheld", start=count_or_words(start), n=count_or_words(end)),)
    if start == end:
        return (say("flow.sentence_all", n=end),)
    known = [(before.n, received(after)) for before, after in pairwise(steps)]
    if any(n is None or n != entered for n, entered in known):  # or a count was kept back
        code = "flow.sentence_territories" if territories else "flow.sentence_units"
        return (say(code, start=start, n=end),)
    return (
        say("flow.sentence", start=start, n=end, share=share(end, start)),
        say("flow.lost", n=lost(start, end)),
    )


def _followed_words(steps: Steps, territories: bool, *, n_periods: int | None) -> tuple[Said, ...]:
    who = "territories" if territories else "people"
    start, rows = received(steps[0]), steps[-1].n
    everyone, n = units_received(steps[0]), steps[-1].units
    if start is None or rows is None or everyone is None or n is None:
        told = {"start": start, "rows": rows, "everyone": everyone, "n": n}
        words = {name: count_or_words(count) for name, count in told.items()}
        return (say(f"flow.{who}_withheld", **words),)
    at_every_date = n_periods is not None and rows == n * n_periods
    if _whole(steps) and at_every_date:
        return (say(f"flow.{who}_all", n=n, rows=rows),)
    out: list[Said] = [say(f"flow.{who}", everyone=everyone, start=start, n=n, rows=rows)]
    if not at_every_date:
        out.append(say(f"flow.{who}_not_always"))
    return tuple(out)


def _several(told: Sequence[_Told]) -> list[AnyBlock]:
    """Return the flows of outcomes that do not end alike: one line each, one table for all."""
    items = tuple(_end(one) for one in told)
    first = told[0]
    figure = data_for_flow([Step(_step(s.step), s.n, s.dropped) for s in first.flow])
    table = _table([(one.label, one.flow) for one in told], all(o.territories for o in told))
    return [Messages(title=say("flow.by_outcome"), items=items), figure, table]


def _end(one: _Told) -> Said:
    """Return where an outcome starts and ends; a count that is kept back is said to be."""
    start, rows = received(one.flow[0]), one.flow[-1].n
    everyone, n = units_received(one.flow[0]), one.flow[-1].units
    if not is_followed(one.flow):
        told = {"start": count_or_words(start), "n": count_or_words(rows)}
        return say("flow.end_rows", outcome=one.label, **told)
    who = "territories" if one.territories else "people"
    counts = {"start": start, "rows": rows, "everyone": everyone, "n": n}
    words = {name: count_or_words(count) for name, count in counts.items()}
    return say(f"flow.end_{who}", outcome=one.label, **words)


def _step(code: str) -> Said:
    known = written(f"flow_step.{code}") or written(f"label.{code}")
    return pick(f"flow_step.{code}", f"label.{code}") if known else code


def _table(flows: Sequence[tuple[Said | None, Steps]], territories: bool) -> Table:
    """Return the steps of each flow; people and rows each have their columns when they differ."""
    several = any(label is not None for label, _ in flows)
    followed = any(is_followed(steps) for _, steps in flows)
    who = "territories" if territories else "people"
    columns = [
        *([Column(key="outcome", label=say("flow.outcome"), header=True)] if several else []),
        Column(key="step", label=say("flow.step"), form=Form.LABEL, header=not several),
    ]
    if followed:
        columns += [
            Column(key="units", label=say(f"flow.{who}_kept"), form=Form.INTEGER),
            Column(key="units_dropped", label=say(f"flow.{who}_dropped"), form=Form.INTEGER),
        ]
    rows_of = "rows_" if followed else ""
    columns += [
        Column(key="n", label=say(f"flow.{rows_of}kept"), form=Form.INTEGER),
        Column(key="dropped", label=say(f"flow.{rows_of}dropped"), form=Form.INTEGER),
        Column(key="reason", label=say("flow.reason")),
    ]
    rows = []
    for label, steps in flows:
        for step in steps:
            counts = (step.units, step.units_dropped) if followed else ()
            told = [_or_withheld(n) for n in (*counts, step.n, step.dropped)]
            head = [label] if label is not None else []
            rows.append((*head, _step(step.step), *told, _drop_reason(step.reason)))
    return Table(caption=say("flow.caption"), columns=tuple(columns), rows=tuple(rows))


def _or_withheld(n: int | None) -> int | Withheld:
    return WITHHELD if n is None else n


def _drop_reason(code: str | None) -> Said:
    if code is None:
        return say("flow.no_reason")
    known = (f"flow_reason.{code}", f"reason.{code}", f"label.{code}")
    return pick(*known) if any(written(c) for c in known) else code
