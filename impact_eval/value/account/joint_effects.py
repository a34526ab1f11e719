"""The joint law of effects from several estimates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.estimate import Estimate
from impact_eval.core.findings import Finding
from impact_eval.core.provenance import stable_number
from impact_eval.value.account.effect_bounds import standard_error_of

FloatArray = NDArray[np.float64]


def covariance_across_estimates(
    rows: Sequence[tuple[Estimate, int]],
) -> tuple[FloatArray, list[Finding]]:
    r"""Return the covariance of effects of several estimates, through their common people.

    Within an estimate it is its own; between two, :math:`\sum_u \psi_{iu}\psi_{ju}` over the
    common units, scaled so that each keeps its own standard error. Where one has no influence
    values the covariance is set to zero and a finding says so.

    Parameters
    ----------
    rows : sequence of (Estimate, int)

    Returns
    -------
    (k, k) array and findings
    """
    size = len(rows)
    out = np.zeros((size, size))
    notes: list[Finding] = []
    columns: list[tuple[FloatArray, NDArray[Any]] | None] = [_column(e, r) for e, r in rows]
    unknown: set[tuple[str, str]] = set()
    for i, (one, row) in enumerate(rows):
        if standard_error_of(one.effects[row]) is None:
            notes.append(
                Finding.warning(
                    "effect_without_error", outcome=one.outcome, term=one.effects[row].key
                )
            )
        for j in range(i + 1):
            other, column = rows[j]
            if one is other or _same_source(one, other):
                shared = one.covariance[row, column] if one is other else _cross(columns, i, j)
            else:
                shared = _cross(columns, i, j)
                if shared is None and one.outcome != other.outcome:
                    unknown.add((other.outcome, one.outcome))
            if i == j and (shared is None or not np.isfinite(shared)):
                shared = (standard_error_of(one.effects[row]) or 0.0) ** 2
            if shared is None or not np.isfinite(shared):
                shared = 0.0
            out[i, j] = out[j, i] = stable_number(float(shared)) or 0.0
    notes += [Finding.warning("covariance_unknown", first=a, second=b) for a, b in sorted(unknown)]
    return _nearest_psd(out), notes


def _same_source(one: Estimate, other: Estimate) -> bool:
    return one.outcome == other.outcome and one.method == other.method


def _column(estimate: Estimate, row: int) -> tuple[FloatArray, NDArray[Any]] | None:
    variance = estimate.covariance[row, row]
    if estimate.influence is None or not np.isfinite(variance):
        return None
    values = estimate.influence.values[:, row]
    norm = float(values @ values)
    scale = math.sqrt(variance / norm) if norm > 0 else 0.0
    return values * scale, np.asarray(estimate.influence.units)


def _cross(
    columns: Sequence[tuple[FloatArray, NDArray[Any]] | None], i: int, j: int
) -> float | None:
    one, other = columns[i], columns[j]
    if one is None or other is None:
        return None
    if one[1].shape == other[1].shape and bool(np.all(one[1] == other[1])):
        return float(one[0] @ other[0])
    _, left, right = np.intersect1d(one[1].astype(str), other[1].astype(str), return_indices=True)
    return float(one[0][left] @ other[0][right])


def _nearest_psd(covariance: FloatArray) -> FloatArray:
    """Clip the tiny negative eigenvalues that rounding leaves."""
    if covariance.size == 0:
        return covariance
    values, vectors = np.linalg.eigh(covariance)
    if values.min() >= 0:
        return covariance
    clipped: FloatArray = (vectors * np.clip(values, 0, None)) @ vectors.T
    return clipped


def common_draws(rows: Sequence[tuple[Estimate, int]]) -> FloatArray | None:
    """Return the estimators' own draws when all come from one estimate that has some."""
    if not rows or any(e.draws is None or e is not rows[0][0] for e, _ in rows):
        return None
    source = rows[0][0]
    assert source.draws is not None
    if source.draws.kind != "bootstrap":
        return None  # placebo draws are centred on zero: they are no law of the estimate
    return source.draws.values[:, [r for _, r in rows]]
