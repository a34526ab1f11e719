r"""Fit of item response models from what few answers at a time say: M2, C2 and S-X2.

Most patterns of answers are met once or never, so a chi-square over patterns means nothing. These
statistics look at single items and pairs (M2, C2), or at one item among persons of one total
(S-X2): their expected counts are large enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.irt import IrtFit, ParameterLayout
from impact_eval.stats.scales.irt_models import (
    ONE_SLOPE,
    Curves,
    category_curves,
    category_probabilities,
)
from impact_eval.stats.scales.scoring_steps import singular

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_LEAST_EXPECTED = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedFit:
    """A limited-information test of a whole model.

    Attributes
    ----------
    statistic : float
        M2 with two answers, C2 with more.
    df : int
    p_value : float
    rmsea : float
        ``sqrt(max(0, statistic - df) / (n df))``.
    n : int
        Complete rows.
    """

    statistic: float
    df: int
    p_value: float
    rmsea: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemChiSquare:
    """S-X2 of each item with two answers, (k,) arrays; NaN where too few totals are left."""

    statistic: FloatArray
    df: IntArray
    p_value: FloatArray


def limited_fit(fit: IrtFit) -> LimitedFit | NotApplicable:
    r"""Compute M2 (two answers) or C2 (more): observed less expected shares and mean products.

    .. math:: N e' (\Xi^{-1} - \Xi^{-1}\Delta(\Delta'\Xi^{-1}\Delta)^{-1}\Delta'\Xi^{-1}) e

    where e holds the shares of each answer (but the lowest) and the mean product of each pair of
    items, :math:`\Xi` is their covariance under the model and :math:`\Delta` their derivatives in
    its parameters.

    Parameters
    ----------
    fit : IrtFit

    Returns
    -------
    LimitedFit or NotApplicable
        `cfa_not_identified` (no degree of freedom left), `too_few_persons` (no complete row),
        `matrix_not_positive`.

    References
    ----------
    Maydeu-Olivares, A. and Joe, H. (2006). doi:10.1007/s11336-005-1295-9 (to_check); Cai, L. and
    Monroe, S. (2014). CRESST Report 839 (to_check: not read; C2 checked by enumeration)

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.scales.irt import item_response
    >>> from impact_eval.stats.scales.irt_models import IrtModel
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random((800, 6)) < 1 / (1 + np.exp(-1.5 * rng.normal(size=(800, 1))))
    >>> found = limited_fit(item_response(y.astype(float), model=IrtModel.TWO_PARAMETER))
    >>> found.df, bool(found.rmsea < 0.06)
    (9, True)
    """
    codes, counts = _complete(fit)
    n = int(counts.sum())
    if not n:
        return NotApplicable.because("too_few_persons", n=0, advised=1)
    layout = ParameterLayout.of(fit.model, fit.patterns.sizes)
    pairs = np.triu_indices(len(layout.sizes), 1)
    known = int((layout.sizes - 1).sum()) + len(pairs[0])
    df = known - layout.n_free
    if df <= 0:
        return NotApplicable.because("cfa_not_identified", n=layout.n_free, known=known)
    curves = category_curves(fit.model, fit.items, fit.quadrature.points)
    expected, spread = _expected_margins(curves, layout, pairs, fit.quadrature.weights)
    moved = _moved_margins(curves, layout, pairs, fit.quadrature.weights)
    indicators = [codes[:, j] == c for j, size in enumerate(layout.sizes) for c in range(1, size)]
    products = [codes[:, a] * codes[:, b] for a, b in zip(*pairs, strict=True)]
    gap = counts @ np.column_stack([*indicators, *products]) / n - expected
    if singular(spread):
        return NotApplicable.because("matrix_not_positive")
    # What the parameters could have taken up is projected out of the gap.
    weighted = np.linalg.solve(spread, np.column_stack([gap, moved]))
    left, taken = weighted[:, 0], weighted[:, 1:]
    along = moved.T @ left
    statistic = n * float(gap @ left - along @ np.linalg.solve(moved.T @ taken, along))
    return LimitedFit(
        statistic=statistic, df=df, p_value=float(special.chdtrc(df, max(statistic, 0.0))),
        rmsea=float(np.sqrt(max(0.0, statistic - df) / (n * df))), n=n,
    )  # fmt: skip


def _complete(fit: IrtFit) -> tuple[IntArray, FloatArray]:
    whole = (fit.patterns.codes >= 0).all(axis=1)
    return fit.patterns.codes[whole], fit.patterns.counts[whole]


def _expected_margins(
    curves: Curves, layout: ParameterLayout, pairs: tuple[IntArray, ...], weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the model's mean and covariance of the indicators, then of the pairs' products."""
    shares = curves.probability
    rank = np.arange(shares.shape[1])
    mean = np.einsum("kct,c->kt", shares, rank)
    variance = np.einsum("kct,c->kt", shares, rank**2) - mean**2
    first, second = pairs
    rows = [(j, c) for j, size in enumerate(layout.sizes) for c in range(1, size)]
    u = len(rows)
    given = np.vstack([*(shares[j, c] for j, c in rows), mean[first] * mean[second]])
    expected = given @ weights
    # Spread of what is expected along the trait, then what answers add independently given it.
    spread = (given * weights) @ given.T - np.outer(expected, expected)
    of_item = np.array([j for j, _ in rows])
    for j in range(len(mean)):
        own = np.flatnonzero(of_item == j)
        mine = shares[j, 1 : len(own) + 1]
        spread[np.ix_(own, own)] += np.diag(mine @ weights) - (mine * weights) @ mine.T
        touched = np.flatnonzero((first == j) | (second == j))
        others = mean[np.where(first[touched] == j, second[touched], first[touched])]
        spread[np.ix_(u + touched, u + touched)] += (others * weights * variance[j]) @ others.T
        both = (mine * (rank[1 : len(own) + 1, None] - mean[j]) * weights) @ others.T
        spread[np.ix_(own, u + touched)] += both
        spread[np.ix_(u + touched, own)] += both.T
    diagonal = u + np.arange(len(first))
    spread[diagonal, diagonal] += (variance[first] * variance[second]) @ weights
    return expected, spread


