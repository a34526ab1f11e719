"""The entries of the catalogue, read strictly: what is wrong with any of them is told, all at once.

A figure that is added is checked here for its unit, the year of its prices, its place, who pays and
who receives, its mark, its source and the date after which it must be read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeAlias

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, Place, nearest
from impact_eval.core.toml_files import TomlCodes, parse_toml
from impact_eval.value.map.catalogue_columns import (
    CASE,
    FLOW,
    INDEX,
    PARAMETER,
    VALUE,
    read_date,
    vocabulary,
)
from impact_eval.value.map.choices import LineKind
from impact_eval.value.map.columns import MapColumn
from impact_eval.value.map.typed_numbers import CellFault

Entry: TypeAlias = dict[str, Any]  # the cells of an entry, each read by its column
FIRST_PRICE_YEAR: Final = 1990
# who stands at the ends of a flow: without them an amount would have nobody's account to go to
PAID: Final = frozenset(
    {
        LineKind.TRANSFER,
        LineKind.AVOIDED_TRANSFER,
        LineKind.AVOIDED_COST,
        LineKind.RESOURCE_COST,
    }
)
RECEIVED: Final = frozenset(
    {
        LineKind.TRANSFER,
        LineKind.AVOIDED_TRANSFER,
        LineKind.RESOURCE_GAIN,
        LineKind.NON_MARKET,
    }
)
_TABLES = ("parameter", "index", "case", "reviewed")
_OF_VALUE = ("low", "high", "law")
_CODES = TomlCodes(syntax="catalogue_not_readable")


@dataclass(frozen=True, slots=True)
class Entries:
    """What the files hold, read: cells by entry, in the order of the files; date of the review."""

    parameters: tuple[Entry, ...]
    indices: tuple[Entry, ...]
    cases: tuple[Entry, ...]
    reviewed: str


# --- entries ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _EntrySpot:
    """Where an entry stands: its file, and its id, or its number when it has none."""

    file: str
    entry: str

    def at(self, key: str = "") -> Place:
        return Place(file=self.file, key=f"{self.entry}.{key}" if key else self.entry)


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry read, and where."""

    cells: Entry
    spot: _EntrySpot


def read_entries(texts: Mapping[str, str]) -> Entries:
    """Read the entries of the catalogue's files, strictly.

    Parameters
    ----------
    texts : mapping of str to str
        Name of each file to its text, in TOML.

    Returns
    -------
    Entries

    Raises
    ------
    ImpactEvalError
        Every fault of every entry, with its file and the entry's id: `catalogue_not_readable`,
        `table_not_rows`, `unknown_entry_key`, `missing_cell`, `duplicate_id`, `not_a_text`,
        `label_needs_languages`, `not_a_number`, `not_an_amount`, `interval_out_of_order`,
        `law_needs_positive`, `unknown_price_unit`, `unknown_place`, `not_a_currency`, `not_a_year`,
        `price_year_out_of_range`, `unknown_choice`, `entry_not_a_date`, `not_yes_or_no`,
        `negative_amount`, `figure_not_positive`, `entry_bad_id`, `paid_to_oneself`,
        `expires_before_its_year`, `unknown_price`, `unknown_index`, `unknown_currency`,
        `law_out_of_support`, `figure_out_of_reach`, `unknown_family`, `rival_itself`,
        `rival_not_mutual`.
    """
    faults = FindingCollector()
    tables = {name: _table(name, text, faults) for name, text in texts.items()}
    all_read = not faults.has_errors
    for file, table in tables.items():
        faults.add(*_unknown(table, _TABLES, partial(_key_of, file)))
    parameters = _entries(tables, "parameter", PARAMETER, faults)
    indices = _entries(tables, "index", INDEX, faults)
    cases = _entries(tables, "case", CASE, faults)
    reviewed = _reviewed(tables, faults) if all_read else ""
    last = int(reviewed[:4]) if reviewed else None
    for found in (*parameters, *cases):
        faults.add(*_price_year(found, last))
    for found in parameters:
        faults.add(*_money(found), *_ends(found.cells, found.spot), *_item(found, parameters))
        faults.add(*_named(found, "rivals", parameters), *_named(found, "index", indices))
        faults.add(*_mutual(found, parameters), *_covered(found, parameters, cases))
    for found in indices:
        faults.add(*_marked(found))
    for found in cases:
        found.cells["flows"] = _flows(found, faults)
    faults.raise_if_errors()
    return Entries(
        parameters=tuple(found.cells for found in parameters),
        indices=tuple(found.cells for found in indices),
        cases=tuple(found.cells for found in cases),
        reviewed=reviewed,
    )


