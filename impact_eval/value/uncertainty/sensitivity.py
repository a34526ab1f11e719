"""What the result owes to each number: tornado, grids, switching values, standard variants.

Switching values and variants are exact: the account is computed again, in decimals. The tornado
uses the compiled model, each number at its 5th and 95th percentile, never at an arbitrary ±20 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable, nearest
from impact_eval.value.account.doors import Account, ValueMap, account_from_quantities
from impact_eval.value.account.quantity import LineQuantity, declared_units
from impact_eval.value.map.declared import Line, cell_of, changed_line
from impact_eval.value.map.declared_cells import Amount
from impact_eval.value.map.laws import quantile
from impact_eval.value.map.parameters import catalogue
from impact_eval.value.map.prices import ONE, ZERO, exact, total
from impact_eval.value.uncertainty.asked import check_known, finite_row
from impact_eval.value.uncertainty.compiled import (
    BENEFITS,
    COSTS,
    Model,
    compile_model,
    draws_refused,
)

FloatArray = NDArray[np.float64]
DISCOUNT_RATES = tuple(Decimal(r) for r in ("0", "0.012", "0.032", "0.045"))
DISPLACEMENTS = tuple(Decimal(d) for d in ("0", "0.1", "0.25", "0.5"))
_SHARES = frozenset({"deadweight", "displacement", "attribution"})
FIELDS = ("quantity", "proxy", *sorted(_SHARES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a tornado: the net value and the ratio with one number low, then high."""

    name: str
    low: float
    high: float
    net_low: float
    net_high: float
    ratio_low: float | None
    ratio_high: float | None

    @property
    def width(self) -> float:
        """How far the number moves the net value."""
        return abs(self.net_high - self.net_low)


def tornado(account: Account, *, tail: float = 0.05) -> tuple[Bar, ...] | NotApplicable:
    """Move each uncertain number to its 5th and 95th percentile, the others at their centre.

    Parameters
    ----------
    account : Account
    tail : float
        0.05 by default.

    Returns
    -------
    tuple of Bar or NotApplicable
        Widest first; empty when nothing is uncertain. Refused as the draws are (see
        `draws_refused`): without the effect whose error is not known, the others would lead.
    """
    refusal = draws_refused(account)
    if refusal is not None:
        return refusal
    model = compile_model(account)
    bounds = _bounds(model, tail)
    if not bounds:
        return ()
    names = list(bounds)
    size = 2 * len(names)
    numbers = {n: np.full(size, c) for n, c in model.central().items()}
    for i, name in enumerate(names):
        numbers[name][2 * i : 2 * i + 2] = bounds[name]
    totals = model.totals(numbers, size)
    gained, paid = totals[:, model.column(BENEFITS)], totals[:, model.column(COSTS)]
    net = gained - paid
    bars = []
    for i, name in enumerate(names):
        low, high = 2 * i, 2 * i + 1
        ratios = [gained[k] / paid[k] if paid[k] > 0 else None for k in (low, high)]
        bars.append(
            Bar(
                name=name,
                low=float(bounds[name][0]),
                high=float(bounds[name][1]),
                net_low=float(net[low]),
                net_high=float(net[high]),
                ratio_low=None if ratios[0] is None else float(ratios[0]),
                ratio_high=None if ratios[1] is None else float(ratios[1]),
            )
        )
    return tuple(sorted(bars, key=lambda bar: (-bar.width, bar.name)))


def _bounds(model: Model, tail: float) -> dict[str, FloatArray]:
    tails = np.array([tail, 1 - tail])
    out = {item.name: quantile(item.law, tails) for item in model.uncertain}
    for k, name in enumerate(model.effects):
        if model.effect_laws.varies(k):
            out[name] = model.effect_laws.quantiles(k, tails)
    return out


# --- exact variants ---------------------------------------------------------------------------


