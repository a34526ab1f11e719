"""Several accounts read as one: flows add up, ratios are never averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.core.findings import Finding, FindingCollector, NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.account.guards import check_attribution
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.prices import ZERO, exact, less, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidated:
    """The sum of several accounts.

    Attributes
    ----------
    studies : tuple of str
    matrix : mapping of (Agent, int) to Decimal
        Account of each agent by year, as present values.
    benefits, costs, net : Decimal
    ratio : Decimal or NotApplicable
        Of the sums.
    findings : tuple of Finding
        Shares of one outcome claimed by several studies (G10).
    """

    studies: tuple[str, ...]
    matrix: Mapping[tuple[Agent, int], Decimal]
    benefits: Decimal
    costs: Decimal
    net: Decimal
    ratio: Decimal | NotApplicable
    findings: tuple[Finding, ...]


def consolidate(accounts: Mapping[str, Account]) -> Consolidated:
    """Add accounts, exactly; those that do not share money, year, rate and timing are refused.

    Parameters
    ----------
    accounts : mapping of str to Account
        By name of study.

    Raises
    ------
    ImpactEvalError
        `accounts_differ`, one by setting; `no_account`.
    """
    faults = FindingCollector()
    if not accounts:
        faults.add(Finding.error("no_account"))
    for name in ("currency", "price_year", "discount_rate", "timing"):
        values = {
            study: str(getattr(account.value_map.settings, name))
            for study, account in accounts.items()
        }
        if len(set(values.values())) > 1:
            told = [f"{study} : {value}" for study, value in values.items()]
            faults.add(Finding.error("accounts_differ", column=name, found=told))
    faults.raise_if_errors()
    cells: dict[tuple[Agent, int], Decimal] = {}
    reads = {study: account.sroi("society") for study, account in accounts.items()}
    with exact():
        for account in accounts.values():
            for key, value in account.matrix().items():
                cells[key] = cells.get(key, ZERO) + value
        benefits = total(read.benefits for read in reads.values())
        costs = total(read.costs for read in reads.values())
        refused = [study for study, account in accounts.items() if account.refusal is not None]
        ratio: Decimal | NotApplicable
        if refused:
            ratio = NotApplicable.because("ratio_refused_in", names=refused)
        elif costs <= 0:
            ratio = NotApplicable.because("no_cost_to_compare")
        else:
            ratio = benefits / costs
    return Consolidated(
        studies=tuple(accounts),
        matrix=cells,
        benefits=benefits,
        costs=costs,
        net=less(benefits, costs),
        ratio=ratio,
        findings=check_attribution(accounts),
    )
