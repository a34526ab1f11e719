"""How a sheet is written: words, forms of numbers, and each formula with its value beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from impact_eval.core.spreadsheet import cell_text
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.declared_cells import plain_decimal

_A4, _A3 = 9, 8
_LONG_HEAD, _TWO_LINES = 16, 31
_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$"}
_ALPHABET = 26
Exact = Decimal | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class BookWords:
    """All the words of a workbook in one language.

    Attributes
    ----------
    own, agents, labels : mapping of str to str
        Headings of the workbook, names of the accounts, words of the closed lists.
    currency : str
        Its code.
    """

    own: Mapping[str, str]
    agents: Mapping[str, str]
    labels: Mapping[str, str]
    currency: str

    def __getitem__(self, key: str) -> str:
        """Return a heading."""
        return self.own[key]

    def agent(self, agent: Agent | None) -> str:
        """Return the name of an account; nothing for nobody."""
        if agent is None:
            return ""
        return self.agents.get(agent.value) or self.label(agent.value)

    def label(self, key: str) -> str:
        """Return the words of a member of a closed list, or of a name that an author gave."""
        found = self.labels.get(key)
        return key if found is None else found[:1].upper() + found[1:]

    def money(self, *, cents: bool = False) -> str:
        """Return the form of an amount of money."""
        form = self.own["form_money_cents" if cents else "form_money"]
        return self.form(form.replace("¤", _SIGNS.get(self.currency, self.currency)))

    def percent(self, share: Decimal) -> str:
        """Return the form of a share, with the decimals that it has, two at most."""
        _, _, fraction = plain_decimal(share * 100).partition(".")
        places = len(fraction)
        decimals = "." + "0" * min(places, 2) if places else ""
        return self.form(self.own["form_percent"].replace("0", f"0{decimals}", 1))

    def plain(self, value: Exact) -> str:
        """Return the form of a number without a unit."""
        return self.form("#,##0" if Decimal(str(value)) == int(value) else "#,##0.00##")

    def form(self, form: str) -> str:
        """Return a form with the separators of the language, where a program can follow it."""
        return self.own["form_separators"] + form

    def year(self) -> str:
        """Return the form of the number of a year."""
        return self.own["form_year"]


@dataclass(frozen=True, slots=True)
class Style:
    """How a cell looks."""

    form: str = ""
    bold: bool = False
    head: bool = False
    given: bool = False
    title: bool = False
    wrap: bool = False
    right: bool = False

    def properties(self) -> dict[str, Any]:
        """Return it as the writer of workbooks takes it."""
        out: dict[str, Any] = {"font_name": "Calibri", "font_size": 14 if self.title else 11}
        if self.form:
            out["num_format"] = self.form
        if self.bold or self.head or self.title:
            out["bold"] = True
        if self.head:
            out |= {"bg_color": "#DDE6F0", "bottom": 1, "text_wrap": True, "valign": "top"}
        if self.bold and not self.head:
            out["top"] = 1
        if self.right:
            out["align"] = "right"
        if self.given:
            out["font_color"] = "#1F4E9E"
        if self.wrap:
            out |= {"text_wrap": True, "valign": "top"}
        return out


@dataclass(kw_only=True)
class BookSheet:
    """One sheet, written cell by cell; rows and columns are numbered from one."""

    book: Any
    name: str
    wide: bool = False
    sheet: Any = None
    styles: dict[Style, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Add the sheet to the book, set up for print."""
        self.sheet = self.book.add_worksheet(self.name)
        self.sheet.set_landscape()
        self.sheet.set_paper(_A3 if self.wide else _A4)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        self.sheet.set_footer("&L&A&R&P / &N")

    def _style(self, style: Style) -> Any:
        if style not in self.styles:
            self.styles[style] = self.book.add_format(style.properties())
        return self.styles[style]

    def text(self, row: int, column: int, text: str, style: Style = Style()) -> None:
        """Write a text: never a formula, whatever it starts with."""
        self.sheet.write_string(row - 1, column - 1, cell_text(text), self._style(style))

    def number(self, row: int, column: int, value: Exact, style: Style) -> None:
        """Write a number."""
        self.sheet.write_number(row - 1, column - 1, held_as(value), self._style(style))

    def formula(self, row: int, column: int, formula: str, value: Exact, style: Style) -> None:
        """Write a formula, and beside it the value that it has."""
        self.sheet.write_formula(
            row - 1, column - 1, f"={formula}", self._style(style), held_as(value)
        )

    def heads(self, row: int, heads: Sequence[str], words: int = 1) -> None:
        """Write a row of headings: those of the first columns over words, then over numbers."""
        for column, head in enumerate(heads, start=1):
            self.text(row, column, head, Style(head=True, right=column > words))
        if row == 1 and max(map(len, heads), default=0) > _LONG_HEAD:
            self.sheet.set_row(row - 1, _TWO_LINES)

    def years(self, row: int, column: int, years: Sequence[int], form: str) -> None:
        """Write years as headings that formulas read."""
        for k, year in enumerate(years):
            self.number(row, column + k, year, Style(head=True, form=form, right=True))

    def widths(self, widths: Sequence[float]) -> None:
        """Set the width of the first columns."""
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)

    def keep_head(self, rows: int, columns: int = 1) -> None:
        """Keep the first rows and columns in sight, and at the top of each printed page."""
        self.sheet.freeze_panes(rows, columns)
        self.sheet.repeat_rows(0, rows - 1)

    def quoted(self) -> str:
        """Return the name as formulas of other sheets write it."""
        return "'" + self.name.replace("'", "''") + "'"

    def cell(self, row: int, column: int) -> str:
        """Return a cell as another sheet names it."""
        return f"{self.quoted()}!${letter(column)}${row}"

    def column(self, column: int, first: int, last: int) -> str:
        """Return a part of a column as another sheet names it."""
        return f"{self.quoted()}!${letter(column)}${first}:${letter(column)}${last}"


def held_as(value: Exact) -> float | int:
    """Return an exact amount as a workbook holds it."""
    found = float(value)
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def letter(column: int) -> str:
    """Return the letters of a column numbered from one."""
    out = ""
    while column:
        column, rest = divmod(column - 1, _ALPHABET)
        out = chr(ord("A") + rest) + out
    return out