def recomputed(account: Account, value_map: ValueMap) -> Account:
    """Compute the account again with another map, the estimated quantities unchanged.

    Declared quantities follow the map.
    """
    quantities = account.quantities
    lines = tuple(_declared(q, value_map.line(q.line)) for q in quantities.lines)
    return account_from_quantities(value_map, replace(quantities, lines=lines), account.tested)


def _declared(quantity: LineQuantity, line: Line) -> LineQuantity:
    if line.quantity.declared is None:
        return quantity
    return replace(quantity, value=declared_units(line.quantity))


def scaled_quantities(account: Account, lines: Sequence[str], factor: Decimal) -> Account:
    """Compute the account again with the quantity of some lines multiplied by a factor."""
    with exact():
        changed = tuple(
            replace(q, value=q.value * factor, profile=tuple(p * factor for p in q.profile))
            if q.line in lines
            else q
            for q in account.quantities.lines
        )
    quantities = replace(account.quantities, lines=changed)
    return account_from_quantities(account.value_map, quantities, account.tested)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountVariant:
    """The result under one changed assumption.

    `what` is its code (`discount_rate`, `displacement`, `without_line`, `source`, `prudent`…) and
    `value` what it was set to.
    """

    what: str
    value: str
    benefits: Decimal | NotApplicable
    costs: Decimal
    net: Decimal | NotApplicable
    ratio: Decimal | NotApplicable


def variant_of(
    what: str, value: str, account: Account, refusal: NotApplicable | None
) -> AccountVariant:
    """Read an account as a variant; what a guard refuses stays refused, net value included."""
    read = account.sroi()
    return AccountVariant(
        what=what,
        value=value,
        benefits=read.benefits if refusal is None else refusal,
        costs=read.costs,
        net=read.net if refusal is None else refusal,
        ratio=read.ratio if refusal is None else refusal,
    )


def discount_variants(
    account: Account, rates: Sequence[Decimal] = DISCOUNT_RATES
) -> tuple[AccountVariant, ...]:
    """Return the result at each rate (0, 1.2, 3.2 and 4.5 % by default, and the map's)."""
    own = account.value_map.settings.discount_rate
    out = []
    for rate in sorted({*rates, own}):
        changed = recomputed(account, at_one_rate(account.value_map, rate))
        out.append(variant_of("discount_rate", str(rate), changed, account.refusal))
    return tuple(out)


def at_one_rate(value_map: ValueMap, rate: Decimal) -> ValueMap:
    """Return a map discounted at one rate, whatever its schedule."""
    return value_map.with_settings(discount_rate=rate, discount_schedule=None)


def displacement_variants(
    account: Account, shares: Sequence[Decimal] = DISPLACEMENTS
) -> tuple[AccountVariant, ...]:
    """Return the result with each displacement on every line (none, a tenth, a quarter, a half)."""
    out = []
    for share in shares:
        lines = tuple(
            changed_line(line, {"displacement": Amount(value=share)})
            for line in account.value_map.lines
        )
        changed = recomputed(account, replace(account.value_map, lines=lines))
        out.append(variant_of("displacement", str(share), changed, account.refusal))
    return tuple(out)


def without_largest_line(account: Account) -> AccountVariant | NotApplicable:
    """Return the result without the line that counts most."""
    lines = [line for line in account.lines if line.included]
    if len(lines) < 2:
        return NotApplicable.because("one_line_only")
    largest = max(lines, key=lambda line: abs(line.present))
    return without_line(account, largest.line)


def without_line(account: Account, line: str) -> AccountVariant:
    """Return the result without one line."""
    _check_line(account, line)
    changed = recomputed(
        account, account.value_map.with_line(line, included=False, reason="sensitivity")
    )
    return variant_of("without_line", line, changed, account.refusal)


