r"""Dates of entry dealt anew among clusters: the test of any linear effect, from means of cohorts.

On a complete panel without covariates the effects of a regression, of group-time cells or of an
imputation are the same thing: :math:`\hat\theta_r = \sum_g \sum_t k_{gtr}\,\bar y_{gt}`, where k
depends on who enters when and not on y. Under the sharp null the outcomes do not depend on who
entered when, so that the means :math:`\bar y_{gt}` of every deal of the dates are known, and with
them every :math:`\hat\theta_r`: no fit is made again. Under an effect :math:`\tau_r` of the cells
that row r is about, the value on deal z is :math:`A_z-\tau_r B_z`, with B the same sum over the
share of those cells: the interval is closed (see `randomisation`).

Clusters of unequal weight move the means of the cohorts they are dealt to, as they would in a fit;
the k stay those of the observed deal.

References
----------
Fisher, R. A. (1935), The Design of Experiments.
Athey, S. and Imbens, G. (2022). doi:10.1016/j.jeconom.2020.10.012
Ferman, B. and Pinto, C. (2019). doi:10.1162/rest_a_00759
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from impact_eval.stats.inference.covariances.covariance_kind import LEVEL, OwnTest
from impact_eval.stats.inference.dealt_spread import SUSPECTED, own_spread, p_even
from impact_eval.stats.inference.randomisation import Assignments, redrawn_test

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DRAWS = 4_999
LEAST = 999  # deals compared when rows are many
_NUMBERS = 1_000_000  # rows times deals beyond which fewer deals are compared
_TIE = 1e-9  # a gap that is one but for rounding
_CHUNK = 4_000_000  # numbers gathered at once
_EMPTY = 1e-9  # share of the largest weight below which a group is empty but for rounding


@dataclass(frozen=True, kw_only=True)
class ClusterPaths:
    """What is dealt: m clusters, T periods, L dates of entry.

    Attributes
    ----------
    sums : (m, T) array
        Weighted sum of the outcome of the units of each cluster.
    sizes : (m, 1) or (m, T) array
        Weight of its units; by period where others are asked at each.
    labels : (m,) array of int
        Its date of entry, in 0..L-1.
    blocks : (m,) array of int
        Dates are dealt within blocks.
    n_labels : int
        L.
    """

    sums: FloatArray
    sizes: FloatArray
    labels: IntArray
    blocks: IntArray
    n_labels: int


@dataclass(frozen=True, kw_only=True)
class LinearEffects:
    """K effects as sums over means of cohorts, and what each is about.

    Attributes
    ----------
    weights : (L, T, K) array
        k in the formula of the module.
    cells : (L, T, K) array of bool
        The cells that the effect is about: those that a constant effect would have raised.
    """

    weights: FloatArray
    cells: NDArray[np.bool_]

    @property
    def dates(self) -> NDArray[np.bool_]:
        """(L,) array: the dates that the effects are about."""
        return np.asarray(self.cells.any(axis=(1, 2)))

    def combine(self, contrasts: FloatArray) -> LinearEffects:
        """Return the combinations `contrasts`, (J, K)."""
        used = (contrasts != 0).T.astype(np.float64)
        return LinearEffects(
            weights=self.weights @ contrasts.T, cells=self.cells.astype(np.float64) @ used > 0
        )


@dataclass(frozen=True, kw_only=True)
class DealtTests:
    """The tests of K effects.

    Attributes
    ----------
    tests : tuple of K OwnTest
    n_draws : int
    exact : bool
        Every deal was compared.
    """

    tests: tuple[OwnTest, ...]
    n_draws: int
    exact: bool


def dealt_tests(
    paths: ClusterPaths,
    effects: LinearEffects,
    *,
    about: NDArray[np.bool_] | None = None,
    seed: int = 1,
    draws: int = DRAWS,
) -> DealtTests:
    """Test each effect by dealing the dates anew, and invert the test.

    Parameters
    ----------
    paths : ClusterPaths
    effects : LinearEffects
    about : (L,) array of bool, optional
        The dates that the whole estimate is about (those of these effects): where their clusters
        vary more than the others, each date keeps its own spread (see `dealt_spread`).
    seed : int
        Same seed, same deals, whatever the order of the clusters or the unit of the outcome.
    draws : int
        Deals compared; all of them when they are no more. Fewer when rows are many.

    Returns
    -------
    DealtTests
        An end that no deal speaks against is infinite.

    Examples
    --------
    >>> y = np.array([[0.0, 5.0], [0.0, 1.0], [0.0, 2.0], [0.0, 3.0]])
    >>> paths = ClusterPaths(sums=y, sizes=np.ones((4, 1)), labels=np.array([0, 1, 1, 1]),
    ...                      blocks=np.zeros(4, dtype=np.int64), n_labels=2)
    >>> change = np.array([-1.0, 1.0])
    >>> effect = LinearEffects(weights=np.stack([change, -change])[:, :, None],
    ...                        cells=np.array([[[False], [True]], [[False], [False]]]))
    >>> found = dealt_tests(paths, effect)
    >>> found.tests[0].statistic, found.tests[0].p_value, found.n_draws
    (3.0, 0.25, 4)
    """
    rows = effects.weights.shape[2]
    observed = _as_dealt(paths, effects)
    draws = min(draws, max(LEAST, _NUMBERS // max(rows, 1)))
    paths = _in_order(paths, effects, observed[0][0])
    deals = _Deals(paths, draws, np.random.default_rng(seed))
    parts = [_moved(paths, effects, deals, chunk) for chunk in deals.chunks()]
    values, reach = (np.concatenate(found) for found in zip(*parts, strict=True))
    compared = Assignments(np.empty((0, 0), dtype=np.int64), exact=deals.exact)
    tests = [
        _one(compared, observed[0][0, j], values[:, j], (observed[1][0, j], reach[:, j]))
        for j in range(rows)
    ]
    if _uneven(paths, effects.dates if about is None else about):
        spread = own_spread(paths.sums, paths.sizes, paths.labels, effects.weights)
        tests = [spread.test(j, float(observed[0][0, j])) or test for j, test in enumerate(tests)]
    return DealtTests(tests=tuple(tests), n_draws=len(values), exact=deals.exact)


def _one(
    compared: Assignments, observed: float, values: FloatArray, reach: tuple[float, FloatArray]
) -> OwnTest:
    """Invert one test, on the scale of its estimate: that of an effect times its own reach.

    A deal that raises the cells as much as the one that was made is counted against every effect
    (`redrawn_test` does so for the interval): the p-value counts it too, and both tell the same.
    """
    own, drawn = float(reach[0]), reach[1]
    found = redrawn_test(compared, float(observed), values, reach=(own, drawn), level=LEVEL)
    ends = [math.inf if end is None else end for end in (found.conf_low, found.conf_high)]
    low, high = (-math.inf, math.inf) if own == 0 else sorted(own * end for end in ends)
    made = np.where(np.isfinite(values), np.abs(values), np.inf)
    slack = _TIE * max(abs(observed), float(np.abs(values[np.isfinite(values)]).max(initial=0.0)))
    against = (made >= abs(observed) - slack) | ~(np.abs(drawn) < abs(own) * (1 - _TIE))
    more = 0 if compared.exact else 1
    return OwnTest(
        statistic=found.statistic,
        p_value=float((against.sum() + more) / (len(values) + more)) if own else found.p_value,
        conf_low=low,
        conf_high=high,
        findings=found.findings,
    )


def _uneven(paths: ClusterPaths, about: NDArray[np.bool_]) -> bool:
    """Whether clusters vary too much more to be dealt; a draw within blocks was declared as one."""
    if np.unique(paths.blocks).size > 1:
        return False
    return p_even(paths.sums, paths.sizes, paths.labels, about) < SUSPECTED


def _in_order(paths: ClusterPaths, effects: LinearEffects, observed: FloatArray) -> ClusterPaths:
    """Return the clusters in an order that neither their names nor the outcome's unit change.

    They are sorted by what each would add to the first effect under each date, so that two ways of
    writing one comparison compare the same deals.
    """
    first = int(np.argmax(np.abs(observed)))
    weights = effects.weights[:, :, first]
    means = np.divide(paths.sums, paths.sizes, out=np.zeros_like(paths.sums), where=paths.sizes > 0)
    added = means @ weights.T
    added -= np.average(added, axis=0, weights=paths.sizes.mean(axis=1))
    scale = float(np.abs(added).max(initial=0.0)) or 1.0
    keys = np.round(added * (math.copysign(1.0, float(observed[first])) / scale), 9)
    order = np.lexsort((*keys.T, *paths.sizes.T, paths.labels, paths.blocks))
    return ClusterPaths(
        sums=paths.sums[order],
        sizes=paths.sizes[order],
        labels=paths.labels[order],
        blocks=paths.blocks[order],
        n_labels=paths.n_labels,
    )


class _Deals:
    """Which clusters hold each date but the most common one, deal by deal."""

    def __init__(self, paths: ClusterPaths, draws: int, rng: np.random.Generator) -> None:
        base = int(np.bincount(paths.labels, minlength=paths.n_labels).argmax())
        self.base = base
        self.blocks: list[tuple[IntArray, IntArray]] = []  # members, dates dealt among them
        total = 1
        for block in np.unique(paths.blocks):
            members = np.flatnonzero(paths.blocks == block)
            dealt = np.sort(paths.labels[members][paths.labels[members] != base])
            self.blocks.append((members, dealt))
            total *= _count(len(members), dealt)
        self.exact = total <= draws
        self.n = total if self.exact else draws
        self.dates = np.concatenate([dealt for _, dealt in self.blocks])
        self._rng = rng
        self._paths = paths

    def chunks(self) -> Iterator[IntArray]:
        """Yield (b, q) positions of the clusters that get the q dates dealt."""
        paths = self._paths
        by_date = paths.sums.shape[1] + paths.n_labels * paths.sizes.shape[1]
        width = max(len(self.dates), paths.n_labels, 1) * by_date
        step = max(1, _CHUNK // width)
        if self.exact:
            every = self._every()
            for first in range(0, len(every), step):
                yield every[first : first + step]
            return
        for first in range(0, self.n, step):
            size = min(step, self.n - first)
            yield np.hstack([self._some(members, dealt, size) for members, dealt in self.blocks])

    def _every(self) -> IntArray:
        out = np.empty((1, 0), dtype=np.int64)
        for members, dealt in self.blocks:
            counts = np.unique(dealt, return_counts=True)[1]
            own = members[_choices(len(members), tuple(counts.tolist()))]
            out = np.hstack([np.repeat(out, len(own), axis=0), np.tile(own, (len(out), 1))])
        return out

    def _some(self, members: IntArray, dealt: IntArray, size: int) -> IntArray:
        """Draw (size, q) members without repetition."""
        n, q = len(members), len(dealt)
        if q * q > n:  # many would meet twice
            order = np.argsort(self._rng.random((size, n)), axis=1)
            return np.asarray(members[order[:, :q]])
        found = self._rng.integers(n, size=(size, q))
        while True:
            again = (np.diff(np.sort(found, axis=1), axis=1) == 0).any(axis=1)
            if not again.any():
                return np.asarray(members[found])
            found[again] = self._rng.integers(n, size=(int(again.sum()), q))


def _count(size: int, dealt: IntArray) -> int:
    total = 1
    for n in np.unique(dealt, return_counts=True)[1].tolist():
        total *= math.comb(size, n)
        size -= n
    return total


@lru_cache(maxsize=8)
def _choices(size: int, counts: tuple[int, ...]) -> IntArray:
    """Return every way, (b, q), of choosing members for groups of these sizes, group by group.

    A design made again, an aggregation or a row left out deals among as many: they are listed once.
    """
    out = np.empty((1, 0), dtype=np.int64)
    left = np.arange(size)[None, :]
    for n in counts:
        width = left.shape[1]
        chosen = np.array(list(combinations(range(width), n)), dtype=np.int64)
        free = np.ones((len(chosen), width), dtype=bool)
        np.put_along_axis(free, chosen, False, axis=1)
        rest = np.nonzero(free)[1].reshape(len(chosen), width - n)
        out = np.hstack([np.repeat(out, len(chosen), axis=0), left[:, chosen].reshape(-1, n)])
        left = left[:, rest].reshape(len(out), -1)
    out.flags.writeable = False
    return out


def _tables(paths: ClusterPaths) -> FloatArray:
    """Return by cluster, (m, T + L·S), the sums and the weight, that under its own date alone."""
    held = np.zeros((len(paths.sizes), paths.n_labels, paths.sizes.shape[1]))
    held[np.arange(len(held)), paths.labels] = paths.sizes
    return np.hstack([paths.sums, held.reshape(len(held), -1)])


def _moved(
    paths: ClusterPaths, effects: LinearEffects, deals: _Deals, chosen: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the effects and the reach, (b, K) each, of deals given by who gets the dates."""
    tables = _tables(paths)
    by_date = np.zeros((len(chosen), paths.n_labels, tables.shape[1]))
    gathered = tables[chosen]
    for date in np.unique(deals.dates):
        by_date[:, date] = gathered[:, deals.dates == date].sum(axis=1)
    by_date[:, deals.base] = tables.sum(axis=0) - by_date.sum(axis=1)
    return _effects(by_date, effects, paths.sizes.shape[1])


