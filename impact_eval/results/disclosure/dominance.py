"""When a sum or a mean is one person's value in disguise: dominance, homogeneous groups.

A group large enough may still tell one person: one income that makes most of the total, a share of
100 % that tells everybody's answer, a share of 2 % of 100 people that counts two of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.results.disclosure import profiles
from impact_eval.results.disclosure.profiles import Profile
from impact_eval.stats.inference.rarity import rarest

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What the gate needs to know of the people behind a number, and nothing that tells one.

    Attributes
    ----------
    n : int
        People who have a value and a weight.
    dominated : bool
        Whether one or a few of them make the sum.
    homogeneous : bool
        Whether all have the same value: the mean then tells each.
    rarest : int or None
        At most how many are away from one end of the scale, which a mean and its number of people
        tell: of two answers, how many gave the rarer one. None when all gave the same.
    """

    n: int
    dominated: bool
    homogeneous: bool
    rarest: int | None = None


def group_facts(
    values: ArrayLike, weights: ArrayLike | None = None, *, profile: Profile | None = None
) -> GroupFacts:
    """Return what the gate needs to know of a group.

    Parameters
    ----------
    values : (n,) array
        One value a person; a missing one (NaN) is nobody's and is not counted.
    weights : (n,) array, optional
        A person with no weight is not counted.
    profile : Profile, optional
        Whose dominance rules; those of the published profile by default.

    Returns
    -------
    GroupFacts

    Examples
    --------
    >>> group_facts([1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    GroupFacts(n=12, dominated=False, homogeneous=False, rarest=1)
    >>> group_facts([900.0, 1100.0, 48000.0]).dominated
    True
    """
    kept, scale = _present(values, weights)
    rules = profiles.profile() if profile is None else profile
    return GroupFacts(
        n=int(kept.size),
        dominated=dominated(kept, scale, profile=rules),
        homogeneous=homogeneous(kept),
        rarest=rarest(kept) or None,
    )


def dominated(
    values: ArrayLike, weights: ArrayLike | None = None, *, profile: Profile | None = None
) -> bool:
    """Whether a sum fails the (n, k) rule or the p-ratio rule.

    Negative values count by their size: a loss of 50 000 euros tells as much as a gain. With
    weights, a person's contribution is the value times the weight.

    Parameters
    ----------
    values : (n,) array
    weights : (n,) array, optional
    profile : Profile, optional

    Returns
    -------
    bool
        False for a sum of nothing but zeros: it has no contribution.

    Notes
    -----
    Hundepool et al. (2012), Statistical Disclosure Control, chapter 4,
    doi:10.1002/9781118348239.
    """
    kept, scale = _present(values, weights)
    rules = profiles.profile() if profile is None else profile
    sizes = _contributions(kept, scale)
    return nk_rule(sizes, k=rules.nk_k, share=rules.nk_share) or p_ratio_rule(
        sizes, p=rules.p_ratio
    )


def nk_rule(contributions: ArrayLike, *, k: int, share: float) -> bool:
    """Whether the k largest contributions exceed a share of the sum.

    Parameters
    ----------
    contributions : (n,) array
        Not negative.
    k : int
    share : float
        In (0, 1]; at 1 the rule asks nothing.

    Returns
    -------
    bool

    Examples
    --------
    >>> nk_rule([86, 10, 4], k=1, share=0.85), nk_rule([85, 10, 5], k=1, share=0.85)
    (True, False)
    """
    largest = np.sort(np.asarray(contributions, dtype=np.float64))[::-1]
    return share < 1 and bool(largest[:k].sum() > share * largest.sum())


def p_ratio_rule(contributions: ArrayLike, *, p: float) -> bool:
    """Whether the second largest contributor could compute the largest to within a share p.

    It knows its own part and subtracts it: what is left over the largest is all the others,
    so that they must be at least p times the largest.

    Parameters
    ----------
    contributions : (n,) array
        Not negative.
    p : float
        At 0 the rule asks nothing.

    Returns
    -------
    bool

    Examples
    --------
    >>> p_ratio_rule([100, 50, 9], p=0.10), p_ratio_rule([100, 50, 10], p=0.10)
    (True, False)
    """
    largest = np.sort(np.asarray(contributions, dtype=np.float64))[::-1]
    return largest.size > 0 and bool(largest[2:].sum() < p * largest[0])


def homogeneous(values: ArrayLike) -> bool:
    """Whether everybody has the same value, 0 % and 100 % included.

    Examples
    --------
    >>> homogeneous([1, 1, 1]), homogeneous([0, 1, 0]), homogeneous([])
    (True, False, False)
    """
    kept, _ = _present(values, None)
    return kept.size > 0 and bool((kept == kept[0]).all())


def _contributions(kept: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the sizes of the contributions, on a scale where their sum stays finite."""
    sizes = np.abs(kept) / (np.abs(kept).max(initial=0.0) or 1.0)
    return np.asarray(sizes * (scale / (scale.max(initial=0.0) or 1.0)), dtype=np.float64)


def _present(values: ArrayLike, weights: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    """Return the values of the people who have one, and their weights."""
    given = np.asarray(values, dtype=np.float64).ravel()
    scale = np.ones(given.size) if weights is None else np.asarray(weights, np.float64).ravel()
    here = np.isfinite(given) & np.isfinite(scale) & (scale != 0)
    return given[here], np.abs(scale[here])
