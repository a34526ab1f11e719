"""A value map compiled to arrays: totals of many draws at once, without a loop over years.

The present value of a line is quantity x price x kept share x annuity, and the annuity depends on
the drop-off alone: years are folded once, whatever their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from impact_eval.value.account.doors import Account, ValueMap
from impact_eval.value.account.flow_ledger import ends_of, yearly_shape
from impact_eval.value.account.line_flows import (
    cashable_of,
    discount_of,
    real_price,
    share_of,
    unit_flows,
    yearly_price,
)
from impact_eval.value.account.quantity import LineQuantity
from impact_eval.value.map.choices import PUBLIC_AGENTS, Agent, FlowKind, InputKind
from impact_eval.value.map.declared import Input, Line, cell_of
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.laws import Distribution, fit, moments
from impact_eval.value.map.prices import ZERO, real_growth_factor

FloatArray = NDArray[np.float64]
Numbers = Mapping[str, FloatArray]
SHARES = ("deadweight", "displacement", "attribution")
BENEFITS, COSTS = "benefits", "costs"


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
class _Part:
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
    parts: tuple[_Part, ...]


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
    covariance : (k, k) array
    df : tuple of float or None
    draws : (b, k) array or None
    lines, inputs : compiled parts
    """

    columns: tuple[str, ...]
    uncertain: tuple[Uncertain, ...]
    effects: tuple[str, ...]
    effect_values: FloatArray
    covariance: FloatArray
    df: tuple[float | None, ...]
    draws: FloatArray | None
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
                    out[column] += sign * value
                if part.cash_columns:
                    share = numbers.get(f"{line.line}.cashable", line.cashable)
                    for column in part.cash_columns:
                        out[column] += part.cash_sign * (share * value)
        return out.T


def _volume(line: _CompiledLine, numbers: Numbers, model: Model) -> FloatArray | float:
    """Return units x annuity x kept share of a line."""
    kept = 1.0 - numbers.get(f"{line.line}.drop_off", line.drop_off)
    volume: FloatArray | float = 0.0
    for term in line.terms:
        annuity: FloatArray | float = 0.0
        for coefficient in reversed(term.coefficients):
            annuity = annuity * kept + coefficient
        if term.effect < 0:
            volume = volume + annuity * numbers.get(line.quantity, line.quantity_value)
        else:
            central = model.effect_values[term.effect]
            effect = numbers.get(model.effects[term.effect], central)
            volume = volume + (term.weight * annuity) * effect
    for name, central in line.shares:
        if central or name in numbers:
            volume = volume * (1.0 - numbers.get(name, central))
    persistence = numbers.get(f"{line.line}.persistence", line.persistence)
    volume = volume * persistence
    if line.divisor >= 0:
        central = model.effect_values[line.divisor]
        volume = volume / numbers.get(model.effects[line.divisor], central)
    if line.take_up_value != 1.0 or line.take_up in numbers:
        volume = volume / numbers.get(line.take_up, line.take_up_value)
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
        covariance=quantities.covariance,
        df=quantities.df,
        draws=quantities.draws,
        lines=lines,
        inputs=inputs,
    )


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
    law = fit(amount)
    if scale != 1.0:
        law = _scaled(amount, scale)
    uncertain.append(Uncertain(name=name, central=float(amount.value) * scale, law=law))


def _scaled(amount: Amount, scale: float) -> Distribution:
    factor = Decimal(repr(scale))
    assert amount.low is not None
    assert amount.high is not None
    return fit(
        Amount(
            value=amount.value * factor,
            low=amount.low * factor,
            high=amount.high * factor,
            law=amount.law,
        )
    )


