"""The record of what is told of an account: every number that a report prints of its value.

All that rests on an effect is an amount: it leaves with the section, when the effect does.
"""

from __future__ import annotations

from typing import Annotated, Self, TypeAlias

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
from impact_eval.value.readouts.standing import ValueStanding

Chance: TypeAlias = Annotated[float | None, Field(ge=0, le=1), AMOUNT]
PositiveAmount: TypeAlias = Annotated[float | None, Field(ge=0), AMOUNT]
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
    guards: tuple[GuardRecord, ...] = ()
    """What each guard against counting too much said."""
    findings: tuple[FindingRecord, ...]
    """What was noticed about the draws."""

    @property
    def may_be_told(self) -> bool:
        """Whether any amount of value may be told."""
        return not isinstance(self.standing, RefusalRecord)
