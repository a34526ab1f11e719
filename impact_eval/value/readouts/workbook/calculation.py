"""The sheets that compute: parameters, what is put in, one row by flow of a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from impact_eval.value.account.doors import Account
from impact_eval.value.account.flow_ledger import Flow, social_sign
from impact_eval.value.account.line_flows import units_by_year
from impact_eval.value.account.line_formula import (
    SHARES,
    LineFormula,
    PricedFlow,
    compile_input,
    compile_line,
    discount_of,
    share_of,
)
from impact_eval.value.map.declared import Line, cell_of
from impact_eval.value.map.prices import ONE, ZERO, discount_factor, exact, exponent
from impact_eval.value.readouts.workbook.pages import BookSheet, BookWords, Style, held_as, letter

_INPUT_COLUMNS = (
    "stakeholder", "id", "payer", "receiver", "amount", "rebase", "year", "value", "present",
)  # fmt: skip
_LINE_COLUMNS = (
    "line", "stakeholder", "outcome", "flow", "social", "payer", "receiver", "quantity", "proxy",
    "rebase", "deadweight", "displacement", "attribution", "drop_off", "start", "duration",
    "impact",
)  # fmt: skip
_FIRST_FACTOR = 10  # row of the coefficient of year 0
BASE = len(_LINE_COLUMNS)
FIRST = 2  # row of the first input, flow or movement
VALUE, YEAR = 8, 7  # columns of an input
_SAME = Decimal("1e-12")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """One flow of a line, and the ledger's amounts of it by year."""

    line: Line
    formula: LineFormula
    flow: PricedFlow
    by_year: dict[int, Flow]


def flow_rows(account: Account) -> list[FlowRow]:
    """Return one row by flow of each line that counts, with what the ledger holds of it."""
    made: dict[str, list[Flow]] = {}
    for flow in account.counted:
        if not flow.is_input:
            made.setdefault(flow.line, []).append(flow)
    rows: list[FlowRow] = []
    for line in account.value_map.lines:
        if not line.included:
            continue
        followed = len(account.quantities.of(line.id).profile)
        formula = compile_line(line, account.value_map, followed)
        flows, years = made.get(line.id, []), len(formula.years)
        for k, part in enumerate(formula.parts):
            own = _by_year(flows[k * years : (k + 1) * years])
            rows.append(FlowRow(line=line, formula=formula, flow=part, by_year=own))
    return rows


def _by_year(flows: Sequence[Flow]) -> dict[int, Flow]:
    """Return one flow a year: an outcome that starts in the middle of a year has two."""
    out: dict[int, Flow] = {}
    with exact():
        for flow in flows:
            held = out.get(flow.year)
            if held is not None:
                flow = replace(
                    flow, amount=held.amount + flow.amount, present=held.present + flow.present
                )
            out[flow.year] = flow
    return out


def dating(flow: Flow, account: Account) -> str:
    """Return what a present value is multiplied by when its parts have dates of their own."""
    with exact():
        usual = flow.amount * discount_of(account.value_map).factor(flow.year)
        if not usual or abs(flow.present - usual) <= abs(usual) * _SAME:
            return ""
        return f"*{held_as(flow.present / usual)}"


def write_parameters(page: BookSheet, account: Account, words: BookWords) -> str:
    """Write the parameters; return the range of the coefficients by year, from year 0."""
    settings, discount = account.value_map.settings, discount_of(account.value_map)
    shift = ONE - exponent(1, discount.timing)
    rate = Style(form=words.percent(settings.discount_rate), given=True)
    page.text(1, 1, words["discount_rate"])
    page.number(1, 2, settings.discount_rate, rate)
    page.text(2, 1, words["shift"])
    page.number(2, 2, shift, Style(form=words.form("0.0"), given=True))
    page.text(3, 1, words["price_year"])
    page.number(3, 2, settings.price_year, Style(form="0"))
    for row, (key, text) in enumerate(
        (
            ("currency", settings.currency),
            ("title", settings.title),
            ("vintage", account.vintage),
        ),
        start=4,
    ):
        page.text(row, 1, words[key])
        page.text(row, 2, text, Style(wrap=True))
    page.text(7, 1, words["given_note"], Style(given=True))
    page.heads(_FIRST_FACTOR - 1, (words["year"], words["factor"]), 0)
    for year in range(account.horizon + 1):
        row, factor = _FIRST_FACTOR + year, discount.factor(year)
        page.number(row, 1, year, Style(form="0"))
        with exact():
            usual = discount_factor(settings.discount_rate, year, discount.timing)
        if usual == factor:
            power = f"IF(A{row}=0,0,A{row}-$B$2)"
            page.formula(row, 2, f"1/(1+$B$1)^{power}", factor, Style(form=words.form("0.000000")))
        else:  # the rate of a schedule changes with the year
            page.number(row, 2, factor, Style(form=words.form("0.000000"), given=True))
    page.widths((52, 44))
    return page.column(2, _FIRST_FACTOR, _FIRST_FACTOR + account.horizon)


def discounted(amount: str, year: str, factors: str) -> str:
    """Return the formula of a present value."""
    return f"{amount}*INDEX({factors},{year}+1)"


