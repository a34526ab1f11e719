"""From an effect to a quantity: people times effect, with the covariance across outcomes kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import (
    Finding,
    FindingCollector,
    ImpactEvalError,
    NotApplicable,
)
from impact_eval.core.provenance import stable_number
from impact_eval.core.vocabulary import Direction, Unit
from impact_eval.value.account.deadweight import Deadweight, TreatedMean, deadweight_of
from impact_eval.value.account.effect_bounds import PrintedInterval, bounds_of
from impact_eval.value.account.joint_effects import common_draws, covariance_across_estimates
from impact_eval.value.account.line_demands import (
    at_line,
    net_faults,
    people_missing,
    people_of_line,
    unit_faults,
    unknown_outcome,
)
from impact_eval.value.account.line_formula import per_participant
from impact_eval.value.account.quantity_error import EffectLaw, Load, error_of_quantity
from impact_eval.value.account.study_facts import NO_FACTS, Facts, OutcomeFacts
from impact_eval.value.map.choices import QuantitySource
from impact_eval.value.map.declared import Line, LineCount, MapContent
from impact_eval.value.map.prices import ONE, decimal_of, exact

FloatArray = NDArray[np.float64]

_HUNDREDTHS = frozenset({Unit.PERCENT})
_MEAN_KEYS = ("treated_mean", "mean_treated_after", "mean_treated")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineQuantity:
    """The quantity of one line.

    Attributes
    ----------
    line : str
    source : QuantitySource
    counterfactual : bool or None
        Whether the effect is net of what would have happened anyway; None for a declared quantity.
    unit : Unit
    value : Decimal
        Units in the first year.
    profile : tuple of Decimal
        Units by year of an event study; empty when the same every year.
    loads : tuple of Load
    divisor : int or None
        Effect that gives the take-up by which the rest is divided.
    std_error, conf_low, conf_high : float or None
        Of `value`.
    deadweight : Deadweight or NotApplicable
    observed : int or None
        People accompanied on whom the effect was measured; None when unknown. In memory only.
    """

    line: str
    source: QuantitySource
    counterfactual: bool | None
    unit: Unit
    value: Decimal
    profile: tuple[Decimal, ...] = ()
    loads: tuple[Load, ...] = ()
    divisor: int | None = None
    std_error: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    deadweight: Deadweight | NotApplicable
    observed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Quantities:
    """All quantities of a map, and the joint law of the effects behind them.

    Attributes
    ----------
    lines : tuple of LineQuantity
    effects : tuple of str
        Names of the k effects used (`outcome/term`).
    values : (k,) array
    covariance : (k, k) array
        Joint, across outcomes of the same people; zero where an effect has no error.
    df : tuple of float or None
        Student degrees of freedom of each effect; None is the normal law.
    bounds : tuple of PrintedInterval or None
        The printed interval of each effect; None when its error is not known.
    draws : (b, k) array or None
        Draws of the estimators themselves, when every effect has as many; in memory only.
    findings : tuple of Finding
    """

    lines: tuple[LineQuantity, ...]
    effects: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    df: tuple[float | None, ...]
    bounds: tuple[PrintedInterval | None, ...]
    draws: FloatArray | None = None
    findings: tuple[Finding, ...] = ()

    def of(self, line: str) -> LineQuantity:
        """Return the quantity of a line."""
        return next(q for q in self.lines if q.line == line)

    @property
    def without_error(self) -> tuple[str, ...]:
        """Names of the effects whose error is not known: nothing may be drawn from them."""
        cells = zip(self.effects, self.bounds, strict=True)
        return tuple(name for name, bounds in cells if bounds is None)


class _Pool:
    """Effects gathered while lines are read: each once, with its estimate and position."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.rows: list[tuple[Estimate, int]] = []

    def add(self, outcome: str, estimate: Estimate, row: int) -> int:
        name = f"{outcome}/{estimate.effects[row].key}"
        if name not in self.names:
            self.names.append(name)
            self.rows.append((estimate, row))
        return self.names.index(name)


