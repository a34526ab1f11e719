r"""Weighted least squares and logistic regression on arrays.

Least squares solves :math:`b = (X'WX)^{-1}X'Wy` by QR of :math:`W^{1/2}X`. The rank is read from a
pivoted QR of columns brought to unit length; columns that depend on those before them are dropped
and named, never silently absorbed by a pseudo-inverse.

References
----------
Golub, G. and Van Loan, C. (2013), Matrix Computations, sections 5.2 and 5.4.
Albert, A. and Anderson, J. A. (1984) on separation. doi:10.1093/biomet/71.1.1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core import Finding, FindingCollector
from impact_eval.stats.inference.newton import (
    NewtonPoint,
    NewtonResult,
    NewtonStop,
    damped_newton,
)

FloatArray = NDArray[np.float64]

RANK_TOLERANCE = 1e-9  # of a column's own length, left after the columns before it
_BLOCK_ROWS = 4096
_EXTREME = 1e-9  # fitted probabilities nearer than this to 0 or 1 mean separation


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearFit:
    """A least-squares fit: n rows, k columns kept.

    Attributes
    ----------
    names : tuple of str
        The k columns kept.
    dropped : tuple of str
        Columns left out because they depend on those before them.
    coefficients : (k,) array
    residuals, fitted : (n,) array
        In the unit of the outcome (not multiplied by the root of the weights).
    design : (n, k) array
        The columns kept.
    weights : (n,) array or None
    bread : (k, k) array
        Inverse of X'WX.
    root : (k, k) array
        Upper triangular R with R'R = X'WX.
    leverage : (n,) array
        Diagonal of the hat matrix, absorbed columns included when their leverage is given.
    n : int
        Rows with a positive weight.
    absorbed : int
        Parameters removed from outcome and columns beforehand (fixed effects).
    df_residual : int
        n - k - absorbed.
    leverage_complete : bool
        False when fixed effects were absorbed without their leverage.
    findings : tuple of Finding
    """

    names: tuple[str, ...]
    dropped: tuple[str, ...]
    coefficients: FloatArray
    residuals: FloatArray
    fitted: FloatArray
    design: FloatArray
    weights: FloatArray | None
    bread: FloatArray
    root: FloatArray
    leverage: FloatArray
    n: int
    absorbed: int
    df_residual: int
    leverage_complete: bool = True
    findings: tuple[Finding, ...] = ()

    @property
    def scores(self) -> FloatArray:
        """(n, k) array of the scores x_i w_i e_i; they sum to zero."""
        error = self.residuals if self.weights is None else self.residuals * self.weights
        return self.design * error[:, None]

    @property
    def sigma2(self) -> float:
        """Residual variance: weighted sum of squares over `df_residual` (NaN when none is left)."""
        weight = 1.0 if self.weights is None else self.weights
        total = float(np.sum(weight * self.residuals**2))
        return total / self.df_residual if self.df_residual > 0 else float("nan")

    def position(self, name: str) -> int:
        """Return the place of a column kept; ValueError when it is not there."""
        return self.names.index(name)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Fixed effects removed beforehand from the outcome and every column.

    Attributes
    ----------
    parameters : int
        How many free parameters were removed (groups, minus the redundant ones).
    leverage : (n,) array or None
        Their share of the leverage; needed by HC2 and HC3 (for one set of groups: w_i over the
        sum of the weights of the group).
    """

    parameters: int
    leverage: FloatArray | None = None


def least_squares(
    y: ArrayLike,
    X: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    absorbed: Absorbed | None = None,
) -> LinearFit:
    r"""Fit :math:`y = Xb + e` by weighted least squares.

    Parameters
    ----------
    y : (n,) array
        Outcome, finite.
    X : (n, k) array
        Columns, finite; an intercept is a column like another.
    names : sequence of str, optional
        k names; `x0`, `x1`… by default.
    weights : (n,) array, optional
        Not negative; a row of weight zero has no influence on anything.
    absorbed : Absorbed, optional
        Fixed effects already removed from `y` and `X`.

    Returns
    -------
    LinearFit

    Raises
    ------
    ImpactEvalError
        `shape_mismatch`, `not_finite`, `weights_negative`, `weights_all_zero`, `no_column_left`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(4.0)
    >>> columns = np.column_stack([np.ones(4), x, 3 * x])
    >>> fit = least_squares(1 + 2 * x, columns, names=["a", "b", "c"])
    >>> [round(v, 6) for v in fit.coefficients.tolist()], fit.dropped
    ([1.0, 2.0], ('c',))
    """
    outcome = np.asarray(y, dtype=np.float64)
    columns = np.atleast_2d(np.asarray(X, dtype=np.float64))
    weight = None if weights is None else np.asarray(weights, dtype=np.float64)
    labels = tuple(names) if names is not None else tuple(f"x{i}" for i in range(columns.shape[1]))
    _refuse_rows(outcome, columns, weight, labels)
    scale = np.ones(len(outcome)) if weight is None else np.sqrt(weight)
    # R of [X y]: its last column is Q'y, so b solves a triangle and X'X, whose condition is
    # squared, is never formed (Golub and Van Loan, section 5.3).
    triangle = _triangle(np.column_stack([columns, outcome]) * scale[:, None])
    keep = independent_columns(triangle[:, :-1])
    if not keep.all():
        columns = columns[:, keep]
        triangle = _triangle(np.column_stack([columns, outcome]) * scale[:, None])
    k = columns.shape[1]
    root = triangle[:k, :k]
    inverse = np.linalg.solve(root, np.eye(k))
    coefficients = inverse @ triangle[:k, k]
    fitted = columns @ coefficients
    # h_i = |x_i R^-1|^2, the diagonal of X(X'WX)^-1X'W without the n by n matrix.
    leverage = np.square((columns * scale[:, None]) @ inverse).sum(axis=1)
    if absorbed is not None and absorbed.leverage is not None:
        leverage = leverage + absorbed.leverage
    extra = 0 if absorbed is None else absorbed.parameters
    n = int(np.count_nonzero(scale))
    dropped = tuple(name for name, kept in zip(labels, keep, strict=True) if not kept)
    return LinearFit(
        names=tuple(name for name, kept in zip(labels, keep, strict=True) if kept),
        dropped=dropped,
        coefficients=coefficients,
        residuals=outcome - fitted,
        fitted=fitted,
        design=columns,
        weights=weight,
        bread=inverse @ inverse.T,
        root=root,
        leverage=leverage,
        n=n,
        absorbed=extra,
        df_residual=n - k - extra,
        leverage_complete=absorbed is None or absorbed.leverage is not None,
        findings=_fit_findings(dropped, n=n, parameters=k + extra),
    )


