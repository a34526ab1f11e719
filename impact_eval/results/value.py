"""The record of what is told of an account: every number that a report prints of its value.

All that rests on an effect is an amount: it leaves with the section, when the effect does.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.record_base import (
    AMOUNT,
    CODE,
    FREE,
    LABEL,
    Amount,
    Code,
    Free,
    Label,
    LabelOrNone,
    NumberOrNone,
    People,
    Record,
    Things,
    Whole,
    ordered,
)
from impact_eval.results.value_map_records import AgentOf, Currency, Whose, Year
from impact_eval.value.readouts.mvpf import MvpfCase
from impact_eval.value.readouts.standing import ValueStanding

Chance: TypeAlias = Annotated[float | None, Field(ge=0, le=1), AMOUNT]
PositiveAmount: TypeAlias = Annotated[float | None, Field(ge=0), AMOUNT]
# a number that has no other end than infinity says so: JSON has no such number
Boundless: TypeAlias = Annotated[float | Literal["infinity", "-infinity"] | None, AMOUNT]
Amounts: TypeAlias = Annotated[tuple[float | None, ...], AMOUNT]
ConfLevel: TypeAlias = Annotated[float, Field(gt=0, lt=1), FREE]


class RangeRecord(Record):
    """A number and its interval; no `high` when no upper limit can be excluded."""

    estimate: Amount
    """Central number."""
    low: Amount
    """Lower end of the interval."""
    high: Amount
    """Upper end of the interval; empty when no upper limit can be excluded."""
    level: ConfLevel
    """Level of the interval."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        ordered(self.low, self.high)
        return self


class HeadlineRecord(Record):
    """The one sentence that may carry a ratio: its code and its values."""

    code: Code
    """Code of the sentence: the ratio is clearly above 1, unsure, or below."""
    perspective: Whose
    """Whose account it reads."""
    horizon: Whole
    """Years counted."""
    ratio: Amount
    """Benefits over costs: money gained for one unit of money put in."""
    low: Amount
    """Lower end of the interval of the ratio."""
    high: Amount
    """Upper end of the interval of the ratio; empty when it has none."""
    level: ConfLevel
    """Level of the interval."""
    projected: Amount
    """Share of the value that lies beyond the years observed, 0 to 1."""
    chance: Chance
    """Chance that the value exceeds the cost, 0 to 1."""
    currency: Currency
    """ISO code of the money."""
    price_year: Year
    """Year whose prices are used."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        ordered(self.low, self.high)
        return self


class NumberNameRecord(Record):
    """An uncertain number: what it is, and the line, the input or the outcome it is of."""

    what: Label
    """`effect`, a column of the map (`quantity`, `proxy`…), or the name of a flow of a bundle."""
    line: LabelOrNone
    """Line it is of, when it is of one."""
    input: LabelOrNone
    """Input it is of, when it is of one."""
    outcome: LabelOrNone
    """Outcome it is of, when it is an effect."""


class AcceptableRecord(Record):
    """A value given to one more result, and the chance that the action is then worth its cost."""

    value: Amount
    """Money that one more result is held to be worth."""
    chance: Chance
    """Chance that the action is then worth its cost, 0 to 1."""


class PartyRecord(Record):
    """What one account pays and gains in all."""

    agent: AgentOf
    """Whose account."""
    pays: PositiveAmount
    """Present value of all it pays, without sign."""
    gains: PositiveAmount
    """Present value of all it gains, without sign; empty where no value may be told."""


class LineToldRecord(Record):
    """One line of the total."""

    line: Label
    """Line of the map."""
    quantity: Amount
    """Units in the first year."""
    unit_value: Amount
    """Value of one unit, in real money of the base year."""
    amount: Amount
    """Present value to society; negative for a cost, empty where no value may be told."""
    source: Label
    """Where the price comes from."""


class MatrixRowRecord(Record):
    """The account of an agent, or `social`: one amount by year, then the total."""

    name: Code
    """An agent, or `social`: the sum of all agents."""
    amounts: Amounts
    """Present value by year, then the total; negative when it pays more than it gains."""


class MatrixRecord(Record):
    """The account of every agent by year."""

    years: Annotated[tuple[int, ...], FREE]
    """Years of the columns; 0 is today."""
    rows: tuple[MatrixRowRecord, ...]
    """One row by agent, the last for society."""

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        if any(len(row.amounts) != len(self.years) + 1 for row in self.rows):
            raise PydanticCustomError("lengths_differ", "lengths_differ", {})
        return self


class AvoidedToldRecord(Record):
    """An avoided cost: preserved, really saved, released."""

    line: Label
    """Line of the map."""
    payer: AgentOf
    """Who would have paid."""
    social: Amount
    """Present value of the resources that society keeps; zero for a transfer."""
    cashable: Amount
    """Present value that the payer's budget really recovers."""
    released: Amount
    """Present value of capacity freed and used again: no saving."""


