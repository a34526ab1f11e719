"""What a result is worth, to whom: the account by party, its uncertainty, what would undo it.

Everything printed here stands in the value section of `results.json`; nothing is computed but the
sums that a reader makes by eye (a balance, the total of a column).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

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
from impact_eval.report.figures.money import (
    PartyBalance,
    Swing,
    YearBalance,
    data_for_acceptability,
    data_for_cumulative,
    data_for_payers,
    data_for_tornado,
)
from impact_eval.report.wording import CAUSAL_FROM, pick, spoken, written
from impact_eval.results.account_records import AccountSection, ValueRefused
from impact_eval.results.finding_records import FindingRecord
from impact_eval.results.stated import balance, sum_or_none
from impact_eval.results.value import (
    AvoidedToldRecord,
    DroppedToldRecord,
    HeadlineRecord,
    LineToldRecord,
    MatrixRecord,
    NumberNameRecord,
    PartyRecord,
    RangeRecord,
    SwitchRecord,
    ValueToldRecord,
    VariantRecord,
)

SOCIAL = "social"  # the row that adds every actor up
OUTCOMES = "names"  # the value of a finding that lists outcomes
Labels = Mapping[str, Said]


@dataclass(frozen=True, slots=True)
class Names:
    """The words for lines and outcomes: the study's own where it has them, else the map's."""

    lines: Mapping[str, Said]
    outcomes: Mapping[str, Said]

    def line(self, line: str) -> Said:
        """Return the name of a line."""
        return self.lines.get(line, line)

    def number(self, number: NumberNameRecord) -> Said:
        """Return an uncertain number in words: what it is, and of which line or outcome."""
        code = f"value_number.{number.what}"
        what: Said = say(code) if written(code) else number.what
        if number.outcome is not None:
            name = self.outcomes.get(number.outcome, number.outcome)
            return say("value_number.of", what=what, line=name)
        owner = number.line or number.input
        if owner is None:
            return what
        return say("value_number.of", what=what, line=self.line(owner))


def names_of(section: AccountSection, labels: Labels) -> Names:
    """Return the words for the lines of a map and the outcomes they stand on."""
    lines: dict[str, Said] = {}
    outcomes: dict[str, Said] = {}
    for line in section.value_map.lines:
        label = labels.get(line.estimate or "")
        lines[line.id] = line.outcome if label is None else label
        if line.estimate:
            outcomes.setdefault(line.estimate, lines[line.id])
    return Names(MappingProxyType(lines), MappingProxyType(outcomes))


def value_level(section: AccountSection, levels: Mapping[str, int]) -> int:
    """Return the lowest evidence level among the effects an account stands on.

    Parameters
    ----------
    section : AccountSection
    levels : mapping of str to int
        Outcome to the level of its headline effect.
    """
    named = [line.estimate for line in section.value_map.lines]
    used = [levels[name] for name in named if name is not None and name in levels]
    return min(used or levels.values(), default=0)


def account_blocks(
    value: AccountSection | ValueRefused | None, *, level: int, labels: Labels
) -> list[AnyBlock]:
    """Return the value account: numbers with intervals, who pays, what weighs, what undoes it.

    Parameters
    ----------
    value : AccountSection, ValueRefused or None
        None when the study has no value map.
    level : int
        Evidence level of the effects it stands on.
    labels : mapping of str to words
        The study's own words for its outcomes.
    """
    if value is None:
        return []
    heading = Heading(level=2, words=say("report.section.value"), anchor="value")
    if isinstance(value, ValueRefused):
        reason = pick(f"reason.{value.not_applicable}", f"finding.{value.not_applicable}")
        return [heading, Paragraph(words=(say("value.not_applicable", reason=reason),))]
    out: list[AnyBlock] = [heading, Note(words=say("value.caution", level=level))]
    if level < CAUSAL_FROM:
        out.append(Note(words=say("value.sentence_unattributed"), tone="warning"))
    message = value_message(value, level=level, labels=labels)
    if message is not None:
        out.append(Paragraph(words=(message,), evidence_level=level))
    told, names = value.told, names_of(value, labels)
    return [
        *out,
        *_numbers(told),
        *_parties(told.parties),
        *_matrix(told.matrix),
        *_lines(told.lines, names),
        *_avoided(told.avoided),
        *_uncertainty(told, names),
        *_variants(told.variants),
        *_dropped(told.dropped),
        *_findings((*value.findings, *told.findings), labels),
    ]


def value_message(
    value: AccountSection | ValueRefused | None, *, level: int, labels: Labels
) -> Words | None:
    """Return the value in one sentence, always with its interval; None when there is none.

    Below level 3 the sentence supposes that the change comes from the action, and says so: it is
    read on the first page, where no note stands beside it. It needs no label.
    """
    if value is None or isinstance(value, ValueRefused):
        return None
    told, supposed = value.told, level < CAUSAL_FROM
    if isinstance(told.headline, HeadlineRecord):  # perspective, horizon and projection too
        return _headline(told.headline, supposed=supposed)
    if isinstance(told.ratio, RangeRecord) and told.ratio.low is not None:
        interval = {"low": told.ratio.low, "high": told.ratio.high}
        return say(
            "value.supposed.ratio" if supposed else "value.sentence_ratio",
            ratio=say("number.eur2", x=told.ratio.estimate),
            interval=_interval("number.eur2", interval),
        )
    if told.net.low is not None:
        return say(
            "value.supposed.net" if supposed else "value.sentence_net",
            net=say("number.eur", x=told.net.estimate),
            interval=_interval("number.eur", {"low": told.net.low, "high": told.net.high}),
        )
    return None


def _interval(form: str, bounds: Mapping[str, float | None]) -> Words:
    return say("sentence.interval", **{name: say(form, x=x) for name, x in bounds.items()})


def _headline(told: HeadlineRecord, *, supposed: bool) -> Words:
    reading = told.code.rpartition(".")[2]  # clear, unsure or below
    return say(
        f"value.supposed.{reading}" if supposed else told.code,
        perspective=told.perspective.value,
        horizon=told.horizon,
        ratio=told.ratio,
        low=told.low,
        high=told.high,
        level=told.level,
        projected=told.projected,
        chance=told.chance,
        currency=told.currency,
        price_year=told.price_year,
    )


def _numbers(told: ValueToldRecord) -> list[AnyBlock]:
    ratio = told.ratio if isinstance(told.ratio, RangeRecord) else None
    out: list[AnyBlock] = []
    for found, label, form in (
        (told.net, "value.net_value", Form.EURO),
        (ratio, "value.ratio", Form.EURO_CENTS),
        (told.per_outcome, "value.per_outcome", Form.EURO),
    ):
        if found is None or found.low is None:
            continue
        out.append(
            Number(
                label=say(label),
                value=WITHHELD if found.estimate is None else found.estimate,
                form=form,
                low=found.low,
                high=found.high,
                conf_level=found.level,
            )
        )
    if told.probability is not None:
        label = "value.probability"
        out.append(Number(label=say(label), value=told.probability, form=Form.PERCENT))
    if told.per_person is not None:
        label = "value.per_person"
        out.append(Number(label=say(label), value=told.per_person, form=Form.EURO, n=told.people))
    return out


def _agent(name: str) -> Said:
    """Return a party's name: that of the catalogue, or itself."""
    for code in (f"party.{name}", f"agent.{name}", f"label.{name}"):
        if written(code):
            return say(code)
    return name