def _as_dealt(paths: ClusterPaths, effects: LinearEffects) -> tuple[FloatArray, FloatArray]:
    """Return the effects and the reach, (1, K) each, of the deal that was made."""
    tables = _tables(paths)
    by_date = np.zeros((1, paths.n_labels, tables.shape[1]))
    np.add.at(by_date[0], paths.labels, tables)
    return _effects(by_date, effects, paths.sizes.shape[1])


def _effects(
    by_date: FloatArray, effects: LinearEffects, waves: int
) -> tuple[FloatArray, FloatArray]:
    """Return effects and reach from sums by date: outcomes, then weight by observed date."""
    weights, cells = effects.weights, effects.cells.astype(np.float64)
    dates, periods, _ = weights.shape
    sums = by_date[:, :, :periods]
    held = by_date[:, :, periods:].reshape(len(by_date), dates, dates, waves)
    size = held.sum(axis=2)
    empty = size < _EMPTY * size.max()
    size = np.where(empty, np.nan, size)
    means, shares = np.nan_to_num(sums / size), np.nan_to_num(held / size[:, :, None, :])
    values = np.tensordot(means, weights, axes=([1, 2], [0, 1]))
    if waves == 1:
        inside = np.einsum("gtk,htk->ghk", weights, cells)
        reach = np.tensordot(shares[..., 0], inside, axes=([1, 2], [0, 1]))
    else:
        reach = np.einsum("bght,gtk,htk->bk", shares, weights, cells, optimize=True)
    if empty.any():  # a date that nobody is left to: what rests on it cannot be made
        used = (weights != 0).astype(np.float64)
        lost = np.tensordot(np.broadcast_to(empty, sums.shape) * 1.0, used, axes=([1, 2], [0, 1]))
        values, reach = (np.where(lost > 0, np.nan, found) for found in (values, reach))
    return np.asarray(values), np.asarray(reach)
