"""All that a report says of the value of an action, computed once: codes, ids and numbers.

Nothing here is put in words, and nothing above this floor computes any of it again. The draws use
the law of the effects that `results.json` holds (their joint covariance and degrees of freedom), so
that an account read back from it tells the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from impact_eval.core.findings import Finding, NotApplicable
from impact_eval.core.vocabulary import Unit
from impact_eval.value.account.account_json import findings_to_dicts, jsonable
from impact_eval.value.account.doors import Account
from impact_eval.value.account.guards import guard_statuses
from impact_eval.value.account.study_facts import NO_FACTS, Facts
from impact_eval.value.map.choices import Agent, Perspective, QuantitySource
from impact_eval.value.readouts.cost_per_result import (
    Acceptable,
    cost_of_kept,
    curve_of_a_result,
    kept_units,
)
from impact_eval.value.readouts.equity import equity_values
from impact_eval.value.readouts.party_totals import matrix_told, party_totals
from impact_eval.value.readouts.public_reading import public_reading
from impact_eval.value.readouts.ratio_sentence import headline
from impact_eval.value.readouts.standing import ValueStanding, effects_attributed, standing_of
from impact_eval.value.readouts.told import (
    AvoidedTold,
    BarTold,
    CertainRow,
    DroppedTold,
    LineTold,
    MatrixTold,
    NumberName,
    PartyTold,
    Range,
    SwitchTold,
    ValueTold,
    VariantTold,
    YearTold,
)
from impact_eval.value.uncertainty.assumed_laws import shares_made_uncertain
from impact_eval.value.uncertainty.certain_numbers import MAP, certain_numbers
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
LEVEL = 0.95
LONGEST_TORNADO = 8
LARGEST_ERROR = 0.01  # Monte Carlo error, as a share of what is told
OF_PEOPLE = (Unit.SHARE, Unit.PERCENT)  # what counts people out of a hundred
EFFECT = "effect"  # what an uncertain number is when an estimate gives it


def tell(account: Account, *, seed: int, draws: int = DRAWS, facts: Facts = NO_FACTS) -> ValueTold:
    """Compute all that a report says of an account.

    Parameters
    ----------
    account : Account
    seed : int
        Of the draws.
    draws : int
    facts : mapping of str to OutcomeFacts, optional
        Evidence level of each outcome: what may be told depends on it.

    Returns
    -------
    ValueTold
        Where no amount may be told (`standing_of`), what is put in alone.

    Examples
    --------
    >>> tell(account, seed=1).net.low  # doctest: +SKIP
    -18000.0
    """
    # the draws of an estimator do not travel: what is told stands on what the results hold
    account = replace(account, quantities=replace(account.quantities, draws=None))
    standing = standing_of(account, facts)
    told = _put_in(account, standing, seed, draws)
    return told if isinstance(standing, NotApplicable) else _whole(account, facts, told)


def _put_in(
    account: Account, standing: ValueStanding | NotApplicable, seed: int, draws: int
) -> ValueTold:
    """Return what is told where no amount may be: what is put in, by whom, and why."""
    people = account.value_map.settings.people
    cost = float(account.inputs_present())
    why = standing if isinstance(standing, NotApplicable) else NotApplicable.because("no_value")
    return ValueTold(
        perspective=account.value_map.settings.perspective,
        draws=draws,
        seed=seed,
        standing=standing,
        people=None if people is None else int(people),
        net=Range(estimate=None, low=None, high=None, level=LEVEL),
        probability=None,
        ratio=why,
        headline=why,
        per_person=cost / int(people) if people is not None and int(people) else None,
        per_outcome=None,
        acceptability=(),
        parties=_payers(account),
        lines=tuple(replace(line, amount=None) for line in _lines(account)),
        matrix=MatrixTold(years=(), rows=()),
        avoided=(),
        variants=(),
        dropped=_dropped(account),
        tornado=(),
        switching=(),
        cumulative=(),
        certain=(),
        public=why,
        guards=guard_statuses(account),
        findings=(),
    )


def _whole(account: Account, facts: Facts, told: ValueTold) -> ValueTold:
    """Return all that is told of an account; chances and payback of what is attributed alone."""
    simulation = simulate(account, draws=told.draws, seed=told.seed)
    society = uncertainty_of(simulation)
    own = uncertainty_of(simulation, told.perspective)
    per_outcome, curve = _cost_of_a_result(account)
    chance = society.chance_positive
    standing = told.standing
    assert isinstance(standing, ValueStanding)
    attributed = standing is ValueStanding.ATTRIBUTED
    net = _net(account, society)
    repays = attributed and (net.high is None or net.high > 0)  # what harms repays nothing
    return replace(
        told,
        net=net,
        probability=chance if repays and not isinstance(chance, NotApplicable) else None,
        ratio=_ratio(account, own),
        headline=headline(account, own, standing),
        per_outcome=per_outcome,
        acceptability=curve if effects_attributed(account, facts) else (),
        parties=_parties(account),
        lines=_lines(account),
        matrix=matrix_told(account.matrix()),
        avoided=_avoided(account),
        variants=_variants(account),
        tornado=_bars(account),
        switching=_switching(account),
        cumulative=_cumulative(account) if repays else (),
        certain=_certain(account),
        public=public_reading(account, simulation, level=LEVEL),
        findings=(*_noticed(society, own), *shares_made_uncertain(account)),
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
        line
        for line in account.lines
        if line.included and line.quantity.source is QuantitySource.ESTIMATE
    ]
    if len(estimated) != 1 or not estimated[0].quantity.counterfactual:
        return None, ()
    if estimated[0].quantity.unit not in (*OF_PEOPLE, Unit.COUNT):
        return None, ()  # a point or a euro more is no result that one more person has
    cost = float(account.inputs_present())
    units, low, high = kept_units(estimated[0])
    found = cost_of_kept(cost, estimated[0])
    if isinstance(found.ratio, NotApplicable) or found.conf_low is None:
        return None, ()
    told = Range(estimate=found.ratio, low=found.conf_low, high=found.conf_high, level=0.95)
    if low is None or high is None:
        return told, ()
    return told, curve_of_a_result(cost, units, low, high)


def _parties(account: Account) -> tuple[PartyTold, ...]:
    """Return what each account pays and gains, the largest payer first."""
    return tuple(
        PartyTold(agent=party.agent, pays=float(party.pays), gains=float(party.gains))
        for party in party_totals(account.counted)
    )


def _payers(account: Account) -> tuple[PartyTold, ...]:
    """Return what each account puts in, the largest first; what it gains is not told."""
    paid: dict[Agent, float] = {}
    for flow in account.counted:
        if flow.is_input and flow.payer is not None:
            paid[flow.payer] = paid.get(flow.payer, 0.0) + float(flow.present)
    return tuple(
        PartyTold(agent=agent, pays=amount, gains=None)
        for agent, amount in sorted(paid.items(), key=lambda item: (-item[1], item[0].value))
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
    rows = [(line.id, line.reason) for line in account.value_map.lines if not line.included]
    rows += [(item.outcome, item.reason) for item in account.value_map.dropped]
    rows += [(item.outcome, item.note) for item in account.value_map.not_monetised]
    return tuple(DroppedTold(outcome=outcome, reason=reason) for outcome, reason in rows)


def number_namer(account: Account) -> Callable[[str], NumberName]:
    """Return a reader of the names of uncertain numbers (`line.price.proxy`, `outcome/att`)."""
    effects = set(account.quantities.effects)
    lines = {line.id for line in account.value_map.lines}
    inputs = {item.id for item in account.value_map.inputs}

    def read(name: str) -> NumberName:
        if name in effects:
            return NumberName(what=EFFECT, outcome=name.split("/", 1)[0])
        owner, _, what = name.rpartition(".")
        if owner in lines:
            return NumberName(what=what, line=owner)
        if owner == MAP and owner not in inputs:
            return NumberName(what=what)
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


def _certain(account: Account) -> tuple[CertainRow, ...]:
    """Return what is taken for certain, and the net value with each number moved."""
    named, found = number_namer(account), certain_numbers(account)
    if isinstance(found, NotApplicable):
        return ()
    return tuple(
        CertainRow(
            number=named(row.name),
            value=float(row.value),
            low=float(row.low),
            high=float(row.high),
            net_low=float(row.net_low),
            net_high=float(row.net_high),
        )
        for row in found
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
        per_100 = found.people if line.quantity.unit in OF_PEOPLE else None
        out.append(
            SwitchTold(
                number=NumberName(what="quantity", line=line.line),
                per_100=None if per_100 is None else float(per_100),
                times=float(found.switching) if per_100 is None else None,
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
