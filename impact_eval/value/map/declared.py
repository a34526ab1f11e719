"""The value map: what an action uses, what it changes, for whom, at what price, paid by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Protocol

from impact_eval.core.findings import Finding
from impact_eval.core.vocabulary import Direction, Pillar, Unit
from impact_eval.value.map.choices import (
    Agent,
    Basis,
    Costing,
    InputKind,
    LineKind,
    Solidity,
    Timing,
)
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.discounting import DiscountSchedule

SCHEMA = "impact-eval/value-map/1"
_NO_PEOPLE: Mapping[str, Decimal] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for the whole map.

    Attributes
    ----------
    title : str
    currency : str
        ISO code; every amount of the map is in it.
    price_year : int
        Base year: all results are in real money of that year.
    discount_rate : Decimal
        Real rate per year; the first of a schedule.
    discount_schedule : DiscountSchedule or None
        Rates by period, where they are several.
    timing : Timing
        When in its year an amount falls.
    perspective : str
        `society`, `public`, or an agent: whose account the headline reads.
    follow_up : Decimal or None
        Years over which effects were observed; what comes later is projected.
    people : Decimal or None
        People an effect is multiplied by where a line does not say.
    eligible : int or None
        People who could have been concerned at most.
    population : str
        Name of the people: two maps that bear the same one are of the same people.
    price_index : str
        Name of the index that rebases prices.
    pillar : Pillar or None
    """

    title: str = ""
    currency: str
    price_year: int
    discount_rate: Decimal
    timing: Timing = Timing.END
    perspective: str = "society"
    follow_up: Decimal | None = None
    people: Decimal | None = None
    eligible: int | None = None
    population: str = ""
    price_index: str = "fr_cpi"
    pillar: Pillar | None = None
    discount_schedule: DiscountSchedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What is put into the action; volunteer time and gifts in kind count.

    Either `amount`, or `hours` and `hourly_rate`. A `transfer` (a cash allowance) has a receiver.
    `year` 0 is today and is never discounted; 1.5 is the second half of the first year.
    """

    id: str
    stakeholder: str
    payer: Agent
    receiver: Agent | None = None
    kind: InputKind = InputKind.CASH
    amount: Amount | None = None
    hours: Amount | None = None
    hourly_rate: Amount | None = None
    currency: str
    price_year: int
    year: int | Decimal = 0
    index: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What the action did: numbers of acts, never a value."""

    id: str
    description: str
    quantity: Decimal | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFlow:
    """A flow that one unit of an outcome moves: from whom, to whom, of which kind, how much."""

    name: str
    kind: LineKind
    payer: Agent | None
    receiver: Agent | None
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCount:
    """How many units of an outcome: from an estimate, or declared.

    Attributes
    ----------
    estimate, term : str or None
        Outcome of the study whose effect gives the quantity, and which of its rows.
    direction : Direction or None
        `lower_is_better` counts the people spared: the quantity is minus the effect.
    people : mapping of str to Decimal
        People the effect is multiplied by, by row of the estimate ("" for the only row).
    declared : Amount or None
        The column `quantity`: how many, where no estimate gives it.
    unit : Unit or None
        Unit of the outcome; it must be that of the estimate.
    take_up : str, Amount or None
        Share of people who took part (or the outcome that estimates it), for an effect on all.
    treated_mean, treated_mean_se
        Mean of the outcome among participants after the action, for the deadweight as an output.
    """

    estimate: str | None = None
    term: str | None = None
    direction: Direction | None = None
    people: Mapping[str, Decimal] = field(default_factory=lambda: _NO_PEOPLE)
    declared: Amount | None = None
    unit: Unit | None = None
    take_up: str | None = None
    take_up_share: Amount | None = None
    treated_mean: Decimal | None = None
    treated_mean_se: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePrice:
    """What one unit is worth, to whom, paid by whom.

    Attributes
    ----------
    proxy : Amount or None
        Value of one unit for one year, in `currency` of `price_year`.
    per_year : Decimal
        How many times a year a unit is worth its price (12 for a monthly price).
    parameter, case : str or None
        Catalogue figure that gave the proxy; computed case that gave the bundle.
    bundle : tuple of UnitFlow
        Several flows by unit (a job moves wages, benefits and contributions), in place of `proxy`.
    exchange_rate : Decimal or None
        Money of the map for one unit of `currency`, in the year of the price, where they differ.
    kind, payer, receiver
        Nature of the value, who pays (or would have paid), who receives.
    growth : Decimal
        Real growth of the price per year (life, carbon).
    cashable : Amount or None
        Share of an avoided cost that a budget really recovers.
    """

    proxy: Amount | None = None
    proxy_unit: str = ""
    proxy_source: str = ""
    parameter: str | None = None
    case: str | None = None
    bundle: tuple[UnitFlow, ...] = ()
    currency: str | None = None
    price_year: int | None = None
    exchange_rate: Decimal | None = None
    index: str | None = None
    per_year: Decimal = Decimal(1)
    growth: Decimal = Decimal(0)
    kind: LineKind | None = None
    payer: Agent | None = None
    receiver: Agent | None = None
    cashable: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAdjustments:
    """Shares taken off a quantity; None means not stated.

    `solidity` says how sure they are, and the drop-off: not stated, they are a judgement.
    """

    deadweight: Amount | None = None
    displacement: Amount | None = None
    attribution: Amount | None = None
    solidity: Solidity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTiming:
    """When an outcome begins, how long it lasts, and how it fades.

    Attributes
    ----------
    start, duration, survival
        First year of the outcome (1.5: from its middle), years it lasts, or share still there
        each year.
    drop_off : Amount or None
        Share lost each year after the first.
    follow_up : Decimal or None
        Years observed, when not those of the map.
    lifetime, persistence
        Whether the price is that of a whole life, and the share of it that is kept.
    """

    start: int | Decimal = 1
    duration: Decimal | None = None
    survival: tuple[Decimal, ...] = ()
    drop_off: Amount | None = None
    follow_up: Decimal | None = None
    lifetime: bool = False
    persistence: Amount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFacts:
    """What the guards need to know of a line, beside its numbers."""

    costing: Costing | None = None
    basis: Basis | None = None
    family: str = ""
    covers: tuple[str, ...] = ()
    expires: str | None = None
    mark: str | None = None
    pillar: Pillar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One outcome for one stakeholder: the columns of the standard value map, and what they lack.

    Attributes
    ----------
    id, stakeholder, outcome, change, indicator, indicator_source : str
    sample_size : int or None
    quantity : LineCount
    price : LinePrice
    adjustments : LineAdjustments
    timing : LineTiming
    guards : LineFacts
    included, reason
        A line left out is still valued, and its share is told with the reason.
    """

    id: str
    stakeholder: str
    outcome: str
    change: str = ""
    indicator: str = ""
    indicator_source: str = ""
    sample_size: int | None = None
    quantity: LineCount = field(default_factory=LineCount)
    price: LinePrice = field(default_factory=LinePrice)
    adjustments: LineAdjustments = field(default_factory=LineAdjustments)
    timing: LineTiming = field(default_factory=LineTiming)
    guards: LineFacts = field(default_factory=LineFacts)
    included: bool = True
    reason: str = ""


# the part of a line that holds each of its columns, and under which name
_PARTS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "quantity": LineCount,
        "price": LinePrice,
        "adjustments": LineAdjustments,
        "timing": LineTiming,
        "guards": LineFacts,
    }
)
_HOMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "quantity" if own.name == "declared" else own.name: (part, own.name)
        for part, noun in _PARTS.items()
        for own in fields(noun)
    }
)


def line_of(cells: Mapping[str, Any]) -> Line:
    """Make a line from its cells, by column."""
    return changed_line(
        Line(**{name: cells[name] for name in ("id", "stakeholder", "outcome")}), cells
    )


def changed_line(line: Line, cells: Mapping[str, Any]) -> Line:
    """Return a copy of a line in which some columns have changed."""
    own: dict[str, Any] = {}
    inside: dict[str, dict[str, Any]] = {}
    for column, cell in cells.items():
        if column in _HOMES:
            part, name = _HOMES[column]
            inside.setdefault(part, {})[name] = cell
        else:
            own[column] = cell
    for part, changes in inside.items():
        own[part] = replace(getattr(line, part), **changes)
    return replace(line, **own)


def cell_of(line: Line, column: str) -> Any:
    """Return what a column of a line holds."""
    if column not in _HOMES:
        return getattr(line, column)
    part, name = _HOMES[column]
    return getattr(getattr(line, part), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMonetised:
    """A change that matters and has no price: told beside the total, with its importance."""

    id: str
    stakeholder: str
    outcome: str
    indicator: str = ""
    quantity: Decimal | None = None
    unit: str = ""
    importance: Decimal | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """A declared correlation between two uncertain numbers (`line.field`)."""

    first: str
    second: str
    rho: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A guard set aside, by whom and why; it is printed with the result."""

    guard: str
    line: str = ""
    reason: str
    author: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedOutcome:
    """An outcome measured or named by people, and not valued, with the reason."""

    outcome: str
    reason: str
    stakeholder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredCase:
    """A fiscal case of the map's own: a change of wage, computed from statute, or a mix of cases.

    Attributes
    ----------
    id : str
        What the column `case` of a line names.
    month : str or None
        `2025-06`: month of the statute.
    wage_before, wage_after : Decimal or None
        Gross wage of a month, before and after; of one adult, tenant.
    children, rent, commune
        Of that household; the commune is an INSEE code.
    mix : mapping of str to Decimal
        Cases of the catalogue and how many of the people concerned each stands for.
    rsa_payer : Agent or None
        Who pays the RSA, where it is not the département.
    """

    id: str
    month: str | None = None
    wage_before: Decimal | None = None
    wage_after: Decimal | None = None
    children: int = 0
    rent: Decimal = Decimal(450)
    commune: str = "62041"
    mix: Mapping[str, Decimal] = field(default_factory=lambda: _NO_PEOPLE)
    rsa_payer: Agent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeIncome:
    """What some people live on, over what the median of the country lives on, and who says so."""

    agent: Agent
    relative_income: Decimal
    source: str


class Located(Protocol):
    """Where the rows of a map stand in the file that people see."""

    def located(self, finding: Finding) -> Finding:
        """Return a finding with the sheet and the cell."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MapContent:
    """What a map declares, table by table; `ValueMap` adds the verbs, above.

    Attributes
    ----------
    settings : Settings
    inputs, outputs, lines, not_monetised, correlations, overrides, dropped, incomes, cases : tuples
    noticed : tuple of Finding
        What the reading of the file has to say; no part of what the map declares.
    origins : Located or None
        Where each row stands in its workbook.
    """

    settings: Settings
    inputs: tuple[Input, ...]
    lines: tuple[Line, ...]
    outputs: tuple[Output, ...] = ()
    not_monetised: tuple[NotMonetised, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    overrides: tuple[Override, ...] = ()
    dropped: tuple[DroppedOutcome, ...] = ()
    incomes: tuple[RelativeIncome, ...] = ()
    cases: tuple[DeclaredCase, ...] = ()
    noticed: tuple[Finding, ...] = field(default=(), compare=False)
    origins: Located | None = field(default=None, compare=False, repr=False)
