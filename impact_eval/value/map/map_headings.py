"""What a heading or the name of a sheet says, as people write it: « Poids mort (%) », « COÛTS »."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from impact_eval.value.map.columns import LINES, SETTINGS, TABLES, TableSpec, headings
from impact_eval.value.map.declared_cells import folded

_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_UNITS = re.compile(
    r"(?:\s|^)(?:en |in )?(?:%|€|£|k€|m€|keur|euros?|eur|ans|annees?|years?|mois|months?"
    r"|pour ?cents?|pourcentage|per ?cent|percentage)(?=\s|$)"
)
_PER_CENT = re.compile(r"%|pour ?cent|per ?cent", re.IGNORECASE)
_MONTHS = re.compile(r"\b(?:mois|months?)\b", re.IGNORECASE)
_THOUSANDS = re.compile(r"k\s?€|keur|milliers", re.IGNORECASE)
_MILLIONS = re.compile(r"m€|meur|millions", re.IGNORECASE)

# Columns of other layouts that no column of ours holds: what is put in, and what they compute.
INPUT_TEXT, INPUT_AMOUNT, PROXY_TEXT, COMPUTED = "input_text", "input_amount", "proxy_text", ""
_COMPUTED_NAMES = "computed"
_OTHER = frozenset({INPUT_TEXT, INPUT_AMOUNT, PROXY_TEXT, _COMPUTED_NAMES})


@dataclass(frozen=True, slots=True)
class MapHeading:
    """A heading of a sheet: its column of the map, and the unit that it states.

    Attributes
    ----------
    text : str
        As it is written.
    key : str or None
        None when no column answers to it.
    per_cent, months : bool
        Whether plain numbers under it are per cents, or months.
    scale : int
        What its amounts are counted in.
    """

    text: str
    key: str | None
    per_cent: bool = False
    months: bool = False
    scale: int = 1


@lru_cache(maxsize=32)
def _keys(table: str) -> Mapping[str, str]:
    spec = next(s for s in (SETTINGS, *TABLES) if s.key == table)
    also = headings()["also"]
    extra = {**also.get("every", {}), **also.get(table, {})}
    out: dict[str, str] = {}
    for key in spec.keys:
        said = headings()["column"][key]
        for name in (said["fr"], said["en"], key):
            out[folded(name)] = key
    for key, names in extra.items():
        if key in spec.keys or (table == LINES.key and key in _OTHER):
            own = COMPUTED if key == _COMPUTED_NAMES else key
            out |= {folded(name): own for name in names if folded(name) not in out}
    for name, key in list(out.items()):
        out.setdefault(_bare(name), key)
    return MappingProxyType(out)


def _bare(text: str) -> str:
    return " ".join(_UNITS.sub(" ", folded(_ASIDE.sub(" ", text))).split())


def named_column(text: str, table: str) -> str | None:
    """Return the column that a heading names, or None."""
    known = _keys(table)
    for said in (folded(text), folded(_ASIDE.sub(" ", text)), _bare(text)):
        if said in known:
            return known[said]
    return None


def read_heading(text: str, table: str) -> MapHeading:
    """Read a heading of a table, with the unit it states.

    Examples
    --------
    >>> found = read_heading("POIDS MORT (%)", "lines")
    >>> found.key, found.per_cent
    ('deadweight', True)
    """
    scale = 1000 if _THOUSANDS.search(text) else 1_000_000 if _MILLIONS.search(text) else 1
    return MapHeading(
        text=" ".join(text.split()),
        key=named_column(text, table),
        per_cent=bool(_PER_CENT.search(text)),
        months=bool(_MONTHS.search(text)),
        scale=scale,
    )


def in_context(found: Sequence[MapHeading]) -> tuple[MapHeading, ...]:
    """Tell apart « Description », « Value » and « Source », which the English map repeats.

    Each belongs to what stands at its left: inputs, outcomes, indicator, financial proxy.
    """
    out: list[MapHeading] = []
    before = ""
    proxy = -1
    for place, heading in enumerate(found):
        said = _bare(heading.text)
        key = _BESIDE.get((before, said), heading.key)
        if before == "proxy" and said in _VALUES and proxy == place - 1:
            out[proxy] = replace(out[proxy], key=PROXY_TEXT)  # its words, then its number
            key = "proxy"
        if key in (INPUT_TEXT, "outcome", "indicator", PROXY_TEXT, "proxy"):
            before = key
        proxy = place if key == "proxy" else proxy
        out.append(replace(heading, key=key))
    return tuple(out)


_VALUES = frozenset({"value", "valeur"})
_BESIDE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (INPUT_TEXT, "description"): INPUT_TEXT,
        (INPUT_TEXT, "value"): INPUT_AMOUNT,
        (INPUT_TEXT, "valeur"): INPUT_AMOUNT,
        ("outcome", "description"): "outcome",
        ("indicator", "source"): "indicator_source",
        (PROXY_TEXT, "value"): "proxy",
        (PROXY_TEXT, "valeur"): "proxy",
        (PROXY_TEXT, "source"): "proxy_source",
        ("proxy", "source"): "proxy_source",
    }
)


def table_of_sheet(name: str) -> str | None:
    """Return the table that the name of a sheet says, or None.

    Examples
    --------
    >>> table_of_sheet("COÛTS 2025"), table_of_sheet("Photos")
    ('inputs', None)
    """
    known = _sheet_names()
    text = folded(name)
    return known.get(text) or known.get(re.sub(r"\s*\d+$", "", text))


@lru_cache(maxsize=1)
def _sheet_names() -> Mapping[str, str]:
    out = {
        folded(name): key
        for key, said in headings()["sheet"].items()
        for name in (said["fr"], said["en"], key)
    }
    for key, names in headings()["sheet_also"].items():
        for name in names:
            out.setdefault(folded(name), key)
    return MappingProxyType(out)


def known_in(row: Sequence[str], spec: TableSpec) -> int:
    """Return how many columns of a table a row names."""
    return len({key for text in row if text and (key := named_column(text, spec.key))})


def shown_heading(key: str, language: str = "fr") -> str:
    """Return the heading of a column, in a language."""
    said = headings()["column"].get(key)
    return str(said[language]) if said else key
