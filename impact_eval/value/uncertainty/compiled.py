"""A value map on arrays: the formulas of its lines worked out for many draws at once.

The years of a line differ by their weight and their steps of drop-off: they are folded once into a
polynomial, whatever their number, and no draw loops over them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import NotApplicable
from impact_eval.value.account.doors import Account, ValueMap
from impact_eval.value.account.flow_ledger import public_sides, social_sign
from impact_eval.value.account.line_formula import (
    SHARES,
    Drawn,
    LineFormula,
    YearWeight,
    annuity,
    compile_input,
    compile_line,
    per_participant,
    share_of,
)
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.account.quantity_error import Load
from impact_eval.value.map.choices import PUBLIC_AGENTS
from impact_eval.value.map.declared import Input, Line, cell_of
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.laws import Distribution, fit, in_money_of, moments
from impact_eval.value.uncertainty.assumed_laws import assumed_shares
from impact_eval.value.uncertainty.effect_laws import (
    TwoSidedLaws,
    laws_of_effects,
    outside_interval,
)

FloatArray = NDArray[np.float64]
Numbers = Mapping[str, FloatArray]
LEFT = (0.0, 1.0)  # what a share leaves: a polynomial in 1 - x
BENEFITS, COSTS = "benefits", "costs"


class DrawnNumbers(Mapping[str, FloatArray]):
    """Numbers drawn when they are asked for: a line's, while they are in the cache."""

    @abstractmethod
    def through(self, name: str, coefficients: tuple[float, ...]) -> FloatArray:
        r"""Return :math:`\sum_k c_k (1-x)^k` of a number x: worked out once by value of a table."""


