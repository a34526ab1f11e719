r"""Per-cluster moments of a least-squares fit: what every cluster-robust variance is made of.

Write :math:`R'R = X'WX`, :math:`Z = W^{1/2}XR^{-1}` (orthonormal columns) and :math:`G_j = Z_j'Z_j`
for cluster j. All corrections adjust the residuals of a cluster by a matrix :math:`A_j`:

* CR0: :math:`A_j = I`;
* CR2 (Bell and McCaffrey): :math:`A_j = [(I-H)(I-H)']_{jj}^{+1/2}`, unbiased when the errors are
  independent with equal variance;
* CR3: :math:`A_j = (I-H_{jj})^{+}`, the leave-one-cluster-out jackknife.

Without weights :math:`A_j` acts through a function of the k-by-k matrix :math:`G_j` alone, so that
the cost does not depend on the size of the clusters: :math:`X_j'A_je_j = R' f(G_j) Z_j'e_j` with
:math:`f(\lambda) = (1-\lambda)^{-1/2}` for CR2 and :math:`(1-\lambda)^{-1}` for CR3.

The variance of such an estimator under the working model (independent, equal variances) gives the
Satterthwaite degrees of freedom and the Hotelling test. For a contrast c the quadratic form is
:math:`\sum_j (p_j'\varepsilon)^2` with :math:`p_i'p_j = 1_{ij} d_j + y_i'By_j`; `d` and `y` are
kept per cluster as matrices acting on :math:`\tilde c = R^{-T}c`.

References
----------
Bell, R. and McCaffrey, D. (2002), Survey Methodology 28(2), 169-181.
Pustejovsky, J. and Tipton, E. (2018). doi:10.1080/07350015.2016.1247004; equations numbered as in
the revision that corrects theorem 2, doi:10.48550/arXiv.1601.01981
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impact_eval.core import Finding, ImpactEvalError
from impact_eval.stats.inference.regression import LinearFit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SINGULAR = 1e-10  # an eigenvalue of I - H below this is a direction the cluster fits perfectly
_WIDE = 32  # rows per cluster above which a loop of products beats one pass per pair of columns


@dataclass(frozen=True, slots=True)
class ClusterMoments:
    """Adjusted scores of G clusters, and their law under the working model.

    Attributes
    ----------
    influence : (G, k) array
        Rows whose sum of outer products is the covariance (no small-sample factor).
    diagonal : (G, k, k) array
        Matrices of the `d_j`.
    cross : (G, m, k) array
        Matrices of the `y_j`.
    form : (m, m) array
        The symmetric matrix B.
    whiten : (k, k) array
        Inverse of R': what turns a contrast c into the coordinates of `diagonal` and `cross`.
    """

    influence: FloatArray
    diagonal: FloatArray
    cross: FloatArray
    form: FloatArray
    whiten: FloatArray

    @property
    def n_clusters(self) -> int:
        """G."""
        return len(self.influence)


@dataclass(frozen=True, slots=True)
class ClusteredRows:
    """Rows of a fit sorted by cluster, in orthonormal coordinates.

    Attributes
    ----------
    order : (n,) array of int
        Positions of the rows of positive weight, sorted by cluster.
    starts : (G + 1,) array of int
        Where each cluster begins in `order`.
    labels : (G,) array of int
        Codes of the clusters present.
    z : (n, k) array
        Orthonormal columns.
    error : (n,) array
        Residuals times the root of the weights.
    weights : (n,) array or None
    """

    order: IntArray
    starts: IntArray
    labels: IntArray
    z: FloatArray
    error: FloatArray
    weights: FloatArray | None


def clustered_rows(fit: LinearFit, clusters: IntArray) -> ClusteredRows:
    """Sort the rows of a fit by cluster and bring its columns to orthonormal coordinates.

    Parameters
    ----------
    fit : LinearFit
    clusters : (n,) array of int
        One code per row.

    Raises
    ------
    ImpactEvalError
        `shape_mismatch`.
    """
    codes = np.asarray(clusters)
    if codes.shape != (len(fit.residuals),):
        raise ImpactEvalError(
            Finding.error(
                "shape_mismatch", what="clusters", expected=len(fit.residuals), found=len(codes)
            )
        )
    used = np.arange(len(codes)) if fit.weights is None else np.flatnonzero(fit.weights > 0)
    order = used[np.argsort(codes[used], kind="stable")]
    labels, first = np.unique(codes[order], return_index=True)
    root = 1.0 if fit.weights is None else np.sqrt(fit.weights[order])
    inverse = np.linalg.solve(fit.root, np.eye(len(fit.root)))
    z = (fit.design[order] @ inverse) * np.reshape(root, (-1, 1))
    return ClusteredRows(
        order=order,
        starts=np.append(first, len(order)).astype(np.int64),
        labels=labels.astype(np.int64),
        z=z,
        error=fit.residuals[order] * root,
        weights=None if fit.weights is None else fit.weights[order],
    )


def grams(left: FloatArray, starts: IntArray, right: FloatArray | None = None) -> FloatArray:
    """Return the (G, a, b) products left_j' right_j of rows sorted by cluster."""
    other = left if right is None else right
    size, a, b = len(starts) - 1, left.shape[1], other.shape[1]
    out = np.empty((size, a, b))
    if len(left) >= _WIDE * size:
        for j in range(size):
            rows = slice(starts[j], starts[j + 1])
            out[j] = left[rows].T @ other[rows]
        return out
    for i in range(a):
        for j in range(b):
            out[:, i, j] = np.add.reduceat(left[:, i] * other[:, j], starts[:-1])
    return out


