"""An account as a workbook whose formulas are alive: it computes the same totals again."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impact_eval.core.archives import FIXED_DATE, without_moments
from impact_eval.core.file_headings import FileHeadings
from impact_eval.core.spreadsheet import cell_text
from impact_eval.value.account.doors import Account
from impact_eval.value.account.flow_ledger import social_sign
from impact_eval.value.account.line_flows import units_by_year
from impact_eval.value.account.line_formula import (
    LineFormula,
    PricedFlow,
    compile_input,
    compile_line,
    discount_of,
    share_of,
)
from impact_eval.value.map.choices import Agent, FlowKind
from impact_eval.value.map.declared import Line, cell_of
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.prices import exponent, total

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_LINE_COLUMNS = (
    "line", "stakeholder", "outcome", "flow", "social", "payer", "receiver", "quantity", "proxy",
    "rebase", "deadweight", "displacement", "attribution", "drop_off", "start", "duration",
    "impact",
)  # fmt: skip
_INPUT_COLUMNS = (
    "id", "stakeholder", "payer", "receiver", "amount", "rebase", "year", "value", "present",
    "social",
)  # fmt: skip


def export_account(account: Account, path: str | Path, language: str = "fr") -> None:
    """Write an account as `.xlsx`: change a cell, and every total follows.

    The same account and language give the same bytes, whenever it is written.

    Sheets: parameters, inputs, value map with one row by flow and one column by year, accounts by
    agent and year, totals with the check that the account closes.

    Parameters
    ----------
    account : Account
    path : str or Path
    language : str
        Of the headings: "fr", "en", or another that is registered.

    Raises
    ------
    ImpactEvalError
        `unknown_language`.

    Examples
    --------
    >>> export_account(account, "compte.xlsx")  # doctest: +SKIP
    """
    from openpyxl import Workbook

    words = FileHeadings.source("workbook", language)
    book = Workbook()
    book.remove(book.worksheets[0])
    names = {key: words[f"sheet_{key}"] for key in ("parameters", "inputs", "lines", "accounts")}
    _parameters(book.create_sheet(names["parameters"]), account, words)
    inputs = _inputs(book.create_sheet(names["inputs"]), account, words, names)
    rows = _rows(account)
    lines = _lines(book.create_sheet(names["lines"]), account, rows, words, names)
    _accounts(book.create_sheet(names["accounts"]), account, words, names, (inputs, lines))
    _totals(book, account, words, names, (inputs, lines))
    _dress(book)
    Path(path).write_bytes(_same_every_time(book))


def _same_every_time(book: Workbook) -> bytes:
    """Return the workbook as bytes: `Workbook.save` would write the moment in it."""
    from openpyxl.writer.excel import ExcelWriter

    moment = datetime.datetime(*FIXED_DATE, tzinfo=datetime.UTC).replace(tzinfo=None)
    book.properties.created = book.properties.modified = moment
    raw = io.BytesIO()
    ExcelWriter(book, zipfile.ZipFile(raw, "w")).save()
    return without_moments(raw.getvalue())


def _number(value: Decimal | int | float) -> float | int:
    number = float(value)
    return int(number) if number.is_integer() else number


def _parameters(sheet: Worksheet, account: Account, words: Mapping[str, str]) -> None:
    settings = account.value_map.settings
    shift = Decimal(1) - exponent(1, settings.timing)
    rows: Sequence[tuple[str, Any]] = (
        (words["discount_rate"], _number(settings.discount_rate)),
        (words["shift"], _number(shift)),
        (words["price_year"], settings.price_year),
        (words["currency"], cell_text(settings.currency)),
        (words["vintage"], account.vintage),
        (words["title"], cell_text(settings.title)),
    )
    for row in rows:
        sheet.append(list(row))


def _letter(index: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(index)


def _inputs(
    sheet: Worksheet, account: Account, words: Mapping[str, str], names: Mapping[str, str]
) -> int:
    """Write the inputs; return their last row."""
    sheet.append([words[c] for c in _INPUT_COLUMNS])
    rate, shift = _rate_cells(names)
    for n, item in enumerate(account.value_map.inputs, start=2):
        formula = compile_input(item, account.value_map)
        factors = [_number(factor.value) for _, factor in formula.factors]
        amount = factors[0] if len(factors) == 1 else "=" + "*".join(map(str, factors))
        moved = formula.ends.kind is FlowKind.TRANSFER
        receiver = formula.ends.receiver.value if formula.ends.receiver is not None else ""
        sheet.append(
            [
                cell_text(item.id), cell_text(item.stakeholder), item.payer.value, receiver, amount,
                _number(formula.scale), item.year, f"=E{n}*F{n}",
                f"=IF(G{n}=0,H{n},H{n}/(1+{rate})^(G{n}-{shift}))", 0 if moved else -1,
            ]
        )  # fmt: skip
    return max(len(account.value_map.inputs) + 1, 2)


def _rate_cells(names: Mapping[str, str]) -> tuple[str, str]:
    sheet = names["parameters"].replace("'", "''")
    return f"'{sheet}'!$B$1", f"'{sheet}'!$B$2"


Row = tuple[Line, LineFormula, PricedFlow]


def _rows(account: Account) -> list[Row]:
    rows: list[Row] = []
    for line in account.value_map.lines:
        if line.included:
            followed = len(account.quantities.of(line.id).profile)
            formula = compile_line(line, account.value_map, followed)
            rows += [(line, formula, flow) for flow in formula.parts]
    return rows


def _lines(
    sheet: Worksheet,
    account: Account,
    rows: Sequence[Row],
    words: Mapping[str, str],
    names: Mapping[str, str],
) -> int:
    """Write one row by flow, its value by year, then discounted; return the last row."""
    years = list(range(1, max(account.horizon, 1) + 1))
    base = len(_LINE_COLUMNS)
    sheet.append(
        [
            *(words[c] for c in _LINE_COLUMNS),
            *years,
            *(f"{words['present']} {y}" for y in years),
            words["present"],
        ]
    )
    rate, shift = _rate_cells(names)
    for n, (line, formula, flow) in enumerate(rows, start=2):
        values = [
            _year_cell(line, formula, account, n, (base + k, year))
            for k, year in enumerate(years, 1)
        ]
        present = [
            f"={_letter(base + k)}{n}/(1+{rate})^({year}-{shift})"
            for k, year in enumerate(years, 1)
        ]
        first, last = base + len(years) + 1, base + 2 * len(years)
        sheet.append(
            [
                *_head_cells(line, flow, account, n),
                *values,
                *present,
                f"=SUM({_letter(first)}{n}:{_letter(last)}{n})",
            ]
        )
    return max(len(rows) + 1, 2)


def _head_cells(line: Line, flow: PricedFlow, account: Account, n: int) -> list[Any]:
    quantity = account.quantities.of(line.id)
    ends = flow.ends
    social = social_sign(ends.kind)
    shares = [_share(line, name) for name in ("deadweight", "displacement", "attribution")]
    return [
        *map(cell_text, (line.id, line.stakeholder, line.outcome, flow.name)), social,
        ends.payer.value if ends.payer else "", ends.receiver.value if ends.receiver else "",
        _number(quantity.value), _number(ends.sign * flow.amount.value), _number(flow.scale),
        *shares, _share(line, "drop_off"), line.timing.start, _number(line.timing.duration or 0),
        f"=H{n}*I{n}*J{n}*(1-K{n})*(1-L{n})*(1-M{n})",
    ]  # fmt: skip


def _share(line: Line, name: str) -> float | int:
    amount: Amount | None = cell_of(line, name)
    return _number(share_of(amount))


def _year_cell(
    line: Line, formula: LineFormula, account: Account, n: int, where: tuple[int, int]
) -> str | float:
    """Return the value of a year: a formula of drop-off and duration, or of a given curve."""
    column, year = where
    quantity = account.quantities.of(line.id)
    discount = discount_of(account.value_map)
    grown = ""
    if line.price.growth:
        power = exponent(year, discount.timing)
        grown = f"*(1+{_number(line.price.growth)})^{_number(power)}"
    if line.timing.start != int(line.timing.start):  # its parts are dated one by one
        own = zip(formula.years, units_by_year(formula, quantity), strict=True)
        dated = [u * w.growth * w.discount for w, u in own if w.year == year]
        plain = total(dated) / discount.factor(year)
        return f"={_number(plain)}*I{n}*J{n}*(1-K{n})*(1-L{n})*(1-M{n})" if plain else 0
    if line.timing.lifetime or line.timing.survival or quantity.profile:
        units, place = units_by_year(formula, quantity), year - int(line.timing.start)
        if not 0 <= place < len(units) or not units[place]:
            return 0
        if not quantity.value:  # nothing the first year: the later ones stand on their own
            return f"={_number(units[place])}*I{n}*J{n}*(1-K{n})*(1-L{n})*(1-M{n}){grown}"
        return f"=Q{n}*{_number(units[place] / quantity.value)}{grown}"
    elapsed = f"({_letter(column)}$1-O{n})"
    return (
        f"=IF(AND({elapsed}>=0,{elapsed}<P{n}),"
        f"Q{n}*IF({elapsed}=0,1,(1-N{n})^{elapsed})*MIN(1,P{n}-{elapsed}){grown},0)"
    )


def _accounts(
    sheet: Worksheet,
    account: Account,
    words: Mapping[str, str],
    names: Mapping[str, str],
    last: tuple[int, int],
) -> None:
    """Write the account of each agent by year, discounted: the table that the report prints."""
    years = list(range(0, max(account.horizon, 1) + 1))
    agents = [a for a in Agent if any(who is a for who, _ in account.matrix())]
    sheet.append([words["agent"], *years, words["total"]])
    lines, inputs = _quoted(names["lines"]), _quoted(names["inputs"])
    present = len(_LINE_COLUMNS) + len(years) - 1  # the columns after those of each year
    for n, agent in enumerate(agents, start=2):
        row: list[Any] = [agent.value]
        for year in years:
            parts = [
                _sumifs(inputs, "I", ("D", f"$A{n}"), ("G", str(year)), last[0]),
                "-" + _sumifs(inputs, "I", ("C", f"$A{n}"), ("G", str(year)), last[0]),
            ]
            if year:
                column = _letter(present + year)
                parts += [
                    "+" + _sumif(lines, column, "G", f"$A{n}", last[1]),
                    "-" + _sumif(lines, column, "F", f"$A{n}", last[1]),
                ]
            row.append("=" + "".join(parts))
        row.append(f"=SUM(B{n}:{_letter(len(years) + 1)}{n})")
        sheet.append(row)
    end = len(agents) + 1
    sheet.append(
        [
            words["social"],
            *(f"=SUM({_letter(k)}2:{_letter(k)}{end})" for k in range(2, len(years) + 3)),
        ]
    )


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _sumif(sheet: str, value: str, key: str, wanted: str, last: int) -> str:
    return f"SUMIF({sheet}!${key}$2:${key}${last},{wanted},{sheet}!${value}$2:${value}${last})"


def _sumifs(
    sheet: str, value: str, first: tuple[str, str], second: tuple[str, str], last: int
) -> str:
    pairs = "".join(f",{sheet}!${key}$2:${key}${last},{wanted}" for key, wanted in (first, second))
    return f"SUMIFS({sheet}!${value}$2:${value}${last}{pairs})"


def _totals(
    book: Workbook,
    account: Account,
    words: Mapping[str, str],
    names: Mapping[str, str],
    last: tuple[int, int],
) -> None:
    """Write the totals of society, and the check that accounts add up to them."""
    sheet = book.create_sheet(words["sheet_totals"])
    lines, inputs = _quoted(names["lines"]), _quoted(names["inputs"])
    accounts = _quoted(names["accounts"])
    years = max(account.horizon, 1)
    base = len(_LINE_COLUMNS)
    final = _letter(base + 2 * years + 1)
    social = f"{lines}!$E$2:$E${last[1]}"
    # an input that is a transfer is received by somebody
    moved = f"SUMPRODUCT({inputs}!$I$2:$I${last[0]},1+{inputs}!$J$2:$J${last[0]})"
    sheet.append(
        [words["benefits"], f"=SUMPRODUCT({social},{lines}!${final}$2:${final}${last[1]})+{moved}"]
    )
    sheet.append([words["costs"], f"=SUM({inputs}!$I$2:$I${last[0]})"])
    sheet.append([words["net"], "=B1-B2"])
    sheet.append(
        [words["ratio"], '=IF(B2>0,B1/B2,"")' if account.refusal is None else words["refused"]]
    )
    agents = len({who for who, _ in account.matrix()})
    whole = f"{accounts}!{_letter(years + 3)}{agents + 2}"
    sheet.append([words["check"], f"=ROUND({whole}-B3,2)"])
    first, end = _letter(base + 1), _letter(base + years)
    sheet.append([words["impact_total"], f"=SUM({lines}!{first}2:{end}{last[1]})"])


def _dress(book: Workbook) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    bold, fill = Font(bold=True), PatternFill("solid", fgColor="DDE6F0")
    for k, sheet in enumerate(book.worksheets):
        sheet.column_dimensions["A"].width = 34
        for letter in "BCDEFGHIJKLMNOPQ":
            sheet.column_dimensions[letter].width = 15
        if k in (1, 2, 3):
            sheet.freeze_panes = "B2"
            for cell in sheet[1]:
                cell.font, cell.fill = bold, fill
                cell.alignment = Alignment(wrap_text=True, vertical="top")
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, float) or str(cell.value).startswith("="):
                    cell.number_format = "#,##0.00" if abs(_size(cell.value)) >= 2 else "0.0###"


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, (int, float)) else 2.0
