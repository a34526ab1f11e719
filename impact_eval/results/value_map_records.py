"""The record of a value map: what its authors declared, cell by cell.

Nothing here was computed: prices, shares and settings are free, words are labels. The numbers of
people that a map declares are counts of people, and pass the gate as such.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from impact_eval.core.vocabulary import Direction, Pillar, Unit
from impact_eval.results.record_base import (
    CODE,
    FREE,
    LABEL,
    PEOPLE,
    Flag,
    Free,
    FreeOrNone,
    Label,
    LabelOrNone,
    People,
    Record,
    Whole,
)
from impact_eval.value.map.choices import (
    Agent,
    Basis,
    Costing,
    InputKind,
    LineKind,
    Perspective,
    Solidity,
    Timing,
)

_DECIMAL = r"-?[0-9]+(\.[0-9]+)?"
_EXACT = Field(pattern=f"^{_DECIMAL}$")
_INTERVAL = rf"( \[{_DECIMAL} ; {_DECIMAL}\] [a-z]+)?"

# An exact number of the map, and one with its interval and law: `94 [80 ; 110] pert`.
Declared: TypeAlias = Annotated[str, _EXACT, FREE]
DeclaredOrNone: TypeAlias = Annotated[str | None, _EXACT, FREE]
DeclaredAmount: TypeAlias = Annotated[str, Field(pattern=f"^{_DECIMAL}{_INTERVAL}$"), FREE]
DeclaredAmountOrNone: TypeAlias = Annotated[
    str | None, Field(pattern=f"^{_DECIMAL}{_INTERVAL}$"), FREE
]
ExactPeople: TypeAlias = Annotated[str | None, _EXACT, PEOPLE]
PeopleByRow: TypeAlias = Annotated[
    dict[str, Annotated[str, _EXACT]] | Annotated[str, _EXACT] | None, PEOPLE
]
Year: TypeAlias = Annotated[int, Field(ge=1900, le=2200), FREE]
YearOrNone: TypeAlias = Annotated[int | None, Field(ge=1900, le=2200), FREE]
Currency: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{3}$"), FREE]
CurrencyOrNone: TypeAlias = Annotated[str | None, Field(pattern=r"^[A-Z]{3}$"), FREE]
Whose: TypeAlias = Annotated[Perspective | Agent, CODE]
AgentOf: TypeAlias = Annotated[Agent, CODE]
AgentOrNone: TypeAlias = Annotated[Agent | None, CODE]
PillarOrNone: TypeAlias = Annotated[Pillar | None, CODE]


class SettingsRecord(Record):
    """What holds for the whole map; see `value.map.declared.Settings`."""

    title: LabelOrNone
    """Title of the map."""
    currency: Currency
    """ISO code of the money of all results."""
    price_year: Year
    """Base year: results are in real money of that year."""
    discount_rate: Declared
    """Real rate per year, as a share."""
    discount_schedule: FreeOrNone = None
    """Rates by period, each with its last year; empty for one rate."""
    timing: Annotated[Timing, CODE]
    """When in its year an amount falls."""
    perspective: Whose
    """Whose account the headline reads: society, public bodies, or an agent."""
    follow_up: DeclaredOrNone
    """Years over which effects were observed; what comes later is projected."""
    people: ExactPeople
    """People an effect is multiplied by, where a line does not say."""
    eligible: People
    """Most people who could have been concerned."""
    population: LabelOrNone = None
    """Name of the people: two maps that bear the same one are of the same people."""
    price_index: Free
    """Index that brings prices to the base year."""
    pillar: PillarOrNone
    """Pillar of the contract."""


class InputRecord(Record):
    """What is put into the action."""

    id: Label
    """Identifier in the map."""
    stakeholder: Label
    """Who puts it in, in the map's words."""
    description: LabelOrNone
    """What it is."""
    kind: Annotated[InputKind, CODE]
    """Money, gift in kind, volunteers' time, or transfer."""
    payer: AgentOf
    """Who pays."""
    receiver: AgentOrNone
    """Who receives a transfer; empty otherwise."""
    amount: DeclaredAmountOrNone
    """Money put in, of `price_year`; empty when hours are given."""
    hours: DeclaredAmountOrNone
    """Hours given; empty when an amount is."""
    hourly_rate: DeclaredAmountOrNone
    """Money for one hour."""
    currency: Currency
    """ISO code of the money."""
    price_year: Year
    """Year whose prices are used."""
    year: Whole | Declared
    """Year it is put in; 0 is today and is not discounted."""
    index: FreeOrNone
    """Index that brings its price to the base year, when not that of the map."""


