"""The SROI read-out: present value, ratio, net value, payback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from impact_eval.core.findings import NotApplicable
from impact_eval.value.map.prices import ZERO, exact, less, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Sroi:
    """Social return on investment.

    Attributes
    ----------
    benefits, costs : Decimal
        Present values of what is gained and of what is put in.
    net : Decimal
        benefits - costs.
    ratio, net_ratio : Decimal or NotApplicable
        benefits / costs and net / costs.
    positive, negative : Decimal
        Parts of `benefits`.
    payback_months : Decimal or NotApplicable
        The Guide's: costs over a month of the first year, without discounting or drop-off.
    discounted_payback_years : Decimal or NotApplicable
        When the discounted total first repays the costs.
    by_year, present_by_year : mapping of int to Decimal
    """

    benefits: Decimal
    costs: Decimal
    net: Decimal
    ratio: Decimal | NotApplicable
    net_ratio: Decimal | NotApplicable
    positive: Decimal
    negative: Decimal
    payback_months: Decimal | NotApplicable
    discounted_payback_years: Decimal | NotApplicable
    by_year: Mapping[int, Decimal]
    present_by_year: Mapping[int, Decimal]


def sroi(
    *,
    by_year: Mapping[int, Decimal],
    present_by_year: Mapping[int, Decimal],
    by_line: Mapping[str, Decimal],
    costs: Decimal,
    refusal: NotApplicable | None = None,
) -> Sroi:
    r"""Compute the ratio :math:`PV / PV(inputs)` and what goes with it, exactly.

    Parameters
    ----------
    by_year, present_by_year : mapping of int to Decimal
        Value by year, and discounted.
    by_line : mapping of str to Decimal
        Present value of each line.
    costs : Decimal
        Present value of the inputs.
    refusal : NotApplicable, optional
        Why no ratio may be given; the totals are still computed.

    Returns
    -------
    Sroi

    References
    ----------
    A guide to Social Return on Investment, The SROI Network, 2012.
    """
    benefits = total(list(present_by_year.values()))
    net = less(benefits, costs)
    ratio: Decimal | NotApplicable
    net_ratio: Decimal | NotApplicable
    with exact():
        if refusal is not None:
            ratio = net_ratio = refusal
        elif costs <= 0:
            ratio = net_ratio = NotApplicable.because("no_cost_to_compare")
        else:
            ratio, net_ratio = benefits / costs, net / costs
    return Sroi(
        benefits=benefits,
        costs=costs,
        net=net,
        ratio=ratio,
        net_ratio=net_ratio,
        positive=total(v for v in by_line.values() if v > 0),
        negative=total(v for v in by_line.values() if v < 0),
        payback_months=_payback_months(by_year, costs),
        discounted_payback_years=discounted_payback(present_by_year, costs),
        by_year=dict(by_year),
        present_by_year=dict(present_by_year),
    )


def _payback_months(by_year: Mapping[int, Decimal], costs: Decimal) -> Decimal | NotApplicable:
    first = by_year.get(1, ZERO)
    if first <= 0:
        return NotApplicable.because("never_pays_back")
    with exact():
        return costs / (first / 12)


def discounted_payback(
    present_by_year: Mapping[int, Decimal], costs: Decimal
) -> Decimal | NotApplicable:
    """Return the years after which the discounted total repays the costs, and stays above."""
    running, paid = ZERO, None
    with exact():
        for year in sorted(present_by_year):
            before = running
            running += present_by_year[year]
            if running < costs:
                paid = None
            elif paid is None:
                step = present_by_year[year]
                part = (costs - before) / step if step > 0 and year > 0 else ZERO
                paid = Decimal(max(year - 1, 0)) + part
    return NotApplicable.because("never_pays_back") if paid is None else paid
