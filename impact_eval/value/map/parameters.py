"""The catalogue of dated values: each with its source, price year, payer, mark and expiry.

Conflicting sources stand side by side under one `item` and are never averaged: a reference to the
item alone is refused with the list, and a reference to one of them keeps the others in view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from impact_eval.core.findings import Finding, ImpactEvalError, Place, nearest
from impact_eval.core.provenance import sha256
from impact_eval.value.map.catalogue_columns import vocabulary
from impact_eval.value.map.catalogue_entries import Entry, read_entries
from impact_eval.value.map.choices import UNVERIFIED, Agent, Basis, Costing, LineKind, Mark
from impact_eval.value.map.declared import UnitFlow
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.prices import PriceIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One dated figure of the catalogue.

    Attributes
    ----------
    id, item : str
        Its own name; the thing measured, shared by conflicting sources and by dates.
    label : mapping of str to str
        Name in each language.
    amount : Amount
        Value, with its range when the source gives one.
    unit, currency, geography, source, note : str
    price_year : int or None
        None for shares, rates and counts.
    kind, payer, receiver, basis, costing
        Defaults of a line that uses it.
    mark : Mark
        How the figure is known; `M` and `?` were not read in their source.
    expires : str
        ISO date after which it must be read again.
    lifetime, covers, family
        Whether it is already a sum over a life, what it contains, what it belongs to.
    """

    id: str
    item: str
    label: Mapping[str, str]
    amount: Amount
    unit: str
    currency: str = ""
    price_year: int | None = None
    geography: str = "FR"
    kind: LineKind | None = None
    payer: Agent | None = None
    receiver: Agent | None = None
    basis: Basis | None = None
    costing: Costing | None = None
    mark: Mark
    source: str
    page: str = ""
    expires: str
    index: str | None = None
    lifetime: bool = False
    covers: tuple[str, ...] = ()
    family: str = ""
    rivals: tuple[str, ...] = ()
    note: str = ""

    @property
    def verified(self) -> bool:
        """Whether the figure was read in its source, recomputed, or derived from such figures."""
        return self.mark not in UNVERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class FiscalCase:
    """A computed change of situation, by payer and by month.

    Attributes
    ----------
    id : str
    label : mapping of str to str
    flows : tuple of UnitFlow
        By month of the new situation.
    month, computed_on, origin, population, note : str
    """

    id: str
    label: Mapping[str, str]
    flows: tuple[UnitFlow, ...]
    price_year: int
    month: str
    computed_on: str
    origin: str
    population: str
    mark: Mark
    expires: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All dated figures, indices and computed cases; hash of their files, date of their review."""

    parameters: Mapping[str, Parameter]
    indices: Mapping[str, PriceIndex]
    cases: Mapping[str, FiscalCase]
    vintage: str
    reviewed: str

    def get(self, name: str) -> Parameter:
        """Return one figure by its id.

        Raises
        ------
        ImpactEvalError
            `parameter_conflict` when the name is an item with several sources or dates;
            `unknown_price` with the nearest name.
        """
        if name in self.parameters:
            return self.parameters[name]
        variants = self.variants(name)
        if len(variants) == 1:
            return variants[0]
        if variants:
            raise ImpactEvalError(
                Finding.error(
                    "parameter_conflict",
                    name=name,
                    known=[v.id for v in variants],
                    values=[f"{v.amount} ({v.price_year})" for v in variants],
                )
            )
        names = [*self.parameters, *{p.item for p in self.parameters.values()}]
        raise ImpactEvalError(
            Finding.error("unknown_price", name=name, nearest=nearest(name, names))
        )

    def variants(self, item: str) -> tuple[Parameter, ...]:
        """Return every source and date of an item."""
        return tuple(p for p in self.parameters.values() if p.item == item)

    @property
    def families(self) -> frozenset[str]:
        """What a figure may contain: families of figures, flows of cases, those of `units.toml`."""
        borne = {figure.family for figure in self.parameters.values()} - {""}
        flows = {flow.name for case in self.cases.values() for flow in case.flows}
        return frozenset(borne | flows | {*vocabulary()["families"]})

    def rivals(self, name: str) -> tuple[Parameter, ...]:
        """Return the figures that other sources give for the same thing: a conflict, no series."""
        own = self.parameters.get(name)
        return () if own is None else tuple(self.parameters[other] for other in own.rivals)

    def index(self, name: str) -> PriceIndex:
        """Return a price index by name."""
        if name not in self.indices:
            raise ImpactEvalError(
                Finding.error(
                    "unknown_index",
                    name=name,
                    nearest=nearest(name, self.indices),
                    known=tuple(self.indices),
                )
            )
        return self.indices[name]

    def case(self, name: str) -> FiscalCase:
        """Return a computed case by name."""
        if name not in self.cases:
            raise ImpactEvalError(
                Finding.error(
                    "unknown_case",
                    name=name,
                    nearest=nearest(name, self.cases),
                    known=tuple(self.cases),
                )
            )
        return self.cases[name]


_FILES = ("social_fr.toml", "method.toml", "indices.toml", "fiscal_cases.toml")


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Return the catalogue shipped with the package.

    Examples
    --------
    >>> str(catalogue().get("rsa_single@2025-04").amount.value)
    '646.52'
    """
    return read_catalogue({name: _text(name) for name in _FILES})