def _moved_margins(
    curves: Curves, layout: ParameterLayout, pairs: tuple[IntArray, ...], weights: FloatArray
) -> FloatArray:
    """Return the derivatives of the expected margins in the free parameters."""
    slope = curves.probability[:, :, None, :] * curves.gradient
    rank = np.arange(slope.shape[1])
    mean = np.einsum("kct,c->kt", curves.probability, rank)
    of_mean = np.einsum("kcpt,c->kpt", slope, rank)
    rows = []
    for j, size in enumerate(layout.sizes):
        used = layout.index[j] >= 0
        for c in range(1, size):
            row = np.zeros(layout.n_free)
            row[layout.index[j][used]] = slope[j, c, used] @ weights
            rows.append(row)
    for a, b in zip(*pairs, strict=True):
        row = np.zeros(layout.n_free)
        for moving, fixed in ((a, b), (b, a)):
            used = layout.index[moving] >= 0
            row[layout.index[moving][used]] += of_mean[moving, used] @ (weights * mean[fixed])
        rows.append(row)
    return np.array(rows)


def item_chi_squares(fit: IrtFit) -> ItemChiSquare | NotApplicable:
    r"""Compute S-X2 of each item: who gets it, among persons of each total.

    .. math:: S\text{-}X^2_j = \sum_r N_r \frac{(O_{jr} - E_{jr})^2}{E_{jr}(1 - E_{jr})}, \quad
       E_{jr} = \frac{\int P_j\, f_{-j}(r-1)\, \phi}{\int f(r)\, \phi}

    Neighbouring totals are put together until each expected count reaches 1.

    Parameters
    ----------
    fit : IrtFit
        Of two-answer items.

    Returns
    -------
    ItemChiSquare or NotApplicable
        `irt_needs_binary`, `too_few_persons` (no complete row).

    References
    ----------
    Orlando, M. and Thissen, D. (2000). doi:10.1177/01466216000241003 (to_check)

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.scales.irt import item_response
    >>> from impact_eval.stats.scales.irt_models import IrtModel
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random((800, 6)) < 1 / (1 + np.exp(-1.5 * rng.normal(size=(800, 1))))
    >>> item_chi_squares(item_response(y.astype(float), model=IrtModel.TWO_PARAMETER)).df.tolist()
    [3, 3, 3, 3, 3, 3]
    """
    if fit.patterns.sizes.max() > 2:
        return NotApplicable.because("irt_needs_binary", n=int(fit.patterns.sizes.max()))
    codes, counts = _complete(fit)
    if not counts.sum():
        return NotApplicable.because("too_few_persons", n=0, advised=1)
    k, weights = codes.shape[1], fit.quadrature.weights
    rises = category_probabilities(fit.model, fit.items, fit.quadrature.points)[:, 1]
    whole = _total_shares(rises) @ weights
    total = codes.sum(axis=1)
    met = np.bincount(total, weights=counts, minlength=k + 1)[1:k]
    fitted = 1 if fit.model in ONE_SLOPE else 2
    found = []
    for j in range(k):
        rest = _total_shares(np.delete(rises, j, axis=0))
        share = (rest * rises[j]) @ weights / whole[1:]  # P(item | total r), r = 1..k
        got = np.bincount(total, weights=counts * codes[:, j], minlength=k + 1)[1:k]
        found.append(_chi_square(np.column_stack([met, got, met * share[: k - 1]]), fitted))
    statistic, df = np.array([s for s, _ in found]), np.array([d for _, d in found])
    p_value = np.where(df > 0, special.chdtrc(np.maximum(df, 1), statistic), np.nan)
    return ItemChiSquare(statistic=np.where(df > 0, statistic, np.nan), df=df, p_value=p_value)


def _total_shares(rises: FloatArray) -> FloatArray:
    """Return P(total = r | trait), (items + 1, t): items enter one after the other."""
    out = np.zeros((len(rises) + 1, rises.shape[1]))
    out[0] = 1.0
    for rise in rises:
        out[1:] = out[1:] * (1 - rise) + out[:-1] * rise
        out[0] *= 1 - rise
    return out


def _chi_square(table: FloatArray, fitted: int) -> tuple[float, int]:
    """Return the chi-square of rows (people, seen, expected), thin ones joined, and its df."""
    cells = [row.copy() for row in table]
    at = 0
    while at < len(cells) and len(cells) > 1:
        people, _, expected = cells[at]
        if min(expected, people - expected) >= _LEAST_EXPECTED:
            at += 1
            continue
        near = at + 1 if at + 1 < len(cells) else at - 1
        cells[near] += cells[at]
        del cells[at]
        at = min(at, near)
    people, seen, awaited = np.array(cells).T
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = (seen - awaited) ** 2 * people / (awaited * (people - awaited))
    return float(np.nansum(parts)), max(len(cells) - fitted, 0)