def source_variants(account: Account) -> tuple[AccountVariant, ...]:
    """Return the result with each rival source of a catalogue figure: conflicts are shown."""
    book = catalogue()
    out = []
    for line in account.value_map.lines:
        for rival in book.rivals(line.price.parameter or ""):
            changed = recomputed(
                account,
                account.value_map.with_line(
                    line.id,
                    proxy=rival.amount,
                    price_year=rival.price_year,
                    parameter=rival.id,
                    index=rival.index,
                ),
            )
            out.append(variant_of("source", f"{line.id} : {rival.id}", changed, account.refusal))
    return tuple(out)


def scenario_variants(account: Account) -> tuple[AccountVariant, ...]:
    """Return the prudent, central and optimistic results.

    Every number known with an interval is taken at the bound that lowers, then raises, the net
    value; estimated effects at the bounds of their interval. Where an effect has no known error,
    there is no prudent and no optimistic result: both are refused.
    """
    out = []
    unknown = draws_refused(account)
    for what, better in (("prudent", False), ("central", None), ("optimistic", True)):
        changed = account
        if better is not None:
            changed = _leaning(account, better=better)
        refusal = account.refusal if better is None else unknown
        out.append(variant_of(what, what, changed, refusal))
    return tuple(out)


def _leaning(account: Account, *, better: bool) -> Account:
    """Return the account with every interval at its better (or worse) bound."""
    signs = {line.line: line.present >= 0 for line in account.lines}
    lines = []
    for line in account.value_map.lines:
        changes = {}
        for name in ("proxy", "quantity", *_SHARES, "drop_off"):
            amount: Amount | None = cell_of(line, name)
            if amount is None or amount.certain:
                continue
            up = signs[line.id] == better  # more of what the line brings
            if name in _SHARES or name == "drop_off" or amount.value < 0:
                up = not up
            bound = amount.high if up else amount.low
            assert bound is not None
            changes[name] = replace(amount, value=bound)
        lines.append(changed_line(line, changes))
    changed = recomputed(account, replace(account.value_map, lines=tuple(lines)))
    for quantity in account.quantities.lines:
        up = (signs[quantity.line] == better) == (quantity.value >= 0)
        limit = quantity.conf_high if up else quantity.conf_low
        if limit is not None and quantity.value:
            with exact():
                factor = Decimal(repr(limit)) / quantity.value
            changed = scaled_quantities(changed, [quantity.line], factor)
    return changed


# --- switching values -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchingValue:
    """The value of a number at which the result changes sign.

    Attributes
    ----------
    lines : tuple of str
    field : str
        `quantity`, `proxy`, `deadweight`, `displacement` or `attribution`.
    current, switching : Decimal
        As a share of the present quantity or price for those two fields (1 is the present one).
    quantity : Decimal or None
        For one line and the field `quantity`: the number of units at which it switches.
    people : Decimal or None
        For one estimated line: that number by 100 people concerned.
    reachable : bool
        False when the switch lies outside 0 to 1 for a share, or below 0.
    """

    lines: tuple[str, ...]
    field: str
    current: Decimal
    switching: Decimal
    quantity: Decimal | None = None
    people: Decimal | None = None
    reachable: bool


def switching_value(
    account: Account, lines: Sequence[str], field: str
) -> SwitchingValue | NotApplicable:
    r"""Return the value at which the net value is zero (the ratio, one), in closed form.

    The net value is linear in a quantity, a price or a share of some lines, so that
    :math:`x^* = x_0 - f(x_0)(x_1-x_0)/(f(x_1)-f(x_0))` from two exact accounts.

    Parameters
    ----------
    account : Account
    lines : sequence of str
        Lines moved together.
    field : {"quantity", "proxy", "deadweight", "displacement", "attribution"}

    Returns
    -------
    SwitchingValue or NotApplicable
        `no_switch` when the lines do not move the result.

    Raises
    ------
    ImpactEvalError
        `unknown_line`, `unknown_option`.
    """
    for line in lines:
        _check_line(account, line)
    if field not in FIELDS:
        raise ImpactEvalError(
            Finding.error(
                "unknown_option", option="field", name=field, nearest=nearest(field, FIELDS),
                known=FIELDS,
            )
        )  # fmt: skip
    at = _mover(account, lines, field)
    zero, one = at(ZERO).sroi().net, at(ONE).sroi().net
    with exact():
        if zero == one:
            return NotApplicable.because("no_switch", lines=tuple(lines), field=field)
        switch = zero / (zero - one)
    current = ONE if field not in _SHARES else _current(account, lines, field)
    top = ONE if field in _SHARES else None
    count = people = None
    if field == "quantity" and len(lines) == 1:
        own = account.quantities.of(lines[0])
        with exact():
            count = switch * own.value
            weight = total(abs(load.weight) for load in own.loads if load.offset in (None, 0))
            people = 100 * count / weight if weight else None
    return SwitchingValue(
        lines=tuple(lines),
        field=field,
        current=current,
        switching=switch,
        quantity=count,
        people=people,
        reachable=switch >= 0 and (top is None or switch <= top),
    )


