r"""Triple differences, doubly robust: three comparisons that share the treated group.

With S the start of a territory and Q the eligibility of a unit, and changes between two periods,

.. math:: DDD = DiD\{(g,1)\ vs\ (g,0)\} + DiD\{(g,1)\ vs\ (c,1)\} - DiD\{(g,1)\ vs\ (c,0)\}

for a comparison cohort c not treated yet. Each term is a two-by-two with its own adjustment for
covariates: adjusting two differences separately and subtracting them is biased as soon as
covariates differ between the eligible and the others. Several comparison cohorts are averaged with
the weights of least variance.

References
----------
Ortiz-Villavicencio, M. and Sant'Anna, P. (2025). doi:10.48550/arXiv.2505.09942
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding
from impact_eval.stats.panels.drdid import DidMethod, panel_did

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TripleEffect:
    """A triple difference.

    Attributes
    ----------
    estimate : float
    influence : (n,) array
        Rows that sum to the error of the estimate.
    weights : (C,) array
        Of the comparison cohorts; they sum to one.
    findings : tuple of Finding
    separated : bool
        In one of the comparisons nobody is alike: there is no estimate.
    """

    estimate: float
    influence: FloatArray
    weights: FloatArray
    findings: tuple[Finding, ...]
    separated: bool = False


def triple_difference(
    change: FloatArray,
    design: FloatArray,
    *,
    own: BoolArray,
    comparisons: list[BoolArray],
    eligible: BoolArray,
    weights: FloatArray,
    method: DidMethod = DidMethod.DR,
) -> TripleEffect:
    """Estimate the effect on the eligible of one cohort between two periods.

    Parameters
    ----------
    change : (n,) array
        Outcome after minus before; NaN rows are left out.
    design : (n, p) array
        Covariates, constant included.
    own : (n,) array of bool
        Units of the treated cohort, eligible or not.
    comparisons : list of (n,) arrays of bool
        Units of each comparison cohort; each must hold eligible and other units.
    eligible : (n,) array of bool
    weights : (n,) array
    method : DidMethod

    Returns
    -------
    TripleEffect

    Examples
    --------
    >>> import numpy as np
    >>> change = np.array([5.0, 7, 2, 2, 1, 3, 1, 1])
    >>> own, eligible = np.arange(8) < 4, np.arange(8) % 4 < 2
    >>> triple_difference(change, np.ones((8, 1)), own=own, comparisons=[~own],
    ...                   eligible=eligible, weights=np.ones(8)).estimate
    3.0
    """
    known = np.isfinite(change)
    target = own & eligible & known
    findings: list[Finding] = []
    separated: list[bool] = []

    def compare(others: BoolArray) -> tuple[float, FloatArray]:
        rows = np.flatnonzero(target | (others & known))
        found = panel_did(
            change[rows], target[rows], design[rows], weights=weights[rows], method=method
        )
        findings.extend(f for f in found.findings if f not in findings)
        separated.append(found.propensity is not None and found.propensity.separated)
        influence = np.zeros(len(change))
        influence[rows] = found.influence
        return found.estimate, influence

    # The comparison within the cohort is the same whoever else is compared: its influence is shared
    # by all parts, which is why their covariance, and not each variance, gives the weights.
    first, influence_first = compare(own & ~eligible)
    parts = []
    for comparison in comparisons:
        second, influence_second = compare(comparison & eligible)
        third, influence_third = compare(comparison & ~eligible)
        parts.append((first + second - third, influence_first + influence_second - influence_third))
    estimates = np.array([part[0] for part in parts])
    influences = np.column_stack([part[1] for part in parts])
    # Each part identifies the same effect: the combination of least variance, V^-1 1 / (1'V^-1 1).
    share = least_variance_weights(influences.T @ influences)
    return TripleEffect(
        estimate=float(share @ estimates),
        influence=influences @ share,
        weights=share,
        findings=tuple(findings),
        separated=any(separated),
    )


def least_variance_weights(covariance: FloatArray) -> FloatArray:
    r"""Return the weights summing to one of least variance, :math:`V^{-1}1/(1'V^{-1}1)`.

    Examples
    --------
    >>> import numpy as np
    >>> least_variance_weights(np.diag([1.0, 3.0])).tolist()
    [0.75, 0.25]
    """
    size = len(covariance)
    if size == 1:
        return np.ones(1)
    raw = np.linalg.pinv(covariance, hermitian=True) @ np.ones(size)
    return np.asarray(raw / raw.sum(), dtype=np.float64)
