"""The value section of `results.json`: an account to the last digit, and what is told of it.

It holds the whole ledger, so that it can be added up, exported and computed again; an effect that
is withheld takes the whole section with it, for any of its amounts would give the effect back.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from impact_eval.core.provenance import canonical_json
from impact_eval.core.vocabulary import Unit
from impact_eval.results.finding_records import FindingRecord, RefusalRecord, declared_only
from impact_eval.results.parts import at_most, refuse_no_covariance
from impact_eval.results.record_base import (
    AMOUNT,
    CODE,
    FREE,
    LABEL,
    Amount,
    Code,
    Exact,
    Flag,
    FlagOrNone,
    Hash,
    Label,
    Record,
    ThingsOrNone,
    Whole,
    ordered,
)
from impact_eval.results.value import (
    Amounts,
    ConfLevel,
    PositiveAmount,
    ValueToldRecord,
)
from impact_eval.results.value_map_records import AgentOf, AgentOrNone, ValueMapRecord
from impact_eval.value.account.account_json import account_to_dict
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import Agent, FlowKind, Perspective, QuantitySource
from impact_eval.value.readouts.published_value import told_to_dict
from impact_eval.value.readouts.told import ValueTold

_ExactText: TypeAlias = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Views: TypeAlias = Annotated[dict[Perspective | Agent, _ExactText | None], AMOUNT]

_LAST_DIGIT = Decimal("1e-9")


def _add_up(total: str | None, *parts: str | None) -> None:
    """Refuse exact amounts that do not add up to the last digit; one that is withheld says nothing.

    Ten digits are kept of what a machine could move, so the last of them may differ.
    """
    known = [Decimal(part) for part in (total, *parts) if part is not None]
    if len(known) < 1 + len(parts):
        return
    whole, *rest = known
    if abs(whole - sum(rest)) > _LAST_DIGIT * max(map(abs, known)):
        raise PydanticCustomError("does_not_add_up", "does_not_add_up", {})


class LoadRecord(Record):
    """One effect's part in a quantity: so many people times effect number `effect`."""

    effect: Annotated[int, Field(ge=0), FREE]
    """Rank of the effect among `effects`, from 0."""
    weight: Exact
    """People the effect is multiplied by; negative when the quantity counts people spared."""
    offset: ThingsOrNone
    """Year after the start, for a profile by event time; empty when the effect is one number."""


class DeadweightRecord(Record):
    """The deadweight that an effect implies."""

    value: Amount
    """Share that would have happened anyway: 1 - effect / mean of participants."""
    conf_low: Amount
    """Lower end of its interval."""
    conf_high: Amount
    """Upper end of its interval."""
    conf_level: ConfLevel
    """Level of its interval."""


class QuantityRecord(Record):
    """The quantity of one line, with its error."""

    line: Label
    """Line of the map."""
    source: Annotated[QuantitySource, CODE]
    """Whether an estimate gives the quantity, or the map declares it."""
    counterfactual: FlagOrNone
    """Whether the effect is net of what would have happened; empty when declared."""
    unit: Annotated[Unit, CODE]
    """Unit of the outcome."""
    value: Exact
    """Units in the first year; negative when the effect is a loss."""
    profile: Annotated[tuple[_ExactText | None, ...], AMOUNT]
    """Units by year of an event study; empty when the same every year."""
    loads: tuple[LoadRecord, ...]
    """The effects behind the quantity, with the people of each."""
    divisor: ThingsOrNone
    """Rank of the effect that gives the take-up by which the rest is divided."""
    std_error: PositiveAmount
    """Standard error of `value`, in units."""
    conf_low: Amount
    """Lower end of the interval of `value`."""
    conf_high: Amount
    """Upper end of the interval of `value`."""
    deadweight: DeadweightRecord | RefusalRecord
    """The deadweight that the effect implies, or why there is none."""