class OutputRecord(Record):
    """What the action did; a quantity may count people."""

    id: Label
    """Identifier in the map."""
    description: Label
    """What was done."""
    quantity: ExactPeople
    """How many."""
    unit: LabelOrNone
    """Of what."""


class UnitFlowRecord(Record):
    """A flow that one unit of an outcome moves."""

    name: Label
    """Part of the bundle: wage, benefit, contribution…"""
    kind: Annotated[LineKind, CODE]
    """What kind of value it moves."""
    payer: AgentOrNone
    """Who pays, or would have paid."""
    receiver: AgentOrNone
    """Who receives."""
    amount: DeclaredAmount
    """Money for one unit and one period of its line, in prices of the line's year."""


class MapLineRecord(Record):
    """One outcome for one stakeholder; see `value.Line`."""

    id: Label
    """Identifier in the map."""
    stakeholder: Label
    """Whose outcome, in the map's words."""
    outcome: Label
    """What changes."""
    change: LabelOrNone
    """The change expected, in the map's words."""
    indicator: LabelOrNone
    """How it is measured."""
    indicator_source: LabelOrNone
    """Where the measure comes from."""
    sample_size: People
    """People on whom it was measured."""
    estimate: LabelOrNone
    """Outcome of the study whose effect gives the quantity; empty when it is declared."""
    term: LabelOrNone
    """Which row of the estimate is used; empty for the headline."""
    direction: Annotated[Direction, CODE]
    """Whether more is better; less is better counts the people spared."""
    people: PeopleByRow
    """People the effect is multiplied by, in all or by row of the estimate."""
    quantity: DeclaredAmountOrNone
    """Declared quantity, where no estimate gives it."""
    unit: Annotated[Unit, CODE]
    """Unit of the outcome."""
    kind: Annotated[LineKind | None, CODE]
    """What kind of value the line creates, moves or avoids."""
    payer: AgentOrNone
    """Who pays, or would have paid."""
    receiver: AgentOrNone
    """Who receives."""
    proxy: DeclaredAmountOrNone
    """Price of one unit, in `currency` of `price_year`; empty for a bundle."""
    proxy_unit: LabelOrNone
    """What the price is the price of."""
    proxy_source: LabelOrNone
    """Where the price comes from."""
    parameter: FreeOrNone
    """Figure of the catalogue that gave the price."""
    case: FreeOrNone
    """Computed case of the catalogue that gave the bundle."""
    bundle: tuple[UnitFlowRecord, ...] | None
    """Several flows by unit, in place of one price."""
    currency: CurrencyOrNone
    """ISO code of the price."""
    price_year: YearOrNone
    """Year of the price."""
    exchange_rate: DeclaredOrNone
    """Money of the map for one unit of `currency`, that year; empty when they are the same."""
    index: FreeOrNone
    """Index that brings the price to the base year, when not that of the map."""
    per_year: Declared
    """How many times a year a unit is worth its price: 12 for a monthly price."""
    start: Whole | Declared
    """First year of the outcome; 0 is today."""
    duration: DeclaredOrNone
    """Years it lasts."""
    survival: Annotated[tuple[Annotated[str, _EXACT], ...] | None, FREE]
    """Share still there each year, in place of a duration."""
    deadweight: DeclaredAmountOrNone
    """Share that would have happened anyway; empty when not stated."""
    displacement: DeclaredAmountOrNone
    """Share taken from other people; empty when not stated."""
    attribution: DeclaredAmountOrNone
    """Share owed to others; empty when not stated."""
    drop_off: DeclaredAmountOrNone
    """Share lost each year after the first; empty when not stated."""
    solidity: Annotated[Solidity | None, CODE] = None
    """How sure these shares are; empty for a judgement."""
    growth: Declared
    """Real growth of the price per year, as a share."""
    follow_up: DeclaredOrNone
    """Years observed, when not those of the map."""
    cashable: DeclaredAmountOrNone
    """Share of an avoided cost that a budget really recovers."""
    costing: Annotated[Costing | None, CODE]
    """Whether the price is that of one unit more, or a total shared out."""
    basis: Annotated[Basis | None, CODE]
    """How the price was found; several of the same welfare must not be added."""
    family: LabelOrNone
    """Name shared by lines that may count the same thing."""
    covers: Annotated[tuple[str, ...] | None, LABEL]
    """Families or flows that a lifetime value already holds."""
    lifetime: Flag
    """Whether the price is that of a whole life."""
    persistence: DeclaredAmountOrNone
    """Share of a lifetime value that is kept."""
    expires: FreeOrNone
    """Date after which the price must be looked up again."""
    mark: FreeOrNone
    """How the figure of the catalogue is known: verified, computed, from memory…"""
    included: Flag
    """Whether the line counts in the total."""
    reason: LabelOrNone
    """Why it is left out."""
    take_up: LabelOrNone
    """Outcome whose effect is the share of people who took part."""
    take_up_share: DeclaredAmountOrNone
    """Share of people who took part, when it is declared."""
    treated_mean: DeclaredOrNone
    """Mean of the outcome among participants after the action, in its unit."""
    treated_mean_se: DeclaredOrNone
    """Standard error of that mean."""
    pillar: PillarOrNone
    """Pillar of the contract."""