def _through(numbers: Numbers, name: str, central: float, coefficients: tuple[float, ...]) -> Drawn:
    """Return a polynomial in 1 - x of a number, central when it is not drawn."""
    if name not in numbers:
        return annuity(coefficients, central)
    if isinstance(numbers, DrawnNumbers):
        return numbers.through(name, coefficients)
    return annuity(coefficients, numbers[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """A number of the map that is uncertain: `line.field`, its central value, its law."""

    name: str
    central: float
    law: Distribution

    @property
    def mean(self) -> float:
        """The mean of its law."""
        return moments(self.law)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    """One load of a line: the effect (or -1), its weight, and the annuity as a polynomial.

    The annuity is sum of `coefficients[k] * (1 - drop_off)**k`.
    """

    effect: int
    weight: float
    coefficients: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FlowPart:
    """One unit flow of a line: its price (certain or named), and what it adds to each total."""

    name: str
    price: float
    columns: tuple[int, ...]
    signs: tuple[float, ...]
    cash_sign: float
    cash_columns: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompiledLine:
    line: str
    terms: tuple[_Term, ...]
    quantity: str
    quantity_value: float
    divisor: int
    take_up: str
    take_up_value: float
    shares: tuple[tuple[str, float], ...]
    drop_off: float
    persistence: float
    cashable: float
    parts: tuple[_FlowPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CompiledInput:
    id: str
    factors: tuple[tuple[str, float], ...]
    scale: float
    columns: tuple[int, ...]
    signs: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A compiled map.

    Attributes
    ----------
    columns : tuple of str
        Totals: `benefits`, `costs`, `agent:x` (account from outcomes), `input:x` (paid in),
        `cash:x` (budget effect of outcomes), `line:y` (social value of a line).
    uncertain : tuple of Uncertain
    effects : tuple of str
    effect_values : (k,) array
    effect_laws : TwoSidedLaws
    lines, inputs : compiled parts
    """

    columns: tuple[str, ...]
    uncertain: tuple[Uncertain, ...]
    effects: tuple[str, ...]
    effect_values: FloatArray
    effect_laws: TwoSidedLaws
    lines: tuple[_CompiledLine, ...]
    inputs: tuple[_CompiledInput, ...]

    def column(self, name: str) -> int:
        """Return the place of a total."""
        return self.columns.index(name)

    def central(self) -> dict[str, float]:
        """Return the central value of every uncertain number, effects included."""
        out = {item.name: item.central for item in self.uncertain}
        out.update(dict(zip(self.effects, self.effect_values.tolist(), strict=True)))
        return out

    def totals(self, numbers: Numbers, size: int) -> FloatArray:
        """Return the totals of `size` draws.

        Parameters
        ----------
        numbers : mapping of str to (size,) array
            Uncertain numbers and effects; one that is absent keeps its central value.
        size : int

        Returns
        -------
        (size, len(columns)) array
        """
        out = np.zeros((len(self.columns), size))
        for item in self.inputs:
            paid = np.full(size, item.scale)
            for name, central in item.factors:
                paid *= numbers.get(name, central)
            for column, sign in zip(item.columns, item.signs, strict=True):
                out[column] += sign * paid
        for line in self.lines:
            volume = _volume(line, numbers, self)
            for part in line.parts:
                price = numbers.get(part.name, part.price)
                value = volume * price
                for column, sign in zip(part.columns, part.signs, strict=True):
                    if sign > 0:
                        out[column] += value
                    else:
                        out[column] -= value
                if part.cash_columns:
                    share = numbers.get(f"{line.line}.cashable", line.cashable)
                    for column in part.cash_columns:
                        out[column] += part.cash_sign * (share * value)
        return out.T


def _volume(line: _CompiledLine, numbers: Numbers, model: Model) -> Drawn:
    """Return units x annuity x kept share of a line."""
    drop_off = f"{line.line}.drop_off"
    volume: Drawn = 0.0
    for term in line.terms:
        years = _through(numbers, drop_off, line.drop_off, term.coefficients)
        if term.effect < 0:
            volume = volume + years * numbers.get(line.quantity, line.quantity_value)
        else:
            central = model.effect_values[term.effect]
            effect = numbers.get(model.effects[term.effect], central)
            volume = volume + (term.weight * years) * effect
    for name, share in line.shares:
        if share or name in numbers:
            volume = volume * _through(numbers, name, share, LEFT)
    persistence = f"{line.line}.persistence"
    if line.persistence != 1.0 or persistence in numbers:
        volume = volume * numbers.get(persistence, line.persistence)
    if line.divisor >= 0:
        central = model.effect_values[line.divisor]
        volume = per_participant(volume, numbers.get(model.effects[line.divisor], central))
    if line.take_up_value != 1.0 or line.take_up in numbers:
        volume = per_participant(volume, numbers.get(line.take_up, line.take_up_value))
    return volume


def compile_model(account: Account, *, by_line: bool = False) -> Model:
    """Compile an account's map and quantities to arrays.

    Parameters
    ----------
    account : Account
    by_line : bool
        Also keep the social value of each line as a total.

    Returns
    -------
    Model
    """
    columns = _Columns()
    value_map = account.value_map
    uncertain: list[Uncertain] = []
    inputs = tuple(_input(i, value_map, columns, uncertain) for i in value_map.inputs)
    lines = tuple(
        _line(line, account, columns, uncertain, by_line)
        for line in value_map.lines
        if line.included
    )
    quantities = account.quantities
    return Model(
        columns=tuple(columns.names),
        uncertain=tuple(uncertain),
        effects=quantities.effects,
        effect_values=quantities.values,
        effect_laws=laws_of_effects(quantities),
        lines=lines,
        inputs=inputs,
    )


def draws_refused(account: Account) -> NotApplicable | None:
    """Return why nothing may be read from the draws of an account: a guard, or an unknown error.

    An effect whose error is not known is drawn at its centre, which is no law of it: what rests on
    it has no interval and no chance.

    Returns
    -------
    NotApplicable or None
        The guards' refusal; `effect_without_error` (an interval open on one side included) or
        `effect_outside_interval`, with the outcomes.
    """
    if account.refusal is not None:
        return account.refusal
    quantities = account.quantities
    used: set[str] = set()
    for line in account.value_map.lines:
        if line.included:
            own = quantities.of(line.id)
            ranks = [load.effect for load in own.loads]
            ranks += [] if own.divisor is None else [own.divisor]
            used |= {quantities.effects[k] for k in ranks}
    for reason, names in (
        ("effect_without_error", quantities.without_error),
        ("effect_outside_interval", outside_interval(quantities)),
    ):
        outcomes = dict.fromkeys(name.split("/", 1)[0] for name in names if name in used)
        if outcomes:
            return NotApplicable.because(reason, outcomes=tuple(outcomes))
    return None


class _Columns:
    """The totals met while compiling, in order."""

    def __init__(self) -> None:
        self.names = [BENEFITS, COSTS]

    def __call__(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


def _note(amount: Amount | None, name: str, scale: float, uncertain: list[Uncertain]) -> None:
    """Remember an uncertain number; `scale` puts a price in money of the base year."""
    if amount is None or amount.certain:
        return
    law = in_money_of(fit(amount), scale)
    uncertain.append(Uncertain(name=name, central=float(amount.value) * scale, law=law))


def _input(
    item: Input, value_map: ValueMap, columns: _Columns, uncertain: list[Uncertain]
) -> _CompiledInput:
    formula = compile_input(item, value_map)
    for name, amount in formula.factors:
        _note(amount, f"{item.id}.{name}", 1.0, uncertain)
    places = [columns(COSTS), columns(f"input:{item.payer.value}")]
    signs = [1.0, 1.0]
    receiver = formula.ends.receiver
    if receiver is not None:
        places += [columns(BENEFITS), columns(f"agent:{receiver.value}")]
        signs += [1.0, 1.0]
        if receiver in PUBLIC_AGENTS:
            places.append(columns(f"cash:{receiver.value}"))
            signs.append(1.0)
    return _CompiledInput(
        id=item.id,
        factors=tuple((f"{item.id}.{name}", float(f.value)) for name, f in formula.factors),
        scale=float(formula.scale * formula.discount),
        columns=tuple(places),
        signs=tuple(signs),
    )


def _line(
    line: Line,
    account: Account,
    columns: _Columns,
    uncertain: list[Uncertain],
    by_line: bool,
) -> _CompiledLine:
    quantity = account.quantities.of(line.id)
    formula = compile_line(line, account.value_map, len(quantity.profile))
    count, timing = line.quantity, line.timing
    for name in (*SHARES, "quantity", "take_up_share"):
        _note(cell_of(line, name), f"{line.id}.{name}", 1.0, uncertain)
    if not timing.lifetime and not timing.survival:
        _note(timing.drop_off, f"{line.id}.drop_off", 1.0, uncertain)
    if timing.lifetime:
        _note(timing.persistence, f"{line.id}.persistence", 1.0, uncertain)
    _note(line.price.cashable, f"{line.id}.cashable", 1.0, uncertain)
    for name, law in assumed_shares(line, formula).items():
        central = float(cell_of(line, name).value)
        uncertain.append(Uncertain(name=f"{line.id}.{name}", central=central, law=law))
    shares = zip(SHARES, formula.shares, strict=True)
    return _CompiledLine(
        line=line.id,
        terms=_terms(formula, quantity),
        quantity=f"{line.id}.quantity",
        quantity_value=float(share_of(count.declared)),
        divisor=-1 if quantity.divisor is None else quantity.divisor,
        take_up=f"{line.id}.take_up_share",
        take_up_value=1.0 if count.take_up_share is None else float(count.take_up_share.value),
        shares=tuple((f"{line.id}.{name}", float(share)) for name, share in shares),
        drop_off=float(formula.drop_off),
        persistence=float(formula.persistence),
        cashable=1.0 if line.price.cashable is None else float(line.price.cashable.value),
        parts=_parts(line, formula, columns, uncertain, by_line),
    )


def _terms(formula: LineFormula, quantity: LineQuantity) -> tuple[_Term, ...]:
    """Return the loads of a line, each with the years that it feeds folded."""
    if not quantity.loads:
        return (_Term(effect=-1, weight=1.0, coefficients=_polynomial(formula.years)),)
    last = len(quantity.profile) - 1
    fed: list[tuple[Load, Sequence[YearWeight]]] = [
        (
            load,
            [
                year
                for year in formula.years
                if load.offset is None or min(year.age, last) == load.offset
            ],
        )
        for load in quantity.loads
    ]
    return tuple(
        _Term(effect=load.effect, weight=float(load.weight), coefficients=_polynomial(years))
        for load, years in fed
        if years
    )


def _polynomial(years: Sequence[YearWeight]) -> tuple[float, ...]:
    """Fold years by their steps of drop-off: discounting x price growth x part of the year."""
    out = [0.0] * (max(year.steps for year in years) + 1)
    for year in years:
        out[year.steps] += float(year.part * year.growth * year.discount)
    return tuple(out)


def _parts(
    line: Line,
    formula: LineFormula,
    columns: _Columns,
    uncertain: list[Uncertain],
    by_line: bool,
) -> tuple[_FlowPart, ...]:
    out = []
    for flow in formula.parts:
        name, scale, ends = f"{line.id}.{flow.name or 'proxy'}", float(flow.scale), flow.ends
        _note(flow.amount, name, scale, uncertain)
        price = float(flow.amount.value) * scale
        social = social_sign(ends.kind)
        sums: list[tuple[int, float]] = []
        if social:
            sums.append((columns(BENEFITS), float(social * ends.sign)))
            if by_line:
                sums.append((columns(f"line:{line.id}"), float(social * ends.sign)))
        for agent, side in ((ends.receiver, 1), (ends.payer, -1)):
            if agent is not None:
                sums.append((columns(f"agent:{agent.value}"), float(side * ends.sign)))
        sides = public_sides(ends.kind, ends.payer, ends.receiver, avoided=ends.avoided)
        budgets = [(columns(f"cash:{agent.value}"), float(side)) for agent, side in sides]
        if not ends.avoided:
            sums += budgets
        elif line.price.cashable is not None or flow.cashable:
            # of what is avoided a budget recovers a share, that of each end with its own sign
            out += [_part(name, price, (), budget) for budget in budgets]
        out.append(_part(name, price, sums))
    return tuple(out)


def _part(
    name: str,
    price: float,
    sums: Sequence[tuple[int, float]],
    budget: tuple[int, float] | None = None,
) -> _FlowPart:
    return _FlowPart(
        name=name,
        price=price,
        columns=tuple(column for column, _ in sums),
        signs=tuple(sign for _, sign in sums),
        cash_sign=0.0 if budget is None else budget[1],
        cash_columns=() if budget is None else (budget[0],),
    )