class VariantRecord(Record):
    """The net value under another choice."""

    what: Code
    """Which choice is changed: the discount rate, the displacement, the largest line, or equity."""
    share: NumberOrNone
    """The rate, share or elasticity tried instead; empty when a line is left out."""
    line: LabelOrNone
    """The line left out; empty for another rate or share."""
    net: Amount
    """Net present value for society under this choice."""


class DroppedToldRecord(Record):
    """What matters and is not in the total."""

    outcome: Label
    """Outcome, or line, left out."""
    reason: Label
    """Why, in the authors' words."""


class BarRecord(Record):
    """The net value with one uncertain number low, then high."""

    number: NumberNameRecord
    """The uncertain number."""
    low: Amount
    """Net present value with this number at its low end."""
    high: Amount
    """Net present value with this number at its high end."""


class SwitchRecord(Record):
    """The quantity of a line at which the net value is zero."""

    number: NumberNameRecord
    """The quantity that is moved."""
    per_100: Amount
    """Units for 100 people at which the net value is zero; empty when no people are counted."""
    times: Amount
    """Multiple of the quantity at which the net value is zero; empty beside `per_100`."""


class YearBalanceRecord(Record):
    """The cumulative balance of society at the end of a year."""

    year: Whole
    """Year; 0 is today."""
    balance: Amount
    """Present value gained by society since the start; negative while costs are not repaid."""


class GuardRecord(Record):
    """What one guard said."""

    guard: Free
    """Which guard, `G1` to `G15`."""
    status: Code
    """`passed`, `warned`, `blocked` or `set_aside`."""
    lines: Annotated[tuple[str, ...], LABEL]
    """Lines of the map it spoke of."""


