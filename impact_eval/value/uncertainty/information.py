"""What knowing more is worth: expected value of perfect and of partial information."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

FloatArray = NDArray[np.float64]


def evpi(net_benefits: FloatArray) -> float:
    """Return E[max_d NB_d] - max_d E[NB_d].

    Parameters
    ----------
    net_benefits : (draws, options) array

    Examples
    --------
    >>> evpi(np.array([[0.0, 1.0], [0.0, -1.0]]))
    0.5
    """
    return float(net_benefits.max(axis=1).mean() - net_benefits.mean(axis=0).max())


def evpi_normal(mean: float, sd: float) -> float:
    r"""Return the EVPI of two options whose difference is normal.

    :math:`\sigma\varphi(\mu/\sigma) - |\mu|\Phi(-|\mu|/\sigma)`.

    Examples
    --------
    >>> round(evpi_normal(0, 1), 6), round(evpi_normal(1, 1), 6)
    (0.398942, 0.083315)
    """
    if sd == 0:
        return 0.0
    score = abs(mean) / sd
    density = math.exp(-0.5 * score * score) / math.sqrt(2 * math.pi)
    return sd * density - abs(mean) * float(special.ndtr(-score))


def evppi(net_benefits: FloatArray, inputs: FloatArray, *, knots: int = 8) -> float:
    """Return E_X[max_d E[NB_d|X]] - max_d E[NB_d], the inner mean by spline regression.

    Cubic splines with knots at the quantiles of each input, and the products of the inputs' linear
    parts; the larger of zero and the estimate.

    Parameters
    ----------
    net_benefits : (draws, options) array
    inputs : (draws,) or (draws, p) array
    knots : int
        Inner knots by input.

    References
    ----------
    Strong, M., Oakley, J. E. and Brennan, A. (2014). doi:10.1177/0272989X13505910
    """
    x = inputs[:, None] if inputs.ndim == 1 else inputs
    basis = _basis(x, knots)
    coefficients = np.linalg.lstsq(basis, net_benefits, rcond=None)[0]
    fitted = basis @ coefficients
    return max(evpi(fitted), 0.0)


def _basis(x: FloatArray, knots: int) -> FloatArray:
    columns = [np.ones(len(x))]
    standard = []
    for j in range(x.shape[1]):
        sd = x[:, j].std()
        if sd == 0:
            continue
        z = (x[:, j] - x[:, j].mean()) / sd
        standard.append(z)
        columns += [z, z**2, z**3]
        for knot in np.quantile(z, np.linspace(0, 1, knots + 2)[1:-1]):
            columns.append(np.clip(z - knot, 0, None) ** 3)
    for i in range(len(standard)):
        columns += [standard[i] * standard[j] for j in range(i)]
    return np.column_stack(columns)


def population_value(per_person: float, people_per_year: float, years: int, rate: float) -> float:
    """Return the value of information over all those concerned, discounted from year one.

    Compare it with the cost of one more survey wave.
    """
    return per_person * people_per_year * sum((1 + rate) ** -t for t in range(1, years + 1))
