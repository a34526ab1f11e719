"""The sheet that people read: the tables of the report, added up from the ledger."""

from __future__ import annotations

from decimal import Decimal

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.books import agents_of
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.prices import ZERO, less, total
from impact_eval.value.readouts.party_totals import PartyTotal, party_totals
from impact_eval.value.readouts.workbook.calculation import FIRST, FlowRow
from impact_eval.value.readouts.workbook.ledger import (
    IN_EFFECTS,
    IN_RESOURCES,
    MOVED_YEAR,
    PAYER,
    PRESENT,
    RECEIVER,
    SOCIAL,
    Movements,
)
from impact_eval.value.readouts.workbook.pages import BookSheet, BookWords, Style, letter
from impact_eval.value.uncertainty.compiled import draws_refused

_FIRST_TABLE = 5


class AccountPage:
    """The sheet « Compte » as it is written, block after block.

    Nothing is added up where a guard refuses it: the reason stands in its place.
    """

    def __init__(
        self, page: BookSheet, account: Account, words: BookWords, ledger: Movements
    ) -> None:
        self.page, self.account, self.words, self.ledger = page, account, words, ledger
        self.money = Style(form=words.money())
        self.sum = Style(form=words.money(), bold=True)
        self.refusal = draws_refused(account)
        self.row = _FIRST_TABLE

    def write(self, rows: list[FlowRow], lines_page: BookSheet) -> None:
        """Write the whole sheet."""
        page, words = self.page, self.words
        title = self.account.value_map.settings.title
        page.text(1, 1, title or words["sheet_account"], Style(title=True))
        page.text(2, 1, words["account_note"])
        page.text(3, 1, words["live_note"])
        years = sorted({year for _, year in self.account.matrix()}) or [1]
        self._totals()
        self._parties()
        total_row = self._by_year(years)
        self._lines(rows, lines_page)
        self._check(total_row, years)
        page.widths((46, *[17] * max(len(years) + 1, 4)))
        page.keep_head(1)

    def _head(self, caption: str, heads: list[str]) -> None:
        self.page.text(self.row, 1, caption, Style(title=True))
        self.page.heads(self.row + 1, heads)
        self.row += 2

    def _totals(self) -> None:
        words, page, read = self.words, self.page, self.account.sroi()
        perspective = self.account.value_map.settings.perspective
        who = words.labels.get(perspective, perspective)
        self._head(words["totals"], [f"{words['seen_by']} {who}", ""])
        if self.refusal is not None:
            for text in _why(self.refusal, words):
                page.text(self.row, 1, text)
                self.row += 1
            self.row += 1
            return
        n, moved = self.row, self.ledger.column(PRESENT)
        for k, (key, column, value) in enumerate(
            (("benefits", IN_EFFECTS, read.benefits), ("costs", IN_RESOURCES, read.costs))
        ):
            page.text(n + k, 1, words[key])
            formula = f"SUMPRODUCT({self.ledger.column(column)},{moved})"
            page.formula(n + k, 2, formula, value, self.money)
        page.text(n + 2, 1, words["net"], Style(bold=True))
        page.formula(n + 2, 2, f"B{n}-B{n + 1}", read.net, self.sum)
        page.text(n + 3, 1, words["ratio"])
        if isinstance(read.ratio, NotApplicable):
            page.text(n + 3, 2, words["no_cost"])
        else:
            ratio = f'IF(B{n + 1}>0,B{n}/B{n + 1},"")'
            page.formula(n + 3, 2, ratio, read.ratio, Style(form=words.form("0.00")))
        self.net_row = n + 2
        self.row = n + 6  # the check comes last, below the ratio

    def _parties(self) -> None:
        words, page = self.words, self.page
        found = party_totals(self.account.counted)
        heads = [words[c] for c in ("agent", "pays", "gains", "balance")]
        self._head(words["caption_parties"], heads)
        first = self.row
        for party in found:
            self._party(party)
        if self.refusal is None and found:
            page.text(self.row, 1, words["total"], Style(bold=True))
            pays, gains = total(p.pays for p in found), total(p.gains for p in found)
            for column, value in ((2, pays), (3, gains), (4, less(gains, pays))):
                area = f"{letter(column)}{first}:{letter(column)}{self.row - 1}"
                page.formula(self.row, column, f"SUM({area})", value, self.sum)
            self.row += 1
        self.row += 1

    def _party(self, party: PartyTotal) -> None:
        page, n = self.page, self.row
        page.text(n, 1, self.words.agent(party.agent))
        page.formula(n, 2, self._moved(PAYER, RECEIVER, n), party.pays, self.money)
        page.formula(n, 3, self._moved(RECEIVER, PAYER, n), party.gains, self.money)
        page.formula(n, 4, f"C{n}-B{n}", less(party.gains, party.pays), self.money)
        self.row += 1

    def _moved(self, side: int, other: int, n: int) -> str:
        """Return what an account has on one side, and what is negative on the other."""
        present = self.ledger.column(PRESENT)

        def part(end: int, sign: str) -> str:
            return f'SUMIFS({present},{self.ledger.column(end)},$A{n},{present},"{sign}0")'

        return f"{part(side, '>')}-{part(other, '<')}"

    def _by_year(self, years: list[int]) -> int:
        """Write the accounts by year; return the row of their sum, or 0."""
        words, page, cells = self.words, self.page, self.account.matrix()
        agents = [agent for agent in Agent if any(who is agent for who, _ in cells)]
        self._head(words["caption_years"], [words["agent"]])
        page.years(self.row - 1, 2, years, words.year())
        last = len(years) + 2
        page.text(self.row - 1, last, words["total"], Style(head=True, right=True))
        head, first = self.row - 1, self.row
        present, when = self.ledger.column(PRESENT), self.ledger.column(MOVED_YEAR)
        for agent in agents:
            n = self.row
            page.text(n, 1, words.agent(agent))
            for k, year in enumerate(years, start=2):
                gained, paid = (
                    f"SUMIFS({present},{self.ledger.column(end)},$A{n},{when},{letter(k)}${head})"
                    for end in (RECEIVER, PAYER)
                )
                value = cells.get((agent, year), ZERO)
                page.formula(n, k, f"{gained}-{paid}", value, self.money)
            own = total(v for (who, _), v in cells.items() if who is agent)
            page.formula(n, last, f"SUM(B{n}:{letter(last - 1)}{n})", own, self.money)
            self.row += 1
        if self.refusal is None and agents:
            self._sum_of_years(first, years, cells)
            self.row += 2
            return self.row - 2
        self.row += 1
        return 0

    def _sum_of_years(
        self, first: int, years: list[int], cells: dict[tuple[Agent, int], Decimal]
    ) -> None:
        self.page.text(self.row, 1, self.words["society"], Style(bold=True))
        sums = [total(v for (_, when), v in cells.items() if when == year) for year in years]
        for column, value in enumerate((*sums, total(sums)), start=2):
            area = f"{letter(column)}{first}:{letter(column)}{self.row - 1}"
            self.page.formula(self.row, column, f"SUM({area})", value, self.sum)

    def _lines(self, rows: list[FlowRow], lines_page: BookSheet) -> None:
        """Write the lines of the total: units, social value of one, present value."""
        words, page = self.words, self.page
        heads = [words[c] for c in ("outcome", "quantity", "unit_value", "present")]
        self._head(words["caption_lines"], heads)
        places: dict[str, list[int]] = {}
        for k, row in enumerate(rows, start=FIRST):
            places.setdefault(row.line.id, []).append(k)
        known = {value.line: value for value in self.account.lines}
        for name, at in places.items():
            n, value, line = self.row, known[name], rows[at[0] - FIRST].line
            page.text(n, 1, line.outcome)
            own = value.quantity.value
            page.formula(
                n, 2, lines_page.cell(at[0], 8), own, Style(form=words.plain(round(own, 2)))
            )
            units = ",".join(lines_page.column(c, at[0], at[-1]) for c in (5, 9, 10))
            cents = Style(form=words.money(cents=True))
            page.formula(n, 3, f"SUMPRODUCT({units})", value.unit_value, cents)
            span = self.ledger.lines[name]
            moved = ",".join(self.ledger.page.column(c, *span) for c in (SOCIAL, PRESENT))
            page.formula(n, 4, f"SUMPRODUCT({moved})", value.present, self.money)
            self.row += 1

    def _check(self, total_row: int, years: list[int]) -> None:
        """Write the proof that the accounts add up to the net value."""
        if self.refusal is not None or not total_row:
            return
        n, agents = self.net_row + 2, agents_of(self.account.value_map.settings.perspective)
        column, cells = letter(len(years) + 2), self.account.matrix()
        known = [agent for agent in Agent if any(who is agent for who, _ in cells)]
        first = total_row - len(known)
        own = [f"{column}{first + k}" for k, a in enumerate(known) if agents and a in agents]
        added = f"{column}{total_row}" if agents is None else "+".join(own) or "0"
        self.page.text(n, 1, self.words["check"])
        self.page.formula(
            n, 2, f"ROUND({added}-B{self.net_row},2)", ZERO, Style(form=self.words.form("0.00"))
        )


def _why(refusal: NotApplicable, words: BookWords) -> list[str]:
    """Return why nothing is added up, in words: each guard by its name."""
    guards = refusal.values.get("guards")
    if not guards:
        return [words["error_unknown"]]
    return [words["refused"], *(f"– {words.label(str(code))}" for code in _listed(guards))]


def _listed(guards: object) -> list[str]:
    return [str(code) for code in guards] if isinstance(guards, (list, tuple)) else [str(guards)]
