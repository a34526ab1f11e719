"""Covariates that cannot serve: constant, or determined by the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impact_eval.core.findings import Finding, FindingCollector, Place

FloatArray = NDArray[np.float64]

_BLOCK = 16_384  # rows whose temporaries stay in cache


def centred_gram(matrix: FloatArray) -> FloatArray:
    """Return the cross-products of the centred columns, a cache-full of rows at a time."""
    mean = np.array([column.mean() for column in matrix.T])
    gram = np.zeros((len(mean), len(mean)))
    for start in range(0, len(matrix), _BLOCK):
        block = matrix[start : start + _BLOCK] - mean
        gram += block.T @ block
    return gram


def refuse_useless_covariates(
    matrix: FloatArray, names: list[str], faults: FindingCollector
) -> None:
    """Refuse constant covariates, then those that others determine."""
    if not names or len(matrix) < 2:
        return
    low = np.array([column.min() for column in matrix.T])
    high = np.array([column.max() for column in matrix.T])
    constant = low == high
    for name, value in zip(np.array(names)[constant], low[constant], strict=True):
        faults.add(
            Finding.error("constant_covariate", Place(column=name), column=name, value=value)
        )
    varying = matrix if not constant.any() else matrix[:, ~constant]
    if varying.shape[1] < 2:
        return
    gram = centred_gram(varying)
    scale = np.sqrt(np.diag(gram))
    correlation = gram / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(correlation)
    if values[0] < 1e-10:
        involved = np.abs(vectors[:, 0]) > 1e-3
        tied = np.array(names)[~constant][involved]
        faults.add(Finding.error("collinear_covariates", columns=tied.tolist()))
