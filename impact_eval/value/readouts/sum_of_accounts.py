"""Several accounts read as one: flows add up, ratios are never averaged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, ImpactEvalError, NotApplicable
from impact_eval.value.account.doors import Account
from impact_eval.value.account.guards import check_attribution
from impact_eval.value.map.choices import Agent
from impact_eval.value.map.prices import ZERO, exact, less, total
from impact_eval.value.uncertainty.simulate import NOTHING_VARIES, Interval, interval_of, simulate

FloatArray = NDArray[np.float64]
# what must be the same for two amounts to be added
SETTINGS = ("currency", "price_year", "discount_rate", "timing", "discount_schedule")
NOT_STATED = "none"
DRAWS = 10_000


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
        `accounts_differ`, one by setting; `no_account`; `accounts_by_name` (a list, for example).
    """
    _check_named(accounts)
    faults = FindingCollector()
    if not accounts:
        faults.add(Finding.error("no_account"))
    for name in SETTINGS:
        values = {study: settings_of(account)[name] for study, account in accounts.items()}
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


def _check_named(accounts: object) -> None:
    """Refuse in words what is no table of accounts by name."""
    rows = accounts.items() if isinstance(accounts, Mapping) else [(None, None)]
    if not all(isinstance(name, str) and isinstance(own, Account) for name, own in rows):
        raise ImpactEvalError(Finding.error("accounts_by_name"))


def settings_of(account: Account) -> dict[str, str]:
    """Return the settings that must be the same for two accounts to be added, as text."""
    settings = account.value_map.settings
    stated = {name: getattr(settings, name) for name in SETTINGS}
    return {name: NOT_STATED if own is None else str(own) for name, own in stated.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SumUncertainty:
    """What the draws say of a sum of accounts, for society.

    Attributes
    ----------
    benefits, net : Interval
    ratio_low, ratio_high : float or None
        Quantiles of the ratio of the sums, draw by draw, where costs never come near zero.
    chance : float
        Share of draws with a net value above zero.
    size : int
        Draws of each account.
    """

    benefits: Interval
    net: Interval
    ratio_low: float | None
    ratio_high: float | None
    chance: float
    size: int


def uncertainty_of_sum(
    accounts: Mapping[str, Account],
    seeds: Mapping[str, int],
    *,
    draws: int = DRAWS,
    level: float = 0.95,
) -> SumUncertainty | NotApplicable:
    r"""Draw each account from its own law, and add: :math:`N^{(b)} = \sum_i N_i^{(b)}`.

    The studies are held to be independent. The ratio is that of the sums of a draw,
    :math:`\sum_i B_i^{(b)} / \sum_i C_i^{(b)}`, never a mean of ratios.

    Parameters
    ----------
    accounts : mapping of str to Account
        By name of study.
    seeds : mapping of str to int
        Of the draws of each; no two may be the same, or their draws would move together.
    draws : int
    level : float

    Returns
    -------
    SumUncertainty or NotApplicable
        The refusal of the first account that has no law (a guard, an effect without error);
        `nothing_varies` when every draw is the same.
    """
    gained, paid = np.zeros(draws), np.zeros(draws)
    for study, account in accounts.items():
        found = society_draws(account, seed=seeds[study], draws=draws)
        if isinstance(found, NotApplicable):
            return found
        gained, paid = gained + found[0], paid + found[1]
    low = high = None
    if paid.min() > 0:
        ends = np.quantile(gained / paid, [(1 - level) / 2, (1 + level) / 2])
        low, high = float(ends[0]), float(ends[1])
    return SumUncertainty(
        benefits=interval_of(gained, level),
        net=interval_of(gained - paid, level),
        ratio_low=low,
        ratio_high=high,
        chance=float(np.mean(gained > paid)),
        size=draws,
    )


def society_draws(
    account: Account, *, seed: int, draws: int
) -> tuple[FloatArray, FloatArray] | NotApplicable:
    """Return the draws of what society gains and of what is put in, or why there are none.

    They stand on what `results.json` holds: the draws of an estimator do not travel.
    """
    held = replace(account, quantities=replace(account.quantities, draws=None))
    simulation = simulate(held, draws=draws, seed=seed)
    if simulation.refusal is not None:
        return simulation.refusal
    gained, paid = simulation.benefits("society"), simulation.costs("society")
    if np.ptp(gained - paid) == 0:
        return NotApplicable.because(NOTHING_VARIES)
    return gained, paid


def shared_prices(accounts: Mapping[str, Account]) -> tuple[str, ...]:
    """Return the studies whose accounts price with one and the same figure.

    It is one figure of the catalogue, or the same uncertain price of the same source. If it is
    wrong it is wrong for all of them: their draws are then not independent.
    """
    users: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for study, account in accounts.items():
        for line in account.value_map.lines:
            price = line.price
            if not line.included:
                continue
            if price.parameter:
                users[(price.parameter,)].add(study)
            elif price.proxy is not None and not price.proxy.certain:
                told = str(price.proxy), str(price.price_year), price.proxy_source
                users[told].add(study)
    sharing = {study for found in users.values() if len(found) > 1 for study in found}
    return tuple(study for study in accounts if study in sharing)
