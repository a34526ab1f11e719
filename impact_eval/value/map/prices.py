"""Prices of one year, and what a later euro is worth: exact decimal arithmetic.

Amounts are `Decimal` with 50 significant digits; flows are set on a grid of 1e-20 (`settle`), so
that sums are exact in whatever order they are made: an account closes to zero, not to 1e-12.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal, localcontext

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.value.map.choices import Mark, Timing

PRECISION = 50
_GRID = Decimal("1e-20")
_CENT = Decimal("0.01")
ZERO, ONE, HALF = Decimal(0), Decimal(1), Decimal("0.5")


@contextmanager
def exact() -> Iterator[None]:
    """Work with 50 significant digits inside the block."""
    with localcontext() as context:
        context.prec = PRECISION
        yield


def settle(amount: Decimal) -> Decimal:
    """Set an amount on the grid of 1e-20, on which additions are exact."""
    with exact():
        return amount.quantize(_GRID, rounding=ROUND_HALF_EVEN)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts without rounding; a generator is worked out at full precision too."""
    with exact():
        return sum(amounts, ZERO)


def less(amount: Decimal, other: Decimal) -> Decimal:
    """Subtract without rounding."""
    with exact():
        return amount - other


def decimal_of(value: float) -> Decimal:
    """Return the decimal that a person reads for a float: its shortest exact writing."""
    return Decimal(repr(float(value)))


def exponent(year: int, timing: Timing) -> Decimal:
    """Return how many years an amount of this year is discounted; year 0 is today."""
    if year == 0:
        return ZERO
    shift = {Timing.END: ZERO, Timing.MID: HALF, Timing.START: ONE}[timing]
    return Decimal(year) - shift


def moment_in_years(start: Decimal, end: Decimal, timing: Timing) -> Decimal:
    """Return when an amount falls that covers part of a year, in years from today.

    At the end of its year, at the middle of the part, or at its start; a whole year as `exponent`.

    Examples
    --------
    >>> half = Decimal("0.5"), Decimal(1)
    >>> [str(moment_in_years(*half, timing)) for timing in (Timing.END, Timing.MID, Timing.START)]
    ['1', '0.75', '0.5']
    """
    if timing is Timing.START:
        return start
    if timing is Timing.MID:
        return (start + end) / 2
    return end.to_integral_value(rounding=ROUND_CEILING)


def discount_factor(rate: Decimal, year: int, timing: Timing = Timing.END) -> Decimal:
    r"""Return :math:`1/(1+r)^t` (end), :math:`t-\tfrac12` (mid) or :math:`t-1` (start of the year).

    Parameters
    ----------
    rate : Decimal
        Real rate per year; greater than -1.
    year : int
        1 is the first year of the action; 0 is today, never discounted.
    timing : Timing

    Returns
    -------
    Decimal
        50 significant digits.

    Examples
    --------
    >>> round(discount_factor(Decimal("0.032"), 5), 6)
    Decimal('0.854283')
    >>> round(discount_factor(Decimal("0.032"), 5, Timing.MID), 6)
    Decimal('0.867843')
    """
    with exact():
        power: Decimal = (ONE + rate) ** exponent(year, timing)
        return ONE / power


def real_growth_factor(growth: Decimal, year: int, timing: Timing = Timing.END) -> Decimal:
    r"""Return :math:`(1+g)^t`, the relative price of a later year (life, carbon), same exponent."""
    return growth_over(growth, exponent(year, timing))


def growth_over(growth: Decimal, years: Decimal) -> Decimal:
    r"""Return :math:`(1+g)^t` for any length of time."""
    with exact():
        power: Decimal = (ONE + growth) ** years
        return power


def risky_rate(beta: Decimal, *, free: Decimal, premium: Decimal) -> Decimal:
    """Return the French rate: risk-free + beta times the premium.

    Examples
    --------
    >>> risky_rate(Decimal(1), free=Decimal("0.012"), premium=Decimal("0.02"))
    Decimal('0.032')
    """
    with exact():
        return free + beta * premium


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceIndex:
    """A price index by year.

    Attributes
    ----------
    id : str
    values : mapping of int to Decimal
        Year to index.
    marks : mapping of int to Mark
        How each year is known.
    source : str
    currency : str
        Of the prices that it follows; "" where it does not say.
    """

    id: str
    values: Mapping[int, Decimal]
    marks: Mapping[int, Mark]
    source: str
    currency: str = ""

    def factor(self, from_year: int, to_year: int) -> Decimal:
        """Return I_to / I_from.

        Raises
        ------
        ImpactEvalError
            `price_year_unknown`.
        """
        missing = [y for y in (from_year, to_year) if y not in self.values]
        if from_year == to_year:
            return ONE
        if missing:
            raise ImpactEvalError(
                Finding.error(
                    "price_year_unknown",
                    years=missing,
                    index=self.id,
                    first=min(self.values),
                    last=max(self.values),
                )
            )
        with exact():
            return self.values[to_year] / self.values[from_year]


def rebase(amount: Decimal, from_year: int, to_year: int, index: PriceIndex) -> Decimal:
    r"""Put an amount in the euros of another year: :math:`x_B = x_y I_B / I_y`."""
    with exact():
        return amount * index.factor(from_year, to_year)
