"""`accounts.json`: the accounts of several studies as one, who is in the sum, who is apart, why."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from impact_eval.core.findings import NotApplicable
from impact_eval.core.provenance import stable
from impact_eval.portfolio.accounts import AccountApart, AccountIn, AccountsTogether, SumOfAccounts
from impact_eval.results.faults import Json
from impact_eval.results.finding_records import FindingRecord, RefusalRecord
from impact_eval.results.parts import BilingualRecord
from impact_eval.results.record_base import CODE, Amount, Code, Label, Level, Record, Whole
from impact_eval.results.value import MatrixRecord, MatrixRowRecord, PartyRecord, RangeRecord
from impact_eval.results.value_map_records import Currency, Year
from impact_eval.value.map.choices import Agent
from impact_eval.value.readouts.party_totals import matrix_told, ranked_parties

SCHEMA: Literal["impact-eval/accounts/1"] = "impact-eval/accounts/1"


class AccountPart(Record):
    """One study of the sum, and its part of it, for society, as present values."""

    study: Code
    """Short name."""
    title: BilingualRecord
    """Its title."""
    territory: Label
    """Code of the territory."""
    evidence: Level
    """Lowest level of evidence among the effects that the account stands on."""
    benefits: Amount
    """What its results are worth; empty where its effect is not clear of zero, or no sum is."""
    costs: Amount
    """What was put in."""
    net: Amount
    """Benefits less costs."""
    declared: tuple[Label, ...]
    """Lines whose quantity is declared and not estimated."""


class AccountLeftApart(Record):
    """A study whose account is not in the sum, and why."""

    study: Code
    """Short name."""
    title: BilingualRecord
    """Its title."""
    reason: RefusalRecord
    """Code of the reason, with what was found."""


class AccountsSum(Record):
    """The sum of the accounts."""

    currency: Currency
    """ISO code of the money."""
    price_year: Year
    """Year whose prices are used."""
    discount_rate: Label
    """Real rate per year, the same for all."""
    timing: Code
    """When in its year an amount falls, the same for all."""
    discount_schedule: Label
    """Schedule of the rates, or `none`, the same for all."""
    evidence: Level
    """The lowest of the studies added."""
    hypothesis: tuple[Code, ...]
    """Studies whose quantities are in part declared: nothing is concluded from the sum."""
    benefits: Amount
    """What the results are worth, for society, as present values."""
    costs: Amount
    """What was put in."""
    net: RangeRecord
    """Benefits less costs."""
    ratio: RangeRecord | RefusalRecord
    """Ratio of the sums, never a mean of ratios; or why there is none."""
    chance: Amount
    """Chance that the value exceeds the cost, 0 to 1; empty where the sum is a hypothesis."""
    parties: tuple[PartyRecord, ...]
    """What each pays and gains in all."""
    matrix: MatrixRecord
    """The account of each by year; the last row is society."""
    draws: Whole
    """Draws of each account behind the intervals."""


class AccountsRecord(Record):
    """The content of `accounts.json`."""

    schema_: Annotated[Literal["impact-eval/accounts/1"], CODE] = Field(alias="schema")
    """Version of this format."""
    total: AccountsSum | RefusalRecord
    """The sum, or why there is none."""
    studies: tuple[AccountPart, ...]
    """The studies whose accounts can be added."""
    left_apart: tuple[AccountLeftApart, ...]
    """The studies whose accounts cannot, and why."""
    without: tuple[Code, ...]
    """The studies that have no account."""
    findings: tuple[FindingRecord, ...]
    """What was noticed."""

    @classmethod
    def of(cls, found: AccountsTogether) -> AccountsRecord:
        """Return the record of accounts read together."""
        told = found.total
        summed = not isinstance(told, NotApplicable)
        return cls(
            schema=SCHEMA,
            total=RefusalRecord.of(told) if isinstance(told, NotApplicable) else _sum(told),
            studies=tuple(_part(part, summed=summed) for part in found.included),
            left_apart=tuple(_apart(apart) for apart in found.excluded),
            without=found.without,
            findings=tuple(FindingRecord.of(finding) for finding in found.findings),
        )

    def to_dict(self) -> dict[str, Json]:
        """Return the content of `accounts.json`, without a digit that a machine could move."""
        data: dict[str, Json] = stable(self.model_dump(mode="json", by_alias=True))
        return data


def _part(part: AccountIn, *, summed: bool) -> AccountPart:
    told = part.clear and summed
    return AccountPart(
        study=part.entry.study,
        title=part.entry.title,
        territory=part.entry.territory,
        evidence=part.entry.level,
        benefits=float(part.benefits) if told else None,
        costs=float(part.costs),
        net=float(part.net) if told else None,
        declared=part.declared,
    )


def _apart(apart: AccountApart) -> AccountLeftApart:
    return AccountLeftApart(
        study=apart.entry.study, title=apart.entry.title, reason=RefusalRecord.of(apart.reason)
    )


def _sum(found: SumOfAccounts) -> AccountsSum:
    sums, drawn, settings = found.consolidated, found.uncertainty, found.settings
    net = RangeRecord(
        estimate=float(sums.net),
        low=drawn.net.conf_low,
        high=drawn.net.conf_high,
        level=drawn.net.conf_level,
    )
    currency, price_year, rate, timing, schedule = settings.values()
    return AccountsSum(
        currency=currency,
        price_year=int(price_year),
        discount_rate=rate,
        timing=timing,
        discount_schedule=schedule,
        evidence=found.level,
        hypothesis=found.hypothesis,
        benefits=float(sums.benefits),
        costs=float(sums.costs),
        net=net,
        ratio=_ratio(found),
        chance=None if found.hypothesis else drawn.chance,
        parties=_parties(found),
        matrix=_matrix(sums.matrix),
        draws=drawn.size,
    )


def _ratio(found: SumOfAccounts) -> RangeRecord | RefusalRecord:
    """Return the ratio of the sums; none over a hypothesis, nor without its interval."""
    ratio, drawn = found.consolidated.ratio, found.uncertainty
    if found.hypothesis:
        return RefusalRecord.of(NotApplicable.because("sum_is_hypothesis", names=found.hypothesis))
    if isinstance(ratio, NotApplicable):
        return RefusalRecord.of(ratio)
    if drawn.ratio_low is None:
        return RefusalRecord.of(NotApplicable.because("headline_needs_interval"))
    return RangeRecord(
        estimate=float(ratio), low=drawn.ratio_low, high=drawn.ratio_high,
        level=drawn.net.conf_level,
    )  # fmt: skip


def _parties(found: SumOfAccounts) -> tuple[PartyRecord, ...]:
    """Return what each pays and gains, the largest payer first."""
    return tuple(
        PartyRecord(agent=party.agent, pays=float(party.pays), gains=float(party.gains))
        for party in ranked_parties(found.pays, found.gains)
    )


def _matrix(cells: Mapping[tuple[Agent, int], Decimal]) -> MatrixRecord:
    told = matrix_told(cells)
    rows = tuple(MatrixRowRecord(name=row.name, amounts=row.amounts) for row in told.rows)
    return MatrixRecord(years=told.years, rows=rows)