def spectral_moments(
    fit: LinearFit, clusters: IntArray, adjust: Callable[[FloatArray], FloatArray] | None
) -> ClusterMoments:
    r"""Return moments when :math:`A_j` is a function of :math:`I - H_{jj}` (all but weighted CR2).

    Parameters
    ----------
    fit : LinearFit
    clusters : (n,) array of int
    adjust : callable or None
        f of the eigenvalues of :math:`1 - \lambda`, zero where the cluster fits perfectly;
        None leaves the scores as they are (CR0, CR1).
    """
    rows = clustered_rows(fit, clusters)
    gram = grams(rows.z, rows.starts)
    scores = np.add.reduceat(rows.z * rows.error[:, None], rows.starts[:-1])
    if adjust is None and rows.weights is None:
        whiten = _whiten(fit)
        return ClusterMoments(scores @ whiten, gram, gram, -np.eye(len(whiten)), whiten)
    # X_j'A_j e_j = R'f(G_j)Z_j'e_j: A_j of Pustejovsky and Tipton's (7) and (8), n_j by n_j, is
    # never made; its spectrum off the columns of Z_j does not touch the score.
    values, vectors = np.linalg.eigh(gram)
    factor = np.ones_like(values) if adjust is None else adjust(1 - values)
    function = (vectors * factor[:, None, :]) @ vectors.swapaxes(1, 2)
    adjusted = np.einsum("jab,jb->ja", function, scores)
    k = rows.z.shape[1]
    whiten = _whiten(fit)
    if rows.weights is None:
        cross = function @ gram
        return ClusterMoments(
            influence=adjusted @ whiten,
            diagonal=cross @ function,
            cross=cross,
            form=-np.eye(k),
            whiten=whiten,
        )
    # With weights, A_j acts on W^1/2 e, whose working variance is W, not the identity: the law of
    # the scores needs Z'WZ beside Z'Z.
    heavy = grams(rows.z, rows.starts, rows.z * rows.weights[:, None])
    return ClusterMoments(
        influence=adjusted @ whiten,
        diagonal=function @ heavy @ function,
        cross=np.concatenate([gram @ function, heavy @ function], axis=1),
        form=_weighted_form(heavy.sum(axis=0)),
        whiten=whiten,
    )


def weighted_cr2_moments(fit: LinearFit, clusters: IntArray) -> ClusterMoments:
    r"""Return the CR2 moments of a weighted fit whose working model is equal variances.

    :math:`A_j` is the inverse root of :math:`I + CKC'` where C spans the columns of
    :math:`[X_j, W_jX_j]`: at most 2k dimensions whatever the size of the cluster.
    """
    rows = clustered_rows(fit, clusters)
    assert rows.weights is not None
    size, k = len(rows.starts) - 1, rows.z.shape[1]
    root = np.sqrt(rows.weights)
    plain = rows.z / root[:, None]
    error = rows.error / root
    total = (rows.z * rows.weights[:, None]).T @ rows.z
    influence = np.empty((size, k))
    diagonal = np.empty((size, k, k))
    cross = np.empty((size, 2 * k, k))
    # With Phi = I, Pustejovsky and Tipton's (8) is I - X_jMX_j'W_j - W_jX_jMX_j' +
    # X_jMX'W^2XMX_j', no function of one Gram matrix, since weights differ within the cluster.
    for j in range(size):
        part = slice(rows.starts[j], rows.starts[j + 1])
        x, w = plain[part], rows.weights[part][:, None]
        adjusted = _weighted_adjustment(x, x * w, total, np.column_stack([x * w, error[part]]))
        a = adjusted[:, :k]
        influence[j] = (x * w).T @ adjusted[:, k]
        diagonal[j] = a.T @ a
        cross[j] = np.vstack([x.T @ a, (x * w).T @ a])
    whiten = _whiten(fit)
    return ClusterMoments(
        influence=influence @ whiten,
        diagonal=diagonal,
        cross=cross,
        form=_weighted_form(total),
        whiten=whiten,
    )