def _table(name: str, text: str, faults: FindingCollector) -> Mapping[str, Any]:
    try:
        return parse_toml(text, name, _CODES, parse_float=Decimal)
    except ImpactEvalError as error:
        faults.add(*error.findings)
        return {}


def _key_of(file: str, key: str) -> Place:
    return Place(file=file, key=key)


def _reviewed(tables: Mapping[str, Mapping[str, Any]], faults: FindingCollector) -> str:
    """Return the date of the review, which one file gives."""
    for name, table in tables.items():
        if "reviewed" in table:
            try:
                return read_date(table["reviewed"])
            except CellFault as fault:
                faults.add(_fault(fault, _EntrySpot(name, "reviewed").at(), "reviewed"))
                return ""
    faults.add(Finding.error("missing_cell", Place(key="reviewed"), column="reviewed"))
    return ""


def _entries(
    tables: Mapping[str, Mapping[str, Any]],
    kind: str,
    columns: Sequence[MapColumn],
    faults: FindingCollector,
) -> tuple[_Placed, ...]:
    found: list[_Placed] = []
    for file, table in tables.items():
        rows = table.get(kind, [])
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            faults.add(Finding.error("table_not_rows", Place(file=file, key=kind), name=kind))
            continue
        for number, row in enumerate(rows, start=1):
            name = row.get("id")
            known = isinstance(name, str) and bool(name.strip())
            spot = _EntrySpot(file, str(name) if known else f"{kind}[{number}]")
            found.append(_Placed(_read(columns, row, spot, faults), spot))
    uses = Counter(placed.cells["id"] for placed in found if placed.cells.get("id"))
    for placed in found:
        n = uses[placed.cells.get("id")]
        if n > 1:
            name = placed.cells["id"]
            faults.add(Finding.error("duplicate_id", placed.spot.at(), name=name, n=n))
    return tuple(found)


def _read(
    columns: Sequence[MapColumn], row: Mapping[str, Any], spot: _EntrySpot, faults: FindingCollector
) -> Entry:
    """Read the cells of one entry; those at fault are told, and None."""
    raw = dict(row)
    keys = tuple(column.key for column in columns)
    if columns is PARAMETER:
        keys += _OF_VALUE
        amount = {key: row[key] for key in (VALUE, *_OF_VALUE) if key in row}
        if amount:
            raw[VALUE] = amount
    faults.add(*_unknown(raw, keys, spot.at))
    out: Entry = {}
    for column in columns:
        if column.key not in raw:
            if column.required:
                faults.add(_missing(spot, column.key))
            continue
        try:
            out[column.key] = column.parse(raw[column.key])
        except CellFault as fault:
            faults.add(_fault(fault, spot.at(column.key), column.key))
            out[column.key] = None
    return out


def _unknown(
    names: Iterable[str], known: tuple[str, ...], at: Callable[[str], Place]
) -> Iterable[Finding]:
    """Refuse a key that is not read: a figure under a name misspelt would be nowhere."""
    for name in names:
        if name not in known:
            close = nearest(name, known)
            yield Finding.error(
                "unknown_entry_key", at(name), name=name, nearest=close, known=known
            )


def _fault(fault: CellFault, place: Place, column: str) -> Finding:
    return Finding.error(fault.code, place, column=column, **fault.values)


def _missing(spot: _EntrySpot, key: str) -> Finding:
    return Finding.error("missing_cell", spot.at(key), column=key)


# --- what one cell says of another ------------------------------------------------------------


def _price_year(found: _Placed, last: int | None) -> Iterable[Finding]:
    """Refuse prices of a year that no source can know, or to be read again before that year."""
    year, expires = found.cells.get("price_year"), found.cells.get("expires")
    if year is None or last is None:
        return
    if not FIRST_PRICE_YEAR <= year <= last:
        first, at = FIRST_PRICE_YEAR, found.spot.at("price_year")
        yield Finding.error("price_year_out_of_range", at, found=str(year), first=first, last=last)
    elif expires and int(expires[:4]) < year:
        at = found.spot.at("expires")
        yield Finding.error("expires_before_its_year", at, found=expires, year=year)


