"""What stands beside the amounts of an account: who puts in, what is deducted, what was checked."""

from __future__ import annotations

from collections.abc import Sequence

from impact_eval.report.blocks import AnyBlock, Column, Form, Messages, Table, say
from impact_eval.report.value_words import Names, agent_words, name_words
from impact_eval.results.account_records import QuantityRecord
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.stated import sum_or_none
from impact_eval.results.value import GuardRecord, PartyRecord


def payers_table(parties: Sequence[PartyRecord]) -> list[AnyBlock]:
    """Return who puts what in, where what it brings may not be told."""
    rows = tuple((agent_words(p.agent.value), p.pays) for p in parties if p.pays is not None)
    if not rows:
        return []
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        Column(key="pays", label=say("value.cost"), form=Form.EURO),
    )
    total = (say("value.total"), sum_or_none(p.pays for p in parties))
    caption = say("value.caption_put_in")
    return [Table(caption=caption, columns=columns, rows=(*rows, total), emphasis=(len(rows),))]


def deadweight_messages(quantities: Sequence[QuantityRecord], names: Names) -> list[AnyBlock]:
    """Return what would have happened anyway, as the comparison gives it."""
    items = []
    for own in quantities:
        told = own.deadweight
        if isinstance(told, RefusalRecord) or told.value is None:
            continue
        known = told.conf_low is not None and told.conf_high is not None
        items.append(
            say(
                "value.deadweight_between" if known else "value.deadweight_about",
                line=name_words(names.line(own.line)),
                share=told.value,
                low=told.conf_low,
                high=told.conf_high,
            )
        )
    title = say("value.deadweight_title")
    return [Messages(title=title, items=tuple(items))] if items else []


def guard_log(guards: Sequence[GuardRecord], names: Names) -> list[AnyBlock]:
    """Return what each guard looked for and what it said, those that said nothing included."""
    if not guards:
        return []
    columns = (
        Column(key="guard", label=say("value.guard_name"), header=True),
        Column(key="status", label=say("value.guard_status")),
        Column(key="lines", label=say("value.guard_lines")),
    )
    rows = tuple(
        (
            say(f"value.guard.{row.guard}"),
            say(f"value.status.{row.status}"),
            say("value.guard_named", names=[name_words(names.line(line)) for line in row.lines])
            if row.lines
            else "",
        )
        for row in guards
    )
    return [Table(caption=say("value.guard_caption"), columns=columns, rows=rows)]