def write_inputs(page: BookSheet, account: Account, words: BookWords, factors: str) -> None:
    """Write what is put in, one row each."""
    page.heads(1, [words[c] for c in _INPUT_COLUMNS], 4)
    flows = [flow for flow in account.counted if flow.is_input]
    money, given = Style(form=words.money()), Style(form=words.money(cents=True), given=True)
    for n, (item, flow) in enumerate(
        zip(account.value_map.inputs, flows, strict=True), start=FIRST
    ):
        formula = compile_input(item, account.value_map)
        page.text(n, 1, item.stakeholder)
        page.text(n, 2, item.id)
        page.text(n, 3, words.agent(flow.payer))
        page.text(n, 4, words.agent(flow.receiver))
        parts = [amount.value for _, amount in formula.factors]
        if len(parts) == 1:
            page.number(n, 5, parts[0], given)
        else:
            with exact():
                paid = parts[0] * parts[1]
            page.formula(n, 5, "*".join(str(held_as(part)) for part in parts), paid, given)
        page.number(n, 6, formula.scale, Style(form=words.form("0.0000"), given=True))
        page.number(n, YEAR, item.year, Style(form=words.plain(Decimal(item.year)), given=True))
        page.formula(n, VALUE, f"E{n}*F{n}", flow.amount, money)
        present = discounted(f"H{n}", f"INT(G{n})", factors) + dating(flow, account)
        page.formula(n, 9, present, flow.present, money)
    page.widths((26, 18, 22, 22, 16, 14, 9, 16, 18))
    page.keep_head(1)


def write_lines(
    page: BookSheet, account: Account, rows: Sequence[FlowRow], words: BookWords
) -> None:
    """Write one row by flow: what it is made of, and its amount by year."""
    years = range(1, max(account.horizon, 1) + 1)
    page.heads(1, [words[c] for c in _LINE_COLUMNS], 7)
    page.years(1, BASE + 1, years, words.year())
    for n, row in enumerate(rows, start=FIRST):
        _write_head(page, row, account, words, n)
        for k, year in enumerate(years, start=1):
            flow = row.by_year.get(year)
            amount = ZERO if flow is None else flow.amount
            cell = _year_formula(row, account, n, (BASE + k, year))
            style = Style(form=words.money())
            if cell is None:
                page.number(n, BASE + k, 0, style)
            else:
                page.formula(n, BASE + k, cell, amount, style)
    page.widths((20, 24, 30, 24, 10, 22, 22, *[12] * 9, 16, *[14] * len(years)))
    page.keep_head(1, 3)


def _write_head(page: BookSheet, row: FlowRow, account: Account, words: BookWords, n: int) -> None:
    line, flow, ends = row.line, row.flow, row.flow.ends
    quantity = account.quantities.of(line.id)
    for column, text in enumerate(
        (line.id, line.stakeholder, line.outcome, words.label(flow.name)), start=1
    ):
        page.text(n, column, text)
    page.number(n, 5, social_sign(ends.kind), Style(form="0"))
    page.text(n, 6, words.agent(ends.payer))
    page.text(n, 7, words.agent(ends.receiver))
    page.number(n, 8, quantity.value, Style(form=words.plain(quantity.value), given=True))
    price = ends.sign * flow.amount.value
    page.number(n, 9, price, Style(form=words.money(cents=True), given=True))
    page.number(n, 10, flow.scale, Style(form=words.form("#,##0.0000"), given=True))
    for column, name in enumerate((*SHARES, "drop_off"), start=11):
        share = share_of(cell_of(line, name))
        page.number(n, column, share, Style(form=words.percent(share), given=True))
    start = Decimal(line.timing.start)
    page.number(n, 15, start, Style(form=words.plain(start), given=True))
    duration = line.timing.duration or ZERO
    page.number(n, 16, duration, Style(form=words.plain(duration), given=True))
    with exact():
        impact = quantity.value * ends.sign * flow.price * row.formula.left
    page.formula(n, 17, f"H{n}*I{n}*J{n}*{_kept(n)}", impact, Style(form=words.money()))


def _kept(n: int) -> str:
    return f"(1-K{n})*(1-L{n})*(1-M{n})"


def _year_formula(row: FlowRow, account: Account, n: int, where: tuple[int, int]) -> str | None:
    """Return the value of a year: a formula of drop-off and duration, or of a given curve."""
    column, year = where
    line, quantity = row.line, account.quantities.of(row.line.id)
    discount = discount_of(account.value_map)
    grown = ""
    if line.price.growth:
        power = exponent(year, discount.timing)
        grown = f"*(1+{held_as(line.price.growth)})^{held_as(power)}"
    if line.timing.start != int(line.timing.start):  # its parts have dates of their own
        with exact():
            own = zip(row.formula.years, units_by_year(row.formula, quantity), strict=True)
            units = sum((u * w.growth for w, u in own if w.year == year), ZERO)
        if not units:
            return None
        if not quantity.value:
            return f"{held_as(units)}*I{n}*J{n}*{_kept(n)}"
        return f"Q{n}*{_ratio(units, quantity.value)}"
    if line.timing.lifetime or line.timing.survival or quantity.profile:
        held, place = units_by_year(row.formula, quantity), year - int(line.timing.start)
        if not 0 <= place < len(held) or not held[place]:
            return None
        if not quantity.value:  # nothing the first year: the later ones stand on their own
            return f"{held_as(held[place])}*I{n}*J{n}*{_kept(n)}{grown}"
        return f"Q{n}*{_ratio(held[place], quantity.value)}{grown}"
    elapsed = f"({letter(column)}$1-O{n})"
    return (
        f"IF(AND({elapsed}>=0,{elapsed}<P{n}),"
        f"Q{n}*IF({elapsed}=0,1,(1-N{n})^{elapsed})*MIN(1,P{n}-{elapsed}){grown},0)"
    )


def _ratio(units: Decimal, first: Decimal) -> float | int:
    with exact():
        return held_as(units / first)
