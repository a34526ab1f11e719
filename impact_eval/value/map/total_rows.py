"""Which rows of a table add up, divide or detail the others: read as lines they would count twice.

A row is known as such by its first words and by what it leaves empty: a total has an amount and
says nothing of whom, of what or of who pays. « Dont Département » details the row above, whatever
it fills in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from impact_eval.value.map.columns import TableSpec
from impact_eval.value.map.declared_cells import folded
from impact_eval.value.map.map_headings import MapHeading
from impact_eval.value.map.typed_numbers import CellFault, NumberTooLargeError, read_per_cent

_NOUN = (
    r"(?:effets?|impacts?|budget|couts?|depenses?|charges?|ressources?|moyens|financements?"
    r"|subventions?|recettes?|produits|gains?|benefices?|valeurs?|resultats?|projet|action"
    r"|programme|costs?|inputs?|outcomes?|benefits?|values?|expenses?|funding|spending|project)"
)
_SAID_MORE = (
    r"(?:general|totale?s?|annuel(?:le)?s?|annee|year|\d+|ht|ttc|nets?|nettes?|bruts?|brutes?"
    r"|sociale?s?|actualisee?s?|creee?s?|moyens?|moyenne|unitaires?|eur|€|£|%|social|present|unit"
    r"|average|overall)"
)
_SUM = (
    r"(?:totaux|totals?|moyennes?|sommes?|ensemble|sous totaux|subtotals?|sum|average|mean"
    r"|present value|valeur actualisee|solde|balance)"
)
_TOTAL = re.compile(
    rf"(?:(?:sous |grand |sub )?{_SUM}(?: (?:{_NOUN}|{_SAID_MORE}))*"
    rf"|{_NOUN}(?: {_NOUN}| {_SAID_MORE})* (?:totale?s?|nets?|nettes?|moyens?|moyenne|unitaires?)"
    rf"|(?:net|unit|average|overall)(?: {_SAID_MORE})* {_NOUN}|social value(?: created)?"
    r")(?: (?:of|des?|du|d) .*)?"
)
_RATIO = re.compile(
    r"(?:ratio|sroi|roi|van|npv|bcr|taux de retour|retour (?:social )?sur investissement"
    r"|social return|return on investment|(?:benefit cost|cost benefit) ratio"
    r"|net present value|valeur actuelle nette|reste a (?:financer|charge))(?: .*)?"
    rf"|(?:{_NOUN}|prix|montant|price|amount)(?: {_SAID_MORE})* (?:par|per) .*"
    r"|1 € (?:investi|engage|depense).*"
)
_DETAIL = re.compile(r"(?:dont|y compris|of which) .*")
# what a total may well fill in: how it is counted, never whom it is about
_OF_MONEY = frozenset({"unit", "currency", "price_year"})


def is_detail(row: Sequence[Any]) -> bool:
    """Whether a row details another one, in which its amount is already."""
    first = _first_text(row)
    return first is not None and bool(_DETAIL.fullmatch(folded(row[first])))


def is_total(row: Sequence[Any], found: Sequence[MapHeading], spec: TableSpec) -> bool:
    """Whether a row adds up or divides the others: its words say it, its empty cells confirm it.

    Parameters
    ----------
    row : sequence
        Its cells.
    found : sequence of MapHeading
        The headings of its sheet.
    spec : TableSpec
    """
    first = _first_text(row)
    if first is None:
        return False
    said = folded(row[first])
    if not _TOTAL.fullmatch(said) and not _RATIO.fullmatch(said):
        return False
    asked = {column.key for column in spec.columns if column.required} - _OF_MONEY
    others = [i for i, h in enumerate(found) if h.key in asked and i != first]
    if others and not any(i < len(row) and row[i] is not None for i in others):
        return True
    told = [cell for cell in row if cell is not None]
    known = sum(1 for heading in found if heading.key is not None)
    words = [cell for cell in told if isinstance(cell, str) and not _is_number(cell)]
    return len(words) == 1 and len(told) * 2 <= max(known, 4) + 1


def nature_of(row: Sequence[Any], found: Sequence[MapHeading]) -> tuple[str, ...]:
    """Return what a row says of its nature, or that somebody pays it; nothing where it is silent.

    « Coût total » paid by somebody is a total where other costs stand beside it, and a cost alone.
    """
    told = {h.key: folded(row[i]) for i, h in enumerate(found)
            if i < len(row) and row[i] is not None}  # fmt: skip
    if told.get("kind"):
        return ("kind", told["kind"])
    return ("payer",) if told.get("payer") else ()


def _first_text(row: Sequence[Any]) -> int | None:
    """Return the place of the first cell of a row, if it holds words."""
    first = next((i for i, cell in enumerate(row) if cell is not None), None)
    return first if first is not None and isinstance(row[first], str) else None


def _is_number(cell: str) -> bool:
    try:
        read_per_cent(cell)
    except NumberTooLargeError:
        return True
    except CellFault:
        return False
    return True
