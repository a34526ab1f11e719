"""Reading a fitted factor model: standardised values, reliability, scores, misfit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.scales.cfa import CfaFit
from impact_eval.stats.scales.cfa_fit import normal_objective
from impact_eval.stats.scales.cfa_model import FIXED, Cell, CfaModel, Matrix
from impact_eval.stats.scales.cfa_moments import ModelMoments

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Standardised:
    """One group's model on standardised items and factors.

    Attributes
    ----------
    loadings : (p, m) array
    factor_correlations : (m, m) array
    residual : (p,) array
        Share of each item's variance left unexplained.
    """

    loadings: FloatArray
    factor_correlations: FloatArray
    residual: FloatArray


def standardised(fit: CfaFit, *, group: int = 0) -> Standardised:
    """Return standardised loadings, factor correlations and unexplained shares."""
    m = ModelMoments(fit.model).matrices(fit.theta, group)
    spread = np.sqrt(np.diag(m[Matrix.FACTOR_COVARIANCE]))
    total = fit.structures[group].moments.covariance
    scale = np.sqrt(np.diag(total))
    return Standardised(
        m[Matrix.LOADING] * spread / scale[:, None],
        m[Matrix.FACTOR_COVARIANCE] / np.outer(spread, spread),
        np.diag(m[Matrix.RESIDUAL]) / np.diag(total),
    )


@dataclass(frozen=True, slots=True)
class CompositeReliability:
    """Reliability of the sum of each factor's items, from the model.

    Attributes
    ----------
    omega : (m,) array
        True variance over observed variance of the sum.
    variance_extracted : (m,) array
        Average variance extracted.
    heterotrait : (m, m) array
        Heterotrait-monotrait ratios of the sample correlations (above .85: not distinct).
    """

    omega: FloatArray
    variance_extracted: FloatArray
    heterotrait: FloatArray


def composite_reliability(fit: CfaFit, *, group: int = 0) -> CompositeReliability:
    r"""Compute omega :math:`(1'\lambda)^2\psi / 1'S1`, variance extracted and HTMT by factor.

    References
    ----------
    Raykov, T. (2001). doi:10.1348/000711001159582; Fornell, C. and Larcker, D. F. (1981).
    doi:10.1177/002224378101800104; Roemer, Schuberth and Henseler (2021).
    doi:10.1108/IMDS-02-2021-0082
    """
    m = ModelMoments(fit.model).matrices(fit.theta, group)
    loading, psi = m[Matrix.LOADING], np.diag(m[Matrix.FACTOR_COVARIANCE])
    sample = fit.data[group].covariance
    home = [np.flatnonzero(loading[:, f]) for f in range(loading.shape[1])]
    omega, extracted = [], []
    for f, own in enumerate(home):
        common = loading[own, f] ** 2 * psi[f]
        omega.append(loading[own, f].sum() ** 2 * psi[f] / sample[np.ix_(own, own)].sum())
        extracted.append(common.sum() / (common.sum() + np.diag(m[Matrix.RESIDUAL])[own].sum()))
    return CompositeReliability(np.array(omega), np.array(extracted), _heterotrait(sample, home))


def _heterotrait(sample: FloatArray, home: Sequence[NDArray[np.int64]]) -> FloatArray:
    # Geometric means: right also when the items' loadings differ (HTMT2).
    logs = np.log(np.abs(_correlation(sample)))
    within = [logs[np.ix_(own, own)][np.tril_indices(len(own), -1)].mean() for own in home]
    out = np.eye(len(home))
    for f, own in enumerate(home):
        for other in range(f):
            between = logs[np.ix_(own, home[other])].mean()
            out[f, other] = out[other, f] = np.exp(between - (within[f] + within[other]) / 2)
    return out


def residual_correlations(fit: CfaFit, *, group: int = 0) -> FloatArray:
    """Return the (p, p) sample less model-implied correlations."""
    sample, implied = fit.data[group].covariance, fit.structures[group].moments.covariance
    out: FloatArray = _correlation(sample) - _correlation(implied)
    return out


def _correlation(covariance: FloatArray) -> FloatArray:
    scale = np.sqrt(np.diag(covariance))
    out: FloatArray = covariance / np.outer(scale, scale)
    return out


class FactorScoreMethod(StrEnum):
    """Regression scores (least error, shrunken) or Bartlett's (unbiased, noisier)."""

    REGRESSION = "regression"
    BARTLETT = "bartlett"


