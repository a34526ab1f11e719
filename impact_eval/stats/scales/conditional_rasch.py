r"""Rasch and partial credit models by conditional likelihood: what a small sample can bear.

Given the totals of the persons, their answers no longer depend on what is measured: no shape of its
distribution is supposed. With :math:`\varepsilon_{jc} = e^{\beta_{jc}}`, the probability of answers
x among all those of total r is :math:`\prod_j \varepsilon_{j x_j} / \gamma_r`, where the elementary
symmetric function :math:`\gamma_r` sums that product over all answers of total r.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from impact_eval.core.findings import NotApplicable
from impact_eval.stats.scales.item_matrix import complete_rows, item_matrix
from impact_eval.stats.scales.polychoric import category_codes
from impact_eval.stats.scales.scoring_steps import ScoringPoint, minimise, singular

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_FARTHEST = 12.0  # a step no answer places: its estimate runs away


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalRasch:
    """A Rasch or partial credit model fitted given the totals.

    Attributes
    ----------
    steps : (k, c - 1) array
        Place of each step (of the item, with two answers), NaN padded; their mean is 0.
    std_error : (k, c - 1) array
    covariance : (q, q) array
        Of the steps, item after item.
    log_likelihood : float
        Conditional.
    sizes : (k,) int array
        Answers of each item.
    codes : (n, k) int array
        Answers from 0, complete rows.
    n, n_used : int
        Persons, and those whose total is neither the lowest nor the highest (the others say
        nothing of the items).
    n_free : int
    """

    steps: FloatArray
    std_error: FloatArray
    covariance: FloatArray
    log_likelihood: float
    sizes: IntArray
    codes: IntArray
    n: int
    n_used: int
    n_free: int


def symmetric_functions(terms: list[FloatArray]) -> FloatArray:
    r"""Return the elementary symmetric functions :math:`\gamma_0 \dots \gamma_R` of all items.

    The summation algorithm: items enter one after the other, and only positive numbers are added.

    Parameters
    ----------
    terms : list of (c_j,) arrays
        :math:`\varepsilon_{jc}` of each item, the first being 1.

    References
    ----------
    Verhelst, N. D., Glas, C. A. W. and van der Sluis, A. (1984). Computational Statistics Quarterly
    1, 245-262 (to_check: not read, cited as the source of the summation algorithm)

    Examples
    --------
    >>> import numpy as np
    >>> symmetric_functions([np.array([1.0, 2.0]), np.array([1.0, 3.0])]).tolist()
    [1.0, 5.0, 6.0]
    """
    out = np.ones(1)
    for term in terms:
        out = np.convolve(out, term)
    return out


def symmetric_without(terms: list[FloatArray]) -> list[FloatArray]:
    """Return, for each item, the symmetric functions of all the others.

    From the products before and after it: dividing it out would subtract, and lose all digits.
    """
    before = [np.ones(1)]
    for term in terms[:-1]:
        before.append(np.convolve(before[-1], term))
    after = np.ones(1)
    out = []
    for term, left in zip(reversed(terms), reversed(before), strict=True):
        out.append(np.convolve(left, after))
        after = np.convolve(after, term)
    return out[::-1]


def conditional_rasch(responses: ArrayLike) -> ConditionalRasch | NotApplicable:
    r"""Fit a Rasch (two answers) or partial credit model given the totals.

    .. math:: \ell = \sum_{jc} n_{jc} \beta_{jc} - \sum_r n_r \log \gamma_r(\beta),
       \quad \delta_{jc} = \beta_{j,c-1} - \beta_{jc}

    by Newton steps with the exact information.

    Parameters
    ----------
    responses : (n, k) array
        Ordered answers as numbers; complete rows are used.

    Returns
    -------
    ConditionalRasch or NotApplicable
        `too_few_items` (k < 3), `too_few_persons` (fewer than 10 with a total that is neither the
        lowest nor the highest), `constant_item`, `irt_not_identified` (an answer that only persons
        with an extreme total gave, or items that nobody's answers bring together),
        `no_convergence`.

    Assumptions
    -----------
    One trait, the same discrimination for all items, answers independent given the trait.

    References
    ----------
    Andersen, E. B. (1972). doi:10.1111/j.2517-6161.1972.tb00887.x (to_check); Masters, G. N.
    (1982). doi:10.1007/BF02296272 (to_check)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> places = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    >>> y = rng.random((400, 5)) < 1 / (1 + np.exp(places - rng.normal(size=(400, 1))))
    >>> fit = conditional_rasch(y.astype(float))
    >>> bool(np.all(np.abs(fit.steps[:, 0] - places) < 3 * fit.std_error[:, 0]))
    True
    """
    kept = complete_rows(item_matrix(responses))
    if kept.shape[1] < 3:
        return NotApplicable.because("too_few_items", n=kept.shape[1], advised=3)
    if not len(kept):
        return NotApplicable.because("too_few_persons", n=0, advised=10)
    codes, categories = category_codes(kept)
    sizes = np.array([len(c) for c in categories], dtype=np.int64)
    if sizes.min() < 2:
        return NotApplicable.because("constant_item", n=int((sizes < 2).sum()))
    return _fitted(codes, sizes)


def _fitted(codes: IntArray, sizes: IntArray) -> ConditionalRasch | NotApplicable:
    total = codes.sum(axis=1)
    inner = (total > 0) & (total < (sizes - 1).sum())
    used = codes[inner]
    if len(used) < 10:
        return NotApplicable.because("too_few_persons", n=len(used), advised=10)
    counts = [np.bincount(used[:, j], minlength=size) for j, size in enumerate(sizes)]
    if min(count.min() for count in counts) == 0:
        return NotApplicable.because("irt_not_identified")
    met = np.concatenate([count[1:] for count in counts]).astype(np.float64)
    persons = np.bincount(total[inner], minlength=int((sizes - 1).sum()) + 1).astype(np.float64)
    # Adding c t to every beta_jc multiplies a total's answers all alike: that direction goes.
    direction = np.concatenate([np.arange(1, size) for size in sizes])[:, None]
    basis = _complement(direction.astype(np.float64))

    def objective(theta: FloatArray) -> ScoringPoint:
        beta = basis @ theta
        if np.abs(beta).max() > 40:
            return ScoringPoint(1e300, np.zeros(len(theta)), np.eye(len(theta)))
        value, expected, information = _conditional(beta, sizes, persons)
        score = basis.T @ (met - expected)
        return ScoringPoint(value - float(met @ beta), score, basis.T @ information @ basis)

    best = minimise(objective, np.zeros(basis.shape[1]))
    if singular(best.information):
        return NotApplicable.because("irt_not_identified")
    if not best.converged:
        return NotApplicable.because("no_convergence")
    return _placed(basis, (best.theta, best.information, -best.value), codes, sizes, len(used))


def _complement(direction: FloatArray) -> FloatArray:
    """Return an orthonormal basis of what is orthogonal to one column."""
    full = np.linalg.qr(np.hstack([direction, np.eye(len(direction))]))[0]
    return np.asarray(full[:, 1 : len(direction)], dtype=np.float64)


def _placed(
    basis: FloatArray,
    found: tuple[FloatArray, FloatArray, float],
    codes: IntArray,
    sizes: IntArray,
    n_used: int,
) -> ConditionalRasch | NotApplicable:
    theta, information, value = found
    q = len(basis)
    # Steps are the falls of beta within an item, centred: whatever the direction left out.
    first = np.cumsum(sizes - 1) - (sizes - 1)
    falls = -np.eye(q) + np.eye(q, k=-1)
    falls[first[1:], first[1:] - 1] = 0.0
    centred = (np.eye(q) - 1 / q) @ falls @ basis
    places, covariance = centred @ theta, centred @ np.linalg.inv(information) @ centred.T
    if np.abs(places).max() > _FARTHEST:
        return NotApplicable.because("irt_not_identified")
    present = np.arange(sizes.max() - 1)[None, :] < (sizes - 1)[:, None]
    steps, error = np.full(present.shape, np.nan), np.full(present.shape, np.nan)
    steps[present], error[present] = places, np.sqrt(np.diag(covariance))
    return ConditionalRasch(
        steps=steps, std_error=error, covariance=covariance, log_likelihood=value, sizes=sizes,
        codes=codes, n=len(codes), n_used=n_used, n_free=q - 1,
    )  # fmt: skip


def item_terms(beta: FloatArray, sizes: IntArray) -> list[FloatArray]:
    """Return the exponentials of each item's parameters, 1 for its lowest answer."""
    parts = np.split(beta, np.cumsum(sizes - 1)[:-1])
    return [np.concatenate([[1.0], np.exp(part)]) for part in parts]


def _conditional(
    beta: FloatArray, sizes: IntArray, persons: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return sum n_r log gamma_r, its gradient (expected counts) and its Hessian."""
    terms = item_terms(beta, sizes)
    whole = symmetric_functions(terms)
    weight = persons / whole
    shares = _category_shares(terms, whole)
    expected = persons @ shares
    information = -(shares * persons[:, None]).T @ shares + np.diag(expected)
    first = np.cumsum(sizes - 1) - (sizes - 1)
    for j, term in enumerate(terms):
        others = terms[:j] + terms[j + 1 :]
        for low, rest in enumerate(symmetric_without(others)):
            at = low if low < j else low + 1
            if at < j:
                continue
            # Two answers c and d of a total r leave r - c - d to the remaining items.
            for c in range(1, len(term)):
                for d in range(1, len(terms[at])):
                    both = weight[c + d : c + d + len(rest)] @ rest * term[c] * terms[at][d]
                    row, column = first[j] + c - 1, first[at] + d - 1
                    information[row, column] += both
                    information[column, row] += both
    return float(persons @ np.log(whole)), expected, information


def _category_shares(terms: list[FloatArray], whole: FloatArray) -> FloatArray:
    """Return P(answer c to item j | total r), (R + 1, q), lowest answers left out."""
    columns = []
    for term, rest in zip(terms, symmetric_without(terms), strict=True):
        for c in range(1, len(term)):
            column = np.zeros(len(whole))
            column[c : c + len(rest)] = term[c] * rest
            columns.append(column / whole)
    return np.column_stack(columns)


def conditional_shares(fit: ConditionalRasch) -> FloatArray:
    """Return the (R + 1, k, c) probability of each answer to each item given the total.

    Parameters
    ----------
    fit : ConditionalRasch
    """
    present = ~np.isnan(fit.steps)
    beta = -np.concatenate([np.cumsum(row[keep]) for row, keep in zip(fit.steps, present,
                                                                     strict=True)])  # fmt: skip
    terms = item_terms(beta, fit.sizes)
    shares = _category_shares(terms, symmetric_functions(terms))
    out = np.zeros((len(shares), len(fit.sizes), int(fit.sizes.max())))
    out[:, :, 1:][:, present] = shares
    out[:, :, 0] = 1 - out[:, :, 1:].sum(axis=2)
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class AndersenTest:
    """Whether the items keep their places from one group of persons to the other.

    Attributes
    ----------
    statistic : float
        Likelihood ratio.
    df : int
    p_value : float
    steps : (g, k, c - 1) array
        Places in each group.
    n : tuple of int
        Persons of each group.
    """

    statistic: float
    df: int
    p_value: float
    steps: FloatArray
    n: tuple[int, ...]


def andersen_test(
    fit: ConditionalRasch, groups: ArrayLike | None = None
) -> AndersenTest | NotApplicable:
    r"""Test that the items keep their places: :math:`2(\sum_g \ell_g - \ell) \sim \chi^2`.

    Parameters
    ----------
    fit : ConditionalRasch
    groups : (n,) array, optional
        Of the persons of `fit.codes`; totals above and up to their median when none is given.

    Returns
    -------
    AndersenTest or NotApplicable
        `irt_not_identified` when a group leaves an answer out, the refusals of `conditional_rasch`,
        `dif_one_group`.

    References
    ----------
    Andersen, E. B. (1973). doi:10.1007/BF02291180 (to_check)

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> y = rng.random((300, 5)) < 1 / (1 + np.exp(-rng.normal(size=(300, 1))))
    >>> andersen_test(conditional_rasch(y.astype(float))).df
    4
    """
    if groups is None:
        total = fit.codes.sum(axis=1)
        inner = total[(total > 0) & (total < (fit.sizes - 1).sum())]
        labels = np.asarray(total > np.median(inner))
    else:
        labels = np.asarray(groups)
    kinds = np.unique(labels)
    if len(kinds) < 2:
        return NotApplicable.because("dif_one_group", n=len(kinds))
    parts = []
    for kind in kinds:
        part = _fitted(fit.codes[labels == kind], fit.sizes)
        if isinstance(part, NotApplicable):
            return part
        parts.append(part)
    statistic = 2 * (sum(part.log_likelihood for part in parts) - fit.log_likelihood)
    df = (len(parts) - 1) * fit.n_free
    return AndersenTest(
        statistic=statistic, df=df, p_value=float(special.chdtrc(df, max(statistic, 0.0))),
        steps=np.stack([part.steps for part in parts]), n=tuple(part.n for part in parts),
    )  # fmt: skip