def adjusted_columns(fit: LinearFit, clusters: IntArray, contrast: FloatArray) -> FloatArray:
    r"""Return what CR2 multiplies each residual by, for one contrast.

    The rows :math:`a_j = A_j'W_jX_jMc` of cluster j: the variance is :math:`\sum_j (a_j'e_j)^2`.

    Parameters
    ----------
    fit : LinearFit
    clusters : (n,) array of int
    contrast : (k,) array

    Returns
    -------
    (n,) array
        Zero for rows without weight.
    """
    rows = clustered_rows(fit, clusters)
    out = np.zeros(len(fit.residuals))
    white = _whiten(fit) @ contrast
    if rows.weights is None:
        values, vectors = np.linalg.eigh(grams(rows.z, rows.starts))
        turned = np.einsum("jba,b->ja", vectors, white) * inverse_root(1 - values)
        by_cluster = np.einsum("jab,jb->ja", vectors, turned)
        sizes = np.diff(rows.starts)
        out[rows.order] = np.einsum("nk,nk->n", rows.z, np.repeat(by_cluster, sizes, axis=0))
        return out
    plain = rows.z / np.sqrt(rows.weights)[:, None]
    total = (rows.z * rows.weights[:, None]).T @ rows.z
    for j in range(len(rows.starts) - 1):
        part = slice(rows.starts[j], rows.starts[j + 1])
        x, w = plain[part], rows.weights[part][:, None]
        wx = x * w
        out[rows.order[part]] = _weighted_adjustment(x, wx, total, wx @ white[:, None])[:, 0]
    return out


def _weighted_adjustment(
    x: FloatArray, wx: FloatArray, total: FloatArray, target: FloatArray
) -> FloatArray:
    """A_j times `target`, with A_j the inverse root of I - x wx' - wx x' + x total x'."""
    basis = np.linalg.qr(np.column_stack([x, wx]))[0]
    bx, bw = basis.T @ x, basis.T @ wx
    inner = bx @ total @ bx.T - bx @ bw.T - bw @ bx.T
    values, vectors = np.linalg.eigh(inner)
    axes = basis @ vectors
    factor = inverse_root(1 + values) - 1
    return np.asarray(target + axes @ (factor[:, None] * (axes.T @ target)))


def _whiten(fit: LinearFit) -> FloatArray:
    return np.asarray(np.linalg.solve(fit.root.T, np.eye(len(fit.root))), dtype=np.float64)


def _weighted_form(total: FloatArray) -> FloatArray:
    identity = np.eye(len(total))
    return np.block([[total, -identity], [-identity, np.zeros_like(total)]])


def inverse_root(values: FloatArray) -> FloatArray:
    """Return values ** -1/2, zero where the value is numerically zero (Moore-Penrose)."""
    live = values > SINGULAR
    return np.where(live, 1 / np.sqrt(np.where(live, values, 1.0)), 0.0)


def inverse(values: FloatArray) -> FloatArray:
    """Return 1 / values, zero where the value is numerically zero (Moore-Penrose)."""
    live = values > SINGULAR
    return np.where(live, 1 / np.where(live, values, 1.0), 0.0)


def satterthwaite_df(moments: ClusterMoments, contrasts: FloatArray) -> FloatArray:
    r"""Return the Satterthwaite degrees of freedom of each contrast.

    :math:`\nu = (\sum_i p_i'p_i)^2 / \sum_{ij}(p_i'p_j)^2` under the working model; the cost is
    linear in G.

    Parameters
    ----------
    moments : ClusterMoments
    contrasts : (q, k) array

    Returns
    -------
    (q,) array
    """
    out = np.empty(len(contrasts))
    for i, contrast in enumerate(contrasts):
        c = moments.whiten @ contrast
        d = np.einsum("a,jab,b->j", c, moments.diagonal, c)
        y = moments.cross @ c
        yb = y @ moments.form
        own = np.einsum("jm,jm->j", yb, y)
        between = moments.form @ (y.T @ y)
        total = np.sum(d**2) + 2 * np.sum(d * own) + np.sum(between * between.T)
        mean = np.sum(d + own)
        out[i] = mean**2 / total if total > 0 else np.nan
    return out