class NotMonetisedRecord(Record):
    """A change that matters and has no price."""

    id: Label
    """Identifier in the map."""
    stakeholder: Label
    """Whose outcome, in the map's words."""
    outcome: Label
    """What changes."""
    indicator: LabelOrNone
    """How it is measured."""
    quantity: ExactPeople
    """How many; it may count people."""
    unit: LabelOrNone
    """Of what."""
    importance: DeclaredOrNone
    """How much it matters to those concerned, on the scale of the map's authors."""
    note: LabelOrNone
    """Why it has no price."""


class CorrelationRecord(Record):
    """A declared correlation between two uncertain numbers."""

    first: Label
    """One number (`line.column`)."""
    second: Label
    """The other (`line.column`)."""
    rho: Declared
    """Their correlation, -1 to 1."""


class OverrideRecord(Record):
    """A guard set aside, by whom and why."""

    guard: Free
    """Code of the guard."""
    line: LabelOrNone
    """Line it is set aside for; empty for the whole map."""
    reason: LabelOrNone
    """Why, in the authors' words."""
    author: LabelOrNone
    """By whom."""
    date: LabelOrNone
    """When."""


class DroppedRecord(Record):
    """An outcome named and not valued, with the reason."""

    outcome: Label
    """What was measured or named, and not valued."""
    reason: Label
    """Why, in the authors' words."""
    stakeholder: LabelOrNone
    """Whose outcome, in the map's words."""


class DeclaredCaseRecord(Record):
    """A fiscal case of the map's own: about an invented household, nobody's."""

    id: Label
    """Name of the case in the map."""
    month: FreeOrNone
    """Month of the statute."""
    wage_before: DeclaredOrNone
    """Gross wage of a month before."""
    wage_after: DeclaredOrNone
    """Gross wage of a month after."""
    children: Whole
    """Children of the household."""
    rent: Declared
    """Rent of a month."""
    commune: Free
    """INSEE code of the commune."""
    mix: Annotated[dict[str, Annotated[str, _EXACT]] | None, FREE]
    """Cases of the catalogue, and the weight of each in the mix."""
    rsa_payer: AgentOrNone
    """Who pays the RSA, where it is not the département."""


class IncomeRecord(Record):
    """What some people live on, over the median of the country."""

    agent: AgentOf
    """Whose income."""
    relative_income: Declared
    """Median income of these people over that of the country: 0.5 for half of it."""
    source: Label
    """Where it comes from, in the authors' words."""


class ValueMapRecord(Record):
    """The whole map, every table and every cell; null where nothing is stated."""

    schema_: Annotated[Literal["impact-eval/value-map/1"], Field(alias="schema"), FREE]
    """Version of the format of a map."""
    map: SettingsRecord
    """What holds for the whole map."""
    inputs: tuple[InputRecord, ...]
    """What is put into the action."""
    outputs: tuple[OutputRecord, ...]
    """What the action did."""
    lines: tuple[MapLineRecord, ...]
    """One row by outcome and stakeholder."""
    not_monetised: tuple[NotMonetisedRecord, ...]
    """Changes that matter and have no price."""
    correlations: tuple[CorrelationRecord, ...]
    """Declared correlations between uncertain numbers."""
    overrides: tuple[OverrideRecord, ...]
    """Guards set aside."""
    dropped: tuple[DroppedRecord, ...]
    """Outcomes named and not valued."""
    incomes: tuple[IncomeRecord, ...]
    """What people live on, for the weights of equity."""
    cases: tuple[DeclaredCaseRecord, ...]
    """Fiscal cases computed or mixed for this map."""
