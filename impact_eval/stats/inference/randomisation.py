r"""Randomisation inference from the draw that was declared.

Under the sharp null the outcomes do not depend on who was drawn: the statistic of every assignment
that could have been drawn is known, and :math:`p = P(|T_z| \ge |T_{obs}|)` is exact. Labels are
whatever was drawn: treated or not, or the wave a territory joins; they are permuted within blocks,
among the units that were drawn (clusters, not people, when clusters were drawn).

A statistic that is a sum over units, :math:`T_z = \sum_g S_{g,z_g}` (differences of means, of
changes, any contrast of cohort means: the sizes are fixed by the draw), needs one product per
label.
Its inverted interval under a constant additive effect :math:`\tau` is closed: with :math:`A_z` the
statistic of the outcomes and :math:`B_z` that of the observed exposure, draw z is at least as
extreme as the observed one for :math:`\tau` between the roots of
:math:`|A_z-\tau B_z| = |A_{obs}-\tau B_{obs}|`, an interval around the estimate.

References
----------
Fisher, R. A. (1935), The Design of Experiments.
Gerber, A. and Green, D. (2012), Field Experiments, chapter 3.
Athey, S. and Imbens, G. (2022), on staggered roll-outs. doi:10.1016/j.jeconom.2020.10.012
Young, A. (2019). doi:10.1093/qje/qjy029
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from impact_eval.core import Finding, FindingCollector, ImpactEvalError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Accept = Callable[[NDArray[np.int64]], NDArray[np.bool_]]

_TIE = 1e-9
_PATIENCE = 200  # rounds of redrawing before a restriction is called too tight


@dataclass(frozen=True, slots=True)
class DeclaredDraw:
    """A draw with fixed numbers per label, within blocks.

    Attributes
    ----------
    labels : (G,) array of int
        Observed code of each unit drawn (0, 1… into `values`).
    values : tuple
        What the codes stand for: 0 and 1, or the periods of entry.
    blocks : (G,) array of int
        Units are drawn apart within blocks.
    accept : callable or None
        From (b, G) codes to (b,) booleans: the draws that the restriction (balance, at least one
        treated per district…) allowed.
    """

    labels: IntArray
    values: tuple[float | str, ...]
    blocks: IntArray
    accept: Accept | None = None


def declare_draw(
    labels: ArrayLike, *, blocks: ArrayLike | None = None, accept: Accept | None = None
) -> DeclaredDraw:
    """Declare how labels were drawn: permuted among units, within blocks, under a restriction.

    Parameters
    ----------
    labels : (G,) array
        Treatment or cohort of each unit that was drawn.
    blocks : (G,) array, optional
    accept : callable, optional

    Returns
    -------
    DeclaredDraw

    Raises
    ------
    ImpactEvalError
        `assignment_not_allowed` when the observed draw breaks its own restriction;
        `no_variation_in_draw` when only one assignment was possible.

    Examples
    --------
    >>> draw = declare_draw([2024, 2025, 2025, 2026])
    >>> count_assignments(draw)
    12
    """
    values, codes = np.unique(np.asarray(labels), return_inverse=True)
    size = len(codes)
    groups = np.zeros(size, dtype=np.int64)
    if blocks is not None:
        groups = np.unique(np.asarray(blocks), return_inverse=True)[1].ravel().astype(np.int64)
    draw = DeclaredDraw(codes.ravel().astype(np.int64), tuple(values.tolist()), groups, accept)
    faults = FindingCollector()
    if accept is not None and not bool(accept(draw.labels[None, :])[0]):
        faults.add(Finding.error("assignment_not_allowed"))
    if count_assignments(draw) < 2:
        faults.add(Finding.error("no_variation_in_draw", n=size))
    faults.raise_if_errors()
    return draw


def count_assignments(draw: DeclaredDraw) -> int:
    """Return how many assignments the blocks allow, before any restriction (exact integer)."""
    total = 1
    for block in np.unique(draw.blocks):
        counts = np.bincount(draw.labels[draw.blocks == block])
        total *= math.factorial(int(counts.sum()))
        for count in counts:
            total //= math.factorial(int(count))
    return total


@dataclass(frozen=True, slots=True)
class Assignments:
    """Assignments to compare the observed one with.

    Attributes
    ----------
    labels : (b, G) array of int
    exact : bool
        All possible assignments (the observed one is among them), against a random sample of them.
    findings : tuple of Finding
    """

    labels: IntArray
    exact: bool
    findings: tuple[Finding, ...] = ()


def assignments(draw: DeclaredDraw, *, rng: np.random.Generator, draws: int = 9_999) -> Assignments:
    """Return all assignments when they are no more than `draws`, a random sample of them otherwise.

    Parameters
    ----------
    draw : DeclaredDraw
    rng : numpy.random.Generator
        Not used when all are enumerated.
    draws : int

    Returns
    -------
    Assignments
    """
    if count_assignments(draw) <= draws:
        labels = _enumerate(draw)
        if draw.accept is not None:
            labels = labels[draw.accept(labels)]
        return Assignments(labels, exact=True)
    if draw.accept is None:
        return Assignments(_permute(draw, rng, draws), exact=False)
    kept: list[IntArray] = []
    found = tried = 0
    for _ in range(_PATIENCE):
        labels = _permute(draw, rng, draws)
        labels = labels[draw.accept(labels)]
        kept.append(labels)
        found, tried = found + len(labels), tried + draws
        if found >= draws:
            break
    few = (Finding.warning("restriction_too_tight", n=found, tried=tried),)
    return Assignments(
        np.concatenate(kept)[:draws], exact=False, findings=few if found < draws else ()
    )


def _permute(draw: DeclaredDraw, rng: np.random.Generator, draws: int) -> IntArray:
    out = np.tile(draw.labels, (draws, 1))
    for block in np.unique(draw.blocks):
        members = np.flatnonzero(draw.blocks == block)
        out[:, members] = rng.permuted(out[:, members], axis=1)
    return out


def _enumerate(draw: DeclaredDraw) -> IntArray:
    blocks = [np.flatnonzero(draw.blocks == block) for block in np.unique(draw.blocks)]
    parts = [
        np.array(list(_arrangements(np.bincount(draw.labels[members]).tolist())))
        for members in blocks
    ]
    index = np.array(list(product(*(range(len(part)) for part in parts))))
    out = np.empty((len(index), len(draw.labels)), dtype=np.int64)
    for column, (members, part) in enumerate(zip(blocks, parts, strict=True)):
        out[:, members] = part[index[:, column]]
    return out


def _arrangements(counts: list[int]) -> Iterator[tuple[int, ...]]:
    """All distinct orders of a multiset: `counts[v]` copies of code v."""
    if not any(counts):
        yield ()
        return
    for code, count in enumerate(counts):
        if count:
            counts[code] -= 1
            for rest in _arrangements(counts):
                yield (code, *rest)
            counts[code] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomisationTest:
    """A randomisation test of the sharp null.

    Attributes
    ----------
    statistic : float
    p_value, p_upper, p_lower : float
        Shares of draws with |T| (T, -T) at least as large as observed, the observed one counted.
    conf_low, conf_high : float or None
        Constant additive effects not rejected at 1 - level; None when not asked for.
    conf_level : float
    n_draws : int
    exact : bool
        True when every possible assignment was compared: no Monte Carlo error.
    draws : (n_draws,) array
    findings : tuple of Finding
    """

    statistic: float
    p_value: float
    p_upper: float
    p_lower: float
    conf_low: float | None = None
    conf_high: float | None = None
    conf_level: float = 0.95
    n_draws: int
    exact: bool
    draws: FloatArray
    findings: tuple[Finding, ...] = ()


def randomisation_test(
    draw: DeclaredDraw,
    statistic: Callable[[IntArray], FloatArray],
    *,
    rng: np.random.Generator,
    draws: int = 9_999,
    level: float = 0.95,
) -> RandomisationTest:
    """Test the sharp null with any statistic.

    Parameters
    ----------
    draw : DeclaredDraw
    statistic : callable
        From (b, G) codes to (b,) statistics; vectorised.
    rng : numpy.random.Generator
    draws : int
    level : float

    Returns
    -------
    RandomisationTest

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([15.0, 15, 20, 20, 10, 15, 30])  # Gerber and Green: seven villages
    >>> def gap(z):
    ...     return (z @ y) / z.sum(axis=1) - ((1 - z) @ y) / (1 - z).sum(axis=1)
    >>> test = randomisation_test(
    ...     declare_draw([1, 0, 0, 0, 0, 0, 1]), gap, rng=np.random.default_rng(1)
    ... )
    >>> round(test.statistic, 2), round(test.p_value, 6), test.exact
    (6.5, 0.380952, True)
    """
    compared = assignments(draw, rng=rng, draws=draws)
    observed = float(statistic(draw.labels[None, :])[0])
    values = np.asarray(statistic(compared.labels), dtype=np.float64)
    return _test(compared, observed, values, level)


def linear_randomisation_test(
    draw: DeclaredDraw,
    scores: ArrayLike,
    *,
    rng: np.random.Generator,
    exposure: ArrayLike | None = None,
    draws: int = 9_999,
    level: float = 0.95,
) -> RandomisationTest:
    r"""Test the sharp null with a statistic that is a sum over units; invert it.

    Parameters
    ----------
    draw : DeclaredDraw
    scores : (G, L) array
        What each unit adds to the statistic under each label, from the outcomes.
    rng : numpy.random.Generator
    exposure : (G, L) array, optional
        The same, from the observed exposure (1 where and when treated) in place of the outcome:
        gives the interval of a constant additive effect.
    draws : int
    level : float

    Returns
    -------
    RandomisationTest

    Raises
    ------
    ImpactEvalError
        `shape_mismatch`.
    """
    matrix = np.asarray(scores, dtype=np.float64)
    expected = (len(draw.labels), len(draw.values))
    if matrix.shape != expected:
        raise ImpactEvalError(
            Finding.error(
                "shape_mismatch", what="scores", expected=str(expected), found=str(matrix.shape)
            )
        )
    compared = assignments(draw, rng=rng, draws=draws)
    observed = float(_sum_scores(draw.labels[None, :], matrix)[0])
    values = _sum_scores(compared.labels, matrix)
    interval: tuple[float, float] | None = None
    if exposure is not None:
        reach = np.asarray(exposure, dtype=np.float64)
        own = float(_sum_scores(draw.labels[None, :], reach)[0])
        interval = _interval(
            (observed, own), (values, _sum_scores(compared.labels, reach)), compared, 1 - level
        )
    return _test(compared, observed, values, level, interval)


def difference_scores(outcome: ArrayLike, draw: DeclaredDraw) -> FloatArray:
    """Return the (G, 2) scores of a difference in means between label 1 and label 0.

    Parameters
    ----------
    outcome : (G,) array
        One number per unit drawn (a cluster's mean, a change).
    draw : DeclaredDraw
        With two labels.

    Examples
    --------
    >>> draw = declare_draw([1, 0, 0])
    >>> difference_scores([3.0, 1.0, 1.0], draw).tolist()
    [[-1.5, 3.0], [-0.5, 1.0], [-0.5, 1.0]]
    """
    y = np.asarray(outcome, dtype=np.float64)
    counts = np.bincount(draw.labels, minlength=2)
    return np.column_stack([-y / counts[0], y / counts[1]])


def redrawn_test(
    compared: Assignments,
    observed: float,
    values: FloatArray,
    *,
    reach: tuple[float, FloatArray] | None = None,
    level: float = 0.95,
) -> RandomisationTest:
    r"""Test the sharp null with an estimate made again on each assignment; invert it if linear.

    Parameters
    ----------
    compared : Assignments
    observed : float
    values : (b,) array
        The estimate on each assignment; one that could not be made counts as extreme.
    reach : (float, (b,) array), optional
        The same with the observed exposure as outcome. For an estimate that is linear in the
        outcome, its value under a constant effect :math:`\tau` is :math:`A_z - \tau B_z`.
    level : float

    Returns
    -------
    RandomisationTest
    """
    made = np.where(np.isfinite(values), values, np.inf)
    interval = None
    if reach is not None and np.isfinite(made).all() and np.isfinite(reach[1]).all():
        interval = _interval((observed, reach[0]), (made, reach[1]), compared, 1 - level)
    return _test(compared, observed, made, level, interval)


def _sum_scores(labels: IntArray, scores: FloatArray) -> FloatArray:
    out = np.zeros(len(labels))
    for code in range(scores.shape[1]):
        if scores[:, code].any():
            out += (labels == code).astype(np.float64) @ scores[:, code]
    return out


def _test(
    compared: Assignments,
    observed: float,
    values: FloatArray,
    level: float,
    interval: tuple[float, float] | None = None,
) -> RandomisationTest:
    finite = values[np.isfinite(values)]
    # A statistic equal to the observed one but for rounding is a tie, and a tie counts as extreme.
    slack = _TIE * max(abs(observed), float(np.abs(finite).max(initial=0.0)))

    def share(at_least: NDArray[np.bool_]) -> float:
        # The observed assignment is one of those enumerated; among draws it is not, and is added:
        # the test then keeps its level whatever the number of draws (Phipson and Smyth 2010).
        count = int(at_least.sum())
        return count / len(values) if compared.exact else (count + 1) / (len(values) + 1)

    findings = list(compared.findings)
    smallest = 1 / len(values) if compared.exact else 0.0
    if smallest > 1 - level:
        found = Finding.warning(
            "randomisation_cannot_reject", n=len(values), smallest_p=smallest, level=level
        )
        findings.append(found)
    if interval is not None and not np.isfinite(interval).all():
        findings.append(Finding.warning("interval_unbounded", level=level))
    return RandomisationTest(
        statistic=observed,
        p_value=share(np.abs(values) >= abs(observed) - slack),
        p_upper=share(values >= observed - slack),
        p_lower=share(values <= observed + slack),
        conf_low=None if interval is None else interval[0],
        conf_high=None if interval is None else interval[1],
        conf_level=level,
        n_draws=len(values),
        exact=compared.exact,
        draws=values,
        findings=tuple(findings),
    )


def _interval(
    observed: tuple[float, float],
    drawn: tuple[FloatArray, FloatArray],
    compared: Assignments,
    alpha: float,
) -> tuple[float, float]:
    """Return the effects that fewer than 1 - alpha of the draws speak against, in closed form."""
    a, b = observed
    if b == 0:
        return -math.inf, math.inf
    values, reach = drawn
    with np.errstate(divide="ignore", invalid="ignore"):
        minus = (values - a) / (reach - b)
        plus = (values + a) / (reach + b)
    low, high = np.minimum(minus, plus), np.maximum(minus, plus)
    # a draw whose exposure is as far from zero as the observed one is extreme on a half-line or
    # everywhere: counted everywhere, which can only widen the interval
    wide = np.abs(reach) >= abs(b) * (1 - _TIE)
    low, high = np.where(wide, -np.inf, low), np.where(wide, np.inf, high)
    if not compared.exact:
        low, high = np.append(low, -np.inf), np.append(high, np.inf)
    allowed = math.floor(alpha * len(low) * (1 + 1e-12))  # draws that may be left out on a side
    return float(np.sort(low)[allowed]), float(np.sort(high)[::-1][allowed])
