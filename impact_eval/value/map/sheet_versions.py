"""Several sheets of one workbook that hold the same table: two parts of a map, or two versions.

Lines of several sheets are added. That is right for a sheet of women and one of men, and wrong for
« Carte v1 » beside « Carte v2 »: sheets that say the same of the same people are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from impact_eval.core.findings import Finding, Place
from impact_eval.value.map.choices import RECIPIENTS, Agent
from impact_eval.value.map.columns import INPUTS, LINES, choice
from impact_eval.value.map.declared_cells import folded
from impact_eval.value.map.map_workbook import WorkbookMap
from impact_eval.value.map.one_sheet import is_cost_row
from impact_eval.value.map.spoken_words import tokens_of
from impact_eval.value.map.typed_numbers import CellFault

# lines that differ by one of these are of other people, of another row or of another year
_APART = ("people", "term", "start")
Rows = dict[str, list[tuple[int, Mapping[str, Any]]]]


def question_sheets(book: WorkbookMap) -> None:
    """Refuse sheets that hold the same lines, and name those that are added to one another."""
    for key in (LINES.key, INPUTS.key):
        sheets = _rows_by_sheet(book, key)
        if len(sheets) < 2:
            continue
        twice = list(_versions(sheets, book)) if key == LINES.key else []
        place = Place(file=book.file, sheet=list(sheets)[-1])
        book.said.add(*twice or [Finding.warning("map_sheets_added", place, names=list(sheets))])


def _rows_by_sheet(book: WorkbookMap, key: str) -> Rows:
    out: Rows = {}
    for number, row in enumerate(book.tables.get(key) or (), start=1):
        origin = book.origins[(key, number)]
        out.setdefault(origin.sheet, []).append((origin.row, row))
    return out


def _versions(sheets: Rows, book: WorkbookMap) -> Iterator[Finding]:
    """Yield one finding for two sheets in which some line is the same."""
    for one, other in combinations(sheets, 2):
        ours = {claim for _, row in sheets[one] for claim in _claims(row)}
        shared = [(number, row) for number, row in sheets[other] if ours & set(_claims(row))]
        if shared:
            place = Place(file=book.file, sheet=other, row=shared[0][0])
            lines = [str(row.get("outcome") or row.get("estimate")) for _, row in shared]
            yield Finding.error("map_sheets_overlap", place, names=[one, other], outcomes=lines)


def _claims(row: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    """Yield what a line is about: its outcome, and its effect, for whom and of which nature."""
    if is_cost_row(row):
        return
    apart = tuple(folded(row.get(column, "")) for column in _APART)
    who = _who(row.get("stakeholder"))
    if row.get("outcome") is not None:
        yield "outcome", who, tokens_of(str(row["outcome"])), apart
    if row.get("estimate") is not None:
        yield "effect", who, folded(row["estimate"]), folded(row.get("kind", "")), apart


def _who(raw: Any) -> object:
    """Return who a line is about: an actor, by any of its names, else the words themselves."""
    try:
        agent: Agent = choice(Agent)(raw)
    except CellFault:
        return tokens_of(str(raw))
    return Agent.BENEFICIARY if agent in RECIPIENTS else agent