def _money(found: _Placed) -> Iterable[Finding]:
    """Money has a currency and the year of its prices; a share, a rate or a count has neither."""
    for one, other in (("currency", "price_year"), ("price_year", "currency")):
        if one in found.cells and other not in found.cells:
            yield _missing(found.spot, other)
    if "kind" in found.cells and not {"currency", "price_year"} & set(found.cells):
        yield _missing(found.spot, "currency")


def _ends(cells: Entry, spot: _EntrySpot) -> Iterable[Finding]:
    """Ask for who pays and who receives, as the kind of flow has them."""
    kind = cells.get("kind")
    for key, kinds in (("payer", PAID), ("receiver", RECEIVED)):
        if kind in kinds and key not in cells:
            yield _missing(spot, key)
    payer = cells.get("payer")
    if payer is not None and payer == cells.get("receiver"):
        yield Finding.error("paid_to_oneself", spot.at("receiver"), name=payer.value)


def _item(found: _Placed, known: Sequence[_Placed]) -> Iterable[Finding]:
    """Refuse an item that is not the one of the id: `rsa_single@2025-04` is of `rsa_single`.

    The id may say more than the item (`qaly_wtp@2020`), unless it says another item.
    """
    name, item = found.cells.get("id"), found.cells.get("item")
    if not name or not item:
        return
    base = name.partition("@")[0]
    others = {placed.cells.get("item") for placed in known}
    if base != item and (base in others or not base.startswith(f"{item}_")):
        yield Finding.error("entry_bad_id", found.spot.at("item"), found=name)


def _named(found: _Placed, key: str, known: Sequence[_Placed]) -> Iterable[Finding]:
    """Refuse a rival or an index that is nowhere in the catalogue."""
    ids = [placed.cells["id"] for placed in known if placed.cells.get("id")]
    names = found.cells.get(key) or ()
    for name in (names,) if isinstance(names, str) else names:
        if name not in ids:
            yield Finding.error(
                "unknown_price" if key == "rivals" else "unknown_index",
                found.spot.at(key),
                name=name,
                nearest=nearest(name, ids),
                known=tuple(ids) if key == "index" else (),
            )


def _covered(
    found: _Placed, known: Sequence[_Placed], cases: Sequence[_Placed]
) -> Iterable[Finding]:
    """Refuse a family that nothing bears: what the figure contains would be counted twice."""
    families = {*vocabulary()["families"]}
    families |= {placed.cells["family"] for placed in known if placed.cells.get("family")}
    for case in cases:
        rows = case.cells.get("flows") or ()
        families |= {str(row["name"]) for row in rows if "name" in row}
    for name in found.cells.get("covers") or ():
        if name not in families:
            names = tuple(sorted(families))
            yield Finding.error(
                "unknown_family", found.spot.at("covers"), name=name, nearest=nearest(name, names),
                known=names,
            )  # fmt: skip


def _mutual(found: _Placed, known: Sequence[_Placed]) -> Iterable[Finding]:
    """Refuse a rival that does not answer: whoever uses it would not see the conflict."""
    name, answers = found.cells.get("id"), {}
    for placed in known:
        answers[placed.cells.get("id")] = placed.cells.get("rivals") or ()
    for rival in found.cells.get("rivals") or ():
        if rival == name:
            yield Finding.error("rival_itself", found.spot.at("rivals"), name=name)
        elif rival in answers and name not in answers[rival]:
            yield Finding.error("rival_not_mutual", found.spot.at("rivals"), name=name, other=rival)


def _marked(found: _Placed) -> Iterable[Finding]:
    """Each year of an index has its mark."""
    values, marks = found.cells.get("values"), found.cells.get("marks")
    if values is None or marks is None:
        return
    for year in sorted({*values} ^ {*marks}):
        yield _missing(found.spot, f"{'values' if year in marks else 'marks'}.{year}")


def _flows(found: _Placed, faults: FindingCollector) -> tuple[Entry, ...]:
    read: list[Entry] = []
    for number, row in enumerate(found.cells.get("flows") or (), start=1):
        spot = _EntrySpot(found.spot.file, f"{found.spot.entry}.flows[{number}]")
        cells = _read(FLOW, row, spot, faults)
        faults.add(*_ends(cells, spot))
        read.append(cells)
    return tuple(read)
