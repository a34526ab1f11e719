"""What a result is worth, to whom: the account by party, its uncertainty, what would undo it.

Everything printed here stands in the value section of `results.json`; nothing is computed but the
sums that a reader makes by eye (a balance, the total of a column).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from impact_eval.report.blocks import (
    WITHHELD,
    AnyBlock,
    Cell,
    Column,
    Figure,
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
from impact_eval.report.narrative_public import certain_table, public_blocks
from impact_eval.report.narrative_value_checks import (
    deadweight_messages,
    guard_log,
    payers_table,
)
from impact_eval.report.value_words import Labels, Names, agent_words, name_words, names_of, titled
from impact_eval.report.wording import CAUSAL_FROM, finding_code, pick, spoken, written
from impact_eval.results.account_records import AccountSection, ValueRefused
from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.stated import balance, sum_or_none
from impact_eval.results.value import (
    AvoidedToldRecord,
    DroppedToldRecord,
    HeadlineRecord,
    LineToldRecord,
    MatrixRecord,
    RangeRecord,
    SwitchRecord,
    ValueToldRecord,
    VariantRecord,
)
from impact_eval.value.readouts.standing import ValueStanding
from impact_eval.value.readouts.told import SOCIAL

SET_ASIDE = "set_aside"
OUTCOMES = ("names", "outcome", "outcomes")  # the values of a finding that name outcomes
LINES = ("line", "lines")  # those that name lines of the map
# findings that tell an amount, or a share of one
_OF_AMOUNTS = frozenset(
    {
        "guard_projected",
        "guard_one_line_dominates",
        "guard_one_outcome_dominates",
        "guard_loss_left_out",
        "outcome_left_out",
        "outcome_left_out_alone",
    }
)


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
    out: list[AnyBlock] = [heading]
    if isinstance(value.told.standing, RefusalRecord):
        told, names = value.told, names_of(value, labels)
        return [
            *out,
            Note(words=_not_told(value.told.standing, labels), tone="warning"),
            *_numbers(told, ValueStanding.ATTRIBUTED, level),
            *payers_table(told.parties),
            *_lines(told.lines, names, caption="value.caption_lines_untold"),
            *deadweight_messages(value.quantities.lines, names),
            *_dropped(told.dropped, {**labels, **names.lines}),
            *guard_log(told.guards, names),
            *_findings((*value.findings, *told.findings), labels, names, whole=False),
        ]
    standing = _standing(value.told, level)
    measured = any(line.estimate for line in value.value_map.lines)
    if measured:
        out.append(Note(words=say("value.caution", level=level)))
    if standing is not ValueStanding.ATTRIBUTED:
        out.append(Note(words=say(f"value.note_{standing.value}"), tone="warning"))
    message = value_message(value, level=level, labels=labels)
    if message is not None:
        out.append(Paragraph(words=(message,), evidence_level=level if measured else None))
    return [*out, *_account(value, standing, level, labels)]


def _account(
    value: AccountSection, standing: ValueStanding, level: int, labels: Labels
) -> list[AnyBlock]:
    """Return the numbers, tables and figures of an account; each title says what it stands on."""
    told, names = value.told, names_of(value, labels)
    amounts = [
        *_parties(told),
        *_matrix(told.matrix),
        *_lines(told.lines, names, caption="value.caption_lines"),
        *_avoided(told.avoided),
        *public_blocks(told.public, standing),
        *_uncertainty(told, names),
        *_variants(told.variants, names),
        *certain_table(told.certain, names),
    ]
    return [
        *_numbers(told, standing, level),
        *(_titled(block, standing) for block in amounts),
        *_acceptability(told),
        *deadweight_messages(value.quantities.lines, names),
        *_dropped(told.dropped, {**labels, **names.lines}),
        *guard_log(told.guards, names),
        *_findings((*value.findings, *told.findings), labels, names, whole=True),
    ]


def _standing(told: ValueToldRecord, level: int) -> ValueStanding:
    """Return how the amounts may be told; an older file has only its level."""
    if told.standing is ValueStanding.HYPOTHESIS:
        return ValueStanding.HYPOTHESIS
    own = level >= CAUSAL_FROM and told.standing in (None, ValueStanding.ATTRIBUTED)
    return ValueStanding.ATTRIBUTED if own else ValueStanding.SUPPOSED


def _titled(block: AnyBlock, standing: ValueStanding) -> AnyBlock:
    """Return a table, a figure or a list with the title that its standing asks for."""
    if isinstance(block, Table):
        return block.model_copy(update={"caption": titled(block.caption, standing)})
    if isinstance(block, Figure):
        data = _titled(block.data, standing)
        question = titled(block.question, standing)
        return block.model_copy(update={"question": question, "data": data})
    if isinstance(block, Messages) and block.title is not None:
        return block.model_copy(update={"title": titled(block.title, standing)})
    return block


def value_message(
    value: AccountSection | ValueRefused | None, *, level: int, labels: Labels
) -> Words | None:
    """Return the value in one sentence, always with its interval; None without a value map.

    Where no amount may be told the sentence says why; a check that the authors of the map set
    aside is said with it. Where it is not attributed to the action the
    sentence says on what supposition it stands: it is read on the first page, where no note stands
    beside it.
    """
    if value is None or isinstance(value, ValueRefused):
        return None
    told = value.told
    if isinstance(told.standing, RefusalRecord):
        return _not_told(told.standing, labels)
    message = _message(told, told.standing, level)
    aside = [say(f"value.guard.{row.guard}") for row in told.guards if row.status == SET_ASIDE]
    return (
        say("value.with_set_aside", told=message, n=len(aside), names=aside) if aside else message
    )


def _message(told: ValueToldRecord, standing: ValueStanding | None, level: int) -> Words:
    """Return the value in one sentence, with its interval, or why there is none."""
    supposed = _standing(told, level) is not ValueStanding.ATTRIBUTED
    if isinstance(told.headline, HeadlineRecord):  # perspective, horizon and projection too
        return _headline(told.headline, standing, supposed=supposed)
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
    return say("value.no_sentence", reason=say(f"reason.{told.headline.not_applicable}"))


def _not_told(refusal: RefusalRecord, labels: Labels) -> Words:
    """Return why no amount is told, the outcomes in the study's own words."""
    values = _in_words(spoken(refusal.not_applicable, refusal.values), labels)
    return say("value.not_told", reason=say(f"reason.{refusal.not_applicable}", **values))