def _mover(account: Account, lines: Sequence[str], field: str) -> Callable[[Decimal], Account]:
    if field in ("quantity", "proxy"):
        return lambda x: scaled_quantities(account, lines, x)  # both multiply the line's value

    def at(x: Decimal) -> Account:
        changed = account.value_map
        for line in lines:
            changed = changed.with_line(line, **{field: Amount(value=x)})
        return recomputed(account, changed)

    return at


def _current(account: Account, lines: Sequence[str], field: str) -> Decimal:
    stated = [cell_of(account.value_map.line(name), field) for name in lines]
    return next((amount.value for amount in stated if amount is not None), ZERO)


def _check_line(account: Account, name: str) -> None:
    known = [line.id for line in account.value_map.lines]
    if name not in known:
        raise ImpactEvalError(
            Finding.error("unknown_line", name=name, nearest=nearest(name, known), known=known)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The net value and the ratio over two numbers.

    Attributes
    ----------
    first, second : str
    rows, columns : (a,), (b,) arrays
        Values of the first and of the second.
    net, ratio : (a, b) arrays
        The ratio is NaN where there is no cost.
    """

    first: str
    second: str
    rows: FloatArray
    columns: FloatArray
    net: FloatArray
    ratio: FloatArray


def two_way_grid(
    account: Account,
    first: str,
    rows: Sequence[float],
    second: str,
    columns: Sequence[float],
) -> Grid:
    """Return the result over a grid of two numbers, the others at their centre.

    Parameters
    ----------
    account : Account
    first, second : str
        `line.field` (`falls.deadweight`, `job.proxy` in money of the base year, `job.quantity`
        declared) or an effect (`employment/att`).
    rows, columns : sequences of float

    Raises
    ------
    ImpactEvalError
        `unknown_number`, `numbers_needed`.
    """
    model = compile_model(account)
    known = number_names(account, model)
    check_known((first, second), known)
    down, across = finite_row("rows", rows), finite_row("columns", columns)
    a, b = np.meshgrid(down, across, indexing="ij")
    totals = model.totals({first: a.ravel(), second: b.ravel()}, a.size)
    gained, paid = totals[:, model.column(BENEFITS)], totals[:, model.column(COSTS)]
    ratio = np.divide(gained, paid, out=np.full(a.size, np.nan), where=paid > 0)
    return Grid(
        first=first,
        second=second,
        rows=down,
        columns=across,
        net=(gained - paid).reshape(a.shape),
        ratio=ratio.reshape(a.shape),
    )


def number_names(account: Account, model: Model) -> tuple[str, ...]:
    """Return every number that can be moved: `line.field`, inputs, effects."""
    out = list(model.effects)
    for line in model.lines:
        out += [name for name, _ in line.shares]
        out += [f"{line.line}.{name}" for name in ("drop_off", "persistence", "cashable")]
        out += sorted({part.name for part in line.parts})
        if account.value_map.line(line.line).quantity.declared is not None:
            out.append(line.quantity)
        out.append(line.take_up)
    for item in model.inputs:
        out += [name for name, _ in item.factors]
    return tuple(out)