def read_catalogue(texts: Mapping[str, str]) -> Catalogue:
    """Return the catalogue that some files hold, each of their entries checked.

    Parameters
    ----------
    texts : mapping of str to str
        Name of each file to its text, in TOML.

    Returns
    -------
    Catalogue

    Raises
    ------
    ImpactEvalError
        Every fault of every entry, all at once: see `catalogue_entries.read_entries`.
    """
    entries = read_entries(texts)
    parameters = [_parameter(cells) for cells in entries.parameters]
    indices = [PriceIndex(**cells) for cells in entries.indices]
    cases = [_case(cells) for cells in entries.cases]
    return Catalogue(
        parameters=MappingProxyType({figure.id: figure for figure in parameters}),
        indices=MappingProxyType({index.id: index for index in indices}),
        cases=MappingProxyType({case.id: case for case in cases}),
        vintage=sha256("\n".join(texts.values())),
        reviewed=entries.reviewed,
    )


def _text(name: str) -> str:
    file = resources.files("impact_eval.value").joinpath("catalogue", name)
    return file.read_text(encoding="utf-8")


def _parameter(cells: Entry) -> Parameter:
    parts = dict(cells)
    return Parameter(amount=parts.pop("value"), **parts)


def _case(cells: Entry) -> FiscalCase:
    flows = tuple(
        UnitFlow(
            name=flow["name"],
            kind=flow["kind"],
            payer=flow.get("payer"),
            receiver=flow.get("receiver"),
            amount=Amount(value=flow["amount"]),
        )
        for flow in cells["flows"]
    )
    return FiscalCase(**{**cells, "flows": flows})


_COPIED = ("currency", "price_year", "kind", "payer", "receiver", "basis", "costing", "index")


def complete_line(cells: dict[str, Any], place: Place) -> Iterable[Finding]:
    """Fill a line's empty cells from the figure or the computed case it names.

    What the line states itself is kept. Returns the faults (unknown name, conflict of sources).
    """
    try:
        if cells.get("parameter") and "proxy" not in cells:
            _fill_from_parameter(cells, catalogue().get(cells["parameter"]))
        if cells.get("case") and not cells.get("bundle"):
            fill_from_case(cells, catalogue().case(cells["case"]))
    except ImpactEvalError as error:
        return [Finding(f.code, f.severity, f.values, place) for f in error.findings]
    return []


def fill_from_case(cells: dict[str, Any], case: FiscalCase) -> None:
    """Fill a line's empty cells from a fiscal case: its flows, its year, how it is known."""
    cells["bundle"] = case.flows
    cells.setdefault("currency", "EUR")
    cells.setdefault("price_year", case.price_year)
    cells.setdefault("mark", case.mark.value)
    cells.setdefault("expires", case.expires)
    cells.setdefault("basis", Basis.INCOME)


def _fill_from_parameter(cells: dict[str, Any], figure: Parameter) -> None:
    cells["parameter"] = figure.id
    cells["proxy"] = figure.amount
    for name in _COPIED:
        value = getattr(figure, name)
        if value not in (None, ""):
            cells.setdefault(name, value)
    cells.setdefault("proxy_unit", figure.unit)
    cells.setdefault("proxy_source", figure.source)
    cells.setdefault("mark", figure.mark.value)
    cells.setdefault("expires", figure.expires)
    if figure.lifetime:
        cells.setdefault("lifetime", True)
    if figure.covers:
        cells.setdefault("covers", figure.covers)
    if figure.family:
        cells.setdefault("family", figure.family)
