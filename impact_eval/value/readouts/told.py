"""What a report says of the value of an action, as nouns: codes, ids and numbers, no words."""

from __future__ import annotations

from dataclasses import dataclass

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.value.account.guards import GuardStatus
from impact_eval.value.map.choices import Agent
from impact_eval.value.readouts.cost_per_result import Acceptable
from impact_eval.value.readouts.mvpf import Mvpf, MvpfCase
from impact_eval.value.readouts.ratio_sentence import Headline
from impact_eval.value.readouts.standing import ValueStanding

SOCIAL = "social"  # the row of a matrix that adds every agent up


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A number and its interval; `high` is None when no upper limit can be excluded.

    Both ends are None where there is no interval; the estimate too where it is refused.
    """

    estimate: float | None
    low: float | None
    high: float | None
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberName:
    """An uncertain number: what it is, and the line, the input or the outcome it is of.

    Attributes
    ----------
    what : str
        `effect`, a column of the map (`quantity`, `proxy`, `deadweight`, `hours`…), or the name
        that a map gives to a flow of a bundle.
    line, input, outcome : str or None
        At most one of the three.
    """

    what: str
    line: str | None = None
    input: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyTold:
    """What one account pays and gains in all, as present values; what it gains may be refused."""

    agent: Agent
    pays: float
    gains: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTold:
    """One line of the total: how many units, at what price, for how much, from which source.

    No amount where none may be told.
    """

    line: str
    quantity: float
    unit_value: float
    amount: float | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """The account of an agent (or `social`, their sum): one amount by year, then the total."""

    name: str
    amounts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixTold:
    """The account of every agent by year, as present values."""

    years: tuple[int, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvoidedTold:
    """An avoided cost: resources preserved, what a budget recovers, capacity released."""

    line: str
    payer: Agent
    social: float
    cashable: float
    released: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantTold:
    """The net value under another choice: a rate, a share, an elasticity, or without a line."""

    what: str
    share: float | None
    line: str | None
    net: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedTold:
    """What matters and is not in the total, and why."""

    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarTold:
    """The net value with one uncertain number low, then high."""

    number: NumberName
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTold:
    """The quantity of a line at which the net value is zero: for 100 people, or as a multiple."""

    number: NumberName
    per_100: float | None
    times: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearTold:
    """The cumulative balance of society at the end of a year, as a present value."""

    year: int
    balance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuadrantShare:
    """The share of draws in which a policy falls in a quadrant."""

    case: MvpfCase
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsTold:
    """The net value for society at one price of public funds.

    Attributes
    ----------
    shadow_price : float
        What a public euro costs society.
    cost_of_funds : Range
        Its own line: (price - 1) times the net public outlay.
    net : Range
        Net value once this line is taken off.
    net_per_public_euro : Range or NotApplicable
        `no_net_public_outlay` when public budgets recover what they pay, `public_outlay_unsure`
        when the draws do not exclude it.
    """

    shadow_price: float
    cost_of_funds: Range
    net: Range
    net_per_public_euro: Range | NotApplicable


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicTold:
    """What is told of public money.

    Attributes
    ----------
    mvpf : Mvpf or NotApplicable
        With its interval, whose ends may be infinite. It never carries a cost of public funds: the
        net cost divides it.
    quadrants : tuple of QuadrantShare
        Shares of the draws, every quadrant.
    net_value : Range
        For society, no cost of funds taken off.
    outlay : Range
        What public bodies pay in, less what their budgets recover.
    funds : tuple of FundsTold
        At each price of public funds.
    """

    mvpf: Mvpf | NotApplicable
    quadrants: tuple[QuadrantShare, ...]
    net_value: Range
    outlay: Range
    funds: tuple[FundsTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertainRow:
    """A number taken for certain, and the net value with it at `low`, then at `high`."""

    number: NumberName
    value: float
    low: float
    high: float
    net_low: float
    net_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueTold:
    """Everything a report says of the value of an action.

    Attributes
    ----------
    perspective : str
        Whose account the ratio and the headline read: that of the map.
    draws, seed : int
    standing : ValueStanding or NotApplicable
        How the amounts may be told, or why none may: then nothing but what is put in is told.
    people : int or None
    net : Range
        Net present value for society; without interval, nor even an estimate, where refused.
    probability : float or None
        Chance that the value for society exceeds the cost; of what is attributed alone.
    ratio : Range or NotApplicable
    headline : Headline or NotApplicable
    per_person : float or None
        Cost by person, when the map or the study says how many.
    per_outcome : Range or None
        Cost of one more result, when one line alone is estimated against a comparison.
    acceptability : tuple of Acceptable
        Chances that the action is worth its cost, by value of a result; with `per_outcome`.
    parties, lines, matrix, avoided
        The account by agent, by line, by agent and year, and its avoided costs.
    variants, dropped, tornado, switching, cumulative
    certain : tuple of CertainRow
        What is taken for certain, and what each number would change, the widest first.
    public : PublicTold or NotApplicable
        What public money brings; refused where no amount may be told.
    guards : tuple of GuardStatus
        What each guard said.
    findings : tuple of Finding
        Of the draws; those of the account are its own.
    """

    perspective: str
    draws: int
    seed: int
    standing: ValueStanding | NotApplicable
    people: int | None
    net: Range
    probability: float | None
    ratio: Range | NotApplicable
    headline: Headline | NotApplicable
    per_person: float | None
    per_outcome: Range | None
    acceptability: tuple[Acceptable, ...]
    parties: tuple[PartyTold, ...]
    lines: tuple[LineTold, ...]
    matrix: MatrixTold
    avoided: tuple[AvoidedTold, ...]
    variants: tuple[VariantTold, ...]
    dropped: tuple[DroppedTold, ...]
    tornado: tuple[BarTold, ...]
    switching: tuple[SwitchTold, ...]
    cumulative: tuple[YearTold, ...]
    certain: tuple[CertainRow, ...]
    public: PublicTold | NotApplicable
    guards: tuple[GuardStatus, ...]
    findings: tuple[Finding, ...]