class PrintedIntervalRecord(Record):
    """The two ends of the interval printed for an effect."""

    low: Amount
    """Lower end, in the unit of the outcome."""
    high: Amount
    """Upper end, in the unit of the outcome."""
    level: ConfLevel
    """Level of the interval."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        ordered(self.low, self.high)
        return self


class QuantitiesRecord(Record):
    """The quantities of a map, and the joint law of the effects behind them."""

    lines: tuple[QuantityRecord, ...]
    """One quantity by line of the map."""
    effects: Annotated[tuple[str, ...], LABEL]
    """Names of the effects used (`outcome/term`)."""
    values: Amounts
    """The effects, each in the unit of its outcome, in the order of `effects`."""
    covariance: Annotated[tuple[tuple[float | None, ...], ...], AMOUNT]
    """Joint covariance of the effects, in their order; zero where one has no error."""
    df: Annotated[tuple[Annotated[float | None, Field(ge=0)], ...], AMOUNT]
    """Degrees of freedom of each effect; empty for the normal law."""
    bounds: tuple[PrintedIntervalRecord | None, ...] = ()
    """Printed interval of each effect, in their order; empty where its error is not known."""
    findings: tuple[FindingRecord, ...]
    """What was noticed while quantities were read."""

    @model_validator(mode="after")
    def _square(self) -> Self:
        size = len(self.effects)
        if len(self.values) != size or len(self.df) != size:
            raise PydanticCustomError("lengths_differ", "lengths_differ", {})
        if len(self.bounds) not in (0, size):
            raise PydanticCustomError("lengths_differ", "lengths_differ", {})
        ranks = [load.effect for line in self.lines for load in line.loads]
        at_most(size - 1, *ranks, *(line.divisor for line in self.lines))
        refuse_no_covariance(self.covariance, size)
        return self


class LineValueRecord(Record):
    """What one line is worth."""

    line: Label
    """Line of the map."""
    unit_value: Exact
    """Value of one unit to society, in real money of the base year."""
    keep: Exact
    """Share left after deadweight, displacement and attribution."""
    impact: Exact
    """Value of the first year to society, in real money of the base year."""
    value: Exact
    """Value over all years to society, not discounted; negative for a cost."""
    present: Exact
    """The same, discounted."""
    observed: Exact
    """Part of `present` within the years observed."""
    included: Flag
    """Whether the line counts in the total."""


class LedgerFlowRecord(Record):
    """One movement of value between agents, in one year."""

    line: Label
    """Line or input of the map that makes the flow."""
    name: Label
    """Part of a bundle; an empty text for a line of one flow."""
    kind: Annotated[FlowKind, CODE]
    """Transfer (two ends), resource used up (a payer), or gain (a receiver)."""
    payer: AgentOrNone
    """Who pays; empty for a gain."""
    receiver: AgentOrNone
    """Who receives; empty for a resource used up."""
    year: Whole
    """Year of the flow; 0 is today."""
    amount: Exact
    """Real money of the base year; negative for a transfer avoided or an effect that is a loss."""
    present: Exact
    """The same, discounted."""
    cashable: Exact
    """Part of `present` that a budget really recovers; empty when nothing is avoided."""
    avoided: Flag
    """Whether it is a cost or a transfer that no longer has to be paid."""
    included: Flag
    """Whether it counts in the total."""
    is_input: Flag
    """Whether it is put into the action, and not one of its results."""


class BalanceRecord(Record):
    """The proof that the account closes."""

    transfers: Exact
    """Sum over all agents of the transfers, discounted; zero."""
    accounts: Exact
    """Sum of the accounts of all agents, discounted."""
    social: Exact
    """Value created less value used up, discounted; the same as `accounts`."""
    closes: Flag
    """Whether both identities hold to the last digit."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        if self.closes and None not in (self.transfers, self.accounts, self.social):
            _add_up(self.transfers, "0")
            _add_up(self.accounts, self.social)
        return self


class SroiRecord(Record):
    """Present value, ratio, net value and payback, from the perspective of the map."""

    benefits: Exact
    """Present value of what is gained."""
    costs: Exact
    """Present value of what is put in."""
    net: Exact
    """Benefits less costs."""
    ratio: Exact | RefusalRecord
    """Benefits over costs, or why no ratio is given."""
    positive: Exact
    """Part of `benefits` above zero: the sum of the lines that gain."""
    negative: Exact
    """Part of `benefits` below zero: the sum of the lines that lose."""
    payback_months: Exact | RefusalRecord
    """Costs over a month of the first year's value, not discounted; in months."""
    discounted_payback_years: Exact | RefusalRecord
    """When the discounted total first repays the costs; in years."""

    @model_validator(mode="after")
    def _agreed(self) -> Self:
        _add_up(self.benefits, self.net, self.costs)
        _add_up(self.benefits, self.positive, self.negative)
        return self


class AvoidedRecord(Record):
    """An avoided cost in three columns, and who would have paid."""

    line: Label
    """Line of the map."""
    payer: AgentOf
    """Who would have paid."""
    social: Exact
    """Present value of the resources that society keeps; zero for a transfer."""
    cashable: Exact
    """Present value that the payer's budget really recovers."""
    released: Exact
    """Present value of capacity freed and used again: worth something, and no saving."""