class MvpfRecord(Record):
    """The marginal value of public funds: what people gain by net public euro."""

    willingness_to_pay: Amount
    """Present value of what the people supported gain."""
    programme_cost: Amount
    """Present value of what public bodies put in."""
    fiscal_externality: Amount
    """Present value of what public budgets recover."""
    net_cost: Amount
    """Programme cost less what public budgets recover."""
    ratio: Boundless
    """Gain by net public euro; infinite when the policy pays for itself."""
    case: Annotated[MvpfCase, CODE]
    """The quadrant of the two parts, which says how the ratio is read."""
    conf_low: Boundless
    """Lower end of the interval of the ratio."""
    conf_high: Boundless
    """Upper end of the interval of the ratio."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.conf_low is None or self.conf_high is None:
            return self
        low, high = float(self.conf_low), float(self.conf_high)
        if math.isfinite(low) and math.isfinite(high):
            ordered(low, high)
        elif low > high:
            raise PydanticCustomError("interval_crossed", "interval_crossed", {})
        return self


class QuadrantRecord(Record):
    """The share of draws in which a policy falls in a quadrant."""

    case: Annotated[MvpfCase, CODE]
    """The quadrant."""
    share: Chance
    """Share of the draws in it, 0 to 1."""


class FundsRecord(Record):
    """The net value for society at one price of public funds."""

    shadow_price: Annotated[float, Field(ge=1), FREE]
    """What a public euro costs society; 1 leaves the cost of public funds out."""
    cost_of_funds: RangeRecord
    """(price - 1) times the net public outlay."""
    net: RangeRecord
    """Net value once this line is taken off."""
    net_per_public_euro: RangeRecord | RefusalRecord
    """Net value by net public euro, or why there is none."""


class PublicRecord(Record):
    """What public money brings."""

    mvpf: MvpfRecord | RefusalRecord
    """What people gain by net public euro, or why it is not told."""
    quadrants: tuple[QuadrantRecord, ...]
    """Shares of the draws in each quadrant."""
    net_value: RangeRecord
    """Net present value for society, no cost of public funds taken off."""
    outlay: RangeRecord
    """What public bodies put in less what their budgets recover."""
    funds: tuple[FundsRecord, ...]
    """The net value at each price of public funds."""


class CertainRecord(Record):
    """A number taken for certain, and what it would change."""

    number: NumberNameRecord
    """The number."""
    value: Amount
    """As the map has it; the first one of a discount rate that varies by year."""
    low: Amount
    """Lower value tried."""
    high: Amount
    """Higher value tried."""
    net_low: Amount
    """Net present value for society with the lower value."""
    net_high: Amount
    """Net present value for society with the higher value."""


class ValueToldRecord(Record):
    """Everything that a report says of the value of an action; see `value.ValueTold`."""

    perspective: Whose
    """Whose account the ratio and the headline read: that of the map."""
    draws: Things
    """Number of draws behind the intervals."""
    seed: Annotated[int, FREE]
    """Seed of the draws."""
    standing: Annotated[ValueStanding, CODE] | RefusalRecord | None = None
    """How the amounts may be told, or why none may; empty in files written before it was."""
    people: People
    """People concerned, when the map says how many."""
    net: RangeRecord
    """Net present value for society."""
    probability: Chance
    """Chance that the value for society exceeds the cost, 0 to 1."""
    ratio: RangeRecord | RefusalRecord
    """Benefits over costs with its interval, or why no ratio is given."""
    headline: HeadlineRecord | RefusalRecord
    """The sentence that may carry a ratio, or why there is none."""
    per_person: Amount
    """Present cost by person; empty when nobody says how many."""
    per_outcome: RangeRecord | None
    """Cost of one more result, when one line alone rests on a comparison."""
    acceptability: tuple[AcceptableRecord, ...]
    """Chances that the action is worth its cost, by value of a result."""
    parties: tuple[PartyRecord, ...]
    """What each account pays and gains, the largest payer first."""
    lines: tuple[LineToldRecord, ...]
    """The lines of the total."""
    matrix: MatrixRecord
    """The account of every agent by year."""
    avoided: tuple[AvoidedToldRecord, ...]
    """Avoided costs in three columns."""
    variants: tuple[VariantRecord, ...]
    """The net value under other choices."""
    dropped: tuple[DroppedToldRecord, ...]
    """What matters and is not in the total."""
    tornado: tuple[BarRecord, ...]
    """The numbers that move the net value most, the largest first."""
    switching: tuple[SwitchRecord, ...]
    """The quantities at which the net value is zero."""
    cumulative: tuple[YearBalanceRecord, ...]
    """The balance of society at the end of each year."""
    certain: tuple[CertainRecord, ...] = ()
    """What is taken for certain and what each number would change, the widest first."""
    public: PublicRecord | RefusalRecord | None = None
    """What public money brings, or why it is not told; empty in files written before it was."""
    guards: tuple[GuardRecord, ...] = ()
    """What each guard against counting too much said."""
    findings: tuple[FindingRecord, ...]
    """What was noticed about the draws."""

    @property
    def may_be_told(self) -> bool:
        """Whether any amount of value may be told."""
        return not isinstance(self.standing, RefusalRecord)
