"""What public money brings, and what an account takes for certain: two tables and a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from impact_eval.report.blocks import (
    AnyBlock,
    Cell,
    Column,
    Form,
    Messages,
    Number,
    Table,
    Words,
    say,
)
from impact_eval.report.value_words import Names, name_words, titled
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.value import (
    CertainRecord,
    FundsRecord,
    MvpfRecord,
    NumberNameRecord,
    PublicRecord,
    RangeRecord,
)
from impact_eval.value.readouts.mvpf import MvpfCase
from impact_eval.value.readouts.standing import ValueStanding
from impact_eval.value.uncertainty.assumed_laws import ADJUSTMENTS, DROP_OFF

MOST_CERTAIN = 20
_COUNT = "value.certain.count"
# what each number that is taken for certain is counted in; a flow of a bundle is in euros
_FORMS = {
    **dict.fromkeys((*ADJUSTMENTS, DROP_OFF), "number.pct"),
    "discount_rate": "number.pct1",
    "duration": "value.certain.years",
    "hours": "value.certain.hours",
    "people": "number.int",
    "quantity": _COUNT,
}


def public_blocks(told: PublicRecord | RefusalRecord | None, standing: ValueStanding) -> list[
    AnyBlock
]:  # fmt: skip
    """Return what public money brings: a sentence, then the net value and the cost of funds.

    Parameters
    ----------
    told : PublicRecord, RefusalRecord or None
        None in files written before it was told.
    standing : ValueStanding
        The verbs obey it.
    """
    if not isinstance(told, PublicRecord):
        return []
    if isinstance(told.mvpf, RefusalRecord) and not told.outlay.estimate:
        return []  # no public body is concerned
    return [
        Messages(title=say("value.public.title"), items=(_people_gain(told, standing),)),
        _funds_table(told),
        *_per_euro(told, standing),
    ]


def _people_gain(told: PublicRecord, standing: ValueStanding) -> Words:
    """Return what a net public euro is worth to people, with its interval, or why it is not told.

    What is not attributed to the action is in the conditional.
    """
    read = told.mvpf
    if isinstance(read, RefusalRecord):
        return say("value.public.no_mvpf", reason=say(f"reason.{read.not_applicable}"))
    mood = "attributed" if standing is ValueStanding.ATTRIBUTED else "supposed"
    return say(
        f"value.public.{mood}.{_reading(read, told)}",
        ratio=_finite(read.ratio),
        low=_finite(read.conf_low),
        high=_finite(read.conf_high),
        level=told.outlay.level,
    )


def _finite(end: float | str | None) -> float | None:
    """Return a number that can be printed: the sentence says in words what has no end."""
    return float(end) if end is not None and math.isfinite(float(end)) else None


def _reading(read: MvpfRecord, told: PublicRecord) -> str:
    """Return which sentence an MVPF and its interval deserve."""
    low = -math.inf if read.conf_low is None else float(read.conf_low)
    high = math.inf if read.conf_high is None else float(read.conf_high)
    if read.case is MvpfCase.ORDINARY:
        if math.isfinite(low):
            return "between" if math.isfinite(high) else "at_least"
        return "at_most" if math.isfinite(high) else "any"
    if read.case is MvpfCase.PAYS_FOR_ITSELF:
        if low == math.inf:
            return "pays"
        return "pays_perhaps" if math.isfinite(low) else "pays_unsure"
    share = next((part.share for part in told.quadrants if part.case is read.case), None)
    sure = share is not None and share >= told.outlay.level
    return read.case.value if sure else f"{read.case.value}_unsure"


def _funds_table(told: PublicRecord) -> Table:
    columns = (
        Column(key="line", label=say("value.public.line"), header=True),
        Column(key="estimate", label=say("value.public.estimate"), form=Form.EURO),
        Column(key="low", label=say("value.public.low"), form=Form.EURO),
        Column(key="high", label=say("value.public.high"), form=Form.EURO),
    )
    named: list[tuple[str, float | None, RangeRecord]] = [
        ("line_net", None, told.net_value),
        ("line_outlay", None, told.outlay),
    ]
    for part in _priced(told):
        named.append(("line_funds", part.shadow_price, part.cost_of_funds))
        named.append(("line_net_after", None, part.net))
    rows = tuple(
        (say(f"value.public.{code}", price=price), amount.estimate, amount.low, amount.high)
        for code, price, amount in named
    )
    codes = ["funds_note"]
    if any(isinstance(part.net_per_public_euro, RefusalRecord) for part in told.funds):
        codes.append("no_per_euro")
    if any(amount.low is None for _, _, amount in named):
        codes.append("certain_note")
    notes = tuple(say(f"value.public.{code}") for code in codes)
    return Table(caption=say("value.public.caption"), columns=columns, rows=rows, notes=notes)


def _priced(told: PublicRecord) -> Iterator[FundsRecord]:
    """Yield what is told at a price of public funds above 1: at 1 it is the net value itself."""
    return (part for part in told.funds if part.shadow_price > 1)


def _per_euro(told: PublicRecord, standing: ValueStanding) -> Iterator[Number]:
    """Yield the net value by public euro, before and after the cost of public funds."""
    for part in told.funds:
        per_euro = part.net_per_public_euro
        if isinstance(per_euro, RefusalRecord) or per_euro.estimate is None or per_euro.low is None:
            continue
        code = "line_per_euro" if part.shadow_price == 1 else "line_per_euro_after"
        yield Number(
            label=titled(say(f"value.public.{code}"), standing),
            value=per_euro.estimate,
            form=Form.EURO_CENTS,
            low=per_euro.low,
            high=per_euro.high,
            conf_level=per_euro.level,
        )


def certain_table(rows: Sequence[CertainRecord], names: Names) -> list[AnyBlock]:
    """Return what is taken for certain, and the net value with each number moved alone.

    Those that weigh most; how many others there are is said, and `results.json` holds them.
    """
    if not rows:
        return []
    columns = (
        Column(key="number", label=say("value.certain.number"), header=True),
        Column(key="value", label=say("value.certain.value")),
        Column(key="low", label=say("value.certain.low")),
        Column(key="net_low", label=say("value.certain.net_low"), form=Form.EURO),
        Column(key="high", label=say("value.certain.high")),
        Column(key="net_high", label=say("value.certain.net_high"), form=Form.EURO),
    )
    cells = tuple(
        (
            name_words(names.number(row.number)),
            _amount(row.number, row.value),
            _amount(row.number, row.low),
            row.net_low,
            _amount(row.number, row.high),
            row.net_high,
        )
        for row in rows[:MOST_CERTAIN]
    )
    notes = [say("value.certain.note")]
    if rows[MOST_CERTAIN:]:
        notes.append(say("value.certain.others", n=len(rows[MOST_CERTAIN:])))
    caption = say("value.certain.caption")
    return [Table(caption=caption, columns=columns, rows=cells, notes=tuple(notes))]


def _amount(number: NumberNameRecord, x: float | None) -> Cell:
    if x is None:
        return ""
    form = _FORMS.get(number.what, "number.eur")
    return say("number.int" if form == _COUNT and float(x).is_integer() else form, x=x)
