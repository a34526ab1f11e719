"""The ledger: one row by movement of value, from which every table is added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.value.account.books import agents_of
from impact_eval.value.account.doors import Account
from impact_eval.value.account.flow_ledger import social_sign
from impact_eval.value.map.choices import Agent, FlowKind
from impact_eval.value.map.prices import ZERO
from impact_eval.value.readouts.workbook.calculation import (
    BASE,
    FIRST,
    VALUE,
    YEAR,
    FlowRow,
    dating,
    discounted,
)
from impact_eval.value.readouts.workbook.pages import BookSheet, BookWords, Style

_COLUMNS = (
    "origin", "what", "flow", "kind", "payer", "receiver", "year", "value", "present",
    "in_effects", "in_resources", "social",
)  # fmt: skip
PAYER, RECEIVER, MOVED_YEAR, PRESENT, IN_EFFECTS, IN_RESOURCES, SOCIAL = 5, 6, 7, 9, 10, 11, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One row of the ledger before it is written."""

    origin: str
    what: str
    flow: str
    kind: FlowKind
    payer: Agent | None
    receiver: Agent | None
    year: int
    year_cell: str | None
    amount_cell: str
    amount: Decimal
    present: Decimal
    signs: tuple[int, int, int]
    dated: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    """Where the ledger is, and the rows of each line in it.

    Attributes
    ----------
    page : BookSheet
    last : int
        Its last row.
    lines : mapping of str to (int, int)
        First and last row of each line.
    """

    page: BookSheet
    last: int
    lines: dict[str, tuple[int, int]]

    def column(self, column: int) -> str:
        """Return a whole column of the ledger."""
        return self.page.column(column, FIRST, self.last)


def write_movements(
    page: BookSheet,
    account: Account,
    rows: Sequence[FlowRow],
    words: BookWords,
    sources: tuple[BookSheet, BookSheet, str],
) -> Movements:
    """Write the movements of the inputs, then of the lines, each an amount of another sheet.

    Parameters
    ----------
    page : BookSheet
    account : Account
    rows : sequence of FlowRow
    words : BookWords
    sources : (BookSheet, BookSheet, str)
        The inputs, the lines, and the range of the coefficients.
    """
    inputs, lines, factors = sources
    page.heads(1, [words[c] for c in _COLUMNS], 6)
    n = FIRST
    spans: dict[str, tuple[int, int]] = {}
    for movement in _of_inputs(account, inputs, words):
        _write(page, n, movement, words, factors)
        n += 1
    for k, row in enumerate(rows, start=FIRST):
        first = n
        for movement in _of_line(account, row, k, lines, words):
            _write(page, n, movement, words, factors)
            n += 1
        spans[row.line.id] = (spans.get(row.line.id, (first, n))[0], n - 1)
    page.widths((12, 30, 24, 20, 24, 24, 9, 16, 18, 12, 12, 12))
    page.keep_head(1, 2)
    page.sheet.autofilter(0, 0, max(n - 2, 1), len(_COLUMNS) - 1)
    return Movements(page=page, last=max(n - 1, FIRST), lines=spans)


def _of_inputs(account: Account, page: BookSheet, words: BookWords) -> list[Movement]:
    agents = agents_of(account.value_map.settings.perspective)
    flows = [flow for flow in account.counted if flow.is_input]
    out = []
    for k, (item, flow) in enumerate(
        zip(account.value_map.inputs, flows, strict=True), start=FIRST
    ):
        moved = flow.kind is FlowKind.TRANSFER
        gained = moved and (agents is None or flow.receiver in agents)
        charged = agents is None or flow.payer in agents
        out.append(
            Movement(
                origin=words["resource"], what=item.stakeholder, flow="", kind=flow.kind,
                payer=flow.payer, receiver=flow.receiver, year=flow.year,
                year_cell=page.cell(k, YEAR), amount_cell=page.cell(k, VALUE),
                amount=flow.amount, present=flow.present,
                signs=(int(gained), int(charged), 0 if moved else -1),
                dated=dating(flow, account),
            )
        )  # fmt: skip
    return out


def _of_line(
    account: Account, row: FlowRow, k: int, page: BookSheet, words: BookWords
) -> list[Movement]:
    agents, ends = agents_of(account.value_map.settings.perspective), row.flow.ends
    social = social_sign(ends.kind)
    sign = social if agents is None else (ends.receiver in agents) - (ends.payer in agents)
    out = []
    for year in range(1, max(account.horizon, 1) + 1):
        flow = row.by_year.get(year)
        out.append(
            Movement(
                origin=words["effect"], what=row.line.outcome, flow=words.label(row.flow.name),
                kind=ends.kind, payer=ends.payer, receiver=ends.receiver, year=year,
                year_cell=None, amount_cell=page.cell(k, BASE + year),
                amount=ZERO if flow is None else flow.amount,
                present=ZERO if flow is None else flow.present, signs=(sign, 0, social),
                dated="" if flow is None else dating(flow, account),
            )
        )  # fmt: skip
    return out


def _write(page: BookSheet, n: int, move: Movement, words: BookWords, factors: str) -> None:
    itself = move.payer is not None and move.payer is move.receiver  # nobody pays or gains
    payer, receiver = (None, None) if itself else (move.payer, move.receiver)
    for column, text in enumerate(
        (move.origin, move.what, move.flow, words.label(move.kind.value)), start=1
    ):
        page.text(n, column, text)
    page.text(n, PAYER, words.agent(payer))
    page.text(n, RECEIVER, words.agent(receiver))
    if move.year_cell is None:
        page.number(n, MOVED_YEAR, move.year, Style(form="0"))
    else:
        page.formula(n, MOVED_YEAR, f"INT({move.year_cell})", move.year, Style(form="0"))
    money = Style(form=words.money())
    page.formula(n, 8, move.amount_cell, move.amount, money)
    present = discounted(f"H{n}", f"G{n}", factors) + move.dated
    page.formula(n, PRESENT, present, move.present, money)
    for column, sign in enumerate(move.signs, start=IN_EFFECTS):
        page.number(n, column, sign, Style(form="0"))