def _interval(form: str, bounds: Mapping[str, float | None]) -> Words:
    return say("sentence.interval", **{name: say(form, x=x) for name, x in bounds.items()})


def _headline(told: HeadlineRecord, standing: ValueStanding | None, *, supposed: bool) -> Words:
    reading = standing if standing is ValueStanding.HYPOTHESIS else ValueStanding.SUPPOSED
    return say(
        f"value.headline.{reading.value}" if supposed else told.code,
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


def _numbers(told: ValueToldRecord, standing: ValueStanding, level: int) -> list[AnyBlock]:
    ratio = told.ratio if isinstance(told.ratio, RangeRecord) else None
    # what is read of the effects alone does not wait for the quantities declared
    effects = ValueStanding.ATTRIBUTED if level >= CAUSAL_FROM else ValueStanding.SUPPOSED
    out: list[AnyBlock] = []
    for found, label, form, stands in (
        (told.net, "value.net_value", Form.EURO, standing),
        (ratio, "value.ratio", Form.EURO_CENTS, standing),
        (told.per_outcome, "value.per_outcome", Form.EURO, effects),
    ):
        if found is None or found.low is None:
            continue
        out.append(
            Number(
                label=titled(say(label), stands),
                value=WITHHELD if found.estimate is None else found.estimate,
                form=form,
                low=found.low,
                high=found.high,
                conf_level=found.level,
            )
        )
    if told.probability is not None:
        label = "value.probability"
        out.append(Number(label=say(label), value=told.probability, form=Form.ODDS))
    if told.per_person is not None:
        label = "value.per_person"
        out.append(Number(label=say(label), value=told.per_person, form=Form.EURO, n=told.people))
    return out


def _parties(told: ValueToldRecord) -> list[AnyBlock]:
    parties = told.parties
    found = [
        PartyBalance(agent_words(p.agent.value), p.pays, p.gains)
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
    # what is kept and given back to no budget stands among the gains of whoever would have paid
    kept = any(row.cashable != row.social for row in told.avoided)
    table = Table(
        caption=say("value.caption_account"),
        columns=columns,
        rows=rows,
        notes=(say("value.gains_kept"),) if kept else (),
        emphasis=(len(found),),
    )
    return [data_for_payers(found), table]


def _lines(lines: Sequence[LineToldRecord], names: Names, *, caption: str) -> list[AnyBlock]:
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
        (
            name_words(names.line(line.line)),
            line.quantity,
            line.unit_value,
            line.amount,
            line.source,
        )
        for line in lines
    )
    told = [True] * 3 + [
        any(line.amount is not None for line in lines),
        any(line.source for line in lines),
    ]
    columns = tuple(column for column, kept in zip(columns, told, strict=True) if kept)
    rows = tuple(tuple(cell for cell, kept in zip(row, told, strict=True) if kept) for row in rows)
    notes = (say("value.lines_note"),) if told[3] else ()  # it says what an amount counts
    return [Table(caption=say(caption), columns=columns, rows=rows, notes=notes)]


def _matrix(matrix: MatrixRecord) -> list[AnyBlock]:
    """Return the account of each actor, year by year; the last row is what society gains."""
    if not matrix.rows:
        return []
    columns = (
        Column(key="party", label=say("value.payer"), header=True),
        *(
            Column(key=f"year_{year}", label=say("value.year_of", year=str(year)), form=Form.EURO)
            for year in matrix.years
        ),
        Column(key="total", label=say("value.total"), form=Form.EURO),
    )
    rows = tuple(
        (say("value.social") if row.name == SOCIAL else agent_words(row.name), *row.amounts)
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


def _variants(rows: Sequence[VariantRecord], names: Names) -> list[AnyBlock]:
    """Return what other choices of discounting, displacement and largest line give: always told."""
    if not rows:
        return []
    cells = tuple(
        (
            say(
                f"value.variant.{row.what}",
                value=row.share if row.line is None else name_words(names.line(row.line)),
            ),
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


def _dropped(rows: Sequence[DroppedToldRecord], words: Labels) -> list[AnyBlock]:
    """Return what matters and is not in the total: lines and outcomes, in their own words."""
    items = tuple(
        say(
            "value.dropped_item",
            outcome=name_words(words.get(row.outcome, row.outcome)),
            reason=row.reason,
        )
        for row in rows
    )
    return [Messages(title=say("value.dropped_title"), items=items)] if items else []


def _uncertainty(told: ValueToldRecord, names: Names) -> list[AnyBlock]:
    out: list[AnyBlock] = []
    swings = [
        Swing(name_words(names.number(bar.number)), bar.low, bar.high)
        for bar in told.tornado
        if bar.low is not None and bar.high is not None
    ]
    if swings and told.net.estimate is not None:
        out.append(data_for_tornado(swings, told.net.estimate))
    if told.switching:
        items = tuple(
            say(
                "value.sentence_switch",
                parameter=name_words(names.number(row.number)),
                value=_switch(row),
            )
            for row in told.switching
        )
        out.append(Messages(title=say("value.switch_title"), items=items))
    years = [YearBalance(y.year, y.balance) for y in told.cumulative if y.balance is not None]
    if len(years) > 1:
        out.append(data_for_cumulative(years, (told.net.low, told.net.high)))
    return out


def _acceptability(told: ValueToldRecord) -> list[AnyBlock]:
    """Return the chances that the action is worth its cost, by value of a result."""
    points = [(p.value, p.chance) for p in told.acceptability]
    curve = [(v, chance) for v, chance in points if v is not None and chance is not None]
    return [data_for_acceptability(curve)] if len(curve) > 1 else []


def _switch(row: SwitchRecord) -> Words:
    if row.per_100 is not None:
        return say("value_number.per_100", x=row.per_100)
    return say("value_number.times", x=row.times)


def _findings(
    findings: Sequence[FindingRecord], labels: Labels, names: Names, *, whole: bool
) -> list[AnyBlock]:
    """Return what was found; where no amount is told, none is told of a line either."""
    out: list[AnyBlock] = []
    for finding in findings:
        repair = f"finding.{finding.code}.repair"
        values = _in_words(spoken(finding.code, finding.values), labels, names)
        told = finding_code(finding.code, finding.values)
        if not whole and finding.code in _OF_AMOUNTS:
            told = f"finding.{finding.code}.untold"
        out.append(
            Limitation(
                words=say(told, **values),
                repair=say(repair, **values) if written(repair) else None,
                severity=finding.severity.value,
            )
        )
    return out


def _in_words(
    values: Mapping[str, SayValue], labels: Labels, names: Names | None = None
) -> dict[str, SayValue]:
    """Return values with the outcomes and lines that they name in the words of study and map."""
    lines = {} if names is None else names.lines
    words: dict[str, Mapping[str, Said]] = {
        **dict.fromkeys(OUTCOMES, labels), **dict.fromkeys(LINES, lines)
    }  # fmt: skip
    out = dict(values)
    for name, known in words.items():
        found = values.get(name)
        if isinstance(found, (tuple, list)):
            out[name] = [name_words(known.get(str(o), str(o))) for o in found]
        elif isinstance(found, str):
            out[name] = name_words(known.get(found, found))
    return out