def _fit_findings(dropped: tuple[str, ...], *, n: int, parameters: int) -> tuple[Finding, ...]:
    findings = []
    if dropped:
        findings.append(Finding.warning("collinear_columns", names=dropped, n=len(dropped)))
    if n <= parameters:
        findings.append(Finding.warning("no_residual_df", n=n, parameters=parameters))
    return tuple(findings)


def independent_columns(X: FloatArray) -> NDArray[np.bool_]:
    """Return the mask of the columns that do not depend on those before them.

    A pivoted QR of the columns brought to unit length gives the rank; only when it is short are the
    dependent columns looked for one by one, in their order, so that the later one is dropped.

    Parameters
    ----------
    X : (n, k) array

    Returns
    -------
    (k,) array of bool

    Examples
    --------
    >>> import numpy as np
    >>> independent_columns(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 1.0]])).tolist()
    [True, False, True]
    """
    length: FloatArray = np.sqrt((X**2).sum(axis=0))
    if X.shape[1] <= 1:  # alone, a column depends on none
        return length > 0
    from scipy.linalg import qr

    unit = X / np.where(length > 0, length, 1.0)
    diagonal = np.abs(np.diag(qr(unit, mode="r", pivoting=True, check_finite=False)[0]))
    if len(diagonal) == X.shape[1] and bool((diagonal > RANK_TOLERANCE).all()):
        return np.ones(X.shape[1], dtype=bool)
    keep = np.zeros(X.shape[1], dtype=bool)
    basis = np.zeros((X.shape[0], 0))
    for j in range(X.shape[1]):
        rest = unit[:, j]
        for _ in range(2):  # twice is enough (Kahan) for orthogonality to working precision
            rest = rest - basis @ (basis.T @ rest)
        size = float(np.sqrt(rest @ rest))
        if size > RANK_TOLERANCE:
            keep[j] = True
            basis = np.column_stack([basis, rest / size])
    return keep


def _triangle(matrix: FloatArray) -> FloatArray:
    """R of a QR, with at least as many rows as columns so that short designs keep their shape."""
    rows, columns = matrix.shape
    if rows < columns:
        matrix = np.vstack([matrix, np.zeros((columns - rows, columns))])
    if rows > 2 * _BLOCK_ROWS:  # R of stacked block Rs: the same R, through the cache
        blocks = range(0, rows, _BLOCK_ROWS)
        parts = [np.linalg.qr(matrix[i : i + _BLOCK_ROWS], mode="r") for i in blocks]
        matrix = np.vstack(parts)
    return np.asarray(np.linalg.qr(matrix, mode="r"))