def quantities_of(
    value_map: MapContent,
    estimates: Mapping[str, Estimate],
    *,
    people: float | None = None,
    units: Mapping[str, Unit] | None = None,
    facts: Facts = NO_FACTS,
) -> Quantities:
    r"""Compute :math:`q_i = \sum_k n_{ik} \hat\tau_k` for every line, with errors and covariance.

    Parameters
    ----------
    value_map : MapContent
    estimates : mapping of str to Estimate
    people : float, optional
        People concerned, where neither the line nor the map says.
    units : mapping of str to Unit, optional
    facts : mapping of str to OutcomeFacts, optional
        What the study knows of each outcome.

    Returns
    -------
    Quantities

    Raises
    ------
    ImpactEvalError
        `unknown_estimate`, `unit_mismatch`, `unit_not_countable`, `no_people`, `term_needed`,
        `unknown_term`, `effect_undefined`, `deadweight_on_net_effect`; all lines at once.
    """
    faults = FindingCollector()
    pool = _Pool()
    found = []
    for number, line in enumerate(value_map.lines, start=1):
        if line.quantity.estimate is None:
            found.append(declared_quantity(line))
            continue
        try:
            found.append(
                _estimated(line, value_map, estimates, _Context(people, units or {}, facts, pool))
            )
        except ImpactEvalError as error:
            faults.add(*(at_line(finding, line, number) for finding in error.findings))
    faults.raise_if_errors()
    covariance, notes = covariance_across_estimates(pool.rows)
    values = np.array([_read(estimate, row) for estimate, row in pool.rows])
    effects = tuple(estimate.effects[row] for estimate, row in pool.rows)
    bounds = tuple(bounds_of(effect) for effect in effects)
    df = tuple(effect.df for effect in effects)
    law = EffectLaw(values=values, covariance=covariance, bounds=bounds, df=df)
    lines = tuple(_with_error(q, law) for q in found)
    return Quantities(
        lines=lines,
        effects=tuple(pool.names),
        values=values,
        covariance=covariance,
        df=df,
        bounds=bounds,
        draws=common_draws(pool.rows),
        findings=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Context:
    people: float | None
    units: Mapping[str, Unit]
    facts: Facts
    pool: _Pool


def declared_units(count: LineCount) -> Decimal:
    """Return the units that a line declares, of those who took part."""
    assert count.declared is not None
    if count.take_up_share is None:
        return count.declared.value
    with exact():
        return per_participant(count.declared.value, count.take_up_share.value)


def declared_quantity(line: Line) -> LineQuantity:
    """Return the quantity of a line that states it."""
    assert line.quantity.unit is not None
    return LineQuantity(
        line=line.id,
        source=QuantitySource.DECLARED,
        counterfactual=None,
        unit=line.quantity.unit,
        value=declared_units(line.quantity),
        deadweight=NotApplicable.because("deadweight_declared", line=line.id),
    )


def _estimated(
    line: Line, value_map: MapContent, estimates: Mapping[str, Estimate], context: _Context
) -> LineQuantity:
    assert line.quantity.estimate is not None
    assert line.quantity.unit is not None
    estimate = estimates.get(line.quantity.estimate)
    if estimate is None:
        raise ImpactEvalError(
            unknown_outcome(line, line.quantity.estimate, estimates, column="estimate")
        )
    faults = FindingCollector()
    own = context.units.get(line.quantity.estimate) or estimate.details.get("unit")
    faults.add(*unit_faults(line, None if own is None else Unit(own)))
    if estimate.counterfactual:
        faults.add(*net_faults(line))
    people = people_of_line(line, value_map, context.people)
    if not people:
        faults.add(people_missing(line))
    faults.raise_if_errors()
    loads = _loads(line, estimate, people, context.pool)
    divisor = _divisor(line, estimates, context.pool)
    by_year = _by_year(loads, context.pool, _take_up(line, divisor, context.pool))
    first = next((i for i in by_year.values()), Decimal(0))
    facts = context.facts.get(line.quantity.estimate)
    return LineQuantity(
        line=line.id,
        source=QuantitySource.ESTIMATE,
        counterfactual=estimate.counterfactual,
        unit=line.quantity.unit,
        value=first,
        profile=tuple(by_year.values()) if loads[0].offset is not None else (),
        loads=loads,
        divisor=divisor,
        deadweight=_deadweight(line, estimate, loads, context.pool, facts),
        observed=estimate.effects[0].n_treated if facts is None else facts.people,
    )


def _loads(
    line: Line, estimate: Estimate, people: Mapping[str, Decimal], pool: _Pool
) -> tuple[Load, ...]:
    assert line.quantity.estimate is not None
    sign = Decimal(-1) if line.quantity.direction is Direction.LOWER else ONE
    with exact():
        unit = sign / 100 if line.quantity.unit in _HUNDREDTHS else sign
        if set(people) != {""}:
            source = _holding(estimate, people)
            rows = [_row(source, key) for key in people]
            weights = [n * unit for n in people.values()]
            offsets: list[int | None] = [None] * len(rows)
        else:
            source, rows, offsets = _rows(line, estimate)
            weights = [people[""] * unit] * len(rows)
    for row in rows:
        if source.effects[row].estimate is None:
            raise ImpactEvalError(
                Finding.error(
                    "effect_undefined", term=source.effects[row].key, name=line.quantity.estimate
                )
            )
    return tuple(
        Load(effect=pool.add(line.quantity.estimate, source, row), weight=weight, offset=offset)
        for row, weight, offset in zip(rows, weights, offsets, strict=True)
    )


def _row(estimate: Estimate, key: str) -> int:
    return estimate.effects.index(estimate[key])


def _kinds(estimate: Estimate) -> tuple[str, ...]:
    return () if estimate.aggregator is None else tuple(estimate.aggregator.kinds)


def _holding(estimate: Estimate, keys: Mapping[str, Decimal]) -> Estimate:
    """Return the estimate, or its aggregation by group, whichever has these rows."""
    known = {effect.key for effect in estimate.effects}
    if not set(keys) <= known and "group" in _kinds(estimate):
        return estimate.aggregate("group")
    return estimate


def _rows(line: Line, estimate: Estimate) -> tuple[Estimate, list[int], list[int | None]]:
    if line.quantity.term == "event":
        source = estimate
        if not any(e.term == "event" for e in estimate.effects) and "event" in _kinds(estimate):
            source = estimate.aggregate("event")
        timed = [
            (float(e.time), i)
            for i, e in enumerate(source.effects)
            if e.term == "event" and isinstance(e.time, (int, float)) and e.time >= 0
        ]
        if not timed:
            raise ImpactEvalError(Finding.error("no_event_study", name=line.quantity.estimate))
        timed.sort()
        return source, [i for _, i in timed], list(range(len(timed)))
    if line.quantity.term is not None:
        return estimate, [_row(estimate, line.quantity.term)], [None]
    if len(estimate.effects) > 1 and "simple" in _kinds(estimate):
        estimate = estimate.aggregate("simple")
    if len(estimate.effects) > 1:
        keys = [e.key for e in estimate.effects]
        main = [i for i, e in enumerate(estimate.effects) if e.key == "att"]
        if len(main) == 1:
            return estimate, main, [None]
        raise ImpactEvalError(Finding.error("term_needed", name=line.quantity.estimate, known=keys))
    return estimate, [0], [None]


def _divisor(line: Line, estimates: Mapping[str, Estimate], pool: _Pool) -> int | None:
    if line.quantity.take_up is None:
        return None
    estimate = estimates.get(line.quantity.take_up)
    if estimate is None:
        raise ImpactEvalError(
            unknown_outcome(line, line.quantity.take_up, estimates, column="take_up")
        )
    value = estimate.effects[0].estimate
    if not value or value <= 0:
        raise ImpactEvalError(Finding.error("take_up_zero", found=value))
    return pool.add(line.quantity.take_up, estimate, 0)


def _read(estimate: Estimate, row: int) -> float:
    """Return an effect with the digits that every machine agrees on: the account is exact after."""
    value = stable_number(float(estimate.estimates[row]))
    assert value is not None
    return value


def _take_up(line: Line, divisor: int | None, pool: _Pool) -> Decimal:
    if divisor is not None:
        estimate, row = pool.rows[divisor]
        return decimal_of(_read(estimate, row))
    return ONE if line.quantity.take_up_share is None else line.quantity.take_up_share.value


def _by_year(loads: Sequence[Load], pool: _Pool, take_up: Decimal) -> dict[int | None, Decimal]:
    out: dict[int | None, Decimal] = {}
    with exact():
        for load in loads:
            estimate, row = pool.rows[load.effect]
            part = per_participant(load.weight * decimal_of(_read(estimate, row)), take_up)
            out[load.offset] = out.get(load.offset, Decimal(0)) + part
    return out


def _deadweight(
    line: Line,
    estimate: Estimate,
    loads: Sequence[Load],
    pool: _Pool,
    facts: OutcomeFacts | None,
) -> Deadweight | NotApplicable:
    if not estimate.counterfactual:
        return NotApplicable.because("deadweight_without_comparison", line=line.id)
    if len(loads) != 1:
        return NotApplicable.because("deadweight_many_effects", line=line.id)
    assert line.quantity.unit is not None
    source, row = pool.rows[loads[0].effect]
    direction = line.quantity.direction or Direction.HIGHER
    mean = _treated_mean(line, estimate, facts)
    return deadweight_of(source.effects[row], line.quantity.unit, direction, mean, line.id)


def _treated_mean(line: Line, estimate: Estimate, facts: OutcomeFacts | None) -> TreatedMean | None:
    """Return the mean of participants: the map's own, the design's, or the study's."""
    count, details = line.quantity, estimate.details
    if count.treated_mean is not None:
        error = None if count.treated_mean_se is None else float(count.treated_mean_se)
        return TreatedMean(value=float(count.treated_mean), error=error)
    told = next((details[key] for key in _MEAN_KEYS if details.get(key) is not None), None)
    if told is not None:
        return TreatedMean(value=float(told), error=None if facts is None else facts.mean_error)
    if facts is None or facts.mean is None:
        return None
    return TreatedMean(value=facts.mean, error=facts.mean_error)


def _with_error(quantity: LineQuantity, law: EffectLaw) -> LineQuantity:
    error = error_of_quantity(quantity.value, quantity.loads, quantity.divisor, law)
    if error is None:
        return quantity
    return replace(
        quantity, std_error=error.std_error, conf_low=error.conf_low, conf_high=error.conf_high
    )