def _parties(parties: Sequence[PartyRecord]) -> list[AnyBlock]:
    found = [
        PartyBalance(_agent(p.agent.value), p.pays, p.gains)
        for p in parties
        if p.pays is not None and p.gains is not None
    ]
    if not found:
        return []
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        Column(key="pays", label=say("value.cost"), form=Form.EURO),
        Column(key="gains", label=say("value.benefit"), form=Form.EURO),
        Column(key="net", label=say("value.net"), form=Form.EURO),
    )
    pays, gains = sum_or_none(p.pays for p in parties), sum_or_none(p.gains for p in parties)
    net = None if pays is None or gains is None else balance(gains, pays)
    sums = (WITHHELD if amount is None else amount for amount in (pays, gains, net))
    rows = (*((p.name, p.pays, p.gains, p.net) for p in found), (say("value.total"), *sums))
    table = Table(
        caption=say("value.caption_account"), columns=columns, rows=rows, emphasis=(len(found),)
    )
    return [data_for_payers(found), table]


def _lines(lines: Sequence[LineToldRecord], names: Names) -> list[AnyBlock]:
    if not lines:
        return []
    columns: tuple[Column, ...] = (
        Column(key="line", label=say("value.line"), header=True),
        Column(key="quantity", label=say("value.quantity"), form=Form.SIGNIFICANT),
        Column(key="unit_value", label=say("value.unit_value"), form=Form.EURO),
        Column(key="amount", label=say("value.amount"), form=Form.EURO),
        Column(key="source", label=say("value.source")),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (_name(names.line(line.line)), line.quantity, line.unit_value, line.amount, line.source)
        for line in lines
    )
    if not any(line.source for line in lines):
        columns, rows = columns[:-1], tuple(row[:-1] for row in rows)
    note = say("value.lines_note")
    return [Table(caption=say("value.caption_lines"), columns=columns, rows=rows, notes=(note,))]


