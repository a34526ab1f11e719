"""All that a report says of the value of an action, computed once: codes, ids and numbers.

Nothing here is put in words, and nothing above this floor computes any of it again. The draws use
the law of the effects that `results.json` holds (their joint covariance and degrees of freedom), so
that an account read back from it tells the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.value.account.account_json import findings_to_dicts, jsonable
from impact_eval.value.account.doors import Account
from impact_eval.value.map.choices import Agent, Perspective, QuantitySource
from impact_eval.value.map.prices import ZERO, total
from impact_eval.value.readouts.cea import Acceptable, acceptability, cost_per_outcome
from impact_eval.value.readouts.equity import equity_values
from impact_eval.value.readouts.ratio_sentence import Headline, headline
from impact_eval.value.uncertainty.sensitivity import (
    AccountVariant,
    discount_variants,
    displacement_variants,
    switching_value,
    tornado,
    without_largest_line,
)
from impact_eval.value.uncertainty.simulate import (
    NOTHING_VARIES,
    Uncertainty,
    simulate,
    uncertainty_of,
)

DRAWS = 10_000
LONGEST_TORNADO = 8
LARGEST_ERROR = 0.01  # Monte Carlo error, as a share of what is told
SOCIAL = "social"  # the row that adds every agent up
EFFECT = "effect"  # what an uncertain number is when an estimate gives it


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
    """What one account pays and gains in all, as present values."""

    agent: Agent
    pays: float
    gains: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTold:
    """One line of the total: how many units, at what price, for how much, from which source."""

    line: str
    quantity: float
    unit_value: float
    amount: float
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
class ValueTold:
    """Everything a report says of the value of an action.

    Attributes
    ----------
    perspective : str
        Whose account the ratio and the headline read: that of the map.
    draws, seed : int
    people : int or None
    net : Range
        Net present value for society; without interval, nor even an estimate, where refused.
    probability : float or None
        Chance that the value for society exceeds the cost.
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
    findings : tuple of Finding
        Of the draws; those of the account are its own.
    """

    perspective: str
    draws: int
    seed: int
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
    findings: tuple[Finding, ...]


def tell(account: Account, *, seed: int, draws: int = DRAWS) -> ValueTold:
    """Compute all that a report says of an account.

    Parameters
    ----------
    account : Account
    seed : int
        Of the draws.
    draws : int

    Returns
    -------
    ValueTold

    Examples
    --------
    >>> tell(account, seed=1).net.low  # doctest: +SKIP
    -18000.0
    """
    # the draws of an estimator do not travel: what is told stands on what the results hold
    account = replace(account, quantities=replace(account.quantities, draws=None))
    simulation = simulate(account, draws=draws, seed=seed)
    society = uncertainty_of(simulation)
    own = uncertainty_of(simulation, account.value_map.settings.perspective)
    per_outcome, curve = _cost_of_a_result(account)
    people = account.value_map.settings.people
    cost, chance = float(account.inputs_present()), society.chance_positive
    return ValueTold(
        perspective=own.perspective,
        draws=draws,
        seed=seed,
        people=None if people is None else int(people),
        net=_net(account, society),
        probability=None if isinstance(chance, NotApplicable) else chance,
        ratio=_ratio(account, own),
        headline=headline(account, own),
        per_person=cost / int(people) if people is not None and int(people) else None,
        per_outcome=per_outcome,
        acceptability=curve,
        parties=_parties(account),
        lines=_lines(account),
        matrix=_matrix(account),
        avoided=_avoided(account),
        variants=_variants(account),
        dropped=_dropped(account),
        tornado=_bars(account),
        switching=_switching(account),
        cumulative=_cumulative(account),
        findings=_noticed(society, own),
    )


def told_to_dict(told: ValueTold) -> dict[str, Any]:
    """Return what is told of an account as JSON, every key in it."""
    out: dict[str, Any] = jsonable(told)
    return {**out, "findings": findings_to_dicts(told.findings, whole=True)}


def _noticed(*read: Uncertainty) -> tuple[Finding, ...]:
    """Tell once that the draws are too few for what they are asked."""
    worst = max(read, key=lambda u: u.error_share)
    if worst.error_share <= LARGEST_ERROR:
        return ()
    return (Finding.warning("monte_carlo_error_large", share=worst.error_share, draws=worst.draws),)


def _net(account: Account, read: Uncertainty) -> Range:
    """Return the net value of society and its interval; nothing of it where it is refused."""
    own = float(account.perspectives[Perspective.SOCIETY.value])
    if isinstance(read.net, NotApplicable):
        told = own if read.net.reason == NOTHING_VARIES else None
        return Range(estimate=told, low=None, high=None, level=read.level)
    return Range(estimate=own, low=read.net.conf_low, high=read.net.conf_high, level=read.level)


def _ratio(account: Account, read: Uncertainty) -> Range | NotApplicable:
    ratio = account.sroi().ratio
    if isinstance(ratio, NotApplicable):
        return ratio
    if isinstance(read.ratio, NotApplicable) and read.ratio.reason != NOTHING_VARIES:
        return read.ratio
    if read.ratio_low is None:
        return NotApplicable.because("headline_needs_interval")
    return Range(
        estimate=float(ratio),
        low=read.ratio_low,
        high=read.ratio_high,
        level=read.level,
    )


def _cost_of_a_result(account: Account) -> tuple[Range | None, tuple[Acceptable, ...]]:
    """Return the cost of one more result of the one estimated line, and its acceptability."""
    estimated = [
        line.quantity
        for line in account.lines
        if line.included and line.quantity.source is QuantitySource.ESTIMATE
    ]
    if len(estimated) != 1 or not estimated[0].counterfactual:
        return None, ()
    quantity, cost = estimated[0], float(account.inputs_present())
    units, low, high = float(quantity.value), quantity.conf_low, quantity.conf_high
    found = cost_per_outcome(cost, units, low, high)
    if isinstance(found.ratio, NotApplicable) or found.conf_low is None:
        return None, ()
    told = Range(estimate=found.ratio, low=found.conf_low, high=found.conf_high, level=0.95)
    if low is None or high is None:
        return told, ()
    return told, acceptability(cost, units, low, high)


def _parties(account: Account) -> tuple[PartyTold, ...]:
    """Return what each account pays and gains, the largest payer first."""
    pays: dict[Agent, float] = {}
    gains: dict[Agent, float] = {}
    for flow in account.counted:
        for agent in (flow.payer, flow.receiver):
            if agent is None:
                continue
            amount = float(flow.for_agent(agent) * flow.present)
            side = gains if amount > 0 else pays
            side[agent] = side.get(agent, 0.0) + abs(amount)

    def size(agent: Agent) -> tuple[float, float, str]:
        return -pays.get(agent, 0.0), -gains.get(agent, 0.0), agent.value

    return tuple(
        PartyTold(agent=agent, pays=pays.get(agent, 0.0), gains=gains.get(agent, 0.0))
        for agent in sorted({*pays, *gains}, key=size)
    )


def _lines(account: Account) -> tuple[LineTold, ...]:
    return tuple(
        LineTold(
            line=line.line,
            quantity=float(line.quantity.value),
            unit_value=float(line.unit_value),
            amount=float(line.present),
            source=account.value_map.line(line.line).price.proxy_source,
        )
        for line in account.lines
        if line.included
    )


def _matrix(account: Account) -> MatrixTold:
    """Return the account of each agent by year; the last row is what society gains."""
    cells = account.matrix()
    agents = [agent for agent in Agent if any(who is agent for who, _ in cells)]
    years = tuple(sorted({year for _, year in cells}))
    rows = {agent.value: [cells.get((agent, year), ZERO) for year in years] for agent in agents}
    rows[SOCIAL] = [total(rows[a.value][k] for a in agents) for k in range(len(years))]
    return MatrixTold(
        years=years,
        rows=tuple(
            MatrixRow(name=name, amounts=tuple(float(v) for v in (*values, total(values))))
            for name, values in rows.items()
        ),
    )


def _avoided(account: Account) -> tuple[AvoidedTold, ...]:
    return tuple(
        AvoidedTold(
            line=a.line,
            payer=a.payer,
            social=float(a.social),
            cashable=float(a.cashable),
            released=float(a.released),
        )
        for a in account.avoided
    )


def _variants(account: Account) -> tuple[VariantTold, ...]:
    """Return the net value at other rates and displacements, without the largest line, weighted."""
    out = [
        VariantTold(what=v.what, share=float(v.value), line=None, net=float(v.net))
        for v in (*discount_variants(account), *displacement_variants(account))
        if not isinstance(v.net, NotApplicable)
    ]
    largest = without_largest_line(account)
    if isinstance(largest, AccountVariant) and not isinstance(largest.net, NotApplicable):
        net = float(largest.net)
        out.append(VariantTold(what=largest.what, share=None, line=largest.value, net=net))
    out += [
        VariantTold(what="equity", share=read.elasticity, line=None, net=read.weighted)
        for read in equity_values(account)
    ]
    return tuple(out)


def _dropped(account: Account) -> tuple[DroppedTold, ...]:
    """Return lines left out, outcomes not valued, changes without a price."""
    left = [f.values for f in account.findings if f.code == "outcome_left_out"]
    rows = [(str(values["line"]), str(values["reason"])) for values in left]
    rows += [(item.outcome, item.reason) for item in account.value_map.dropped]
    rows += [(item.outcome, item.note) for item in account.value_map.not_monetised]
    return tuple(DroppedTold(outcome=outcome, reason=reason) for outcome, reason in rows)


def number_namer(account: Account) -> Callable[[str], NumberName]:
    """Return a reader of the names of uncertain numbers (`line.price.proxy`, `outcome/att`)."""
    effects = set(account.quantities.effects)
    lines = {line.id for line in account.value_map.lines}

    def read(name: str) -> NumberName:
        if name in effects:
            return NumberName(what=EFFECT, outcome=name.split("/", 1)[0])
        owner, _, what = name.rpartition(".")
        if owner in lines:
            return NumberName(what=what, line=owner)
        return NumberName(what=what, input=owner or None)

    return read


def _bars(account: Account) -> tuple[BarTold, ...]:
    named, bars = number_namer(account), tornado(account)
    if isinstance(bars, NotApplicable):
        return ()
    return tuple(
        BarTold(number=named(bar.name), low=bar.net_low, high=bar.net_high)
        for bar in bars[:LONGEST_TORNADO]
        if bar.width > 0
    )


def _switching(account: Account) -> tuple[SwitchTold, ...]:
    """Return the quantity of each estimated line at which the net value is zero."""
    out = []
    for line in account.lines:
        if not line.included or line.quantity.source is not QuantitySource.ESTIMATE:
            continue
        found = switching_value(account, [line.line], "quantity")
        if isinstance(found, NotApplicable) or not found.reachable:
            continue
        out.append(
            SwitchTold(
                number=NumberName(what="quantity", line=line.line),
                per_100=None if found.people is None else float(found.people),
                times=float(found.switching) if found.people is None else None,
            )
        )
    return tuple(out)


def _cumulative(account: Account) -> tuple[YearTold, ...]:
    by_year: dict[int, float] = {}
    for (_, year), amount in account.matrix().items():
        by_year[year] = by_year.get(year, 0.0) + float(amount)
    return _running(sorted(by_year.items()))


def _running(years: Sequence[tuple[int, float]]) -> tuple[YearTold, ...]:
    so_far, out = 0.0, []
    for year, amount in years:
        so_far += amount
        out.append(YearTold(year=year, balance=so_far))
    return tuple(out)
