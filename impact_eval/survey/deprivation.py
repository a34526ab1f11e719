"""Counting deprivations: Alkire-Foster with declared weights, and energy poverty after the ONPE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core.findings import NotApplicable

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultidimensionalPoverty:
    """Headcount, intensity, adjusted headcount, and the part of each deprivation in it.

    Attributes
    ----------
    headcount : float
        Share of people poor (H).
    intensity : float
        Mean weighted share of deprivations among the poor (A).
    adjusted : float
        ``M0 = H A``.
    contributions : (d,) array
        Parts of `adjusted`, adding to one.
    poor : (n,) bool array
    """

    headcount: float
    intensity: float
    adjusted: float
    contributions: FloatArray
    poor: BoolArray


def alkire_foster(
    deprived: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    cutoff: float,
    sample_weights: ArrayLike | None = None,
) -> MultidimensionalPoverty | NotApplicable:
    r"""Measure multidimensional poverty: :math:`M_0 = H \times A`.

    Parameters
    ----------
    deprived : (n, d) array of 0 and 1
        People with a missing answer are left out.
    weights : (d,) array, optional
        Of the deprivations, scaled to one; equal by default.
    cutoff : float
        Weighted share of deprivations from which a person is poor, in (0, 1].
    sample_weights : (n,) array, optional

    Returns
    -------
    MultidimensionalPoverty or NotApplicable
        `too_few_persons`.

    References
    ----------
    Alkire, S. and Foster, J. (2011). doi:10.1016/j.jpubeco.2010.11.006

    Examples
    --------
    >>> m = alkire_foster([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], cutoff=0.5)
    >>> round(m.headcount, 4), m.intensity, m.adjusted
    (0.6667, 0.75, 0.5)
    """
    x = np.asarray(deprived, dtype=np.float64)
    whole = ~np.isnan(x).any(axis=1)
    if not whole.any():
        return NotApplicable.because("too_few_persons", n=0, advised=1)
    d = x.shape[1]
    w = np.ones(d) if weights is None else np.asarray(weights, dtype=np.float64)
    w = w / w.sum()
    people = np.ones(len(x)) if sample_weights is None else np.asarray(sample_weights, np.float64)
    people = np.where(whole, people, 0.0)
    share = np.nan_to_num(x) @ w
    poor = whole & (share >= cutoff - 1e-12)
    total = people.sum()
    headcount = float(people @ poor / total)
    censored = np.nan_to_num(x) * poor[:, None]
    adjusted = float(people @ (censored @ w) / total)
    parts = (people @ censored) * w / total
    return MultidimensionalPoverty(
        headcount=headcount, intensity=adjusted / headcount if headcount else 0.0,
        adjusted=adjusted, contributions=parts / adjusted if adjusted else parts, poor=poor,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyPoverty:
    """Households in energy poverty by each indicator of the ONPE: (n,) bool arrays."""

    effort: BoolArray
    low_income_high_cost_unit: BoolArray
    low_income_high_cost_area: BoolArray
    cold: BoolArray


def consumption_units(*, over_14: ArrayLike, under_14: ArrayLike) -> FloatArray:
    """Return consumption units: 1 for the first person, 0.5 from age 14, 0.3 before.

    Examples
    --------
    >>> consumption_units(over_14=[2], under_14=[1]).tolist()
    [1.8]
    """
    older, younger = np.asarray(over_14, np.float64), np.asarray(under_14, np.float64)
    return 1 + 0.5 * np.maximum(older - 1, 0) + 0.3 * younger


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyThresholds:
    """Thresholds of the reference population, yearly, in euros; to be taken from the ONPE.

    Attributes
    ----------
    third_decile : float
        Third decile of income per consumption unit.
    median_energy_unit, median_energy_area : float
        Median energy spending per consumption unit, and per square metre.
    median_residual : float
        Median residual income per consumption unit.
    effort : float
        Share of income spent on energy from which the effort is high.
    energy_deducted : bool
        Whether energy is deducted from residual income: versions differ.
    """

    third_decile: float
    median_energy_unit: float
    median_energy_area: float
    median_residual: float
    effort: float = 0.08
    energy_deducted: bool = False


def energy_poverty(
    *,
    income: ArrayLike,
    energy: ArrayLike,
    housing_costs: ArrayLike,
    units: ArrayLike,
    area: ArrayLike,
    felt_cold: ArrayLike,
    thresholds: EnergyThresholds,
) -> EnergyPoverty:
    """Compute the indicators of the Observatoire national de la précarité énergétique.

    Effort over 8 % and income under the third decile; low residual income with high energy
    spending, per consumption unit and per square metre; cold felt and income under the decile.

    Parameters
    ----------
    income, energy, housing_costs : (n,) array
        Yearly, euros.
    units, area : (n,) array
        Consumption units, square metres.
    felt_cold : (n,) bool array
        For the listed reasons (price, poor insulation, failure).
    thresholds : EnergyThresholds
    """
    y, e, rent, uc, m2 = (
        np.asarray(v, dtype=np.float64) for v in (income, energy, housing_costs, units, area)
    )
    modest = y / uc <= thresholds.third_decile
    residual = (y - rent - (e if thresholds.energy_deducted else 0.0)) / uc
    low = residual < 0.6 * thresholds.median_residual
    return EnergyPoverty(
        effort=(e / y > thresholds.effort) & modest,
        low_income_high_cost_unit=(e / uc > thresholds.median_energy_unit) & low,
        low_income_high_cost_area=(e / m2 > thresholds.median_energy_area) & low,
        cold=np.asarray(felt_cold, dtype=bool) & modest,
    )
