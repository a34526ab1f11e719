"""Invariance of ordered items across groups: Wu and Estabrook's chain and its difference test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import Finding, ImpactEvalError, NotApplicable
from impact_eval.stats.scales.cfa_model import (
    CfaModel,
    Identification,
    Matrix,
    freed,
    hold,
    measurement_model,
    tie,
)
from impact_eval.stats.scales.cfa_ordinal import (
    OrdinalCfaFit,
    moment_weight,
    ordinal_factors,
    scaled_and_shifted,
)
from impact_eval.stats.scales.cfa_robust import ResidualTraces, block_diagonal
from impact_eval.stats.scales.invariance_chain import (
    LEAST_PER_GROUP,
    DifferenceTest,
    InvarianceChain,
    InvarianceLevel,
    judged_chain,
)

FloatArray = NDArray[np.float64]
ORDINAL_CHAIN = (
    InvarianceLevel.CONFIGURAL,
    InvarianceLevel.THRESHOLDS,
    InvarianceLevel.METRIC,
    InvarianceLevel.SCALAR,
)


def ordinal_group_model(
    items_of: Mapping[str, Sequence[str]],
    categories: Sequence[int],
    *,
    n_groups: int,
    level: InvarianceLevel,
) -> CfaModel:
    """Build the group model of ordered items at one level of Wu and Estabrook's chain.

    Thresholds first, then loadings, then intercepts; an item with two categories cannot have its
    thresholds tested apart.

    Parameters
    ----------
    items_of : mapping of factor to items
    categories : sequence of int
    n_groups : int
    level : InvarianceLevel

    Returns
    -------
    CfaModel

    References
    ----------
    Wu, H. and Estabrook, R. (2016). doi:10.1007/s11336-016-9506-0

    Examples
    --------
    >>> items = {"f": list("abcd")}
    >>> chain = ("configural", "thresholds", "metric", "scalar")
    >>> [ordinal_group_model(items, [4] * 4, n_groups=2, level=InvarianceLevel(v)).n_free
    ...  for v in chain]
    [32, 28, 25, 22]
    """
    model = measurement_model(
        items_of, n_groups=n_groups, identification=Identification.UNIT_VARIANCE,
        categories=categories,
    )  # fmt: skip
    if level is InvarianceLevel.CONFIGURAL:
        return model
    later = range(1, n_groups)
    factors = range(len(model.factors))
    # Wu and Estabrook (2016): thresholds come first. Two of them fix an item's origin and unit, so
    # that intercepts and scales of the other groups become free; an item of two categories has only
    # one.
    rich = [i for i, count in enumerate(categories) if count > 2]
    groups = range(n_groups)
    model = tie(
        model,
        [[(Matrix.THRESHOLD, g, c.row, c.column) for g in groups]
         for c in model.select(Matrix.THRESHOLD, 0)],
    )  # fmt: skip
    model = freed(model, [(Matrix.INTERCEPT, g, i, 0) for g in later for i in rich])
    model = freed(model, [(Matrix.SCALE, g, i, i) for g in later for i in rich])
    if level is InvarianceLevel.THRESHOLDS:
        return model
    model = tie(
        model,
        [[(Matrix.LOADING, g, c.row, c.column) for g in groups]
         for c in model.select(Matrix.LOADING, 0)],
    )  # fmt: skip
    model = freed(model, [(Matrix.FACTOR_COVARIANCE, g, f, f) for g in later for f in factors])
    if level is InvarianceLevel.METRIC:
        return model
    # Equal intercepts are intercepts at zero, as in the first group; means of the factors take
    # over.
    model = hold(model, [(Matrix.INTERCEPT, g, i, 0) for g in later for i in rich], 0.0)
    model = freed(model, [(Matrix.FACTOR_MEAN, g, f, 0) for g in later for f in factors])
    if level is InvarianceLevel.STRICT:
        model = hold(model, [(Matrix.SCALE, g, i, i) for g in later for i in rich], 1.0)
    return model


def ordinal_difference_test(
    restricted: OrdinalCfaFit, free: OrdinalCfaFit
) -> DifferenceTest | NotApplicable:
    r"""Test a restriction of an ordinal model, scaled and shifted.

    The difference of the statistics is a quadratic form in :math:`(U_0 - U_1)\Gamma`; its mean and
    variance are put right.

    Parameters
    ----------
    restricted, free : OrdinalCfaFit
        Of the same answers by the same estimator.

    Returns
    -------
    DifferenceTest or NotApplicable
        `models_not_nested`, `negative_difference`.

    References
    ----------
    Satorra, A. (2000), in Innovations in Multivariate Statistical Analysis, 233-247
    """
    df = restricted.comparative.df - free.comparative.df
    if df <= 0:
        return NotApplicable.because("models_not_nested", df=df)
    weight = block_diagonal(
        [(m.n - 1) * moment_weight(m, restricted.estimator) for m in restricted.moments]
    )
    gamma = block_diagonal([m.gamma / (m.n - 1) for m in restricted.moments])
    product = (_explained(free.jacobian, weight) - _explained(restricted.jacobian, weight)) @ gamma
    traces = ResidualTraces(
        float(np.trace(product)), float(np.sum(product * product.T)), np.empty((0, 0))
    )
    raw = restricted.comparative.chi_square - free.comparative.chi_square
    if raw < 0 or traces.second <= 0:
        return NotApplicable.because("negative_difference")
    statistic = max(scaled_and_shifted(raw, df, traces)[0], 0.0)
    n, groups = sum(restricted.n), len(restricted.n)
    return DifferenceTest(
        statistic=statistic, df=df, p_value=float(special.chdtrc(df, statistic)),
        rmsea=float(np.sqrt(groups * max(statistic - df, 0.0) / (n * df))),
    )  # fmt: skip


def _explained(jacobian: FloatArray, weight: FloatArray) -> FloatArray:
    bread = np.linalg.pinv(jacobian.T @ weight @ jacobian, hermitian=True)
    half = weight @ jacobian
    out: FloatArray = half @ bread @ half.T
    return out


def ordinal_invariance_across_groups(
    responses: ArrayLike,
    items_of: Mapping[str, Sequence[str]],
    groups: ArrayLike,
    *,
    levels: Sequence[InvarianceLevel] = ORDINAL_CHAIN,
    least: int = LEAST_PER_GROUP,
) -> InvarianceChain | NotApplicable:
    """Fit Wu and Estabrook's chain and say whether means may be compared.

    Parameters
    ----------
    responses : (n, p) array
        Complete rows are used.
    items_of : mapping of factor to items
        In the order of the columns.
    groups : (n,) array
    levels : sequence of InvarianceLevel
    least : int
        Persons of the smallest group.

    Returns
    -------
    InvarianceChain or NotApplicable
        `invariance_small_group`, `invariance_one_group`, and those of `ordinal_factors`.

    Examples
    --------
    >>> rng = np.random.default_rng(5)
    >>> y = np.digitize(rng.normal(size=(800, 1)) + rng.normal(size=(800, 4)), [-1, 0, 1])
    >>> chain = ordinal_invariance_across_groups(y, {"f": list("abcd")}, np.repeat([0, 1], 400))
    >>> chain.verdict.value
    'holds'
    """
    matrix, labels = np.asarray(responses, dtype=np.float64), np.asarray(groups)
    complete = ~np.isnan(matrix).any(axis=1)
    matrix, labels = matrix[complete], labels[complete]
    _, counts = np.unique(labels, return_counts=True)
    if len(counts) < 2:
        return NotApplicable.because("invariance_one_group", n=len(counts))
    if counts.min() < least:
        return NotApplicable.because("invariance_small_group", n=int(counts.min()), advised=least)
    categories = [len(np.unique(column)) for column in matrix.T]
    fits = []
    for level in levels:
        model = ordinal_group_model(items_of, categories, n_groups=len(counts), level=level)
        fit = ordinal_factors(matrix, model, groups=labels)
        if isinstance(fit, NotApplicable):
            return fit
        fits.append(fit)
    return judged_chain(levels, fits, test=ordinal_difference_test)


def ordinal_longitudinal_model(
    waves: Sequence[Sequence[str]], categories: Sequence[int], *, level: InvarianceLevel
) -> CfaModel:
    """Build the one-factor model of ordered items at several waves, one person in each row.

    Latent responses to a same item correlate between waves; the first wave's factor has mean 0 and
    variance 1.

    Parameters
    ----------
    waves : sequence of sequences of item names
        The same items, in the same order, at each wave; names differ between waves.
    categories : sequence of int
        Of each item, the same at all waves.
    level : InvarianceLevel

    Returns
    -------
    CfaModel

    Raises
    ------
    ImpactEvalError
        `waves_differ`.

    Examples
    --------
    >>> waves = [["a0", "b0", "c0", "d0"], ["a1", "b1", "c1", "d1"]]
    >>> [ordinal_longitudinal_model(waves, [4] * 4, level=level).n_free for level in ORDINAL_CHAIN]
    [37, 33, 30, 27]
    """
    k, count = len(waves[0]), len(waves)
    if any(len(wave) != k for wave in waves) or len(categories) != k:
        raise ImpactEvalError(Finding.error("waves_differ", n=tuple(len(w) for w in waves)))
    pairs = [(waves[w][i], waves[v][i]) for i in range(k) for w in range(count) for v in range(w)]
    model = measurement_model(
        {f"wave{w}": list(wave) for w, wave in enumerate(waves)},
        identification=Identification.UNIT_VARIANCE, categories=list(categories) * count,
        correlated=pairs,
    )  # fmt: skip
    if level is InvarianceLevel.CONFIGURAL:
        return model
    place = {item: n for n, item in enumerate(model.items)}
    rows = [[place[wave[i]] for wave in waves] for i in range(k)]
    # Same order as between groups (Wu and Estabrook 2016), waves in place of groups.
    rich = [row for i in range(k) for row in rows[i][1:] if categories[i] > 2]
    model = tie(
        model,
        [[(Matrix.THRESHOLD, 0, row, c) for row in rows[i]]
         for i in range(k) for c in range(categories[i] - 1)],
    )  # fmt: skip
    model = freed(model, [(Matrix.INTERCEPT, 0, row, 0) for row in rich])
    model = freed(model, [(Matrix.SCALE, 0, row, row) for row in rich])
    if level is InvarianceLevel.THRESHOLDS:
        return model
    model = tie(model, [[(Matrix.LOADING, 0, rows[i][w], w) for w in range(count)]
                        for i in range(k)])  # fmt: skip
    later = range(1, count)
    model = freed(model, [(Matrix.FACTOR_COVARIANCE, 0, w, w) for w in later])
    if level is InvarianceLevel.METRIC:
        return model
    model = hold(model, [(Matrix.INTERCEPT, 0, row, 0) for row in rich], 0.0)
    model = freed(model, [(Matrix.FACTOR_MEAN, 0, w, 0) for w in later])
    if level is InvarianceLevel.STRICT:
        model = hold(model, [(Matrix.SCALE, 0, row, row) for row in rich], 1.0)
    return model


def ordinal_invariance_over_time(
    responses: ArrayLike,
    waves: Sequence[Sequence[str]],
    *,
    levels: Sequence[InvarianceLevel] = ORDINAL_CHAIN,
    least: int = LEAST_PER_GROUP,
) -> InvarianceChain | NotApplicable:
    """Fit the chain of ordered items answered by the same persons at several waves.

    Parameters
    ----------
    responses : (n, waves * k) array
        All items of the first wave, then of the second, ...; complete rows are used.
    waves : sequence of sequences of names
    levels : sequence of InvarianceLevel
    least : int
        Persons who answered everything.

    Returns
    -------
    InvarianceChain or NotApplicable
        `invariance_small_group`, `invariance_one_group`, `ordinal_empty_category` (an answer met
        at one wave only), and those of `ordinal_factors`.
    """
    matrix = np.asarray(responses, dtype=np.float64)
    matrix = matrix[~np.isnan(matrix).any(axis=1)]
    if len(waves) < 2:
        return NotApplicable.because("invariance_one_group", n=len(waves))
    if len(matrix) < least:
        return NotApplicable.because("invariance_small_group", n=len(matrix), advised=least)
    k = len(waves[0])
    sizes = np.array([len(np.unique(column)) for column in matrix.T]).reshape(-1, k)
    if (sizes != sizes[0]).any():
        return NotApplicable.because(
            "ordinal_empty_category", group=int(np.argmax((sizes != sizes[0]).any(axis=1))) + 1
        )
    fits = []
    for level in levels:
        model = ordinal_longitudinal_model(waves, sizes[0].tolist(), level=level)
        fit = ordinal_factors(matrix, model)
        if isinstance(fit, NotApplicable):
            return fit
        fits.append(fit)
    return judged_chain(levels, fits, test=ordinal_difference_test)
