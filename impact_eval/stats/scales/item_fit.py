r"""How well each item fits a Rasch or partial credit model, and where each person stands.

Mean squares compare the answers' spread about what the model expects with the spread it foretells:
near 1 when they agree, above when an item follows something else, below when it follows the others
too closely. `outfit` counts every person alike, `infit` those for whom the item is neither too easy
nor too hard.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.scales.conditional_rasch import ConditionalRasch, conditional_shares
from impact_eval.stats.scales.irt_models import IrtModel, ItemParameters, category_probabilities

FloatArray = NDArray[np.float64]
_REACH = 30.0
_HALVINGS = 80


class ExpectedGiven(StrEnum):
    """What expected answers rest on: the person's total (exact), or the place estimated from it."""

    TOTAL = "total"
    PLACE = "place"


class PlaceRule(StrEnum):
    """Warm's weighted likelihood (finite for every total), or plain likelihood."""

    WEIGHTED = "weighted"
    LIKELIHOOD = "likelihood"


@dataclass(frozen=True, slots=True)
class PersonPlaces:
    """Place of a person by total, 0 to the highest: (R + 1,) arrays; infinite where unbounded."""

    place: FloatArray
    std_error: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFit:
    """Mean squares of each item, (k,) arrays, over the persons without an extreme total.

    Attributes
    ----------
    infit, outfit : (k,) arrays
        1 is what the model foretells.
    infit_z, outfit_z : (k,) arrays
        The same as standard normal deviates (Wilson and Hilferty's cube root).
    n : int
        Persons.
    """

    infit: FloatArray
    outfit: FloatArray
    infit_z: FloatArray
    outfit_z: FloatArray
    n: int


def person_places(fit: ConditionalRasch, *, rule: PlaceRule = PlaceRule.WEIGHTED) -> PersonPlaces:
    r"""Return the place of a person for each total, on the scale of the steps.

    Solves :math:`r - \sum_j E_j(\theta) + J(\theta) / (2 I(\theta)) = 0`, with I the sum of the
    answers' variances and J that of their third central moments (both left out by
    `PlaceRule.LIKELIHOOD`: lowest and highest totals then have no place).

    Parameters
    ----------
    fit : ConditionalRasch
    rule : PlaceRule

    Returns
    -------
    PersonPlaces

    References
    ----------
    Warm, T. A. (1989). doi:10.1007/BF02294627

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.scales.conditional_rasch import conditional_rasch
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random((200, 5)) < 1 / (1 + np.exp(-rng.normal(size=(200, 1))))
    >>> bool(np.all(np.diff(person_places(conditional_rasch(y.astype(float))).place) > 0))
    True
    """
    highest = int((fit.sizes - 1).sum())
    totals = np.arange(highest + 1, dtype=np.float64)
    low, high = np.full(highest + 1, -_REACH), np.full(highest + 1, _REACH)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        mean, variance, third, _fourth = _answer_moments(_shares_at(fit, middle))
        gap = totals - mean.sum(axis=1)
        if rule is PlaceRule.WEIGHTED:
            gap += third.sum(axis=1) / (2 * np.maximum(variance.sum(axis=1), 1e-300))
        low, high = np.where(gap > 0, middle, low), np.where(gap > 0, high, middle)
    place = (low + high) / 2
    variance = _answer_moments(_shares_at(fit, place))[1].sum(axis=1)
    error = 1 / np.sqrt(np.maximum(variance, 1e-300))
    if rule is PlaceRule.LIKELIHOOD:
        place[[0, -1]], error[[0, -1]] = (-np.inf, np.inf), np.inf
    return PersonPlaces(place, error)


def _shares_at(fit: ConditionalRasch, places: FloatArray) -> FloatArray:
    """Return the (t, k, c) probabilities of the answers at latent places."""
    intercepts = -np.cumsum(fit.steps, axis=1)
    items = ItemParameters(np.ones(len(fit.sizes)), intercepts, fit.sizes)
    shares = category_probabilities(IrtModel.PARTIAL_CREDIT, items, places)
    return np.moveaxis(shares, 2, 0)


def _answer_moments(shares: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return mean and second, third and fourth central moments of answers, from (t, k, c)."""
    rank = np.arange(shares.shape[2])
    mean = shares @ rank
    gap = rank - mean[:, :, None]
    second, third, fourth = (np.sum(shares * gap**power, axis=2) for power in (2, 3, 4))
    return mean, second, third, fourth


def item_fit(fit: ConditionalRasch, *, given: ExpectedGiven = ExpectedGiven.TOTAL) -> ItemFit:
    r"""Compute infit and outfit mean squares of each item, with their standardised forms.

    .. math:: outfit_j = \frac1N \sum_i \frac{(x_{ij} - E_{ij})^2}{V_{ij}}, \quad
       infit_j = \frac{\sum_i (x_{ij} - E_{ij})^2}{\sum_i V_{ij}}, \quad
       z = (MS^{1/3} - 1)\frac3q + \frac q3

    with :math:`q^2` the variance of the mean square, from the answers' fourth moments. Given the
    total the moments are exact, and a mean square is 1 on average whatever the number of items;
    given the estimated place they are the usual ones, a little below 1 with few items.

    Parameters
    ----------
    fit : ConditionalRasch
    given : ExpectedGiven

    Returns
    -------
    ItemFit

    References
    ----------
    Wright, B. D. and Masters, G. N. (1982). Rating scale analysis. MESA Press (ISBN 0941938018,
    to_check: the formulas are those of the stored eRm output)

    Examples
    --------
    >>> import numpy as np
    >>> from impact_eval.stats.scales.conditional_rasch import conditional_rasch
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random((300, 6)) < 1 / (1 + np.exp(-rng.normal(size=(300, 1))))
    >>> found = item_fit(conditional_rasch(y.astype(float)))
    >>> bool(np.all(np.abs(found.infit - 1) < 0.2))
    True
    """
    total = fit.codes.sum(axis=1)
    inner = (total > 0) & (total < (fit.sizes - 1).sum())
    if given is ExpectedGiven.TOTAL:
        shares = conditional_shares(fit)
    else:
        place = person_places(fit, rule=PlaceRule.LIKELIHOOD).place
        shares = _shares_at(fit, np.clip(place, -_REACH, _REACH))  # extreme totals are left out
    # Moments by total first: persons of one total share them.
    mean, variance, _third, fourth = (moment[total[inner]] for moment in _answer_moments(shares))
    squares = (fit.codes[inner] - mean) ** 2
    n = len(squares)
    # Under the model a square has mean V and variance C - V^2.
    outfit, infit = (squares / variance).mean(axis=0), squares.sum(axis=0) / variance.sum(axis=0)
    of_outfit = (fourth / variance**2 - 1).sum(axis=0) / n**2
    of_infit = (fourth - variance**2).sum(axis=0) / variance.sum(axis=0) ** 2
    return ItemFit(
        infit=infit, outfit=outfit, infit_z=_normal(infit, of_infit),
        outfit_z=_normal(outfit, of_outfit), n=n,
    )  # fmt: skip


def _normal(square: FloatArray, variance: FloatArray) -> FloatArray:
    root = np.sqrt(variance)
    out: FloatArray = (np.cbrt(square) - 1) * 3 / root + root / 3
    return out