def _refuse_rows(
    y: FloatArray,
    X: FloatArray,
    weights: FloatArray | None,
    names: tuple[str, ...],
) -> None:
    faults = FindingCollector()
    n = len(y)
    if X.shape[0] != n or y.ndim != 1:
        faults.add(Finding.error("shape_mismatch", what="X", expected=n, found=X.shape[0]))
    if len(names) != X.shape[1]:
        faults.add(
            Finding.error("shape_mismatch", what="names", expected=X.shape[1], found=len(names))
        )
    for what, values in (("y", y), ("X", X), ("weights", weights)):
        if values is not None and not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            faults.add(Finding.error("not_finite", what=what, n=count))
    if weights is not None:
        if weights.shape != (n,):
            faults.add(
                Finding.error("shape_mismatch", what="weights", expected=n, found=len(weights))
            )
        if (weights < 0).any():
            faults.add(Finding.error("weights_negative", n=int((weights < 0).sum())))
        if not (weights > 0).any():
            faults.add(Finding.error("weights_all_zero"))
    if X.shape[1] == 0 or n == 0 or not X.any():
        faults.add(Finding.error("no_column_left"))
    faults.raise_if_errors()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitFit:
    """A logistic regression: n rows, k columns kept.

    Attributes
    ----------
    names, dropped : tuple of str
    coefficients : (k,) array
    fitted : (n,) array
        Probabilities.
    design : (n, k) array
    bread : (k, k) array
        Inverse of the Fisher information X'W diag(p(1-p)) X.
    influence : (n, k) array
        Rows that sum to the error of the coefficients: w_i (y_i - p_i) x_i' bread.
    log_likelihood : float
    iterations : int
    converged : bool
    findings : tuple of Finding
    """

    names: tuple[str, ...]
    dropped: tuple[str, ...]
    coefficients: FloatArray
    fitted: FloatArray
    design: FloatArray
    bread: FloatArray
    influence: FloatArray
    log_likelihood: float
    iterations: int
    converged: bool
    findings: tuple[Finding, ...] = ()


def logit_fit(
    y: ArrayLike,
    X: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    tolerance: float = 1e-12,
    max_iterations: int = 50,
) -> LogitFit:
    r"""Fit :math:`P(y=1|x) = 1/(1+e^{-x'b})` by maximum likelihood (damped Newton).

    Parameters
    ----------
    y : (n,) array
        0 or 1 (shares in [0, 1] are accepted).
    X : (n, k) array
    names : sequence of str, optional
    weights : (n,) array, optional
    tolerance : float
        On what the next step promises, relative to the log-likelihood.
    max_iterations : int

    Returns
    -------
    LogitFit
        With the finding `separation` when a combination of columns tells the two groups apart
        exactly (the coefficients then have no finite value), `not_converged` when the iterations
        ran out.

    Raises
    ------
    ImpactEvalError
        Those of `least_squares`, and `outcome_not_share`.

    Examples
    --------
    >>> import numpy as np
    >>> fit = logit_fit([0, 1, 1, 0, 1, 1, 1, 0], np.ones((8, 1)))
    >>> round(float(fit.fitted[0]), 6)
    0.625
    """
    outcome = np.asarray(y, dtype=np.float64)
    faults = FindingCollector()
    outside = (outcome < 0) | (outcome > 1)
    if outside.any():
        faults.add(Finding.error("outcome_not_share", n=int(outside.sum())))
    faults.raise_if_errors()
    first = least_squares(outcome, X, names=names, weights=weights)
    design = first.design
    weight = np.ones(len(outcome)) if first.weights is None else first.weights
    found = damped_newton(
        lambda beta: _logit_point(outcome, design, weight, beta),
        np.zeros(design.shape[1]),
        NewtonStop(decrement=tolerance, iterations=max_iterations),
    )
    share = _logistic(design @ found.x)
    variance = weight * share * (1 - share)
    information = design.T @ (design * variance[:, None])
    # Under separation the information vanishes in a direction: the coefficient there has no finite
    # value, the others keep their covariance (Albert and Anderson 1984).
    bread = np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)
    findings = [*first.findings, *_logit_findings(share, weight, found)]
    return LogitFit(
        names=first.names,
        dropped=first.dropped,
        coefficients=found.x,
        fitted=share,
        design=design,
        bread=bread,
        influence=(design * (weight * (outcome - share))[:, None]) @ bread,
        log_likelihood=_bernoulli_log_likelihood(outcome, share, weight),
        iterations=found.iterations,
        converged=found.converged,
        findings=tuple(findings),
    )


def _logit_point(y: FloatArray, X: FloatArray, weight: FloatArray, beta: FloatArray) -> NewtonPoint:
    """Return minus the log-likelihood, with X'w(p - y) and the information X'w p(1 - p)X."""
    share = _logistic(X @ beta)

    def derivatives() -> tuple[FloatArray, FloatArray]:
        variance = weight * share * (1 - share)
        return X.T @ (weight * (share - y)), X.T @ (X * variance[:, None])

    return NewtonPoint(-_bernoulli_log_likelihood(y, share, weight), derivatives)


def _logistic(index: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(index, -700, 700))))


def _logit_findings(share: FloatArray, weight: FloatArray, found: NewtonResult) -> list[Finding]:
    extreme = (np.minimum(share, 1 - share) < _EXTREME) & (weight > 0)
    if extreme.any():
        return [Finding.warning("separation", n=int(extreme.sum()), total=int((weight > 0).sum()))]
    if not found.converged:
        return [Finding.warning("not_converged", method="logit", iterations=found.iterations)]
    return []


def _bernoulli_log_likelihood(y: FloatArray, share: FloatArray, weight: FloatArray) -> float:
    tiny = np.finfo(np.float64).tiny
    parts = y * np.log(np.maximum(share, tiny)) + (1 - y) * np.log(np.maximum(1 - share, tiny))
    return float(np.sum(weight * parts))