class AccountSection(Record):
    """The account of a study, and all that is told of it.

    `tested` names the outcomes that were estimated, valued or not.
    """

    schema_: Annotated[Literal["impact-eval/account/1"], Field(alias="schema"), FREE]
    """Version of the format of an account."""
    vintage: Hash
    """Fingerprint of the catalogue of values and of the map: equal ones, equal prices."""
    value_map: ValueMapRecord
    """What the authors of the map declared, cell by cell."""
    quantities: QuantitiesRecord
    """How many units of each outcome, and the joint law of the effects behind them."""
    lines: tuple[LineValueRecord, ...]
    """What each line is worth."""
    flows: tuple[LedgerFlowRecord, ...]
    """Every movement of value between agents, by year."""
    balance: BalanceRecord
    """The proof that the account closes."""
    perspectives: Views
    """Present value of the action for society, for public bodies, for each agent."""
    sroi: SroiRecord
    """Present value, ratio and payback, from the perspective of the map."""
    avoided: tuple[AvoidedRecord, ...]
    """Avoided costs in three columns."""
    projected_share: Exact | RefusalRecord
    """Share of the present value that lies beyond the years observed, 0 to 1."""
    findings: tuple[FindingRecord, ...]
    """What the guards say of the map and of its account."""
    tested: Annotated[tuple[str, ...], LABEL]
    """Outcomes that were estimated, valued or not."""
    told: ValueToldRecord
    """What a report prints of the account."""


class ValueRefused(Record):
    """The value section when there is none to publish: the code of the reason."""

    not_applicable: Code
    """Code of the reason."""


ValueSection: TypeAlias = AccountSection | ValueRefused


def record_of_account(account: Account, told: ValueTold) -> AccountSection:
    """Return the value section of an account and of what is told of it.

    Parameters
    ----------
    account : Account
    told : ValueTold
        Of the same account.
    """
    content = {**account_to_dict(account, whole=True), "told": told_to_dict(told)}
    content["sroi"] = {name: content["sroi"][name] for name in SroiRecord.model_fields}
    section = AccountSection.model_validate_json(canonical_json(declared_only(content)))
    why = section.told.standing
    return _untold(section, why) if isinstance(why, RefusalRecord) else section


def _untold(section: AccountSection, why: RefusalRecord) -> AccountSection:
    """Return an account of which no total may be told: each is empty, or the reason.

    The ledger stays, and the lines that it is made of: whoever checks can add it up again, and a
    portfolio counts the studies that found nothing.
    """
    none: dict[str, RefusalRecord | None] = dict.fromkeys(SroiRecord.model_fields)
    none |= dict.fromkeys(("ratio", "payback_months", "discounted_payback_years"), why)
    del none["costs"]  # what is put in stays
    amounts = dict.fromkeys(("social", "cashable", "released"))
    return section.model_copy(
        update={
            "sroi": section.sroi.model_copy(update=none),
            "balance": section.balance.model_copy(
                update=dict.fromkeys(("transfers", "accounts", "social"))
            ),
            "perspectives": dict.fromkeys(section.perspectives),
            "avoided": tuple(row.model_copy(update=amounts) for row in section.avoided),
            "projected_share": why,
        }
    )


def account_from_record(record: AccountSection) -> Account:
    """Return the account of a value section: the same flows, to the last digit.

    Raises
    ------
    ImpactEvalError
        `account_withheld` when one of its amounts was.
    """
    return Account.from_dict(record.model_dump(mode="json", by_alias=True))


def estimates_used(section: AccountSection) -> tuple[str, ...]:
    """Return the outcomes whose effects the account stands on, in the order of its lines."""
    lines = section.value_map.lines
    named = (name for line in lines for name in (line.estimate, line.take_up) if name)
    return tuple(dict.fromkeys(named))


def people_declared(section: AccountSection) -> tuple[int, ...]:
    """Return every number of people from which an effect can be read back from the amounts."""
    counts: list[str | int | None] = [section.value_map.map.people, section.told.people]
    for line in section.value_map.lines:
        by_row = line.people
        counts += by_row.values() if isinstance(by_row, dict) else [by_row]
    for quantity in section.quantities.lines:
        counts += [load.weight for load in quantity.loads]
    return tuple(abs(int(float(count))) for count in counts if count is not None)
