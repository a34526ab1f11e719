"""Covariance between estimates of several outcomes on the same people or territories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate, Influence

FloatArray = NDArray[np.float64]


def joint_covariance(estimates: Sequence[Estimate]) -> FloatArray:
    r"""Return the covariance among all rows of several estimates.

    Within an estimate it is its own covariance. Between two, the correlation of their influence
    values over the units they share, scaled by their standard errors:
    :math:`Cov(a, b) = \rho(\psi_a, \psi_b)\, se_a se_b`. Without it the standard error of a total
    of several outcomes of the same people is wrong.

    Parameters
    ----------
    estimates : sequence of Estimate
        Estimates of k1, k2… rows. Those without influence values count as independent.

    Returns
    -------
    (k, k) array
        In the order of the rows.
    """
    sizes = [len(estimate) for estimate in estimates]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    joint = np.zeros((starts[-1], starts[-1]))
    for i, one in enumerate(estimates):
        rows = slice(starts[i], starts[i + 1])
        joint[rows, rows] = one.covariance
        for j in range(i):
            other = estimates[j]
            if one.influence is None or other.influence is None:
                continue
            correlation = _influence_correlation(one.influence, other.influence)
            scale = np.outer(np.sqrt(np.diag(one.covariance)), np.sqrt(np.diag(other.covariance)))
            columns = slice(starts[j], starts[j + 1])
            joint[rows, columns] = correlation * scale
            joint[columns, rows] = joint[rows, columns].T
    return joint


def _influence_correlation(one: Influence, other: Influence) -> FloatArray:
    """Return the (k1, k2) correlation of influence values; units of only one side count as zero."""
    size_one = np.sqrt((one.values**2).sum(axis=0))
    size_other = np.sqrt((other.values**2).sum(axis=0))
    if np.array_equal(one.units, other.units):
        product = one.values.T @ other.values
    else:
        _, left, right = np.intersect1d(
            one.units.astype(str), other.units.astype(str), return_indices=True
        )
        product = one.values[left].T @ other.values[right]
    scale = np.outer(size_one, size_other)
    return np.divide(product, scale, out=np.zeros_like(product), where=scale > 0)
