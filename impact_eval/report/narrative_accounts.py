"""The accounts of several studies as one: a sentence, who pays, by year, each study, who is apart.

Everything printed stands in `accounts.json`; a sum that rests on declared quantities is given as a
hypothesis, without ratio, chance or conclusion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeAlias

from impact_eval.portfolio.accounts import OTHER_SETTING, REFUSED
from impact_eval.portfolio.accounts_record import (
    AccountLeftApart,
    AccountsRecord,
    AccountsSum,
)
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
    Number,
    Paragraph,
    Said,
    SayValue,
    Table,
    Words,
    say,
)
from impact_eval.report.figures.money import PartyBalance, data_for_payers
from impact_eval.report.wording import pick, said, spoken, written
from impact_eval.results.finding_records import RefusalRecord
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.stated import balance, sum_or_none
from impact_eval.results.value import PartyRecord, RangeRecord
from impact_eval.value.readouts.sum_of_accounts import NOT_STATED
from impact_eval.value.readouts.told import SOCIAL

EURO = "EUR"
Namer: TypeAlias = Callable[[str, BilingualRecord], Said]
CODE, COLUMN = "code", "column"  # what the reasons of two refusals hold


def accounts_blocks(record: AccountsRecord) -> list[AnyBlock]:
    """Return the section of the accounts read together.

    Parameters
    ----------
    record : AccountsRecord
    """
    out: list[AnyBlock] = [
        Heading(level=2, words=say("accounts.title"), anchor="accounts"),
        Note(words=say("accounts.caution")),
    ]
    total = record.total
    if isinstance(total, RefusalRecord):
        out.append(Paragraph(words=(say(f"reason.{total.not_applicable}", **_values(total)),)))
    else:
        out += _total(total, len(record.studies))
    if record.studies:
        out.append(_studies(record, _form(total)))
    return [*out, *_limits(record)]


def accounts_message(record: AccountsRecord) -> list[AnyBlock]:
    """Return the sum in one sentence for the first page; nothing when nothing is added up."""
    total = record.total
    if isinstance(total, RefusalRecord):
        return []
    words = [_sentence(total, len(record.studies))]
    left = len(record.left_apart) + len(record.without)
    if left:
        words.append(say("accounts.left", n=left))
    return [Paragraph(words=tuple(words), evidence_level=total.evidence)]


def namer_of(titles: Mapping[str, BilingualRecord]) -> Namer:
    """Return how a study is named: by its title, and its short name where two share a title.

    Parameters
    ----------
    titles : mapping of str to BilingualRecord
        Short name of each study to its title.
    """
    shared = Counter(title.fr or title.en for title in titles.values())

    def name(study: str, title: BilingualRecord) -> Said:
        if shared[title.fr or title.en] > 1:
            return say("accounts.named", title=said(title), study=study)
        return said(title)

    return name


def _namer(record: AccountsRecord) -> Namer:
    titles = {part.study: part.title for part in record.studies}
    return namer_of(titles | {left.study: left.title for left in record.left_apart})


def _values(reason: RefusalRecord) -> dict[str, SayValue]:
    return dict(spoken(f"reason.{reason.not_applicable}", reason.values))


def _total(total: AccountsSum, n: int) -> list[AnyBlock]:
    form = _form(total)
    out: list[AnyBlock] = [Paragraph(words=(_sentence(total, n),), evidence_level=total.evidence)]
    ratio = total.ratio
    if isinstance(ratio, RangeRecord) and _euro(total):  # « for €1 spent »
        out.append(_number("value.ratio", ratio, Form.EURO_CENTS))
    out.append(_number("value.net_value", total.net, form))
    if total.chance is not None:
        label = say("value.probability")
        out.append(Number(label=label, value=total.chance, form=Form.ODDS))
    by_period = total.discount_schedule != NOT_STATED
    settings = say(
        "accounts.settings_by_period" if by_period else "accounts.settings",
        currency=total.currency,
        year=total.price_year,
        rate=total.discount_schedule if by_period else float(total.discount_rate),
    )
    return [*out, *_parties(total, settings), _matrix(total, settings)]


def _euro(total: AccountsSum) -> bool:
    return total.currency == EURO


def _form(total: AccountsSum | RefusalRecord) -> Form:
    """Return how an amount is written: a money other than the euro is named in the captions."""
    return Form.EURO if isinstance(total, RefusalRecord) or _euro(total) else Form.INTEGER


def _number(label: str, found: RangeRecord, form: Form) -> Number:
    value = WITHHELD if found.estimate is None else found.estimate
    return Number(
        label=say(label), value=value, form=form, low=found.low, high=found.high,
        conf_level=found.level,
    )  # fmt: skip


def _sentence(total: AccountsSum, n: int) -> Words:
    """Return the sum in words; the verb obeys what the interval and the quantities allow."""
    low, high = total.net.low, total.net.high
    if total.hypothesis:
        code = "hypothesis"
    elif low is not None and low > 0:
        code = "clear"
    elif high is not None and high < 0:
        code = "below"
    else:
        code = "unsure"
    ends = {"low": _money(total, low), "high": _money(total, high)}
    sentence = say(
        f"accounts.sentence.{code}",
        n=n,
        benefits=_money(total, total.benefits),
        costs=_money(total, total.costs),
        net=_money(total, total.net.estimate),
        interval=say("sentence.interval", **ends),
    )
    ratio = total.ratio
    if not isinstance(ratio, RangeRecord) or not _euro(total):
        return sentence
    bounds = {"low": say("number.eur2", x=ratio.low), "high": say("number.eur2", x=ratio.high)}
    return say(
        "accounts.with_ratio",
        sentence=sentence,
        ratio=say("number.eur2", x=ratio.estimate),
        interval=say("sentence.interval", **bounds),
    )


def _money(total: AccountsSum, amount: float | None) -> Words:
    if _euro(total):
        return say("number.eur", x=amount)
    return say("accounts.amount", x=amount, currency=total.currency)


def _parties(total: AccountsSum, settings: Words) -> list[AnyBlock]:
    found = [
        PartyBalance(_agent(p.agent.value), p.pays, p.gains)
        for p in total.parties
        if p.pays is not None and p.gains is not None
    ]
    form = _form(total)
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        Column(key="pays", label=say("value.cost"), form=form),
        Column(key="gains", label=say("value.benefit"), form=form),
        Column(key="net", label=say("value.net"), form=form),
    )
    rows = (*((p.name, p.pays, p.gains, p.net) for p in found), _sums(total.parties))
    table = Table(
        caption=say("accounts.caption_payers"),
        columns=columns,
        rows=rows,
        emphasis=(len(found),),
        notes=(settings,),
    )
    return [data_for_payers(found), table] if _euro(total) else [table]


def _sums(parties: tuple[PartyRecord, ...]) -> tuple[Cell, ...]:
    pays, gains = sum_or_none(p.pays for p in parties), sum_or_none(p.gains for p in parties)
    net = None if pays is None or gains is None else balance(gains, pays)
    return (
        say("value.total"),
        *(WITHHELD if amount is None else amount for amount in (pays, gains, net)),
    )


def _matrix(total: AccountsSum, settings: Words) -> Table:
    """Return the account of each actor, year by year; the last row is what society gains."""
    form, matrix = _form(total), total.matrix
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        *(
            Column(key=f"year_{year}", label=say("value.year_of", year=str(year)), form=form)
            for year in matrix.years
        ),
        Column(key="total", label=say("value.total"), form=form),
    )
    rows = tuple(
        (say("value.social") if row.name == SOCIAL else _agent(row.name), *row.amounts)
        for row in matrix.rows
    )
    return Table(
        caption=say("accounts.caption_years"),
        columns=columns,
        rows=rows,
        emphasis=(len(rows) - 1,),
        notes=(settings,),
    )


def _agent(name: str) -> Said:
    return pick(f"party.{name}", f"agent.{name}", f"label.{name}")


def _studies(record: AccountsRecord, form: Form) -> Table:
    names = _namer(record)
    return Table(
        caption=say("accounts.caption_studies"),
        columns=(
            Column(key="study", label=say("label.study"), header=True),
            Column(key="territory", label=say("report.meta.territory")),
            Column(key="evidence", label=say("portfolio.column.evidence"), form=Form.INTEGER),
            Column(key="benefits", label=say("value.benefit"), form=form),
            Column(key="costs", label=say("value.cost"), form=form),
            Column(key="net", label=say("value.net"), form=form),
        ),
        rows=tuple(
            (
                names(s.study, s.title),
                s.territory,
                s.evidence,
                _or_mark(s.benefits),
                s.costs,
                _or_mark(s.net),
            )
            for s in record.studies
        ),
        notes=(say("accounts.not_clear"),) if _one_is_null(record) else (),
    )


def _one_is_null(record: AccountsRecord) -> bool:
    """Whether the amount of one study of a sum is not told alone."""
    return isinstance(record.total, AccountsSum) and any(s.net is None for s in record.studies)


def _or_mark(amount: float | None) -> Cell:
    return say("report.absent_mark") if amount is None else amount


def _limits(record: AccountsRecord) -> list[AnyBlock]:
    """Return who is apart and why, who has no account, and what was noticed."""
    out: list[AnyBlock] = []
    if record.left_apart:
        items = tuple(_apart(study, _namer(record)) for study in record.left_apart)
        out.append(Messages(title=say("accounts.apart_title"), items=items))
    if record.without:
        n = len(record.without)
        words = say("accounts.without", n=n, names=list(record.without))
        out.append(Limitation(words=words, severity="info"))
    total = record.total
    if isinstance(total, AccountsSum) and total.hypothesis:
        names = _namer(record)
        titles = [names(s.study, s.title) for s in record.studies if s.study in total.hypothesis]
        out.append(Limitation(words=say("accounts.hypothesis", names=titles)))
    for finding in record.findings:
        code, values = f"finding.{finding.code}", dict(spoken(finding.code, finding.values))
        repair = say(f"{code}.repair", **values) if written(f"{code}.repair") else None
        out.append(
            Limitation(words=say(code, **values), repair=repair, severity=finding.severity.value)
        )
    return out


def _apart(left: AccountLeftApart, names: Namer) -> Words:
    """Return why an account is not in the sum; the reason of a refused one is its own."""
    reason, values = left.reason, _values(left.reason)
    study = names(left.study, left.title)
    if reason.not_applicable == REFUSED:
        own = str(reason.values.get(CODE))
        if not written(f"label.{own}"):  # a whole sentence
            why = pick(f"reason.{own}", f"finding.{own}", **values)
            return say("accounts.apart_told", study=study, reason=why)
        values = {"why": say(f"label.{own}")}
    elif reason.not_applicable == OTHER_SETTING:
        column = str(reason.values.get(COLUMN))
        values |= {name: _setting(column, reason.values.get(name)) for name in ("found", "needed")}
    why = say(f"reason.{reason.not_applicable}", **values)
    return say("accounts.apart", study=study, reason=why)


def _setting(column: str, value: object) -> Said:
    """Return a setting in words: a rate per 100, a moment of the year; a money and a year as is."""
    if column == "discount_rate":
        return say("number.pct1", x=float(str(value)))
    code = f"accounts.{column}.{value}"
    return say(code) if written(code) else str(value)