def factor_scores(
    fit: CfaFit,
    rows: FloatArray,
    *,
    group: int = 0,
    method: FactorScoreMethod = FactorScoreMethod.REGRESSION,
) -> FloatArray:
    r"""Return (n, m) scores: regression :math:`\Psi\Lambda'\Sigma^{-1}(y - \mu)`, or Bartlett's."""
    m = ModelMoments(fit.model).matrices(fit.theta, group)
    moments, loading = fit.structures[group].moments, m[Matrix.LOADING]
    mean = moments.mean if fit.model.means else fit.data[group].mean
    if method is FactorScoreMethod.BARTLETT:
        weighted = np.linalg.solve(m[Matrix.RESIDUAL], loading).astype(np.float64)
        weights = weighted @ np.linalg.inv(loading.T @ weighted)
    else:
        weights = np.linalg.solve(moments.covariance, loading @ m[Matrix.FACTOR_COVARIANCE]).astype(
            np.float64
        )
    centre = m[Matrix.FACTOR_MEAN][:, 0] if fit.model.means else 0.0
    return np.asarray((rows - mean) @ weights + centre, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class ScoreTest:
    """What freeing one cell would bring.

    Attributes
    ----------
    cell : Cell
    statistic : float
        Expected fall of chi-squared (one degree of freedom).
    change : float
        Expected change of the parameter.
    """

    cell: Cell
    statistic: float
    change: float


def score_tests(
    fit: CfaFit, cells: Iterable[tuple[Matrix, int, int, int]]
) -> tuple[ScoreTest, ...]:
    """Test the freeing of fixed or tied cells, one at a time, without refitting.

    A cell absent from the model's table is taken as fixed at zero; a tied cell is freed from the
    others.

    Parameters
    ----------
    fit : CfaFit
        By normal theory.
    cells : iterable of (matrix, group, row, column)

    Returns
    -------
    tuple of ScoreTest
        In the order asked; NaN where the cell cannot be told apart from the free ones.

    References
    ----------
    Sörbom, D. (1989). doi:10.1007/BF02294623
    """
    wanted = list(cells)
    extended, start, basis = _extended(fit.model, wanted, fit.theta)
    here = normal_objective(ModelMoments(extended), fit.data)(start)
    # In this basis a free parameter still moves all the cells it is tied to.
    information, score = basis.T @ here.information @ basis, basis.T @ here.score
    k = fit.model.n_free
    inner = np.linalg.pinv(information[:k, :k], hermitian=True)
    out = []
    for j, key in enumerate(wanted, start=k):
        cross, own, pull = information[j, :k], float(information[j, j]), float(score[j])
        left = own - float(cross @ inner @ cross)
        if left <= 1e-9 * own:
            left = np.nan
        cell = Cell(*key, free=j, value=float(start[j]))
        out.append(ScoreTest(cell, pull**2 / left, pull / left))
    return tuple(out)


def joint_score_test(
    fit: CfaFit, cells: Iterable[tuple[Matrix, int, int, int]]
) -> tuple[float, int]:
    """Return the statistic and degrees of freedom of freeing all these cells together."""
    wanted = list(cells)
    extended, start, _ = _extended(fit.model, wanted, fit.theta)
    here = normal_objective(ModelMoments(extended), fit.data)(start)
    inverse = np.linalg.pinv(here.information, hermitian=True, rcond=1e-9)
    return float(here.score @ inverse @ here.score), len(wanted)


def _extended(
    model: CfaModel, wanted: Sequence[tuple[Matrix, int, int, int]], theta: FloatArray
) -> tuple[CfaModel, FloatArray, FloatArray]:
    k = model.n_free
    place = {key: k + i for i, key in enumerate(wanted)}
    values = np.concatenate([theta, np.zeros(len(wanted))])
    basis = np.eye(len(values))
    cells = []
    for cell in model.cells:
        number = place.pop(cell.key, None)
        if number is None:
            cells.append(cell)
            continue
        values[number] = cell.value if cell.free == FIXED else theta[cell.free]
        if cell.free != FIXED:
            basis[number, cell.free] = 1.0
        cells.append(replace(cell, free=number))
    cells += [Cell(*key, free=number) for key, number in place.items()]
    return replace(model, cells=tuple(cells)), values, basis


def cross_loadings(model: CfaModel) -> tuple[tuple[Matrix, int, int, int], ...]:
    """Return the keys of all loadings absent from the model."""
    present = {(c.group, c.row, c.column) for c in model.select(Matrix.LOADING)}
    return tuple(
        (Matrix.LOADING, g, i, f)
        for g in range(model.n_groups)
        for f in range(len(model.factors))
        for i in range(len(model.items))
        if (g, i, f) not in present
    )


def residual_pairs(model: CfaModel) -> tuple[tuple[Matrix, int, int, int], ...]:
    """Return the keys of all residual covariances absent from the model."""
    present = {(c.group, c.row, c.column) for c in model.select(Matrix.RESIDUAL)}
    return tuple(
        (Matrix.RESIDUAL, g, i, j)
        for g in range(model.n_groups)
        for i in range(len(model.items))
        for j in range(i)
        if (g, i, j) not in present
    )