def _input(
    item: Input, value_map: ValueMap, columns: _Columns, uncertain: list[Uncertain]
) -> _CompiledInput:
    price = real_price(Decimal(1), item.price_year, item.index, value_map)
    scale = float(price * discount_of(value_map).factor(item.year))
    factors = []
    for name in ("amount", "hours", "hourly_rate"):
        amount: Amount | None = getattr(item, name)
        if amount is not None and (name == "amount" or item.amount is None):
            factors.append((f"{item.id}.{name}", float(amount.value)))
            _note(amount, f"{item.id}.{name}", 1.0, uncertain)
    places = [columns(COSTS), columns(f"input:{item.payer.value}")]
    signs = [1.0, 1.0]
    if item.kind is InputKind.TRANSFER:
        assert item.receiver is not None
        places += [columns(BENEFITS), columns(f"agent:{item.receiver.value}")]
        signs += [1.0, 1.0]
        if item.receiver in PUBLIC_AGENTS:
            places.append(columns(f"cash:{item.receiver.value}"))
            signs.append(1.0)
    return _CompiledInput(
        id=item.id,
        factors=tuple(factors),
        scale=scale,
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
    for name in (*SHARES, "quantity", "take_up_share"):
        _note(cell_of(line, name), f"{line.id}.{name}", 1.0, uncertain)
    if not line.timing.lifetime and not line.timing.survival:
        _note(line.timing.drop_off, f"{line.id}.drop_off", 1.0, uncertain)
    if line.timing.lifetime:
        _note(line.timing.persistence, f"{line.id}.persistence", 1.0, uncertain)
    if line.price.cashable is not None:
        _note(line.price.cashable, f"{line.id}.cashable", 1.0, uncertain)
    parts = _parts(line, account.value_map, columns, uncertain, by_line)
    return _CompiledLine(
        line=line.id,
        terms=_terms(line, account.value_map, quantity),
        quantity=f"{line.id}.quantity",
        quantity_value=0.0
        if line.quantity.declared is None
        else float(line.quantity.declared.value),
        divisor=-1 if quantity.divisor is None else quantity.divisor,
        take_up=f"{line.id}.take_up_share",
        take_up_value=1.0
        if line.quantity.take_up_share is None
        else float(line.quantity.take_up_share.value),
        shares=tuple(
            (f"{line.id}.{name}", float(share_of(getattr(line.adjustments, name))))
            for name in SHARES
        ),
        drop_off=0.0
        if line.timing.lifetime or line.timing.survival
        else float(share_of(line.timing.drop_off)),
        persistence=(
            float(line.timing.persistence.value)
            if line.timing.lifetime and line.timing.persistence is not None
            else 1.0
        ),
        cashable=1.0 if line.price.cashable is None else float(line.price.cashable.value),
        parts=parts,
    )


def _terms(line: Line, value_map: ValueMap, quantity: LineQuantity) -> tuple[_Term, ...]:
    weights, steps = _year_weights(line, value_map, max(len(quantity.profile), 1))
    if not quantity.profile:
        polynomial = _polynomial(weights, steps, range(len(weights)))
        if not quantity.loads:
            return (_Term(effect=-1, weight=1.0, coefficients=polynomial),)
        return tuple(
            _Term(effect=load.effect, weight=float(load.weight), coefficients=polynomial)
            for load in quantity.loads
        )
    last = len(quantity.profile) - 1
    out = []
    for load in quantity.loads:
        years = [i for i in range(len(weights)) if min(i, last) == load.offset]
        if years:
            polynomial = _polynomial(weights, steps, years)
            out.append(
                _Term(effect=load.effect, weight=float(load.weight), coefficients=polynomial)
            )
    return tuple(out)


def _year_weights(line: Line, value_map: ValueMap, follow_up: int) -> tuple[list[float], list[int]]:
    """Return, by year, discounting x price growth x part of the year, and drop-off steps."""
    discount = discount_of(value_map)
    whole: tuple[Decimal, ...] = (Decimal(1),)
    if not line.timing.lifetime:
        whole = yearly_shape(
            duration=line.timing.duration, drop_off=ZERO, survival=line.timing.survival
        )
    weights, steps = [], []
    for i, share in enumerate(whole):
        year = line.timing.start + i
        growth = real_growth_factor(line.price.growth, year, discount.timing)
        weights.append(float(share * growth * discount.factor(year)))
        steps.append(
            0 if line.timing.lifetime or line.timing.survival else max(i - follow_up + 1, 0)
        )
    return weights, steps


def _polynomial(
    weights: Sequence[float], steps: Sequence[int], years: Sequence[int] | range
) -> tuple[float, ...]:
    out = [0.0] * (max((steps[i] for i in years), default=0) + 1)
    for i in years:
        out[steps[i]] += weights[i]
    return tuple(out)


def _parts(
    line: Line,
    value_map: ValueMap,
    columns: _Columns,
    uncertain: list[Uncertain],
    by_line: bool,
) -> tuple[_Part, ...]:
    scale = float(yearly_price(Decimal(1), line, value_map))
    out = []
    for flow in unit_flows(line):
        name = f"{line.id}.{flow.name or 'proxy'}"
        _note(flow.amount, name, scale, uncertain)
        ends = ends_of(flow.kind, flow.payer, flow.receiver)
        social = {FlowKind.TRANSFER: 0, FlowKind.RESOURCE_COST: -1}.get(ends.kind, 1)
        places, signs = [], []
        if social:
            places.append(columns(BENEFITS))
            signs.append(float(social * ends.sign))
            if by_line:
                places.append(columns(f"line:{line.id}"))
                signs.append(float(social * ends.sign))
        for agent, side in ((ends.receiver, 1), (ends.payer, -1)):
            if agent is not None:
                places.append(columns(f"agent:{agent.value}"))
                signs.append(float(side * ends.sign))
        cash = _cash_columns(ends.kind, ends.receiver, ends.payer, ends.avoided)
        recovered = [(columns(f"cash:{a.value}"), side * ends.sign) for a, side in cash]
        if ends.avoided and line.price.cashable is None:
            whole = float(cashable_of(line, flow.kind))
            recovered = [(c, s) for c, s in recovered if whole]
        if not ends.avoided:
            for column, side in recovered:
                places.append(column)
                signs.append(float(side))
            recovered = []
        for column, side in recovered:  # an avoided transfer has two ends, two signs
            out.append(
                _Part(
                    name=name,
                    price=float(flow.amount.value) * scale,
                    columns=(),
                    signs=(),
                    cash_sign=float(side),
                    cash_columns=(column,),
                )
            )
        out.append(
            _Part(
                name=name,
                price=float(flow.amount.value) * scale,
                columns=tuple(places),
                signs=tuple(signs),
                cash_sign=0.0,
                cash_columns=(),
            )
        )
    return tuple(out)


def _cash_columns(
    kind: FlowKind, receiver: Agent | None, payer: Agent | None, avoided: bool
) -> list[tuple[Agent, int]]:
    """Return which public budgets a flow moves, and in which direction.

    Gains that are not money (welfare, production) move no budget, unless they are avoided costs.
    """
    moves = kind is FlowKind.TRANSFER or kind is FlowKind.RESOURCE_COST or avoided
    if not moves:
        return []
    ends = ((receiver, 1), (payer, -1))
    return [(agent, side) for agent, side in ends if agent is not None and agent in PUBLIC_AGENTS]