def _name(name: Said) -> Said:
    """Return a line's name; one that is a code of the catalogue has its words."""
    return _agent(name) if isinstance(name, str) else name


def _matrix(matrix: MatrixRecord) -> list[AnyBlock]:
    """Return the account of each actor, year by year; the last row is what society gains."""
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        *(
            Column(key=f"year_{year}", label=say("value.year_of", year=str(year)), form=Form.EURO)
            for year in matrix.years
        ),
        Column(key="total", label=say("value.total"), form=Form.EURO),
    )
    rows = tuple(
        (say("value.social") if row.name == SOCIAL else _agent(row.name), *row.amounts)
        for row in matrix.rows
    )
    table = Table(
        caption=say("value.matrix_caption"), columns=columns, rows=rows, emphasis=(len(rows) - 1,)
    )
    return [table]


def _avoided(rows: Sequence[AvoidedToldRecord]) -> list[AnyBlock]:
    """Return avoided costs: preserved, really saved, released; three different things."""
    items = tuple(
        say(
            "value.said.avoided",
            payer=row.payer.value,
            social=row.social,
            cashable=row.cashable,
            released=row.released,
        )
        for row in rows
    )
    return [Messages(title=say("value.avoided_title"), items=items)] if items else []


def _variants(rows: Sequence[VariantRecord]) -> list[AnyBlock]:
    """Return what other choices of discounting, displacement and largest line give: always told."""
    if not rows:
        return []
    cells = tuple(
        (
            say(f"value.variant.{row.what}", value=row.share if row.line is None else row.line),
            row.net,
        )
        for row in rows
    )
    return [
        Table(
            caption=say("value.variants_caption"),
            columns=(
                Column(key="choice", label=say("value.variants_choice"), header=True),
                Column(key="net", label=say("value.net_value"), form=Form.EURO),
            ),
            rows=cells,
        )
    ]


def _dropped(rows: Sequence[DroppedToldRecord]) -> list[AnyBlock]:
    """Return what matters and is not in the total."""
    items = tuple(say("value.dropped_item", outcome=row.outcome, reason=row.reason) for row in rows)
    return [Messages(title=say("value.dropped_title"), items=items)] if items else []


def _uncertainty(told: ValueToldRecord, names: Names) -> list[AnyBlock]:
    out: list[AnyBlock] = []
    swings = [
        Swing(_name(names.number(bar.number)), bar.low, bar.high)
        for bar in told.tornado
        if bar.low is not None and bar.high is not None
    ]
    if swings and told.net.estimate is not None:
        out.append(data_for_tornado(swings, told.net.estimate))
    if told.switching:
        items = tuple(
            say(
                "value.sentence_switch",
                parameter=_name(names.number(row.number)),
                value=_switch(row),
            )
            for row in told.switching
        )
        out.append(Messages(title=say("value.switch_title"), items=items))
    years = [YearBalance(y.year, y.balance) for y in told.cumulative if y.balance is not None]
    if len(years) > 1:
        out.append(data_for_cumulative(years))
    points = [(p.value, p.chance) for p in told.acceptability]
    curve = [(v, chance) for v, chance in points if v is not None and chance is not None]
    if len(curve) > 1:
        out.append(data_for_acceptability(curve))
    return out


def _switch(row: SwitchRecord) -> Words:
    if row.per_100 is not None:
        return say("value_number.per_100", x=row.per_100)
    return say("value_number.times", x=row.times)


def _findings(findings: Sequence[FindingRecord], labels: Labels) -> list[AnyBlock]:
    out: list[AnyBlock] = []
    for finding in findings:
        repair = f"finding.{finding.code}.repair"
        values = _spoken(finding, labels)
        out.append(
            Limitation(
                words=say(f"finding.{finding.code}", **values),
                repair=say(repair, **values) if written(repair) else None,
                severity=finding.severity.value,
            )
        )
    return out


def _spoken(finding: FindingRecord, labels: Labels) -> dict[str, SayValue]:
    """Return the values of a finding, its outcomes in the study's own words."""
    values = spoken(finding.code, finding.values)
    names = values.get(OUTCOMES)
    if isinstance(names, (tuple, list)):
        values[OUTCOMES] = [labels.get(str(name), str(name)) for name in names]
    return values
